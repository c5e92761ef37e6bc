"""Which of the printed rules a packet passed: the same lines that `lab rules` prints, in the order of the packet."""

from __future__ import annotations

from collections.abc import Iterator

from lab.network import reasons
from lab.network.addresses import family, parse_cidr
from lab.network.endpoints import EndpointInfo
from lab.network.node_facts import FROM_NODE, FROM_OUTSIDE, FROM_POD, IPTABLES, IPVS, NFTABLES, NodeFacts
from lab.network.packet import DELIVER, Packet
from lab.network.program import iptables, ipvs, names, nftables, nftables_node
from lab.network.program.line import Line
from lab.network.program.port import Claim, Port, port_of
from lab.network.router import Verdict
from lab.network.rule_table import Match, RuleTable
from lab.network.traffic_policy import CLUSTER_IP, LOAD_BALANCER_IP, NODE_PORT


def rule_lines(
    table: RuleTable, node: NodeFacts, packet: Packet, match: Match | None, verdict: Verdict, *, remembered: bool
) -> tuple[Line, ...]:
    """The rules that matched a packet, as the node's table had them; `remembered` is session affinity's choice.

    What every node has (the jumps from the kernel's own chains) is left out.
    """
    if match is None:
        return tuple(_without_service(table, node, packet, verdict))
    port = port_of(match.rule, node)
    claim = Claim(match.kind, "" if match.kind is NODE_PORT else packet.dst_ip)
    passed = _PASSED[node.mode]
    return tuple(passed(port, claim, packet, verdict, remembered).lines())


def _without_service(table: RuleTable, node: NodeFacts, packet: Packet, verdict: Verdict) -> Iterator[Line]:
    """What concerns packets to no port of a Service."""
    if verdict.reason == reasons.HEALTH_CHECK_PORT and node.mode == IPTABLES:
        service = table.health_check_ports[packet.dst_port]
        rules = (rule for rule in table.services.get(service, ()) if rule.family == family(packet.dst_ip))
        yield from (iptables.accept_health_checks(port_of(rule, node)) for rule in list(rules)[:1])
    elif verdict.reason == reasons.HEALTH_CHECK_PORT and node.mode == IPVS:
        yield ipvs.accept_health_checks(family(packet.dst_ip))
    elif verdict.reason == reasons.NO_SUCH_PORT and node.mode == IPVS:
        yield ipvs.wrong_port(family(packet.dst_ip))
    elif verdict.reason == reasons.NO_SUCH_PORT:
        yield nftables_node.wrong_port(family(packet.dst_ip))
    elif verdict.reason == reasons.UNALLOCATED:
        yield from nftables_node.unallocated(node, family(packet.dst_ip))


class _Passed:
    """A packet on its way through the rules of one Service port."""

    def __init__(self, port: Port, claim: Claim, packet: Packet, verdict: Verdict, remembered: bool) -> None:
        self.port = port
        self.claim = claim
        self.packet = packet
        self.verdict = verdict
        self.remembered = remembered
        self.source = port.node.source_of(packet.src_ip)

    @property
    def guarded(self) -> bool:
        """Whether source ranges were looked at."""
        return self.claim.kind is LOAD_BALANCER_IP and bool(self.port.rule.source_ranges)

    @property
    def short_cut(self) -> bool:
        """Whether the packet went around a Local policy."""
        return self.claim.kind is not CLUSTER_IP and self.port.rule.external_local and self.source != FROM_OUTSIDE

    @property
    def local(self) -> bool:
        """Whether the endpoint came from the local list."""
        return self.port.is_local(self.claim.kind) and not self.short_cut

    @property
    def endpoints(self) -> tuple[EndpointInfo, ...]:
        return self.port.local if self.local else self.port.cluster

    @property
    def endpoint(self) -> EndpointInfo:
        """Where it was delivered."""
        assert self.verdict.endpoint is not None
        return self.verdict.endpoint

    @property
    def marks_cluster_traffic(self) -> bool:
        return self.port.node.masquerade_all or (self.port.pod_cidr != "" and self.source != FROM_POD)

    @property
    def marked(self) -> bool:
        """Whether it is masqueraded for where it comes from, and not because it reaches itself."""
        if self.claim.kind is CLUSTER_IP:
            return self.marks_cluster_traffic
        return not self.port.rule.external_local or self.source == FROM_NODE

    @property
    def left(self) -> int:
        """How many endpoints the chain still had to choose from when it came to this one."""
        addresses = [endpoint.address for endpoint in self.endpoints]
        return len(addresses) - addresses.index(self.endpoint.address)

    @property
    def hairpin(self) -> bool:
        return self.endpoint.ip == self.packet.src_ip


