"""The way of a first packet: from node to node until rules deliver or refuse it, or it reaches its own address.

Most journeys have one leg: the rules of the client's own node decide. A Pod that uses another node's port, a client
on the internet, or a load balancer of ipMode Proxy makes the packet arrive at a node from the network, and then that
node's rules decide in their turn.
"""

from __future__ import annotations

import copy

import msgspec

from lab.network import reasons
from lab.network.addresses import any_holds, family, is_loopback, join, parse_cidrs, socket_of
from lab.network.arrival import Arrival, Leg
from lab.network.changes import Changes
from lab.network.conntrack import is_lost
from lab.network.endpoints import EndpointInfo
from lab.network.flow import Flow, Source
from lab.network.host import Host
from lab.network.ipvs import Scheduler, draw_of
from lab.network.load_balancer import LoadBalancers
from lab.network.packet import DELIVER, DROP, PASS, REJECT, TCP, Packet
from lab.network.pod_addresses import Owner, PodAddresses
from lab.network.policy import ITSELF, OWN_NODE, Policies, Ruling, deciding
from lab.network.quality import PERFECT, Quality
from lab.network.router import Verdict, route
from lab.network.topology import INTERNET, Topology
from lab.network.way import Way
from lab.settings import Settings

MAX_LEGS = 4
_replace = msgspec.structs.replace


class Journey(msgspec.Struct, gc=False):
    """A packet under way: where it has been so far."""

    source: Source
    packet: Packet
    """As it is now: addresses change on the way."""
    draw: float
    waypoints: tuple[str, ...]
    """Where it started, then the balancers and nodes that it reached."""
    legs: tuple[Leg, ...] = ()
    quality: Quality = PERFECT
    """That of the links it has crossed."""
    host: Host | None = None
    """The node that decided last."""
    routed: Verdict = Verdict(PASS, "")
    """What that node's rules said."""
    rulings: tuple[Ruling, ...] = ()
    """What NetworkPolicies said."""
    balanced: str = ""
    """How a load balancer chose."""
    target: str = ""
    """The Service whose load balancer has the Pod itself as a target; empty when rules of nodes decide."""

    @property
    def src_ip(self) -> str:
        """The source address as it now is, masqueraded or not."""
        own, host = self.packet.src_ip, self.host
        return host.ip_towards(own) if host is not None and self.routed.masquerade else own


