"""How a node decides about the first packet of a connection: `route`.

    match        exact (address, protocol, port) of a Service, else a node port, else nothing      rule_table.py
    guard        loadBalancerSourceRanges, on load-balancer IPs only
    policy       internal or external traffic policy: which list of endpoints, masquerade or not   traffic_policy.py
    affinity     ClientIP: the endpoint that this client had, while it is still eligible
    choice       at random and uniform; with ipvs as its scheduler says                            ipvs.py
    DNAT         the destination becomes the endpoint; masquerade: the source becomes the node

`route` is a pure function of the table, the node, the packet and one random number. With a recorder it takes the
very same path and also tells what it sees; that is all there is to `explain`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import floor
from typing import Protocol, TypeVar

import msgspec

from lab.network import reasons
from lab.network.addresses import any_holds, family
from lab.network.endpoints import EndpointInfo
from lab.network.node_facts import FROM_OUTSIDE, IPTABLES, IPVS, NFTABLES, NodeFacts
from lab.network.packet import DELIVER, DROP, PASS, REJECT, TCP, Packet
from lab.network.rule_table import Match, RuleTable
from lab.network.service_rules import ServicePortRule
from lab.network.traffic_policy import LOAD_BALANCER_IP, NODE_PORT, Plan, plan_for

_Choice = TypeVar("_Choice")
_MOST_FOUND = 100_000

Affinity = Callable[[ServicePortRule, str], str]
"""(rule, source IP) -> address of the endpoint that this node remembers for that client, or empty."""


class Verdict(msgspec.Struct, frozen=True, gc=False):
    """What a node's rules make of a packet."""

    verdict: str
    """deliver, reject, drop or pass."""
    reason: str
    """A code of `lab.network.reasons`."""
    rule: ServicePortRule | None = None
    endpoint: EndpointInfo | None = None
    masquerade: bool = False
    eligible: tuple[EndpointInfo, ...] = ()
    """The endpoints that one was taken from."""


class Recorder(Protocol):
    """Is told what `route` sees, in the order in which it sees it."""

    def matched(self, packet: Packet, match: Match | None) -> None:
        """A rule was looked up."""

    def guarded(self, rule: ServicePortRule, ip: str, allowed: bool) -> None:
        """The source ranges were checked."""

    def planned(self, match: Match, source: str, plan: Plan, early: bool) -> None:
        """The policies were applied; `early` when the node's refusals come before its source ranges and short cuts."""

    def chose(self, plan: Plan, endpoint: EndpointInfo, draw: float, remembered: bool) -> None:
        """An endpoint was taken."""

    def rewrote(self, packet: Packet, endpoint: EndpointInfo, masquerade: bool, hairpin: bool) -> None:
        """Destination and perhaps source were rewritten."""

    def ended(self, verdict: Verdict) -> None:
        """This is the verdict."""


class Record:
    """The plainest recorder: it keeps what it is told."""

    match: Match | None = None
    allowed: bool | None = None
    """What the source ranges said; None when they were not asked."""
    source: str = ""
    plan: Plan | None = None
    early: bool = False
    remembered: bool = False
    """Whether session affinity chose."""
    hairpin: bool = False
    """Whether a Pod reaches itself, and is masqueraded for it."""
    verdict: Verdict

    def matched(self, packet: Packet, match: Match | None) -> None:
        """A rule was looked up."""
        self.match = match

    def guarded(self, rule: ServicePortRule, ip: str, allowed: bool) -> None:
        """The source ranges were checked."""
        self.allowed = allowed

    def planned(self, match: Match, source: str, plan: Plan, early: bool) -> None:
        """The policies were applied."""
        self.source, self.plan, self.early = source, plan, early

    def chose(self, plan: Plan, endpoint: EndpointInfo, draw: float, remembered: bool) -> None:
        """An endpoint was taken."""
        self.remembered = remembered

    def rewrote(self, packet: Packet, endpoint: EndpointInfo, masquerade: bool, hairpin: bool) -> None:
        """Destination and perhaps source were rewritten."""
        self.hairpin = hairpin

    def ended(self, verdict: Verdict) -> None:
        """This is the verdict."""
        self.verdict = verdict


def route(
    table: RuleTable,
    node: NodeFacts,
    packet: Packet,
    draw: float,
    affinity: Affinity | None = None,
    recorder: Recorder | None = None,
) -> Verdict:
    """Decide about a new connection; `draw` is a random number in [0, 1)."""
    found = table.found.get((packet.dst_ip, packet.dst_port, packet.protocol, node.source_key(packet.src_ip)))
    if found is None:
        found = _find(table, node, packet)
    if recorder is not None:
        recorder.matched(packet, found[0] if found is not None else None)
    if found is None:
        return _end(_unmatched(table, node, packet), recorder)
    match, source, plan = found
    rule, kind = match
    early = node.refuses_before_dnat and kind is not NODE_PORT and _refused_early(rule, kind, packet, node)
    if early:
        plan = plan_for(rule, kind, FROM_OUTSIDE, node)
    # iptables checks who sent a packet only where there is an endpoint to protect.
    elif kind is LOAD_BALANCER_IP and rule.source_ranges and (plan.categories.has_any or node.mode != IPTABLES):
        allowed = source_allowed(rule, node, packet)
        if recorder is not None:
            recorder.guarded(rule, packet.src_ip, allowed)
        if not allowed:
            return _end(Verdict(DROP, reasons.SOURCE_NOT_ALLOWED, rule), recorder)
    if recorder is not None:
        recorder.planned(match, source, plan, early)
    endpoints = plan.endpoints
    if not endpoints:
        return _end(Verdict(plan.verdict, plan.reason, rule), recorder)
    reason = plan.reason
    endpoint = _remembered(rule, packet.src_ip, endpoints, affinity) if rule.affinity_s else None
    if endpoint is None:
        endpoint = choose(endpoints, draw)
    else:
        reason = reasons.AFFINITY
    # Hairpin: a Pod that reaches itself through a Service would otherwise answer itself directly and be confused.
    hairpin = endpoint.ip == packet.src_ip and node.masquerades_hairpin(endpoint.node)
    verdict = Verdict(DELIVER, reason, rule, endpoint, plan.masquerade or hairpin, endpoints)
    if recorder is not None:
        recorder.chose(plan, endpoint, draw, reason is reasons.AFFINITY)
        recorder.rewrote(packet, endpoint, verdict.masquerade, hairpin)
        recorder.ended(verdict)
    return verdict


