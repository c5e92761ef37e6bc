"""The Pod garbage collector: deletes the Pods of nodes that are no longer there, for no kubelet will say they ended.

https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-garbage-collection
"""

from __future__ import annotations

import asyncio
from functools import partial

from msgspec.structs import replace

from lab.cluster.controllers.base import Controller
from lab.cluster.watch import Change
from lab.kube.kinds.node import Node
from lab.kube.kinds.pod import Pod
from lab.kube.meta import Condition


class PodGarbageCollector(Controller):
    """Looks now and then for nodes that have been gone for long enough to be sure of it."""

    name = "pod-garbage-collector-controller"

    def connect(self) -> None:
        """Follow Nodes that go, and Pods that come to none."""
        self._gone: dict[str, float] = {}
        """Since when a node is not there, by name."""
        self.store.follow(self._hear_of_node, Node)
        self.store.follow(self._hear_of_pod, Pod)

    async def run(self) -> None:
        """Work until cancelled."""
        self.connect()
        while True:
            await asyncio.sleep(self.settings.orphaned_pod_gc_period_s)
            self._collect()

    def _hear_of_node(self, change: Change) -> None:
        if change.new is None:
            self._gone.setdefault(change.object.name, self.clock.time())

    def _hear_of_pod(self, change: Change) -> None:
        pod = change.new
        node = pod.spec.node_name if change.old is None and isinstance(pod, Pod) else ""
        if node and self.store.find(Node, node) is None:
            self._gone.setdefault(node, self.clock.time())

    def _collect(self) -> None:
        for node, since_s in list(self._gone.items()):
            if self.store.find(Node, node) is not None:
                del self._gone[node]
            elif self.clock.time() - since_s >= self.settings.orphaned_pod_quarantine_s:
                del self._gone[node]
                for pod in self.store.pods_on(node):
                    self.store.mutate(Pod, pod.name, pod.namespace, partial(_lost, self.clock.time()))
                    self.store.delete(Pod, pod.name, pod.namespace, grace_s=0)


def _lost(now: float, pod: Pod) -> Pod:
    kept = tuple(condition for condition in pod.status.conditions if condition.type != "DisruptionTarget")
    disrupted = Condition(
        type="DisruptionTarget",
        status="True",
        reason="DeletionByPodGC",
        message="PodGC: node no longer exists",
        last_transition_time=now,
    )
    phase = pod.status.phase if pod.finished else "Failed"
    return replace(pod, status=replace(pod.status, phase=phase, conditions=(*kept, disrupted)))