class Wayfinder:
    """Leads packets through balancers and nodes."""

    def __init__(
        self,
        settings: Settings,
        changes: Changes,
        topology: Topology,
        hosts: dict[str, Host],
        owners: PodAddresses,
        balancers: LoadBalancers,
        policies: Policies,
    ) -> None:
        self.by_internal_ip: dict[str, Host] = {}
        self.by_external_ip: dict[str, Host] = {}
        self.external_ips: dict[str, int] = {}
        """externalIPs of Services, with how many name each: routers outside send them to the cluster's nodes."""
        self._changes = changes
        self._topology = topology
        self._hosts = hosts
        self._owners = owners
        self._balancers = balancers
        self._policies = policies
        self._remembers = True
        self._link_pod_s = settings.link_pod_s
        self._hairpin = settings.pod_hairpin
        self._healthz_port = settings.proxy_healthz_port
        self._pod_cidrs = parse_cidrs(settings.pod_cidr.split(","))
        self.service_cidrs = parse_cidrs(settings.service_cidr.split(","))
        """The networks of all ServiceCIDR objects."""

    def unseen(self) -> Wayfinder:
        """One that finds the same ways as of now and starts no session affinity, for who only wants to know."""
        other = copy.copy(self)
        other._remembers = False
        return other

    def from_node(self, source: Source, host: Host, packet: Packet, draw: float) -> Arrival:
        """A packet that starts on a node, which remembers none of its sort: a Pod there sent it, or the node itself."""
        journey = Journey(source, packet, draw, (host.vertex,))
        if not _of_one_family(packet):
            return self._unroutable(journey)
        own = self._owners.ips_of(source.name.removeprefix("pod/")) if is_loopback(packet.dst_ip) else ()
        return self._end(journey, self._within(journey, own)) if own else self._follow(journey, host)

    def from_internet(self, source: Source, packet: Packet, draw: float) -> Arrival:
        """A packet from a host on the internet, which knows no address that is private to the cluster."""
        journey = Journey(source, packet, draw, (INTERNET,))
        if not _of_one_family(packet):
            return self._unroutable(journey)
        host = self._enter(journey)
        if not isinstance(host, Host):
            return self._end(journey, host)
        known = host.memory.recall(source.name, journey.packet, draw, host.proxy.table, self._changes.count)
        return known if known is not None else self._follow(journey, host)

    def source_ip(self, source: Source, ip: str) -> str:
        """The source's address of the family that it speaks to; its only one where it has no other."""
        if source.node and is_loopback(ip):
            return "::1" if ":" in ip else "127.0.0.1"
        if (":" in source.ip) == (":" in ip):
            return source.ip
        host = self._hosts.get(source.node)
        own = self._owners.ips_of(source.name.removeprefix("pod/"))
        if not own:
            own = tuple(host.facts.ips) if host is not None else (source.other_ip,)
        return next((each for each in own if each and family(each) == family(ip)), source.ip)

    def _within(self, journey: Journey, own: tuple[str, ...]) -> Way:
        """A Pod's loopback is its own: what it sends there never leaves it, and meets neither rules nor policies."""
        packet = journey.packet
        ip = next((each for each in own if family(each) == family(packet.dst_ip)), own[0])
        owner = self._owners.by_ip[ip]
        way = self._way(journey, PASS, reasons.DIRECT, ip, packet.dst_port, owner.node, owner, arrived=True)
        return _replace(way, pod_links=0, quality=PERFECT)

    def _unroutable(self, journey: Journey) -> Arrival:
        return self._end(journey, self._way(journey, REJECT, reasons.OTHER_FAMILY))

    # -- into the cluster -------------------------------------------------------------------------------------

    def _enter(self, journey: Journey) -> Host | Way:
        packet = journey.packet
        if packet.dst_ip in self._balancers.by_ip:
            return self._balance(journey)
        host = self.by_external_ip.get(packet.dst_ip)
        if host is not None:
            # The cloud's 1:1 NAT: the node itself knows only its InternalIP.
            journey.packet = _replace(packet, dst_ip=host.ip_towards(packet.dst_ip))
            return host
        if packet.dst_ip in self.external_ips:
            powered = [host for host in self._hosts.values() if host.alive]
            if powered:
                return powered[packet.hash % len(powered)]
        return self._way(journey, DROP, self._why_unreachable(packet.dst_ip))

    def _balance(self, journey: Journey) -> Host | Way:
        balancer = self._balancers.by_ip[journey.packet.dst_ip]
        if not self._move(journey, balancer.vertex):
            return self._way(journey, DROP, reasons.LINK_DOWN)
        sent = balancer.send(journey.packet, lambda node: self._hosts[node].ip_towards(balancer.ip))
        journey.balanced = sent.how
        if sent.refusal:
            return self._way(journey, DROP, sent.refusal)
        journey.packet = sent.packet
        journey.target = balancer.service if sent.pod else ""
        host = self._hosts.get(sent.node)
        return host if host is not None else self._way(journey, DROP, reasons.NODE_DOWN)

    def _why_unreachable(self, ip: str) -> str:
        if any_holds(self.service_cidrs, ip):
            return reasons.CLUSTER_IP_OUTSIDE
        if any_holds(self._pod_cidrs, ip):
            return reasons.POD_IP_OUTSIDE
        return reasons.NODE_IP_OUTSIDE if ip in self.by_internal_ip else reasons.UNKNOWN_ADDRESS

    # -- from node to node ------------------------------------------------------------------------------------

    def _follow(self, journey: Journey, host: Host) -> Arrival:
        onward: Host | Way = host
        while isinstance(onward, Host):
            refusal = self._reach(journey, onward.vertex, onward)
            if refusal:
                return self._end(journey, self._way(journey, DROP, refusal))
            verdict = self._decide(journey, onward)
            if self._policies.active and len(journey.legs) == 1 and not self._may_leave(journey, onward):
                return self._end(journey, self._kept_in(journey))
            if verdict.endpoint is not None:
                return self._end(journey, self._to_endpoint(journey, verdict.endpoint))
            if verdict.verdict != PASS:
                return self._end(journey, self._way(journey, verdict.verdict, verdict.reason))
            onward = self._onward(journey, onward, verdict)
        return self._end(journey, onward)

    def _decide(self, journey: Journey, host: Host) -> Verdict:
        proxy, packet = host.proxy, journey.packet
        table, facts, draw = proxy.table, host.facts, journey.draw
        verdict = route(table, facts, packet, draw, host.affinity)
        scheduled = host.scheduler is not None and self._is_picked(host.scheduler, verdict)
        if host.scheduler is not None and scheduled:
            draw = draw_of(host.scheduler, verdict, packet)
            verdict = route(table, facts, packet, draw, host.affinity)
        journey.routed = verdict
        rule, remembered = verdict.rule, ""
        if rule is not None and rule.affinity_s:
            remembered = host.affinity(rule, packet.src_ip)
            if verdict.endpoint is not None and self._remembers:
                host.affinity.remember(rule, packet.src_ip, verdict.endpoint.address)
        journey.legs = (*journey.legs, Leg(facts, table, proxy.table_since_s, packet, draw, remembered, scheduled))
        journey.host = host
        return verdict

    def _is_picked(self, scheduler: Scheduler, verdict: Verdict) -> bool:
        """Whether ipvs picks the endpoint; who only wants to know must not take somebody's turn."""
        picks = verdict.endpoint is not None and verdict.reason != reasons.AFFINITY
        return picks and (self._remembers or scheduler.stateless)

    def along_entry(self, source: Source, host: Host, flow: Flow) -> Way:
        """Where another packet goes of a flow that a node has an entry of: no rules, no policies, only the links."""
        journey = Journey(source, flow.packet, 0.0, flow.waypoints[:1], host=host)
        for vertex in flow.waypoints[1 : flow.waypoints.index(host.vertex) + 1]:
            if not self._move(journey, vertex):
                return self._way(journey, DROP, reasons.LINK_DOWN)
        ip, port = flow.ip, flow.port
        owner = self._owner(ip, port, flow.protocol)
        if owner is None:
            return self._way(journey, DROP, reasons.STALE_ENTRY, ip, port, flow.node)
        refusal = self._reach(journey, owner.vertex, self._hosts.get(owner.node))
        if refusal:
            return self._way(journey, DROP, refusal, ip, port, owner.node, owner)
        return self._way(journey, flow.verdict, reasons.CONNTRACK, ip, port, owner.node, owner, arrived=True)

    def _owner(self, ip: str, port: int, protocol: str) -> Owner | None:
        """The Pod behind an address: its own, or that of the node whose network it shares."""
        owner = self._owners.by_ip.get(ip)
        if owner is None and ip in self.by_internal_ip:
            owner = self._owners.on_host(self.by_internal_ip[ip].name, port, protocol)
        return owner

    def _to_endpoint(self, journey: Journey, endpoint: EndpointInfo) -> Way:
        owner = self._owner(endpoint.ip, endpoint.port, journey.packet.protocol)
        if owner is None:
            reason = reasons.ENDPOINT_GONE if endpoint.pod else reasons.ENDPOINT_UNKNOWN
            return self._way(journey, DELIVER, reason, endpoint.ip, endpoint.port, endpoint.node)
        if not self._hairpin and owner.party == journey.source.name and endpoint.ip in self._owners.by_ip:
            return self._way(journey, DROP, reasons.HAIRPIN_OFF, endpoint.ip, endpoint.port, owner.node, owner)
        return self._arrive(journey, DELIVER, "", endpoint.ip, endpoint.port, owner.node, owner)

    # -- NetworkPolicies --------------------------------------------------------------------------------------

    def _may_leave(self, journey: Journey, host: Host) -> bool:
        """Egress, on the client's node: the destination is the endpoint that was chosen there, if one was."""
        party, routed = journey.source.name, journey.routed
        if not party.startswith("pod/") or routed.verdict not in (DELIVER, PASS):
            return True
        ip, port = _destination(journey)
        exempt = OWN_NODE if host.facts.is_local(ip) else ""
        return _heed(journey, self._policies.egress(party[4:], ip, port, journey.packet.protocol, exempt))

    def _kept_in(self, journey: Journey) -> Way:
        ip, port = _destination(journey)
        owner = self._owners.by_ip.get(ip)
        return self._way(journey, DROP, reasons.POLICY_EGRESS, ip, port, owner.node if owner is not None else "", owner)

    def _may_enter(self, journey: Journey, port: int, owner: Owner) -> bool:
        """Ingress, on the target's node: the source is whoever the target would see."""
        source, exempt = journey.source, ""
        if source.name == owner.party:
            exempt = ITSELF
        elif self._hosts[owner.node].facts.is_local(source.ip):
            exempt = OWN_NODE
        ruling = self._policies.ingress(owner.pod, journey.src_ip, port, journey.packet.protocol, exempt)
        return _heed(journey, ruling)

    # -- without a rule ---------------------------------------------------------------------------------------

    def _onward(self, journey: Journey, host: Host, verdict: Verdict) -> Host | Way:
        """No rule touched the packet: it goes on to the address that it names, perhaps to another node."""
        packet = journey.packet
        ip = packet.dst_ip
        owner = self._owners.by_ip.get(ip)
        if journey.target and owner is None:
            return self._way(journey, DROP, reasons.LB_TARGET_GONE, ip, packet.dst_port, host.name)
        if owner is not None:
            told = (DELIVER, reasons.LB_TARGET) if journey.target else (PASS, reasons.DIRECT)
            return self._arrive(journey, *told, ip, packet.dst_port, owner.node, owner)
        if host.facts.is_local(ip) or verdict.reason == reasons.HEALTH_CHECK_PORT:
            return self._deliver_on_node(journey, host, verdict)
        if len(journey.legs) >= MAX_LEGS:
            return self._way(journey, DROP, reasons.UNKNOWN_ADDRESS)
        if ip in self.by_internal_ip:
            return self.by_internal_ip[ip]
        other = self.by_external_ip.get(ip)
        if other is not None:
            journey.packet = _replace(packet, dst_ip=other.ip_towards(ip))
            return other
        if ip in self._balancers.by_ip:
            # Out of the cluster and in again: outside, the node's own address is all that is seen of the source.
            journey.packet = _replace(packet, src_ip=host.external_ip(family(ip)) or host.ip_towards(ip))
            return self._balance(journey)
        return self._way(journey, DROP, self._why_lost(ip, verdict))

    def _deliver_on_node(self, journey: Journey, host: Host, verdict: Verdict) -> Way:
        """The packet is for the node itself: a process there takes it, or the kernel refuses it."""
        packet = journey.packet
        ip, port, reason = packet.dst_ip, packet.dst_port, ""
        if is_loopback(ip):
            ip = host.ip_towards(ip)  # its processes listen on all of its addresses
        owner = self._owners.on_host(host.name, port, packet.protocol)
        if owner is not None:
            reason = reasons.DIRECT
        elif host.proxy.running and verdict.reason == reasons.HEALTH_CHECK_PORT:
            reason = verdict.reason
        elif host.proxy.running and packet.protocol == TCP and port == self._healthz_port:
            reason = reasons.NODE_PROCESS
        if reason:
            return self._arrive(journey, PASS, reason, ip, port, host.name, owner)
        elsewhere = verdict.reason == reasons.NODE_PORT_ELSEWHERE
        return self._way(journey, REJECT, verdict.reason if elsewhere else reasons.NOTHING_LISTENS, ip, port, host.name)

    def _why_lost(self, ip: str, verdict: Verdict) -> str:
        """Nobody has the address: the packet leaves the node and is never heard of again."""
        if verdict.reason != reasons.NO_RULE:
            return verdict.reason
        in_services = any_holds(self.service_cidrs, ip)
        return reasons.UNALLOCATED if in_services else reasons.UNKNOWN_ADDRESS

    # -- over the links ---------------------------------------------------------------------------------------

    def _reach(self, journey: Journey, vertex: str, host: Host | None) -> str:
        """Cross the links to a node and find it running; else why not."""
        if journey.waypoints[-1] != vertex and not self._move(journey, vertex):
            return reasons.LINK_DOWN
        if host is None or not host.powered:
            return reasons.NODE_DOWN
        return reasons.NODE_FROZEN if host.frozen else ""

    def _parted(self, source: Source, node: str, owner: Owner | None) -> bool:
        """Whether somebody keeps the Pods at the two ends apart."""
        pod = source.name.removeprefix("pod/") if source.name.startswith("pod/") else ""
        places = self._topology.places_of
        return self._topology.parted(places(pod, source.node), places(owner.pod if owner is not None else "", node))

    def _move(self, journey: Journey, vertex: str) -> bool:
        """Cross the links to a vertex; False when they are cut."""
        path = self._topology.path(journey.waypoints[-1], vertex)
        if path is None:
            return False
        journey.quality = journey.quality.then(*path.quality)
        journey.waypoints = (*journey.waypoints, vertex)
        return True

    # -- the end ----------------------------------------------------------------------------------------------

    def _arrive(
        self, journey: Journey, verdict: str, reason: str, ip: str, port: int, node: str, owner: Owner | None
    ) -> Way:
        """Somebody has the address: cross the last links to the node where that is."""
        refusal = self._reach(journey, f"node/{node}", self._hosts.get(node))
        if not refusal and self._topology.parts_pods and self._parted(journey.source, node, owner):
            refusal = reasons.LINK_DOWN
        if refusal:
            return self._way(journey, DROP, refusal, ip, port, node, owner)
        if self._policies.active and owner is not None and not self._may_enter(journey, port, owner):
            return self._way(journey, DROP, reasons.POLICY_INGRESS, ip, port, node, owner)
        return self._way(journey, verdict, reason, ip, port, node, owner, arrived=True)

    def _way(
        self,
        journey: Journey,
        verdict: str,
        reason: str,
        ip: str = "",
        port: int = 0,
        node: str = "",
        owner: Owner | None = None,
        *,
        arrived: bool = False,
    ) -> Way:
        """The way that a journey took, with what became of the packet at its end."""
        source = journey.source
        visited = journey.waypoints if source.node else journey.waypoints[1:]
        party = (owner.party,) if arrived and owner is not None else ()
        pod_links = (owner is not None) + source.name.startswith("pod/")
        return Way(
            verdict,
            reason,
            arrived,
            ip,
            port,
            socket_of(ip, port, journey.packet.protocol) if ip else "",
            node,
            owner.pod if owner is not None else "",
            journey.waypoints,
            (source.name, *visited, *party),
            pod_links,
            journey.quality.then(pod_links * self._link_pod_s, 0.0, 0.0, 0.0),
            journey.rulings,
            deciding(journey.rulings),
            journey.balanced,
        )

    def _end(self, journey: Journey, way: Way) -> Arrival:
        """What became of the packet, with what the rules said on the last node that it reached."""
        host, routed = journey.host, journey.routed
        rule, endpoint = routed.rule, routed.endpoint
        arrival = Arrival(
            way,
            journey.legs,
            host.name if host is not None else "",
            journey.src_ip,
            way.verdict,
            way.reason or routed.reason,
            rule.service if rule is not None else journey.target,
            endpoint.address if endpoint is not None else join(way.ip, way.port) if journey.target else "",
            routed.masquerade,
            journey.legs[-1].table.version if journey.legs else 0,
            # Rules that drop or refuse leave no entry; what is lost behind the node does, and waits for a reply.
            host is not None and (way.arrived or is_lost(way.reason or routed.reason, host.facts)),
        )
        alone = len(journey.legs) == 1 and host is not None and host.scheduler is None
        if host is not None and rule is not None and not rule.affinity_s and alone:
            # One node's rule for a Service decided, and nothing but the draw: others of its sort will fare the same.
            host.memory.keep(journey.source.name, journey.packet, journey.draw, len(routed.eligible), arrival)
        return arrival


def _of_one_family(packet: Packet) -> bool:
    return (":" in packet.src_ip) == (":" in packet.dst_ip)


def _destination(journey: Journey) -> tuple[str, int]:
    """Where the packet is going now: to the endpoint that was chosen, or to the address that it names."""
    endpoint = journey.routed.endpoint
    return (endpoint.ip, endpoint.port) if endpoint is not None else (journey.packet.dst_ip, journey.packet.dst_port)


def _heed(journey: Journey, ruling: Ruling | None) -> bool:
    """Note what policies said, and whether they let the packet pass."""
    if ruling is None:
        return True
    journey.rulings = (*journey.rulings, ruling)
    return ruling.allowed
