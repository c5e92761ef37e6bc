"""The garbage collector: what has lost its last owner follows it, and a namespace takes along what is in it.

Background propagation: the owner goes at once, its dependents one watch latency later.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.gate import Timer
from lab.kube.kinds.namespace import Namespace
from lab.kube.meta import KubeObject

if TYPE_CHECKING:
    from lab.cluster.store import Store


class GarbageCollector:
    """Deletes the dependents of what is gone; the store tells it of every object that went."""

    def __init__(self, store: Store, clock: Timer, latency_s: float) -> None:
        self._store = store
        self._clock = clock
        self._latency_s = latency_s

    def gone(self, obj: KubeObject) -> None:
        """An object has really left the store."""
        uid = obj.metadata.uid
        if self._store.has_dependents(uid):
            self._clock.after(self._latency_s, self._collect, uid)
        if isinstance(obj, Namespace):
            self._clock.after(self._latency_s, self._empty, obj.metadata.name)

    def _collect(self, uid: str) -> None:
        for dependent in self._store.dependents(uid):
            owners = dependent.metadata.owner_references
            if not any(self._store.exists(owner.uid) for owner in owners):
                self._store.discard(dependent)

    def _empty(self, namespace: str) -> None:
        if self._store.find(Namespace, namespace) is None:
            for obj in self._store.everything_in(namespace):
                self._store.discard(obj)