class _Iptables(_Passed):
    def lines(self) -> Iterator[Line]:
        port, claim = self.port, self.claim
        delivered = self.verdict.verdict == DELIVER
        served = claim.kind is not NODE_PORT or port.node.serves_node_ports_on(self.packet.dst_ip)
        if port.has_endpoints and served and not (claim.kind is CLUSTER_IP and port.refusal(CLUSTER_IP)):
            yield iptables.entry(port, claim)
            if self.guarded:
                yield from self._firewall(delivered)
        if delivered:
            yield from self._to_list()
            yield from self._to_endpoint()
        elif self.guarded and port.has_endpoints:
            yield iptables.drop_the_rest(port, claim)
        else:
            yield iptables.refuse(port, claim)

    def _firewall(self, delivered: bool) -> Iterator[Line]:
        """What is let through and finds no endpoint comes back, and meets the rest of the chain."""
        sources = [source for source in self.port.allowed_sources() if _holds(source, self.packet.src_ip)]
        yield from (iptables.allow(self.port, source) for source in sources[: 1 if delivered else None])
        if not delivered:
            yield iptables.leave_to_firewall(self.port)

    def _to_list(self) -> Iterator[Line]:
        port = self.port
        if self.claim.kind is CLUSTER_IP:
            if self.marks_cluster_traffic:
                yield from iptables.mark_cluster_traffic(port)
        elif not port.rule.external_local:
            *_, last = iptables.external_lines(port)
            yield iptables.mark_external_traffic(port)
            yield last
        elif self.source == FROM_POD:
            yield from iptables.short_cut_for_pods(port)
        elif self.source == FROM_NODE:
            yield from iptables.short_cut_for_node(port)
        else:
            *_, last = iptables.external_lines(port)
            yield last

    def _to_endpoint(self) -> Iterator[Line]:
        port, endpoint = self.port, self.endpoint
        prefix = names.LOCAL_CHAIN if self.local else names.CLUSTER_CHAIN
        if self.remembered:
            yield iptables.return_to(port, prefix, endpoint)
        else:
            yield iptables.choose(port, prefix, endpoint, self.left)
        if self.hairpin:
            yield iptables.mark_hairpin(port, endpoint)
        yield iptables.rewrite(port, endpoint)


def _holds(source: str, ip: str) -> bool:
    cidr = parse_cidr(source)
    return cidr is not None and cidr.holds(ip)


