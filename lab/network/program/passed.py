"""Which of the printed rules a packet passed: the same lines that `lab rules` prints, in the order of the packet."""

from __future__ import annotations

from collections.abc import Iterator

from lab.network import reasons
from lab.network.addresses import family, parse_cidr
from lab.network.endpoints import EndpointInfo
from lab.network.node_facts import FROM_NODE, FROM_POD, IPTABLES, IPVS, NFTABLES, NodeFacts
from lab.network.packet import DELIVER, Packet
from lab.network.program import iptables, ipvs, names, nftables, nftables_node
from lab.network.program.line import Line
from lab.network.program.port import Claim, port_of
from lab.network.router import Record, Verdict
from lab.network.rule_table import Match, RuleTable
from lab.network.traffic_policy import (
    CLUSTER_IP,
    LOAD_BALANCER_IP,
    LOCAL_LIST,
    NODE_PORT,
    Plan,
    masquerade_to_cluster_ip,
)


def rule_lines(table: RuleTable, node: NodeFacts, packet: Packet, record: Record) -> tuple[Line, ...]:
    """The rules that matched a packet, as the node's table had them, from what the router told of its decision.

    What every node has (the jumps from the kernel's own chains) is left out.
    """
    if record.match is None:
        return tuple(_without_service(table, node, packet, record.verdict))
    passed = _PASSED[node.mode]
    return tuple(passed(node, packet, record.match, record).lines())


def missed_lines(node: NodeFacts, packet: Packet, record: Record) -> tuple[Line, ...]:
    """The rules that were tried on the way to those of `rule_lines`, and did not match; where the kernel looks into a
    set or a map it tries nothing one by one.
    """
    if record.match is None:
        return ()
    return tuple(_PASSED[node.mode](node, packet, record.match, record).missed())


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
    """A packet on its way through the rules of one Service port. What the router decided is read, not decided again."""

    def __init__(self, node: NodeFacts, packet: Packet, match: Match, record: Record) -> None:
        self.port = port_of(match.rule, node)
        self.claim = Claim(match.kind, "" if match.kind is NODE_PORT else packet.dst_ip)
        self.packet = packet
        self.record = record
        self.verdict = record.verdict
        self.source = record.source

    @property
    def guarded(self) -> bool:
        """Whether source ranges were looked at."""
        return self.record.allowed is not None

    @property
    def plan(self) -> Plan:
        """What the policies made of it, once its source was let through."""
        assert self.record.plan is not None
        return self.record.plan

    @property
    def local(self) -> bool:
        """Whether the endpoint came from the local list."""
        return self.plan.list_name == LOCAL_LIST

    @property
    def endpoint(self) -> EndpointInfo:
        """Where it was delivered."""
        assert self.verdict.endpoint is not None
        return self.verdict.endpoint

    @property
    def earlier(self) -> tuple[EndpointInfo, ...]:
        """The endpoints that its list has before the one that was taken."""
        endpoints = self.plan.endpoints
        return endpoints[: len(endpoints) - self.left]

    def missed(self) -> Iterator[Line]:
        """The rules that were tried in vain, in the order of the packet."""
        return iter(())

    @property
    def marks_cluster_traffic(self) -> bool:
        """Whether packets from this source to a cluster IP are marked for masquerading, whatever becomes of them."""
        return masquerade_to_cluster_ip(self.port.rule, self.source, self.port.node)[0]

    @property
    def left(self) -> int:
        """How many endpoints the chain still had to choose from when it came to this one."""
        addresses = [endpoint.address for endpoint in self.plan.endpoints]
        return len(addresses) - addresses.index(self.endpoint.address)


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

    def missed(self) -> Iterator[Line]:
        """Sources that it does not come from, then endpoints that it was not sent to."""
        port = self.port
        if self.guarded and port.has_endpoints:
            sources = port.allowed_sources()
            held = next((place for place, each in enumerate(sources) if _holds(each, self.packet.src_ip)), len(sources))
            yield from (iptables.allow(port, source) for source in sources[:held])
        if self.verdict.verdict != DELIVER:
            return
        prefix = names.LOCAL_CHAIN if self.local else names.CLUSTER_CHAIN
        if port.rule.affinity_s:
            asked = self.earlier if self.record.remembered else self.plan.endpoints
            yield from (iptables.return_to(port, prefix, endpoint) for endpoint in asked)
        if not self.record.remembered:
            count = len(self.plan.endpoints)
            for place, endpoint in enumerate(self.earlier):
                yield iptables.choose(port, prefix, endpoint, count - place)

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
        if self.record.remembered:
            yield iptables.return_to(port, prefix, endpoint)
        else:
            yield iptables.choose(port, prefix, endpoint, self.left)
        if self.record.hairpin:
            yield iptables.mark_hairpin(port, endpoint)
        yield iptables.rewrite(port, endpoint)


def _holds(source: str, ip: str) -> bool:
    cidr = parse_cidr(source)
    return cidr is not None and cidr.holds(ip)


class _Nftables(_Passed):
    def lines(self) -> Iterator[Line]:
        port, claim = self.port, self.claim
        if self.guarded:
            yield nftables.guard(port, claim)
            if self.verdict.reason == reasons.SOURCE_NOT_ALLOWED:
                yield nftables.drop_others(port)
                return
        if claim.kind is CLUSTER_IP and self.marks_cluster_traffic:
            yield from nftables_node.mark_cluster_traffic(port.node, port.rule.family)
        if port.has_endpoints and not (claim.kind is CLUSTER_IP and port.refusal(CLUSTER_IP)) and not self.record.early:
            yield nftables.entry(port, claim)
        if self.verdict.verdict != DELIVER:
            yield nftables.refuse(port, claim)
        else:
            yield from self._to_list()
            yield from self._to_endpoint()

    def missed(self) -> Iterator[Line]:
        """The endpoints that the client did not have before."""
        if self.verdict.verdict == DELIVER and self.port.rule.affinity_s:
            prefix = names.NFT_LOCAL_CHAIN if self.local else names.NFT_CLUSTER_CHAIN
            asked = self.earlier if self.record.remembered else self.plan.endpoints
            yield from (nftables.return_to(self.port, prefix, endpoint) for endpoint in asked)

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
        if self.record.remembered:
            yield nftables.return_to(port, prefix, endpoint)
        else:
            yield nftables.choose(port, prefix, self.plan.endpoints)
        if self.record.hairpin and not port.node.features.nftables_hairpin_set:
            yield from nftables.mark_hairpin(port, endpoint)
        if nftables.has_chains(port):
            if port.rule.affinity_s:
                yield nftables.remember(port, endpoint)
            yield nftables.rewrite(port, endpoint)
        if self.record.hairpin and not self.plan.masquerade and port.node.features.nftables_hairpin_set:
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
            if self.record.hairpin:
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
