"""Deletes Pods from nodes with NoExecute taints that they do not tolerate, or no longer.

https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/#taint-based-evictions
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from functools import partial

from lab.cluster.controllers.base import Controller, Key
from lab.cluster.eviction import disrupted
from lab.cluster.watch import Change
from lab.kube.kinds.node import Node, Taint
from lab.kube.kinds.pod import Pod, Toleration

FOREVER = float("inf")
_BY_TAINT = ("DeletionByTaintManager", "Taint manager: deleting due to NoExecute taint")


class TaintEviction(Controller):
    """Remembers when each Pod on a tainted node has to go."""

    name = "taint-eviction-controller"

    def connect(self) -> None:
        """Follow Nodes for their taints, and Pods because they may be bound to a tainted node."""
        self._taints: dict[str, tuple[Taint, ...]] = {}
        self._due: dict[str, float] = {}
        self.store.follow(self._hear_of_node, Node)
        self.store.follow(self._hear_of_pod, Pod)

    async def run(self) -> None:
        """Everything happens in callbacks; run only keeps them company."""
        self.connect()
        await asyncio.Event().wait()

    def _hear_of_node(self, change: Change) -> None:
        node = change.object
        assert isinstance(node, Node)
        taints = () if change.new is None else tuple(t for t in node.spec.taints if t.effect == "NoExecute")
        if taints == self._taints.get(node.name, ()):
            return
        if taints:
            self._taints[node.name] = taints
        else:
            del self._taints[node.name]
        for pod in self.store.pods_on(node.name):
            self._consider(pod, taints)

    def _hear_of_pod(self, change: Change) -> None:
        pod = change.object
        assert isinstance(pod, Pod)
        if change.new is None:
            self._due.pop(pod.metadata.uid, None)
        elif pod.spec.node_name in self._taints:
            self._consider(pod, self._taints[pod.spec.node_name])

    def _consider(self, pod: Pod, taints: tuple[Taint, ...]) -> None:
        uid, now = pod.metadata.uid, self.clock.time()
        due = min((_leaves_at(pod.spec.tolerations, taint, now) for taint in taints), default=FOREVER)
        if due == FOREVER:
            if self._due.pop(uid, None) is not None and not pod.terminating:
                self.note(pod, "TaintManagerEviction", f"Cancelling deletion of Pod {pod.namespace}/{pod.name}")
        elif not pod.terminating and self._due.get(uid) != due:
            self._due[uid] = due
            self.clock.at(due, self._evict, pod.key, uid, due)

    def _evict(self, key: Key, uid: str, due: float) -> None:
        if self._due.get(uid) != due:
            return
        pod = self.store.find(Pod, key[1], key[0])
        if pod is None or pod.metadata.uid != uid or pod.terminating:
            return
        self.note(pod, "TaintManagerEviction", f"Marking for deletion Pod {key[0]}/{key[1]}")
        self.store.mutate(Pod, key[1], key[0], partial(disrupted, self.clock.time(), *_BY_TAINT))
        self.store.delete(Pod, key[1], key[0])


def _leaves_at(tolerations: Iterable[Toleration], taint: Taint, now: float) -> float:
    """When a Pod with these tolerations has to leave a node with this taint; FOREVER when it may stay."""
    since = now if taint.time_added is None else taint.time_added
    allowed = [toleration.toleration_seconds for toleration in tolerations if tolerates(toleration, taint)]
    if not allowed:
        return now
    limited = [max(seconds, 0.0) for seconds in allowed if seconds is not None]
    return since + min(limited) if limited else FOREVER


def tolerates(toleration: Toleration, taint: Taint) -> bool:
    """core/v1 Toleration: an empty effect or key matches all; Exists does not look at the value."""
    if toleration.effect and toleration.effect != taint.effect:
        return False
    if toleration.key and toleration.key != taint.key:
        return False
    if toleration.operator == "Exists":
        return True
    return bool(toleration.key) and toleration.value == taint.value