class _Nftables(_Passed):
    def lines(self) -> Iterator[Line]:
        port, claim = self.port, self.claim
        refused_early = self.refused_early
        if self.guarded and not refused_early:
            yield nftables.guard(port, claim)
            if self.verdict.reason == reasons.SOURCE_NOT_ALLOWED:
                yield nftables.drop_others(port)
                return
        if claim.kind is CLUSTER_IP and self.marks_cluster_traffic:
            yield from nftables_node.mark_cluster_traffic(port.node, port.rule.family)
        if port.has_endpoints and not (claim.kind is CLUSTER_IP and port.refusal(CLUSTER_IP)) and not refused_early:
            yield nftables.entry(port, claim)
        if self.verdict.verdict != DELIVER:
            yield nftables.refuse(port, claim)
        else:
            yield from self._to_list()
            yield from self._to_endpoint()

    @property
    def refused_early(self) -> bool:
        """Whether the packet leaves from the node itself and is refused before any other rule."""
        node = self.port.node
        refused = self.verdict.verdict != DELIVER and self.verdict.reason != reasons.SOURCE_NOT_ALLOWED
        return refused and node.refuses_before_dnat and node.is_local(self.packet.src_ip) and self.claim.ip != ""

    def _to_list(self) -> Iterator[Line]:
        port = self.port
        if self.claim.kind is CLUSTER_IP:
            if self.marks_cluster_traffic:
                yield from nftables.mark_cluster_traffic(port)
        elif not port.rule.external_local:
            yield from nftables.external_lines(port)
        elif self.source == FROM_POD:
            yield from nftables.short_cut_for_pods(port)
        elif self.source == FROM_NODE:
            yield from nftables.short_cut_for_node(port)
        else:
            *_, last = nftables.external_lines(port)
            yield last

    def _to_endpoint(self) -> Iterator[Line]:
        port, endpoint = self.port, self.endpoint
        prefix = names.NFT_LOCAL_CHAIN if self.local else names.NFT_CLUSTER_CHAIN
        if self.remembered:
            yield nftables.return_to(port, prefix, endpoint)
        else:
            yield nftables.choose(port, prefix, self.endpoints)
        if self.hairpin and not port.node.features.nftables_hairpin_set:
            yield from nftables.mark_hairpin(port, endpoint)
        if nftables.has_chains(port):
            if port.rule.affinity_s:
                yield nftables.remember(port, endpoint)
            yield nftables.rewrite(port, endpoint)
        if self.hairpin and not self.marked and port.node.features.nftables_hairpin_set:
            for element in nftables.mark_hairpin(port, endpoint):
                yield nftables_node.masquerade_hairpins(port.rule.family)
                yield element


class _Ipvs(_Passed):
    """With ipvs the lists have other endpoints than `_Passed` says, but which one was taken is in the verdict."""

    def lines(self) -> Iterator[Line]:
        port, claim = self.port, self.claim
        if self.guarded:
            yield from self._guard()
            if self.verdict.reason == reasons.SOURCE_NOT_ALLOWED:
                yield ipvs.drop_others()
                return
        yield from self._masquerade()
        yield ipvs.virtual_server(port, claim, self.packet.dst_ip)
        if self.verdict.verdict == DELIVER:
            yield ipvs.real_server(port, claim, self.packet.dst_ip, self.endpoint.address)
            if self.hairpin and self.endpoint.local_to(port.node.name):
                yield ipvs.hairpin(port, self.endpoint)
                yield ipvs.by_set(ipvs.LOOP_BACK, port.rule.family)

    def _guard(self) -> Iterator[Line]:
        """A packet to an address with source ranges returns at the first one that it is in."""
        port, claim = self.port, self.claim
        yield ipvs.member(port, claim, ipvs.GUARDED)
        yield ipvs.by_set(ipvs.GUARDED, port.rule.family)
        source = next((each for each in port.allowed_sources() if _holds(each, self.packet.src_ip)), "")
        if source:
            yield ipvs.allow(port, claim, source)
            yield ipvs.by_set(ipvs.SOURCE_CIDR if "/" in source else ipvs.SOURCE_IP, port.rule.family)

    def _masquerade(self) -> Iterator[Line]:
        """The sets that a packet is found in before it comes to its virtual server."""
        port, claim = self.port, self.claim
        if claim.kind is NODE_PORT:
            yield ipvs.by_node_port(port, port.rule.family)
            return
        if claim.kind is CLUSTER_IP:
            if self.marks_cluster_traffic:
                yield ipvs.member(port, claim, ipvs.CLUSTER)
                yield ipvs.mark_cluster_traffic(port.node, port.rule.family)
            return
        if claim.kind is LOAD_BALANCER_IP:
            yield ipvs.member(port, claim, ipvs.BALANCER)
            yield ipvs.by_set(ipvs.BALANCER, port.rule.family)
            if port.rule.external_local:
                yield ipvs.member(port, claim, ipvs.BALANCER_LOCAL)
                yield ipvs.by_set(ipvs.BALANCER_LOCAL, port.rule.family)
            else:
                yield ipvs.mark_balanced_traffic()
        elif not port.rule.external_local:
            yield ipvs.member(port, claim, ipvs.EXTERNAL)
            yield next(ipvs.mark_external_traffic(port.rule.family))


_PASSED: dict[str, type[_Iptables | _Ipvs | _Nftables]] = {IPTABLES: _Iptables, IPVS: _Ipvs, NFTABLES: _Nftables}
