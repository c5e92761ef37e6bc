"""The ResourceQuota admission plugin: what would exceed a quota is refused, what fits is charged at once.

https://kubernetes.io/docs/concepts/policy/resource-quotas/, apiserver/pkg/admission/plugin/resourcequota
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from lab.cluster.errors import Forbidden
from lab.cluster.quota.scopes import in_scope
from lab.cluster.quota.usage import REQUIRED, Usage, compute_usage, counts_for, usage_of
from lab.cluster.store import Store
from lab.kube import quantity
from lab.kube.kinds.pod import Pod
from lab.kube.kinds.resourcequota import ResourceQuota
from lab.kube.kinds.service import Service
from lab.kube.meta import KubeObject
from lab.kube.struct import Quantity


class QuotaAdmission:
    """Guards the quotas of one store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def concerns(self, obj: KubeObject, old: KubeObject | None) -> bool:
        """Whether a write has to do with quotas at all: a creation, or a Service's change, where there are any."""
        if old is not None and not isinstance(obj, Service):
            return False
        return bool(obj.namespace) and bool(self._store.list(ResourceQuota, obj.namespace))

    def charge(self, new: KubeObject, old: KubeObject | None, *, dry_run: bool = False) -> None:
        """Charge every quota for a write that will succeed, or none; raises Forbidden. A dry run charges nothing."""
        charges = list(self._charges(new, old))
        if dry_run:
            return
        for quota, requested in charges:
            used = {**quota.status.used, **{name: _more(quota, name, amount) for name, amount in requested.items()}}
            self._write(quota, used)

    def _charges(self, new: KubeObject, old: KubeObject | None) -> Iterable[tuple[ResourceQuota, Usage]]:
        quotas = self._store.list(ResourceQuota, new.namespace)
        concerned = [quota for quota in quotas if _limits(quota, new) and in_scope(quota, new)]
        for quota in concerned:
            _check_said(quota, new)
        for quota in concerned:
            requested = _requested(quota, new, old)
            _check_room(quota, new, requested)
            if requested:
                yield quota, requested

    def _write(self, quota: ResourceQuota, used: Mapping[str, Quantity]) -> None:
        def change(current: ResourceQuota) -> ResourceQuota:
            return replace(current, status=replace(current.status, used=dict(used)))

        self._store.mutate(ResourceQuota, quota.name, quota.namespace, change)


def _limits(quota: ResourceQuota, obj: KubeObject) -> list[str]:
    """The resources of a quota that an object can count for."""
    return sorted(name for name in quota.status.hard if counts_for(obj, name))


def _check_said(quota: ResourceQuota, obj: KubeObject) -> None:
    """Each container must say what a quota counts, and what is used so far must be known."""
    limits = _limits(quota, obj)
    if isinstance(obj, Pod):
        missing = _unsaid(obj, [name for name in limits if name in REQUIRED])
        if missing:
            text = "; ".join(f"{name} for: {','.join(containers)}" for name, containers in missing.items())
            raise _refused(obj, f"failed quota: {quota.name}: must specify {text}")
    if any(name not in quota.status.used for name in limits):
        raise _refused(obj, f"status unknown for quota: {quota.name}, resources: {','.join(limits)}")


def _unsaid(pod: Pod, wanted: list[str]) -> dict[str, list[str]]:
    """Which containers leave out what, by resource."""
    missing: dict[str, list[str]] = {}
    for container in (*pod.spec.containers, *pod.spec.init_containers):
        said = compute_usage(container.resources.requests, container.resources.limits)
        for name in wanted:
            if name not in said:
                missing.setdefault(name, []).append(container.name)
    return {name: sorted(containers) for name, containers in sorted(missing.items())}


def _requested(quota: ResourceQuota, new: KubeObject, old: KubeObject | None) -> Usage:
    """What a write asks for beyond what its object has already."""
    before = usage_of(old, 0.0) if old is not None and in_scope(quota, old) else {}
    requested = {
        name: quantity.subtract(amount, before.get(name, "0"))
        for name, amount in usage_of(new, 0.0).items()
        if name in quota.status.hard
    }
    return {name: amount for name, amount in requested.items() if quantity.parse(amount) > 0}


def _check_room(quota: ResourceQuota, obj: KubeObject, requested: Usage) -> None:
    hard, used = quota.status.hard, quota.status.used
    exceeded = sorted(
        name
        for name, amount in requested.items()
        if quantity.parse(used[name]) + quantity.parse(amount) > quantity.parse(hard[name])
    )
    if exceeded:
        parts = (("requested", requested), ("used", used), ("limited", hard))
        text = ", ".join(f"{title}: {_listed(amounts, exceeded)}" for title, amounts in parts)
        raise _refused(obj, f"exceeded quota: {quota.name}, {text}")


def _listed(amounts: Mapping[str, Quantity], names: list[str]) -> str:
    return ",".join(f"{name}={amounts[name]}" for name in names)


def _more(quota: ResourceQuota, name: str, amount: str) -> str:
    return quantity.add(quota.status.used[name], amount)


def _refused(obj: KubeObject, why: str) -> Forbidden:
    return Forbidden(obj.kind, obj.name, why)
