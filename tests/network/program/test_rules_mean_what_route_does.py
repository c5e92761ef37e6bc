"""The printed rules, walked by somebody who knows nothing of Services, do what `route` does."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.network import reasons
from lab.network.addresses import family, join, parse_cidrs
from lab.network.cases import case_of
from lab.network.endpoints import EndpointInfo
from lab.network.node_facts import IPTABLES, NFTABLES, NodeFacts
from lab.network.packet import Packet
from lab.network.program import lines_of, names, rule_lines, written
from lab.network.router import Verdict, route
from lab.network.rule_table import Match, RuleTable
from lab.network.service_rules import ServicePortRule
from tests.conformance.vectors import cases
from tests.network.program import walk_iptables, walk_nftables

WALKERS = {IPTABLES: walk_iptables.Walker, NFTABLES: walk_nftables.Walker}
DRAWS = 60
"""A multiple of every number of endpoints that is generated."""

V4 = {
    "node": ("192.168.0.2", "192.168.0.3"),
    "pods": "10.180.0.{}",
    "cidr": "10.0.0.0/8",
    "services": "172.30.0.0/16",
    "cluster": "172.30.0.4{}",
    "external": "192.168.99.1{}",
    "balancer": "5.6.7.{}",
    "client": "203.0.113.2",
    "blocked": "203.0.113.130",
    "ranges": "203.0.113.0/25",
    "nodes": "192.168.0.0/24",
    "loopback": "127.0.0.1",
}
V6 = {
    "node": ("2001:db8::1", "2001:db8::2"),
    "pods": "fd00:10::{}",
    "cidr": "fd00:10::/64",
    "services": "fd00:10:96::/112",
    "cluster": "fd00:10:96::4{}",
    "external": "2001:db8:99::1{}",
    "balancer": "2001:db8:5::{}",
    "client": "2001:db8:203::2",
    "blocked": "2001:db8:204::2",
    "ranges": "2001:db8:203::/64",
    "nodes": "2001:db8::/64",
    "loopback": "::1",
}


class Recorder:
    """Keeps the match that `route` found, and nothing else."""

    match: Match | None = None

    def matched(self, packet: Packet, match: Match | None) -> None:
        self.match = match

    def __getattr__(self, name: str) -> Any:
        return lambda *more: None


@st.composite
def rules(draw: Any, number: int, world: dict[str, Any]) -> ServicePortRule:
    count = draw(st.integers(0, 5))
    endpoints = []
    for index in range(1, count + 1):
        ip = world["pods"].format(index)
        state = draw(st.sampled_from([(True, True, False)] * 4 + [(False, True, True), (False, False, False)]))
        hints = draw(st.sampled_from([(), (), ("a",), ("b",)]))
        where = draw(st.sampled_from(["w1", "w2", ""]))
        endpoints.append(EndpointInfo(join(ip, 8080), ip, 8080, where, "", *state, zone_hints=hints))
    ranges = [world["ranges"], *draw(st.sampled_from([[], [world["nodes"]], [world["cidr"]]]))]
    return ServicePortRule(
        f"ns{number}/svc{number}",
        draw(st.sampled_from(["", "http"])),
        draw(st.sampled_from(["TCP", "TCP", "UDP", "SCTP"])),
        80,
        world["cluster"].format(number),
        draw(st.sampled_from([(), (world["external"].format(1),)])),
        draw(st.sampled_from([(), (world["balancer"].format(number),)])),
        draw(st.sampled_from([0, 30080 + number])),
        draw(st.booleans()),
        draw(st.booleans()),
        draw(st.sampled_from([0.0, 0.0, 600.0])),
        parse_cidrs(ranges) if draw(st.booleans()) else (),
        draw(st.sampled_from([0, 31000 + number])),
        tuple(endpoints),
    )


@st.composite
def situations(draw: Any) -> tuple[RuleTable, NodeFacts, Packet, int]:
    """A table, a node, a packet, and which endpoint session affinity remembers for its source."""
    world = draw(st.sampled_from([V4, V4, V6]))
    table = RuleTable()
    for number in range(1, draw(st.integers(2, 3))):
        rule = draw(rules(number, world))
        table = table.with_service(rule.service, (rule,))
    node = NodeFacts(
        "w1",
        draw(st.sampled_from(["", "a"])),
        world["node"],
        mode=draw(st.sampled_from([IPTABLES, NFTABLES])),
        cluster_cidr=draw(st.sampled_from([None, world["cidr"], world["cidr"], V4["cidr"]])),
        masquerade_all=draw(st.sampled_from([False, False, True])),
        node_port_addresses=draw(st.sampled_from([(), (), (world["node"][1],), ("0.0.0.0/0", "::/0")])),
        localhost_node_ports=draw(st.booleans()),
        service_cidrs=(V4["services"], V6["services"]),
    )
    to = [world["cluster"].format(1), world["cluster"].format(2), world["cluster"].format(9), world["client"]]
    to += [world["external"].format(1), world["balancer"].format(1), *world["node"], world["loopback"]]
    source = [world["pods"].format(1), world["pods"].format(9), world["client"], world["blocked"]]
    source += [world["node"][0], world["balancer"].format(1)]
    dst = draw(st.sampled_from(to))
    port = draw(st.sampled_from([80, 80, 80, 81] if dst not in (*world["node"], world["loopback"]) else [30081, 31001]))
    src = world["loopback"] if dst == world["loopback"] else draw(st.sampled_from(source))
    packet = Packet(src, 40000, dst, port, draw(st.sampled_from(["TCP", "TCP", "UDP"])))
    return table, node, packet, draw(st.integers(0, 9))


def routed(
    table: RuleTable, node: NodeFacts, packet: Packet, remembered: tuple[ServicePortRule, str] | None
) -> tuple[dict[tuple[str, str, bool], float], dict[str, tuple[str, ...]]]:
    """How probable each outcome is, and which of the printed rules lead to it."""
    odds: dict[tuple[str, str, bool], float] = {}
    passed: dict[str, tuple[str, ...]] = {}
    for number in range(DRAWS):
        recorder = Recorder()

        def affinity(rule: ServicePortRule, ip: str) -> str:
            return remembered[1] if remembered is not None and rule is remembered[0] else ""

        verdict: Verdict = route(table, node, packet, (number + 0.5) / DRAWS, affinity, recorder)
        address = verdict.endpoint.address if verdict.endpoint else ""
        outcome = verdict.verdict, address, verdict.masquerade
        odds[outcome] = odds.get(outcome, 0.0) + 1 / DRAWS
        lines = rule_lines(table, node, packet, recorder.match, verdict, remembered=verdict.reason == reasons.AFFINITY)
        passed[address] = tuple(map(str, lines))
    return odds, passed


def check(table: RuleTable, node: NodeFacts, packet: Packet, choice: int = 0) -> None:
    endpoints = [(rule, e) for held in table.services.values() for rule in held for e in rule.endpoints]
    known: dict[str, str] = {}
    remembered = None
    if choice < len(endpoints) and endpoints[choice][0].affinity_s:
        rule, endpoint = endpoints[choice]
        remembered = rule, endpoint.address
        for name in (names.endpoint_chain(rule, endpoint), names.nft_endpoint_name("affinity-", rule, endpoint)):
            known[name] = packet.src_ip
    odds, passed = routed(table, node, packet, remembered)
    wanted = family(packet.dst_ip)
    text = written(table, node, wanted)
    walked: dict[tuple[str, str, bool], float] = {}
    own = [str(line) for line in lines_of(table, node, wanted) if line.service] + [*passed.get("", ())]
    for end in WALKERS[node.mode](text, list(node.ips), known).walk(packet):
        outcome = end.outcome, end.endpoint, end.masquerade
        walked[outcome] = walked.get(outcome, 0.0) + end.probability
        assert tuple(line for line in end.rules if line in own) == passed.get(end.endpoint), "\n".join(text)
    assert walked == pytest.approx(odds, abs=1e-6), "\n".join(text)


@given(situations())
@settings(max_examples=50, deadline=None)
def test_printed_rules_give_the_same_endpoints_with_the_same_probabilities(
    situation: tuple[RuleTable, NodeFacts, Packet, int],
) -> None:
    check(*situation)


@pytest.mark.parametrize("case", cases("packet_flows.json"))
def test_printed_rules_lead_the_packets_of_the_vectors_where_kube_proxy_leads_them(case: dict[str, Any]) -> None:
    read = case_of(case)
    table, node = read.table, read.facts
    text = written(table, node, case["proxy"]["ip_family"])
    for flow in case["flows"]:
        packet = Packet(flow["from"], 40000, flow["to"], flow["port"], flow["protocol"])
        ends = WALKERS[node.mode](text, list(node.ips)).walk(packet)
        expect = flow["expect"]
        assert {end.outcome for end in ends} == {expect["outcome"]}, flow["name"]
        assert sorted({end.endpoint for end in ends if end.endpoint}) == sorted(expect["endpoints"]), flow["name"]
        assert any(end.masquerade for end in ends) == expect["masquerade"], flow["name"]
