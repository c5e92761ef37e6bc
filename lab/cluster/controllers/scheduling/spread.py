"""How Pods of one selector are spread over the values of a node label (KEP-895, PodTopologySpread)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from lab.cluster.controllers.scheduling.node_info import NodeCache, NodeInfo
from lab.cluster.store import Store
from lab.kube.kinds.node import HOSTNAME_LABEL, ZONE_LABEL
from lab.kube.kinds.pod import Pod, TopologySpreadConstraint
from lab.kube.kinds.service import Service
from lab.kube.selector import matches

_DEFAULT_KEYS = (HOSTNAME_LABEL, ZONE_LABEL)


class Spread:
    """The Pods that count for one constraint, by the value of its topology key."""

    def __init__(
        self, key: str, max_skew: int, by_node: Mapping[str, int], itself: bool, nodes: list[NodeInfo]
    ) -> None:
        self.key = key
        self.max_skew = max_skew
        self._itself = int(itself)
        self._counts: dict[str, int] = {}
        for info in nodes:
            value = self.value_of(info)
            if value:
                self._counts[value] = self._counts.get(value, 0) + by_node.get(info.node.name, 0)
        self._fewest = min(self._counts.values(), default=0)

    def value_of(self, info: NodeInfo) -> str:
        """The value of the topology key on a node; empty when the node has none."""
        return info.node.metadata.labels.get(self.key, info.node.name if self.key == HOSTNAME_LABEL else "")

    def allows(self, info: NodeInfo) -> bool:
        """Whether one more Pod on this node keeps the skew within bounds."""
        return self._counts.get(self.value_of(info), 0) + self._itself - self._fewest <= self.max_skew

    def weight(self, info: NodeInfo) -> float:
        """How crowded the node's value is: the count, weighed by how many values there are."""
        return self._counts.get(self.value_of(info), 0) * math.log(len(self._counts) + 2) + self.max_skew - 1


def constraints_of(pod: Pod, when: str, store: Store, nodes: list[NodeInfo]) -> list[Spread]:
    """The Pod's own constraints of one kind: `DoNotSchedule` or `ScheduleAnyway`."""
    wanted = [
        each for each in pod.spec.topology_spread_constraints if (each.when_unsatisfiable or "DoNotSchedule") == when
    ]
    return [_spread(pod, each, store, nodes) for each in wanted]


def default_constraints(pod: Pod, store: Store, cache: NodeCache, nodes: list[NodeInfo]) -> list[Spread]:
    """For a Pod that says nothing: over nodes and zones, with the Pods of its owner, or else of its Services."""
    owner = pod.metadata.controller
    if owner is not None:
        by_node: Mapping[str, int] = cache.spread.get(owner.uid, {})
    else:
        by_node = _of_services(pod, store)
    return [Spread(key, 1, by_node, True, nodes) for key in _DEFAULT_KEYS]


def _spread(pod: Pod, constraint: TopologySpreadConstraint, store: Store, nodes: list[NodeInfo]) -> Spread:
    selector = constraint.label_selector
    pods = store.list(Pod, pod.namespace, selector) if selector is not None else []
    itself = selector is not None and matches(selector, pod.metadata.labels)
    by_node = _by_node(each for each in pods if not each.terminating)
    return Spread(constraint.topology_key, constraint.max_skew, by_node, itself, nodes)


def _of_services(pod: Pod, store: Store) -> dict[str, int]:
    labels = pod.metadata.labels
    if not labels:
        return {}
    selectors = [
        service.spec.selector
        for service in store.list(Service, pod.namespace)
        if service.spec.selector and matches(service.spec.selector, labels)
    ]
    if not selectors:
        return {}
    merged = {key: value for selector in selectors for key, value in selector.items()}
    return _by_node(store.list(Pod, pod.namespace, merged))


def _by_node(pods: Iterable[Pod]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for pod in pods:
        node = pod.spec.node_name
        if node and not pod.finished:
            counts[node] = counts.get(node, 0) + 1
    return counts
