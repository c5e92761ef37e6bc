"""What of a Pod may change once it is there (ValidatePodUpdate)."""

from __future__ import annotations

from msgspec.structs import fields, replace

from lab.cluster.errors import forbidden, required
from lab.cluster.validation.names import Errors
from lab.kube.kinds.pod import Container, Pod, PodSpec, Toleration

_ONLY = (
    "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
    "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)
_DEADLINE = "activeDeadlineSeconds"
_FIELDS = fields(PodSpec)


def pod_update_errors(after: PodSpec, before: PodSpec) -> Errors:
    """What no update may change; the node that the scheduler chooses does not count."""
    for field, ours, theirs in (
        ("containers", after.containers, before.containers),
        ("initContainers", after.init_containers, before.init_containers),
    ):
        if len(ours) != len(theirs):
            yield forbidden(f"spec.{field}", "pod updates may not add or remove containers")
            return
        for index, container in enumerate(ours):
            if not container.image:
                yield required(f"spec.{field}[{index}].image")
    if not _only_added(after.tolerations, before.tolerations):
        yield forbidden("spec.tolerations", "existing toleration can not be modified except its tolerationSeconds")
        return
    changed = _changed(_as_if_allowed(after, before), before)
    if changed:
        yield forbidden("spec", f"{_ONLY}; changed here: {', '.join(changed)}")


def binding_errors(new: Pod, old: Pod) -> Errors:
    """Nobody but the scheduler binds a Pod to a node, and it does so by another way than an update."""
    if new.spec.node_name != old.spec.node_name:
        yield forbidden("spec", f"{_ONLY}; changed here: nodeName")


def _as_if_allowed(after: PodSpec, before: PodSpec) -> PodSpec:
    """The new spec with the old one's values where they may differ."""
    grace_s = after.termination_grace_period_seconds
    negative = before.termination_grace_period_seconds is not None and before.termination_grace_period_seconds < 0
    deadline = {key: value for key, value in before.extra.items() if key == _DEADLINE}
    return replace(
        after,
        containers=_with_images(after.containers, before.containers),
        init_containers=_with_images(after.init_containers, before.init_containers),
        tolerations=before.tolerations,
        node_name=after.node_name if before.node_name else before.node_name,
        termination_grace_period_seconds=(
            before.termination_grace_period_seconds if negative and grace_s == 1 else grace_s
        ),
        extra={**{key: value for key, value in after.extra.items() if key != _DEADLINE}, **deadline},
    )


def _with_images(after: tuple[Container, ...], before: tuple[Container, ...]) -> tuple[Container, ...]:
    return tuple(replace(new, image=old.image) for new, old in zip(after, before, strict=True))


def _only_added(after: tuple[Toleration, ...], before: tuple[Toleration, ...]) -> bool:
    """Whether every old toleration is still there, for another time at most."""
    timeless = [replace(each, toleration_seconds=None) for each in after]
    return all(replace(each, toleration_seconds=None) in timeless for each in before)


def _changed(after: PodSpec, before: PodSpec) -> list[str]:
    """The names of the fields that differ, as a manifest writes them."""
    found = [
        field.encode_name
        for field in _FIELDS
        if field.name != "extra" and getattr(after, field.name) != getattr(before, field.name)
    ]
    keys = dict.fromkeys((*before.extra, *after.extra))
    return found + [key for key in keys if before.extra.get(key) != after.extra.get(key)]
