"""Which of the nodes that can take a Pod is best: each score is 0 to 100, weighed as in the default profile."""

from __future__ import annotations

from lab.cluster.controllers.scheduling.filters import tolerates
from lab.cluster.controllers.scheduling.node_info import NodeInfo, Request
from lab.cluster.controllers.scheduling.spread import Spread
from lab.kube.kinds.pod import Pod

SPREAD_WEIGHT = 2
TAINT_WEIGHT = 3
RESOURCES_WEIGHT = 1


def total_scores(pod: Pod, request: Request, spreads: list[Spread], nodes: list[NodeInfo]) -> list[int]:
    """The weighed sum for each node."""
    crowding = _inverted([int(sum(spread.weight(info) for spread in spreads)) for info in nodes])
    taints = _taint_scores(pod, nodes)
    return [
        SPREAD_WEIGHT * crowd
        + TAINT_WEIGHT * taint
        + RESOURCES_WEIGHT * (least_allocated(request, info) + balanced(request, info))
        for crowd, taint, info in zip(crowding, taints, nodes, strict=True)
    ]


def least_allocated(request: Request, info: NodeInfo) -> int:
    """How much of cpu and memory would be left, on average (NodeResourcesFit, LeastAllocated)."""
    cpu, memory = _fractions(request, info)
    return int((100 * (1 - cpu) + 100 * (1 - memory)) / 2)


def balanced(request: Request, info: NodeInfo) -> int:
    """How alike the used fractions of cpu and memory would be (NodeResourcesBalancedAllocation)."""
    cpu, memory = _fractions(request, info)
    return int(100 * (1 - abs(cpu - memory) / 2))


def _fractions(request: Request, info: NodeInfo) -> tuple[float, float]:
    cpu = (info.likely_cpu_milli + request.likely_cpu_milli) / info.cpu_milli if info.cpu_milli else 1.0
    memory = (info.likely_memory_bytes + request.likely_memory_bytes) / info.memory_bytes if info.memory_bytes else 1.0
    return min(cpu, 1.0), min(memory, 1.0)


def _taint_scores(pod: Pod, nodes: list[NodeInfo]) -> list[int]:
    counts = [
        sum(
            taint.effect == "PreferNoSchedule" and not tolerates(pod.spec.tolerations, taint)
            for taint in info.node.spec.taints
        )
        for info in nodes
    ]
    most = max(counts, default=0)
    return [100 - 100 * count // most if most else 100 for count in counts]


def _inverted(weights: list[int]) -> list[int]:
    """Small weights to high scores (PodTopologySpread's NormalizeScore)."""
    most, least = max(weights, default=0), min(weights, default=0)
    return [100 * (most + least - weight) // most if most else 100 for weight in weights]
