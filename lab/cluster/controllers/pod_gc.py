"""Deletes the Pods that nobody else would: of nodes that are gone or out of service, and ended ones that are too many.

pkg/controller/podgc; https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-garbage-collection
"""

from __future__ import annotations

import asyncio
from functools import partial

from msgspec.structs import replace

from lab.cluster.controllers.base import Controller, Key
from lab.cluster.watch import Change
from lab.kube.kinds.node import Node
from lab.kube.kinds.pod import Pod
from lab.kube.meta import Condition

OUT_OF_SERVICE = "node.kubernetes.io/out-of-service"
"""The taint by which somebody vouches that a node is off for good (KEP-2268)."""
_ORPHANED = "PodGC: node no longer exists"
_OUT_OF_SERVICE = "PodGC: node is out of service"
_UNSCHEDULED = "PodGC: unscheduled terminating pod"


class PodGarbageCollector(Controller):
    """Looks every `pod_gc_period_s`; whom a node had that is missing, when it still is `pod_gc_quarantine_s` later."""

    name = "pod-garbage-collector-controller"

    def connect(self) -> None:
        """Remember which Pods have ended and which wait for their end without a node."""
        self._ended: dict[Key, None] = {}
        self._unscheduled: dict[Key, None] = {}
        self._missing: dict[str, float] = {}
        for pod in self.store.list(Pod):
            self._see(Change("ADDED", None, pod))
        self.store.subscribe(self._see, Pod)

    async def run(self) -> None:
        """Work until cancelled."""
        self.connect()
        while True:
            await asyncio.sleep(self.settings.pod_gc_period_s)
            self._too_many()
            self._out_of_service()
            self._orphaned()
            self._never_scheduled()

    def _see(self, change: Change) -> None:
        pod, key = change.new, change.object.key
        ended = isinstance(pod, Pod) and pod.finished
        unscheduled = isinstance(pod, Pod) and pod.terminating and not pod.spec.node_name
        for index, belongs in ((self._ended, ended), (self._unscheduled, unscheduled)):
            if belongs:
                index[key] = None
            else:
                index.pop(key, None)

    def _too_many(self) -> None:
        """Ended Pods beyond the threshold, evicted ones first, then the oldest."""
        threshold = self.settings.pod_gc_terminated_threshold
        excess = len(self._ended) - threshold
        if threshold <= 0 or excess <= 0:
            return
        pods = [self.store.get(Pod, name, namespace) for namespace, name in self._ended]
        pods.sort(key=lambda pod: (pod.status.reason != "Evicted", pod.metadata.creation_timestamp or 0.0, pod.name))
        for pod in pods[:excess]:
            self.store.remove(pod)

    def _out_of_service(self) -> None:
        for node in self.store.list(Node):
            if not node.ready and any(taint.key == OUT_OF_SERVICE for taint in node.spec.taints):
                for pod in self.store.pods_on(node.name):
                    if pod.terminating:
                        self._force(pod, _OUT_OF_SERVICE)

    def _orphaned(self) -> None:
        now = self.clock.time()
        missing = [name for name in self.store.nodes_with_pods() if self.store.find(Node, name) is None]
        self._missing = {name: self._missing.get(name, now) for name in missing}
        for name, since_s in self._missing.items():
            if now - since_s >= self.settings.pod_gc_quarantine_s:
                for pod in self.store.pods_on(name):
                    self._force(pod, _ORPHANED)

    def _never_scheduled(self) -> None:
        for namespace, name in list(self._unscheduled):
            self._force(self.store.get(Pod, name, namespace), _UNSCHEDULED)

    def _force(self, pod: Pod, why: str) -> None:
        """Say that it has failed, and why, and delete it without asking its kubelet."""
        self.store.mutate(Pod, pod.name, pod.namespace, partial(_failed, self.clock.time(), why))
        self.store.remove(pod)


def _failed(now: float, why: str, pod: Pod) -> Pod:
    if pod.finished:
        return pod
    kept = tuple(condition for condition in pod.status.conditions if condition.type != "DisruptionTarget")
    target = Condition(
        type="DisruptionTarget", status="True", reason="DeletionByPodGC", message=why, last_transition_time=now
    )
    conditions = (*kept, target) if why != _UNSCHEDULED else pod.status.conditions
    return replace(pod, status=replace(pod.status, phase="Failed", conditions=conditions))