def _find(table: RuleTable, node: NodeFacts, packet: Packet) -> tuple[Match, str, Plan] | None:
    """Match, source and plan of a packet; None when no Service port has its destination.

    For addresses of Services they are kept with the table. Node ports depend on more of a node than its key says.
    """
    address = packet.dst_ip, packet.protocol, packet.dst_port
    match, source = table.addresses.get(address), node.source_of(packet.src_ip)
    if match is not None:
        found = match, source, plan_for(match.rule, match.kind, source, node)
        if len(table.found) >= _MOST_FOUND:
            table.found.clear()
        table.found[packet.dst_ip, packet.dst_port, packet.protocol, node.source_key(packet.src_ip)] = found
        return found
    match = _node_port(table, node, packet)
    if match is None:
        return None
    if not node.serves_node_ports_on(packet.dst_ip):
        # Only the filter table knows this address, and it has no short cuts.
        source = FROM_OUTSIDE
    return match, source, plan_for(match.rule, match.kind, source, node)


def _refused_early(rule: ServicePortRule, kind: str, packet: Packet, node: NodeFacts) -> bool:
    """Whether the node's refusals take a packet that it sends itself, before source ranges and any short cut."""
    return node.is_local(packet.src_ip) and not plan_for(rule, kind, FROM_OUTSIDE, node).endpoints


def choose(eligible: Sequence[_Choice], draw: float) -> _Choice:
    """Pick one at random.

    nftables has `numgen random mod n`; iptables asks one rule after another with probability 1/n, 1/(n-1), ..., 1.
    Both are uniform, and with one number for the whole chain both pick the endpoint at `draw * n`.
    """
    return eligible[floor(draw * len(eligible))]


def source_allowed(rule: ServicePortRule, node: NodeFacts, packet: Packet) -> bool:
    """Whether loadBalancerSourceRanges let the source in.

    A node in a range may also use the load balancer's address as its own source: that is how its kernel
    addresses a packet to an address that it has itself.
    """
    if any_holds(rule.source_ranges, packet.src_ip):
        return True
    if packet.src_ip != packet.dst_ip:
        return False
    return any(any_holds(rule.source_ranges, ip) for ip in node.primary_ips)


def _node_port(table: RuleTable, node: NodeFacts, packet: Packet) -> Match | None:
    """The node port that a packet to one of the node's own addresses is for, if kube-proxy serves it there."""
    match = table.node_ports.get((family(packet.dst_ip), packet.protocol, packet.dst_port))
    if match is None:
        return None
    if node.serves_node_ports_on(packet.dst_ip):
        return match
    if node.mode != IPTABLES or not node.is_local(packet.dst_ip):
        return None
    # iptables rejects and drops for node ports in the filter table, on every local address whatever is listed.
    plan = plan_for(match.rule, match.kind, FROM_OUTSIDE, node)
    return None if plan.endpoints else match


def _unmatched(table: RuleTable, node: NodeFacts, packet: Packet) -> Verdict:
    """No Service has this address and port: usually the packet just passes."""
    if node.is_local(packet.dst_ip):
        if packet.protocol == TCP and packet.dst_port in table.health_check_ports:
            return Verdict(PASS, reasons.HEALTH_CHECK_PORT)
        key = (family(packet.dst_ip), packet.protocol, packet.dst_port)
        return Verdict(PASS, reasons.NODE_PORT_ELSEWHERE if key in table.node_ports else reasons.NO_RULE)
    if node.mode == IPVS and packet.dst_ip in table.virtual_ips:
        # The dummy interface kube-ipvs0 has it, so the packet is for the node itself: KUBE-IPVS-FILTER refuses it.
        if packet.protocol == TCP and packet.dst_port in table.health_check_ports:
            return Verdict(PASS, reasons.HEALTH_CHECK_PORT)
        return Verdict(REJECT, reasons.NO_SUCH_PORT)
    checks = node.mode == NFTABLES and node.features.nftables_cluster_ips_check
    if packet.dst_ip in table.cluster_ips:
        if checks:
            return Verdict(REJECT, reasons.NO_SUCH_PORT)
        return Verdict(PASS, reasons.WRONG_PORT_PASSED)
    if checks and any_holds(node.service_cidrs, packet.dst_ip):
        return Verdict(DROP, reasons.UNALLOCATED)
    return Verdict(PASS, reasons.NO_RULE)


def _remembered(
    rule: ServicePortRule, source_ip: str, endpoints: tuple[EndpointInfo, ...], affinity: Affinity | None
) -> EndpointInfo | None:
    """The endpoint that this client had, if the node remembers one and it is still eligible."""
    address = affinity(rule, source_ip) if affinity is not None else ""
    return next((endpoint for endpoint in endpoints if endpoint.address == address), None) if address else None


def _end(verdict: Verdict, recorder: Recorder | None) -> Verdict:
    if recorder is not None:
        recorder.ended(verdict)
    return verdict
