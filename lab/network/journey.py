"""The way of a first packet: from node to node until rules deliver or refuse it, or it reaches its own address.

Most journeys have one leg: the rules of the client's own node decide. A Pod that uses another node's port, a client
on the internet, or a load balancer of ipMode Proxy makes the packet arrive at a node from the network, and then that
node's rules decide in their turn.
"""

from __future__ import annotations

import msgspec

from lab.network import reasons
from lab.network.addresses import Cidr, parse_cidr
from lab.network.endpoints import EndpointInfo
from lab.network.host import Host
from lab.network.load_balancer import LoadBalancers
from lab.network.node_facts import NodeFacts
from lab.network.packet import DELIVER, DROP, PASS, REJECT, TCP, Packet
from lab.network.pod_addresses import Owner, PodAddresses
from lab.network.router import Verdict, route
from lab.network.rule_table import RuleTable
from lab.network.topology import INTERNET, Topology
from lab.settings import Settings

MAX_LEGS = 4
_replace = msgspec.structs.replace


class Leg(msgspec.Struct, frozen=True, gc=False):
    """One node's decision with all that it depended on: enough to decide again, and explain."""

    facts: NodeFacts
    table: RuleTable
    since_s: float
    packet: Packet
    draw: float
    remembered: str
    """The endpoint that this node's session affinity held for the source."""


class Journey(msgspec.Struct, gc=False):
    """Where a packet has been so far, and in the end what became of it."""

    packet: Packet
    """As it is now: addresses change on the way."""
    draw: float
    waypoints: tuple[str, ...]
    """Where it started, then the balancers and nodes that it reached."""
    legs: tuple[Leg, ...] = ()
    host: Host | None = None
    """The node that decided last."""
    verdict: str = ""
    reason: str = ""
    routed: Verdict | None = None
    """What that node's rules said."""
    arrived: bool = False
    owner: Owner | None = None
    """The Pod that has the final address."""
    ip: str = ""
    port: int = 0
    node: str = ""
    """Where the final address is; empty when nobody has it."""
    latency_s: float = 0.0
    arrival_rate: float = 1.0
    """The part of its packets that the links do not lose."""

    def end(self, verdict: str, reason: str) -> None:
        """It goes no further."""
        self.verdict = verdict
        self.reason = reason


