"""What changes an object that is there: scale, label, annotate, set, patch, cordon."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from lab.cluster.strategy import for_update, has_status, with_status_of
from lab.commands.call import Call
from lab.commands.fault import fault
from lab.commands.flags import EVERYWHERE, IN_NAMESPACE, WITH_LABELS
from lab.commands.registry import Flag, Parameter, Place, command
from lab.commands.resources import ANY_ASSIGNED, NODE, ONE, Target, target_of, targets_of
from lab.commands.values import ASSIGNMENTS, COUNT, DOCUMENT, IMAGES, LABELS, choice
from lab.commands.verbs.kubectl_read import gather
from lab.kube.decode import decode
from lab.kube.encode import encode
from lab.kube.errors import LabError, nearest
from lab.kube.kinds.node import Node
from lab.kube.kinds.pod import Pod, PodTemplateSpec
from lab.kube.kinds.service import Service
from lab.kube.meta import KubeObject
from lab.kube.patch import merge_patch, strategic_patch

replace = msgspec.structs.replace


def with_template(obj: Any, change: Callable[[PodTemplateSpec], PodTemplateSpec]) -> Any:
    """A workload with another Pod template."""
    return replace(obj, spec=replace(obj.spec, template=change(obj.spec.template)))


@command(
    "kubectl scale",
    "Set the number of replicas.",
    Parameter("targets", targets_of("Deployment", "ReplicaSet", "StatefulSet")),
    flags=(
        Flag("--replicas", "how many there are to be", COUNT, required=True),
        Flag("--current-replicas", "only if there are this many now", COUNT),
        IN_NAMESPACE,
    ),
    examples=("kubectl scale deployment/web --replicas=5", "kubectl scale deploy web api --replicas=2"),
)
def scale(call: Call) -> None:
    """Write spec.replicas of all of them, or of none."""
    found: list[tuple[str, Any]] = [(target.name, target.obj) for target in _named(call.values["targets"])]
    expected = call.get("current_replicas")
    for name, obj in found:
        if expected is not None and obj.spec.replicas != expected:
            raise LabError(f"{name}: Expected replicas to be {expected}, was {obj.spec.replicas}")
    for name, obj in found:
        call.store.update(replace(obj, spec=replace(obj.spec, replicas=call.values["replicas"])))
        call.say(f"{name} scaled")


def _named(targets: list[Target]) -> list[Target]:
    if any(target.obj is None for target in targets):
        raise LabError("resource(s) were provided, but no name was specified")
    return targets


def _objects(call: Call) -> list[tuple[str, KubeObject]]:
    """The named objects, or all of a resource with `--all` or `-l`, and what kubectl calls them."""
    targets: list[Target] = call.values["resources"]
    if not (call.get("all") or call.get("selector")):
        _named(targets)
    return [(f"{resource.singular}/{obj.name}", obj) for resource, some in gather(call, targets) for obj in some]


_ALL = Flag("--all", "all objects of the resource")
_OVERWRITE = Flag("--overwrite", "replace values that are there")


@command(
    "kubectl label",
    "Set labels, or take them away with KEY-.",
    Parameter("resources", ANY_ASSIGNED),
    Parameter("changes", ASSIGNMENTS),
    flags=(_OVERWRITE, _ALL, WITH_LABELS, IN_NAMESPACE, EVERYWHERE),
    examples=(
        "kubectl label pod web-1 tier=front",
        "kubectl label pod web-1 app-",
        "kubectl label node/worker-1 disk=ssd",
    ),
)
def label(call: Call) -> None:
    """Change metadata.labels."""
    changes: dict[str, str | None] = call.values["changes"]
    verb = "labeled" if any(value is not None for value in changes.values()) else "unlabeled"
    _change_map(call, changes, "labels", verb)


@command(
    "kubectl annotate",
    "Set annotations, or take them away with KEY-.",
    Parameter("resources", ANY_ASSIGNED),
    Parameter("changes", ASSIGNMENTS),
    flags=(_OVERWRITE, _ALL, WITH_LABELS, IN_NAMESPACE, EVERYWHERE),
    examples=("kubectl annotate service web owner=shop", "kubectl annotate service web owner-"),
)
def annotate(call: Call) -> None:
    """Change metadata.annotations."""
    _change_map(call, call.values["changes"], "annotations", "annotated")


def _change_map(call: Call, changes: Mapping[str, str | None], field: str, verb: str) -> None:
    """Change all of the objects, or none when a value stands in the way in one of them."""
    objects = _objects(call)
    for name, obj in objects:
        before: dict[str, str] = getattr(obj.metadata, field)
        for key, value in changes.items():
            if value is not None and before.get(key, value) != value and not call.get("overwrite"):
                raise LabError(f"{name}: '{key}' already has a value ({before[key]}), and --overwrite is false")
    for name, obj in objects:
        before = getattr(obj.metadata, field)
        kept = {key: value for key, value in before.items() if key not in changes}
        after = kept | {key: value for key, value in changes.items() if value is not None}
        call.store.update(replace(obj, metadata=replace(obj.metadata, **{field: after})))
        call.say(f"{name} {verb if after != before else f'not {verb}'}")


@command(
    "kubectl set image",
    "Change the images of containers, which begins a rollout.",
    Parameter("target", target_of("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Pod")),
    Parameter("images", IMAGES),
    flags=(IN_NAMESPACE,),
    examples=("kubectl set image deployment/web web=shop/web:2", "kubectl set image deployment/web *=shop/web:2"),
)
def set_image(call: Call) -> None:
    """Change images in the Pod template, or in the Pod; `*` means every container."""
    target: Target = call.values["target"]
    obj: Any = target.obj
    images: dict[str, str] = call.values["images"]
    spec = obj.spec if isinstance(obj, Pod) else obj.spec.template.spec
    names = [one.name for one in (*spec.init_containers, *spec.containers)]
    for wanted in images:
        if wanted != "*" and wanted not in names:
            there = nearest(wanted, names) or f"; there {'are' if len(names) > 1 else 'is'} {', '.join(names)}"
            raise LabError(f'unable to find container named "{wanted}"{there}')

    def changed(part: Any) -> Any:
        return replace(part, spec=_with_images(part.spec, images))

    new = changed(obj) if isinstance(obj, Pod) else with_template(obj, changed)
    if call.store.update(new) is not obj:
        call.say(f"{target.name} image updated")


def _with_images(spec: Any, images: Mapping[str, str]) -> Any:
    def changed(container: Any) -> Any:
        return replace(container, image=images.get(container.name, images.get("*", container.image)))

    return replace(
        spec,
        containers=tuple(map(changed, spec.containers)),
        init_containers=tuple(map(changed, spec.init_containers)),
    )


@command(
    "kubectl set selector",
    "Change which Pods a Service selects.",
    Parameter("target", target_of("Service", name="SERVICE")),
    Parameter("labels", LABELS),
    flags=(IN_NAMESPACE,),
    examples=("kubectl set selector service web app=web,version=2",),
)
def set_selector(call: Call) -> None:
    """Replace spec.selector of a Service."""
    target: Target = call.values["target"]
    service = target.obj
    assert isinstance(service, Service)
    call.store.update(replace(service, spec=replace(service.spec, selector=call.values["labels"])))
    call.say(f"{target.name} selector updated")


@command(
    "kubectl patch",
    "Merge JSON or YAML into an object: null takes a field away; containers, ports and the like are told by their key.",
    Parameter("target", ONE),
    flags=(
        Flag("--patch", "what to merge in", DOCUMENT, "-p", required=True),
        Flag("--type", "strategic (the default), or merge: RFC 7386", choice("TYPE", "merge", "strategic")),
        Flag("--subresource", "change the status instead of everything else", choice("SUBRESOURCE", "status")),
        IN_NAMESPACE,
    ),
    examples=("""kubectl patch service web -p '{"spec":{"externalTrafficPolicy":"Local"}}'""",),
)
def patch(call: Call) -> None:
    """Write the merged object; what it says is checked as if it came from a manifest."""
    target: Target = call.values["target"]
    obj = target.obj
    assert obj is not None
    apply = merge_patch if call.get("type") == "merge" else strategic_patch
    merged = decode(apply(encode(obj), call.values["patch"]), "patch")
    if call.get("subresource") == "status":
        if not has_status(obj):
            raise LabError("the server could not find the requested resource: it has no status of its own")
        written = with_status_of(obj, merged)
    else:
        written = for_update(merged, obj)
    meta = replace(written.metadata, resource_version=obj.metadata.resource_version)
    unchanged = call.store.update(replace(written, metadata=meta)) is obj
    call.say(f"{target.name} patched (no change)" if unchanged else f"{target.name} patched")


@fault(
    "kubectl cordon",
    "Let no new Pods onto a node.",
    Parameter("node", NODE),
    undo="kubectl uncordon",
    broken=lambda engine: (node.name for node in engine.store.list(Node) if node.spec.unschedulable),
    places=(Place("Node", "Cordon: no new Pods here", "Uncordon: Pods may be placed here again", words="{name}"),),
    danger=False,
    examples=("kubectl cordon worker-1",),
)
def cordon(call: Call) -> str:
    """Set spec.unschedulable."""
    return _set_unschedulable(call, True)


@command(
    "kubectl uncordon",
    "Let Pods onto a node again.",
    Parameter("node", NODE),
    examples=("kubectl uncordon worker-1",),
)
def uncordon(call: Call) -> str:
    """Take spec.unschedulable away."""
    return _set_unschedulable(call, False)


def _set_unschedulable(call: Call, value: bool) -> str:
    node = call.values["node"].obj
    assert isinstance(node, Node)
    word = "cordoned" if value else "uncordoned"
    if node.spec.unschedulable == value:
        call.say(f"node/{node.name} already {word}")
    else:
        call.store.update(replace(node, spec=replace(node.spec, unschedulable=value)))
        call.say(f"node/{node.name} {word}")
    return node.name
