"""Notices nodes that no longer renew their lease, and keeps Pods away from them.

https://kubernetes.io/docs/concepts/architecture/nodes/#node-controller
"""

from __future__ import annotations

import asyncio
from functools import partial

from msgspec.structs import replace

from lab.cluster.controllers.base import Controller
from lab.cluster.controllers.zones import ZoneEvictions
from lab.cluster.kubelet.kubelet import LEASE_NAMESPACE
from lab.cluster.watch import Change
from lab.kube.kinds.node import Lease, Node, Taint
from lab.kube.kinds.pod import Pod
from lab.kube.meta import Condition

UNREACHABLE = "node.kubernetes.io/unreachable"
NOT_READY = "node.kubernetes.io/not-ready"
UNSCHEDULABLE = "node.kubernetes.io/unschedulable"
BY_CONDITION = {
    "MemoryPressure": "node.kubernetes.io/memory-pressure",
    "DiskPressure": "node.kubernetes.io/disk-pressure",
    "PIDPressure": "node.kubernetes.io/pid-pressure",
    "NetworkUnavailable": "node.kubernetes.io/network-unavailable",
}
"""The taint of each condition of a node that is True (taint-nodes-by-condition); it keeps new Pods away."""
_MANAGED = (UNREACHABLE, NOT_READY, UNSCHEDULABLE, *BY_CONDITION.values())
_SILENT = "Kubelet stopped posting node status."


class NodeLifecycle(Controller):
    """Looks at every node each monitor period; taints say what the scheduler and the eviction have to know."""

    name = "node-controller"

    resumed_s = float("-inf")
    """When it last began to watch leases, which is after each start: what it did not see expire has its whole grace."""

    def resume(self) -> None:
        """The control plane is up again: nodes have the time of a grace to be heard of (nodeHealthMap's probe time)."""
        self.resumed_s = self.clock.time()

    def connect(self) -> None:
        """Follow Nodes, for the taints that keep new Pods away at once."""
        self.zones = ZoneEvictions(self.clock, self.settings, self._taint_no_execute)
        self.store.follow(self._hear, Node)

    async def run(self) -> None:
        """Work until cancelled."""
        self.connect()
        while True:
            await asyncio.sleep(self.settings.node_monitor_period_s)
            self._monitor()

    def _monitor(self) -> None:
        states: dict[str, list[bool]] = {}
        nodes = self.store.list(Node)
        for found in nodes:
            node = found
            if self._silent(found) and ready_status(found) != "Unknown":
                node = self._give_up(found)
            states.setdefault(node.zone, []).append(node.ready)
        stopped = self.zones.assess(states)
        for node in self.store.list(Node):
            if node.ready or stopped:
                self._reachable(node)
            else:
                self.zones.queue(node.zone, node.name)
        self.zones.drain()

    def _silent(self, node: Node) -> bool:
        """Whether the node has not been heard of for longer than its grace."""
        lease = self.store.find(Lease, node.name, LEASE_NAMESPACE)
        renewed = lease.spec.renew_time if lease is not None else None
        if renewed is None:
            return self.clock.time() - (node.metadata.creation_timestamp or 0.0) > self.settings.node_startup_grace_s
        return self.clock.time() - max(renewed, self.resumed_s) > self.settings.node_monitor_grace_s

    def _give_up(self, node: Node) -> Node:
        now = self.clock.time()
        conditions = tuple(
            Condition(
                type=type, status="Unknown", reason="NodeStatusUnknown", message=_SILENT, last_transition_time=now
            )
            for type in ("MemoryPressure", "DiskPressure", "PIDPressure", "Ready")
        )
        self.note(node, "NodeNotReady", f"Node {node.name} status is now: NodeNotReady")
        written = self.store.mutate(
            Node, node.name, "", lambda found: replace(found, status=replace(found.status, conditions=conditions))
        )
        for pod in self.store.pods_on(node.name):
            if pod.ready:
                self.note(pod, "NodeNotReady", "Node is not ready", type="Warning")
                self.store.mutate(Pod, pod.name, pod.namespace, partial(_unready, now))
        return written or node

    # -- taints ------------------------------------------------------------------------------------------------

    def _hear(self, change: Change) -> None:
        node = self.store.find(Node, change.object.name)
        if node is not None:
            wanted = [(key, "NoSchedule") for key in _reasons(node)]
            self._set_taints(node, "NoSchedule", wanted)

    def _taint_no_execute(self, name: str) -> bool:
        """Let the eviction begin on a node; False when it is no longer needed."""
        node = self.store.find(Node, name)
        if node is None or node.ready:
            return False
        key = UNREACHABLE if ready_status(node) == "Unknown" else NOT_READY
        self._set_taints(node, "NoExecute", [(key, "NoExecute")])
        return True

    def _reachable(self, node: Node) -> None:
        self.zones.forget(node.zone, node.name)
        self._set_taints(node, "NoExecute", [])

    def _set_taints(self, node: Node, effect: str, wanted: list[tuple[str, str]]) -> None:
        have = [(taint.key, taint.effect) for taint in node.spec.taints if _managed(taint, effect)]
        if have == wanted:
            return
        now = self.clock.time()

        def change(found: Node) -> Node:
            old = {taint.key: taint for taint in found.spec.taints if _managed(taint, effect)}
            others = tuple(taint for taint in found.spec.taints if not _managed(taint, effect))
            new = tuple(old.get(key, Taint(key=key, effect=effect, time_added=now)) for key, effect in wanted)
            return replace(found, spec=replace(found.spec, taints=others + new))

        self.store.mutate(Node, node.name, "", change)


def ready_status(node: Node) -> str:
    """True, False or Unknown; empty when the node has never said."""
    return next((c.status for c in node.status.conditions if c.type == "Ready"), "")


def _reasons(node: Node) -> list[str]:
    """The taints that a node's state calls for."""
    status = ready_status(node)
    reasons = []
    if status == "Unknown":
        reasons.append(UNREACHABLE)
    elif status == "False":
        reasons.append(NOT_READY)
    held = {condition.type for condition in node.status.conditions if condition.status == "True"}
    reasons += [taint for type, taint in BY_CONDITION.items() if type in held]
    if node.spec.unschedulable:
        reasons.append(UNSCHEDULABLE)
    return reasons


def _managed(taint: Taint, effect: str) -> bool:
    return taint.effect == effect and taint.key in _MANAGED


def _unready(now: float, pod: Pod) -> Pod:
    conditions = tuple(
        replace(condition, status="False", last_transition_time=now) if condition.type == "Ready" else condition
        for condition in pod.status.conditions
    )
    return replace(pod, status=replace(pod.status, conditions=conditions))