class Wayfinder:
    """Leads packets through balancers and nodes."""

    def __init__(
        self,
        settings: Settings,
        topology: Topology,
        hosts: dict[str, Host],
        owners: PodAddresses,
        balancers: LoadBalancers,
    ) -> None:
        self.by_internal_ip: dict[str, Host] = {}
        self.by_external_ip: dict[str, Host] = {}
        self.external_ips: dict[str, int] = {}
        """externalIPs of Services, with how many name each: routers outside send them to the cluster's nodes."""
        self._topology = topology
        self._hosts = hosts
        self._owners = owners
        self._balancers = balancers
        self._healthz_port = settings.proxy_healthz_port
        self._pod_cidr: Cidr | None = parse_cidr(settings.pod_cidr)
        self._service_cidr: Cidr | None = parse_cidr(settings.service_cidr)

    def from_node(self, host: Host, packet: Packet, draw: float) -> Journey:
        """A packet that starts on a node: a Pod there sent it, or the node itself."""
        journey = Journey(packet, draw, (host.vertex,))
        self._follow(journey, host)
        return journey

    def from_internet(self, packet: Packet, draw: float) -> Journey:
        """A packet from a host on the internet, which knows no address that is private to the cluster."""
        journey = Journey(packet, draw, (INTERNET,))
        host = self._enter(journey)
        if host is not None:
            self._follow(journey, host)
        return journey

    # -- into the cluster -------------------------------------------------------------------------------------

    def _enter(self, journey: Journey) -> Host | None:
        packet = journey.packet
        if packet.dst_ip in self._balancers.by_ip:
            return self._balance(journey)
        host = self.by_external_ip.get(packet.dst_ip)
        if host is not None:
            # The cloud's 1:1 NAT: the node itself knows only its InternalIP.
            journey.packet = _replace(packet, dst_ip=host.internal_ip)
            return host
        if packet.dst_ip in self.external_ips:
            powered = [host for host in self._hosts.values() if host.powered]
            if powered:
                return powered[packet.hash % len(powered)]
        journey.end(DROP, self._why_unreachable(packet.dst_ip))
        return None

    def _balance(self, journey: Journey) -> Host | None:
        balancer = self._balancers.by_ip[journey.packet.dst_ip]
        if not self._move(journey, balancer.vertex):
            return None
        sent = balancer.send(journey.packet, lambda node: self._hosts[node].internal_ip)
        if sent.refusal:
            journey.end(DROP, sent.refusal)
            return None
        journey.packet = sent.packet
        return self._hosts[sent.node]

    def _why_unreachable(self, ip: str) -> str:
        if self._service_cidr is not None and self._service_cidr.holds(ip):
            return reasons.CLUSTER_IP_OUTSIDE
        if self._pod_cidr is not None and self._pod_cidr.holds(ip):
            return reasons.POD_IP_OUTSIDE
        return reasons.NODE_IP_OUTSIDE if ip in self.by_internal_ip else reasons.UNKNOWN_ADDRESS

    # -- from node to node ------------------------------------------------------------------------------------

    def _follow(self, journey: Journey, host: Host) -> None:
        onward: Host | None = host
        while onward is not None:
            if not self._reach(journey, onward.vertex, onward):
                return
            verdict = self._decide(journey, onward)
            endpoint = verdict.endpoint
            if endpoint is not None:
                self._to_endpoint(journey, verdict.reason, endpoint)
                return
            if verdict.verdict != PASS:
                journey.end(verdict.verdict, verdict.reason)
                return
            onward = self._onward(journey, onward, verdict)

    def _to_endpoint(self, journey: Journey, reason: str, endpoint: EndpointInfo) -> None:
        owner = self._owners.by_ip.get(endpoint.ip)
        if owner is None and endpoint.ip in self.by_internal_ip:
            node = self.by_internal_ip[endpoint.ip].name
            owner = self._owners.on_host(node, endpoint.port, journey.packet.protocol)
        journey.ip, journey.port, journey.owner = endpoint.ip, endpoint.port, owner
        if owner is None:
            journey.node = endpoint.node
            journey.end(DELIVER, reasons.ENDPOINT_GONE)
        else:
            journey.node = owner.node
            self._arrive(journey, DELIVER, reason, owner.vertex)

    def _reach(self, journey: Journey, vertex: str, host: Host | None) -> bool:
        """Cross the links to a node and find it running, or end there."""
        if journey.waypoints[-1] != vertex and not self._move(journey, vertex):
            return False
        if host is None or not host.powered:
            journey.end(DROP, reasons.NODE_DOWN)
            return False
        return True

    def _arrive(self, journey: Journey, verdict: str, reason: str, vertex: str) -> None:
        """Somebody has the address: cross the last links to the node where that is."""
        if self._reach(journey, vertex, self._hosts.get(journey.node)):
            journey.verdict = verdict
            journey.reason = reason
            journey.arrived = True

    def _move(self, journey: Journey, vertex: str) -> bool:
        """Cross the links to a vertex; False when they are cut."""
        path = self._topology.path(journey.waypoints[-1], vertex)
        if path is None:
            journey.end(DROP, reasons.LINK_DOWN)
            return False
        journey.latency_s += path.latency_s
        journey.arrival_rate *= 1.0 - path.loss
        journey.waypoints = (*journey.waypoints, vertex)
        return True

    def _decide(self, journey: Journey, host: Host) -> Verdict:
        proxy, packet = host.proxy, journey.packet
        verdict = route(proxy.table, host.facts, packet, journey.draw, host.affinity)
        rule = verdict.rule
        remembered = host.affinity(rule, packet.src_ip) if rule is not None and rule.affinity_s else ""
        leg = Leg(host.facts, proxy.table, proxy.table_since_s, packet, journey.draw, remembered)
        journey.legs = (*journey.legs, leg)
        journey.host = host
        journey.routed = verdict
        return verdict

    def _onward(self, journey: Journey, host: Host, verdict: Verdict) -> Host | None:
        """No rule touched the packet: it goes on to the address that it names, perhaps to another node."""
        packet = journey.packet
        ip = packet.dst_ip
        owner = self._owners.by_ip.get(ip)
        if owner is not None:
            journey.ip, journey.port, journey.node, journey.owner = ip, packet.dst_port, owner.node, owner
            self._arrive(journey, PASS, reasons.DIRECT, owner.vertex)
            return None
        if host.facts.is_local(ip):
            self._deliver_on_node(journey, host, verdict)
            return None
        if len(journey.legs) >= MAX_LEGS:
            journey.end(DROP, reasons.UNKNOWN_ADDRESS)
            return None
        other = self.by_internal_ip.get(ip) or self.by_external_ip.get(ip)
        if other is not None:
            journey.packet = _replace(packet, dst_ip=other.internal_ip)
            return other
        if ip in self._balancers.by_ip:
            # Out of the cluster and in again: outside, the node's own address is all that is seen of the source.
            journey.packet = _replace(packet, src_ip=host.external_ip or host.internal_ip)
            return self._balance(journey)
        self._lose(journey, verdict)
        return None

    def _deliver_on_node(self, journey: Journey, host: Host, verdict: Verdict) -> None:
        """The packet is for the node itself: a process there takes it, or the kernel refuses it."""
        packet = journey.packet
        journey.ip, journey.port, journey.node = packet.dst_ip, packet.dst_port, host.name
        journey.owner = self._owners.on_host(host.name, packet.dst_port, packet.protocol)
        if journey.owner is not None:
            self._arrive(journey, PASS, reasons.DIRECT, host.vertex)
        elif host.proxy.running and verdict.reason == reasons.HEALTH_CHECK_PORT:
            self._arrive(journey, PASS, verdict.reason, host.vertex)
        elif host.proxy.running and packet.protocol == TCP and packet.dst_port == self._healthz_port:
            self._arrive(journey, PASS, reasons.NODE_PROCESS, host.vertex)
        else:
            here = verdict.reason == reasons.NODE_PORT_ELSEWHERE
            journey.end(REJECT, verdict.reason if here else reasons.NOTHING_LISTENS)

    def _lose(self, journey: Journey, verdict: Verdict) -> None:
        """Nobody has the address: the packet leaves the node and is never heard of again."""
        if verdict.reason != reasons.NO_RULE:
            journey.end(DROP, verdict.reason)
        elif self._service_cidr is not None and self._service_cidr.holds(journey.packet.dst_ip):
            journey.end(DROP, reasons.UNALLOCATED)
        else:
            journey.end(DROP, reasons.UNKNOWN_ADDRESS)
