"""The ResourceQuota controller: keeps what each quota's status says of limits and use.

Admission charges what is created; this gives back what has gone, and counts everything anew now and then.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from msgspec.structs import replace

from lab.cluster.controllers.base import Controller, Key
from lab.cluster.quota.scopes import in_scope
from lab.cluster.quota.usage import counts_for, total, usage_of
from lab.cluster.watch import Change
from lab.kube import quantity
from lab.kube.kinds import KINDS
from lab.kube.kinds.pod import Pod
from lab.kube.kinds.resourcequota import ResourceQuota, ResourceQuotaStatus
from lab.kube.kinds.service import Service
from lab.kube.meta import KeptObject, KubeObject
from lab.kube.struct import Quantity

_SIMULATED: tuple[type[KubeObject], ...] = tuple(kind.struct for kind in KINDS if kind.namespaced)
"""What may count for a quota, besides what is only kept."""


class ResourceQuotaController(Controller):
    """Follows other kinds only once there is a quota, so that a cluster without any pays nothing."""

    name = "resourcequota-controller"

    def connect(self) -> None:
        """Follow quotas; the first one makes it follow all that they count."""
        self._counting = False
        self.store.follow(self._hear_of_quota, ResourceQuota)

    def _hear_of_quota(self, change: Change) -> None:
        if change.new is None:
            return
        self.queue.add(change.object.key)
        if not self._counting:
            self._counting = True
            for kind in _SIMULATED:
                self.follow(kind, self._concerned)
            self.follow(KeptObject, self._concerned)

    def _concerned(self, change: Change) -> list[Key]:
        if not _changes_use(change):
            return []
        quotas = self.store.list(ResourceQuota, change.object.namespace)
        return [quota.key for quota in quotas if any(counts_for(change.object, name) for name in quota.spec.hard)]

    async def reconcile(self, key: Key) -> None:
        """Count what is used of each limit, and come back for what time alone changes."""
        quota = self.store.find(ResourceQuota, key[1], key[0])
        if quota is None:
            return
        status = self._counted(quota)
        self.store.mutate(ResourceQuota, key[1], key[0], lambda current: replace(current, status=status))
        self.queue.add_after(key, self.settings.quota_resync_s)

    def _counted(self, quota: ResourceQuota) -> ResourceQuotaStatus:
        hard, now = quota.spec.hard, self.clock.time()
        found = total(usage_of(obj, now) for obj in self._objects(quota) if in_scope(quota, obj))
        known = quota.status.used
        used: dict[str, Quantity] = {name: _kept(str(known.get(name, "0")), found.get(name, "0")) for name in hard}
        return ResourceQuotaStatus(hard=hard, used=used)

    def _objects(self, quota: ResourceQuota) -> Iterator[KubeObject]:
        """What is in the quota's namespace and can count for it."""
        simulated = (obj for kind in _SIMULATED for obj in self.store.list(kind, quota.namespace))
        for obj in chain(simulated, self.store.kept(None, quota.namespace)):
            if any(counts_for(obj, name) for name in quota.spec.hard):
                yield obj


def _kept(before: str, now: str) -> str:
    """An amount in the writing that it has already, when it is the same."""
    return before if quantity.parse(before) == quantity.parse(now) else now


def _changes_use(change: Change) -> bool:
    """Whether what an object counts for can have changed: it came, it went, it ended, or is another Service now."""
    old, new = change.old, change.new
    if old is None or new is None:
        return True
    if isinstance(old, Pod) and isinstance(new, Pod):
        return old.finished != new.finished
    return isinstance(new, Service) and isinstance(old, Service) and old.spec is not new.spec
