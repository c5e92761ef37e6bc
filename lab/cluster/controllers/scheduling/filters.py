"""Which nodes can take a Pod; for the others why not, in the words of `kubectl describe pod`.

The filters of kube-scheduler's default profile, in its order; a node is out for its first failing filter's reasons.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from lab.cluster.controllers.scheduling.node_affinity import allows_node
from lab.cluster.controllers.scheduling.node_info import NodeInfo, Request
from lab.cluster.controllers.scheduling.spread import Spread
from lab.kube.kinds.node import Taint
from lab.kube.kinds.pod import Pod, Toleration

UNSCHEDULABLE_TAINT = "node.kubernetes.io/unschedulable"


class Wish(NamedTuple):
    """A Pod to be placed, with what all filters need to know of it."""

    pod: Pod
    request: Request
    spreads: list[Spread]
    """The constraints that must hold (DoNotSchedule)."""


Filter = Callable[[Wish, NodeInfo], list[str]]


def reasons_against(wish: Wish, info: NodeInfo) -> list[str]:
    """Why the node cannot take the Pod; empty when it can."""
    for check in FILTERS:
        reasons = check(wish, info)
        if reasons:
            return reasons
    return []


def tolerates(tolerations: tuple[Toleration, ...], taint: Taint) -> bool:
    """Whether one of the tolerations is for this taint (v1 Toleration.ToleratesTaint)."""
    return any(_tolerates(each, taint) for each in tolerations)


def _tolerates(toleration: Toleration, taint: Taint) -> bool:
    if toleration.effect and toleration.effect != taint.effect:
        return False
    if toleration.key and toleration.key != taint.key:
        return False
    if toleration.operator == "Exists":
        return True
    return bool(toleration.key) and toleration.value == taint.value


def _unschedulable(wish: Wish, info: NodeInfo) -> list[str]:
    taint = Taint(key=UNSCHEDULABLE_TAINT, effect="NoSchedule")
    if info.node.spec.unschedulable and not tolerates(wish.pod.spec.tolerations, taint):
        return ["node(s) were unschedulable"]
    return []


def _taints(wish: Wish, info: NodeInfo) -> list[str]:
    for taint in info.node.spec.taints:
        if taint.effect in ("NoSchedule", "NoExecute") and not tolerates(wish.pod.spec.tolerations, taint):
            return [f"node(s) had untolerated taint {{{taint.key}: {taint.value}}}"]
    return []


def _node_affinity(wish: Wish, info: NodeInfo) -> list[str]:
    if allows_node(wish.pod.spec, info.node):
        return []
    return ["node(s) didn't match Pod's node affinity/selector"]


def _host_ports(wish: Wish, info: NodeInfo) -> list[str]:
    if any(info.host_ports.get(port) for port in wish.request.host_ports):
        return ["node(s) didn't have free ports for the requested pod ports"]
    return []


def _resources(wish: Wish, info: NodeInfo) -> list[str]:
    request = wish.request
    reasons = []
    if info.pods_used + 1 > info.pods:
        reasons.append("Too many pods")
    if request.cpu_milli and info.cpu_used_milli + request.cpu_milli > info.cpu_milli:
        reasons.append("Insufficient cpu")
    if request.memory_bytes and info.memory_used_bytes + request.memory_bytes > info.memory_bytes:
        reasons.append("Insufficient memory")
    return reasons


def _spread(wish: Wish, info: NodeInfo) -> list[str]:
    for spread in wish.spreads:
        if not spread.value_of(info):
            return ["node(s) didn't match pod topology spread constraints (missing required label)"]
        if not spread.allows(info):
            return ["node(s) didn't match pod topology spread constraints"]
    return []


FILTERS: tuple[Filter, ...] = (_unschedulable, _taints, _node_affinity, _host_ports, _resources, _spread)


NOT_NAMED = "node(s) didn't satisfy plugin(s) [NodeAffinity]"
"""Why a node is out that a Pod's affinity leaves out by its name: nobody looks at such nodes."""


def summary(total: int, reasons: dict[str, int]) -> str:
    """`0/3 nodes are available: 1 node(s) were unschedulable, 2 Insufficient cpu.`"""
    if not total:
        return "no nodes available to schedule pods"
    counted = sorted(f"{count} {reason}" for reason, count in reasons.items())
    return f"0/{total} nodes are available: {', '.join(counted)}."
