"""A NetworkPolicy made ready for use: whether one of its rules allows a connection.

Selectors match Pods that have an address of their own; Pods of the host's network are seen as their node. A block of
addresses matches whoever has the address at that hop, Pods included, as the reference implementation has it
(kubernetes-sigs/kube-network-policies). https://kubernetes.io/docs/concepts/services-networking/network-policies/
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from lab.kube.kinds.networkpolicy import (
    EGRESS,
    INGRESS,
    NetworkPolicy,
    NetworkPolicyPeer,
    NetworkPolicyPort,
)
from lab.kube.kinds.pod import Pod
from lab.kube.meta import LabelSelector
from lab.kube.selector import matches
from lab.network.addresses import Cidr, any_holds, parse_cidr, parse_cidrs
from lab.network.packet import TCP

NamespaceLabels = Callable[[str], Mapping[str, str]]


class PodFacts(NamedTuple):
    """What policies may look at in a Pod."""

    name: str
    """`NAMESPACE/NAME`."""
    namespace: str
    labels: Mapping[str, str]
    ips: tuple[str, ...]
    ports: tuple[tuple[str, str, int], ...]
    """(name, protocol, number) of every named port."""


class Connection(NamedTuple):
    """One end of a connection as a policy of the other end sees it, and the port that is asked for."""

    ip: str
    """The address of the other end, as it is at that hop."""
    peer: PodFacts | None
    """The Pod that has this address."""
    port: int
    protocol: str
    target: PodFacts | None
    """The Pod whose port it is; names of ports mean its ports."""


class Block(NamedTuple):
    """An ipBlock."""

    cidr: Cidr | None
    but: tuple[Cidr, ...]

    def has(self, connection: Connection, labels_of: NamespaceLabels) -> bool:
        """Whether the other end lies in it."""
        ip = connection.ip
        return self.cidr is not None and self.cidr.holds(ip) and not any_holds(self.but, ip)


class Selected(NamedTuple):
    """Pods by their labels, in the policy's own namespace or in those of a selector."""

    pods: LabelSelector
    namespaces: LabelSelector | None
    namespace: str

    def has(self, connection: Connection, labels_of: NamespaceLabels) -> bool:
        """Whether the other end is such a Pod."""
        peer = connection.peer
        if peer is None:
            return False
        if self.namespaces is None:
            near = peer.namespace == self.namespace
        else:
            near = matches(self.namespaces, labels_of(peer.namespace))
        return near and matches(self.pods, peer.labels)


class PortRange(NamedTuple):
    """The ports of an entry: all, one by its name, or from `first` to `last`."""

    protocol: str
    name: str = ""
    first: int = 0
    last: int = 65535

    def has(self, connection: Connection) -> bool:
        """Whether the connection asks for one of them."""
        if connection.protocol != self.protocol:
            return False
        if self.name:
            target = connection.target
            return target is not None and (self.name, self.protocol, connection.port) in target.ports
        return self.first <= connection.port <= self.last


class Rule(NamedTuple):
    """One entry of `ingress` or `egress`; without peers or ports it allows all of them."""

    peers: tuple[Block | Selected, ...]
    ports: tuple[PortRange, ...]

    def allows(self, connection: Connection, labels_of: NamespaceLabels) -> bool:
        """Whether the connection matches."""
        if self.ports and not any(ports.has(connection) for ports in self.ports):
            return False
        return not self.peers or any(peer.has(connection, labels_of) for peer in self.peers)


class Policy(NamedTuple):
    """A NetworkPolicy; a direction that it does not isolate has no rules here (None)."""

    name: str
    """`NAMESPACE/NAME`."""
    namespace: str
    pods: LabelSelector
    ingress: tuple[Rule, ...] | None
    egress: tuple[Rule, ...] | None

    def rules(self, direction: str) -> tuple[Rule, ...] | None:
        """Its rules for INGRESS or EGRESS."""
        return self.ingress if direction == INGRESS else self.egress


def policy_of(obj: NetworkPolicy) -> Policy:
    """A NetworkPolicy ready for use."""
    spec, namespace = obj.spec, obj.namespace
    ingress = [Rule(_peers(rule.from_, namespace), _ports(rule.ports)) for rule in spec.ingress]
    egress = [Rule(_peers(rule.to, namespace), _ports(rule.ports)) for rule in spec.egress]
    return Policy(
        f"{namespace}/{obj.name}",
        namespace,
        spec.pod_selector,
        tuple(ingress) if INGRESS in spec.isolates else None,
        tuple(egress) if EGRESS in spec.isolates else None,
    )


def facts_of(pod: Pod) -> PodFacts:
    """What policies see of a Pod."""
    status = pod.status
    ports = (port for container in (*pod.spec.init_containers, *pod.spec.containers) for port in container.ports)
    return PodFacts(
        f"{pod.namespace}/{pod.name}",
        pod.namespace,
        pod.metadata.labels,
        tuple(dict.fromkeys(ip for ip in (status.pod_ip, *(each.ip for each in status.pod_ips)) if ip)),
        tuple((port.name, port.protocol, port.container_port) for port in ports if port.name),
    )


def _peers(peers: tuple[NetworkPolicyPeer, ...], namespace: str) -> tuple[Block | Selected, ...]:
    return tuple(_peer(peer, namespace) for peer in peers)


def _peer(peer: NetworkPolicyPeer, namespace: str) -> Block | Selected:
    block = peer.ip_block
    if block is not None:
        return Block(parse_cidr(block.cidr), parse_cidrs(block.except_))
    return Selected(peer.pod_selector or LabelSelector(), peer.namespace_selector, namespace)


def _ports(ports: tuple[NetworkPolicyPort, ...]) -> tuple[PortRange, ...]:
    return tuple(_range(port) for port in ports)


def _range(entry: NetworkPolicyPort) -> PortRange:
    protocol, port = entry.protocol or TCP, entry.port
    if port is None:
        return PortRange(protocol)
    if isinstance(port, str):
        return PortRange(protocol, port)
    return PortRange(protocol, first=port, last=port if entry.end_port is None else entry.end_port)
