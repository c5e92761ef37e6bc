"""What the scheduler knows of each node, kept up to date from every write of a Pod or Node."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from lab.cluster.watch import Change
from lab.kube import quantity
from lab.kube.kinds.node import Node
from lab.kube.kinds.pod import Container, Pod, PodSpec

_SPARE_CPU_MILLI = 100
_SPARE_MEMORY_BYTES = 200 * 1024 * 1024
"""What a container that asks for nothing counts as when nodes are compared (scheduler util.GetNonzeroRequests)."""


class Request(NamedTuple):
    """What a Pod asks of a node: thousandths of a core, bytes, and ports of the node itself."""

    cpu_milli: int
    memory_bytes: int
    likely_cpu_milli: int
    likely_memory_bytes: int
    host_ports: tuple[tuple[str, int], ...]


def request_of(spec: PodSpec) -> Request:
    """The sum over containers, or the largest init container if that is more (resource helpers' PodRequests)."""
    cpu, memory, likely_cpu, likely_memory = _sum(spec.containers)
    sidecars = _sum([each for each in spec.init_containers if each.restart_policy == "Always"])
    cpu, memory = cpu + sidecars[0], memory + sidecars[1]
    for container in spec.init_containers:
        asked = _sum([container])
        cpu, memory = max(cpu, asked[0]), max(memory, asked[1])
    ports = [port for container in spec.containers for port in container.ports if port.host_port]
    host_ports = tuple((port.protocol, port.host_port or 0) for port in ports)
    return Request(cpu, memory, max(cpu, likely_cpu), max(memory, likely_memory), host_ports)


def _sum(containers: Iterable[Container]) -> tuple[int, int, int, int]:
    cpu = memory = likely_cpu = likely_memory = 0
    for container in containers:
        requests = container.resources.requests
        asked_cpu = quantity.millicores(requests["cpu"]) if "cpu" in requests else 0
        asked_memory = quantity.memory(requests["memory"]) if "memory" in requests else 0
        cpu, memory = cpu + asked_cpu, memory + asked_memory
        likely_cpu += asked_cpu or _SPARE_CPU_MILLI
        likely_memory += asked_memory or _SPARE_MEMORY_BYTES
    return cpu, memory, likely_cpu, likely_memory


class NodeInfo:
    """One node: what it can give, and what is taken."""

    __slots__ = (
        "cpu_milli",
        "cpu_used_milli",
        "host_ports",
        "likely_cpu_milli",
        "likely_memory_bytes",
        "memory_bytes",
        "memory_used_bytes",
        "node",
        "pods",
        "pods_used",
    )

    def __init__(self, node: Node) -> None:
        self.cpu_used_milli = self.memory_used_bytes = self.pods_used = 0
        self.likely_cpu_milli = self.likely_memory_bytes = 0
        self.host_ports: dict[tuple[str, int], int] = {}
        self.set_node(node)

    def set_node(self, node: Node) -> None:
        """Take over what a new version of the Node says."""
        self.node = node
        allocatable = node.status.allocatable or node.status.capacity
        self.cpu_milli = quantity.millicores(allocatable.get("cpu", "0"))
        self.memory_bytes = quantity.memory(allocatable.get("memory", "0"))
        self.pods = int(quantity.parse(allocatable.get("pods", "0")))

    def count(self, request: Request, sign: int) -> None:
        """Add a Pod to what is taken, or with `sign` -1 take it away."""
        self.pods_used += sign
        self.cpu_used_milli += sign * request.cpu_milli
        self.memory_used_bytes += sign * request.memory_bytes
        self.likely_cpu_milli += sign * request.likely_cpu_milli
        self.likely_memory_bytes += sign * request.likely_memory_bytes
        for port in request.host_ports:
            self.host_ports[port] = self.host_ports.get(port, 0) + sign


class NodeCache:
    """Every node's NodeInfo, and how many Pods of each owner lie on which node."""

    def __init__(self) -> None:
        self.nodes: dict[str, NodeInfo] = {}
        self.spread: dict[str, dict[str, int]] = {}
        """By the uid of the Pods' controller, then by node."""
        self._homeless: dict[str, dict[str, Request]] = {}

    def hear(self, change: Change) -> bool:
        """Follow one write of a Node or Pod; True when a Pod that did not fit anywhere may fit now."""
        if isinstance(change.object, Node):
            return self._node_changed(change)
        return self._pod_changed(change)

    def _node_changed(self, change: Change) -> bool:
        old, new = change.old, change.new
        if not isinstance(new, Node):
            self.nodes.pop(change.object.name, None)
            return False
        info = self.nodes.get(new.name)
        if info is None:
            info = self.nodes[new.name] = NodeInfo(new)
            for request in self._homeless.pop(new.name, {}).values():
                info.count(request, 1)
            return True
        info.set_node(new)
        return (
            not isinstance(old, Node)
            or old.spec != new.spec
            or old.metadata.labels != new.metadata.labels
            or old.status.allocatable != new.status.allocatable
        )

    def _pod_changed(self, change: Change) -> bool:
        before, after = _lies_on(change.old), _lies_on(change.new)
        if before == after:
            return False
        pod = change.object
        assert isinstance(pod, Pod)
        request = request_of(pod.spec)
        if before:
            self._count(before, pod, request, -1)
        if after:
            self._count(after, pod, request, 1)
        return bool(before)

    def _count(self, node: str, pod: Pod, request: Request, sign: int) -> None:
        info = self.nodes.get(node)
        if info is not None:
            info.count(request, sign)
        elif sign > 0:
            self._homeless.setdefault(node, {})[pod.metadata.uid] = request
        else:
            self._homeless.get(node, {}).pop(pod.metadata.uid, None)
        owner = pod.metadata.controller
        if owner is not None:
            counts = self.spread.setdefault(owner.uid, {})
            counts[node] = counts.get(node, 0) + sign
            if not counts[node]:
                del counts[node]
            if not counts:
                del self.spread[owner.uid]


def _lies_on(obj: object) -> str:
    return obj.spec.node_name if isinstance(obj, Pod) and not obj.finished else ""
