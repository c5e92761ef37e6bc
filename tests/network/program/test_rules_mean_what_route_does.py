"""The printed rules, walked by somebody who knows nothing of Services, do what `route` does."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from math import lcm
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from lab.kube.versions import NEWEST, features_of
from lab.network.addresses import family, join, parse_cidrs
from lab.network.cases import case_of
from lab.network.endpoints import EndpointInfo
from lab.network.node_facts import IPTABLES, NFTABLES, NodeFacts
from lab.network.packet import Packet
from lab.network.program import Line, lines_of, missed_lines, names, rule_lines, written
from lab.network.router import Record, Verdict, route
from lab.network.rule_table import RuleTable
from lab.network.service_rules import ServicePortRule
from tests.conformance.vectors import cases
from tests.network.program import walk_iptables, walk_nftables

WALKERS = {IPTABLES: walk_iptables.Walker, NFTABLES: walk_nftables.Walker}

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


NO_HINTS = st.just(((), ()))
SOME_HINTS = st.sampled_from([(("a",), ()), (("b",), ()), (("a", "b"), ("w1",)), (("a",), ("w2",)), ((), ())])
"""Of zones and of nodes."""


@st.composite
def rules(draw: Any, number: int, world: dict[str, Any], places: list[str]) -> ServicePortRule:
    count = draw(st.integers(0, 5))
    hints = draw(st.sampled_from([NO_HINTS, SOME_HINTS]))
    endpoints = []
    for index in range(1, count + 1):
        ip = world["pods"].format(index)
        state = draw(st.sampled_from([(True, True, False)] * 4 + [(False, True, True), (False, False, False)]))
        zones, nodes = draw(hints)
        endpoints.append(EndpointInfo(join(ip, 8080), ip, 8080, places[index - 1], "", *state, zones, nodes))
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
def situations(draw: Any) -> tuple[RuleTable, NodeFacts, list[Packet], int]:
    """A table, a node, packets, and which endpoint session affinity remembers for their source."""
    world = draw(st.sampled_from([V4, V4, V6]))
    table = RuleTable()
    places = draw(st.lists(st.sampled_from(["w1", "w2", ""]), min_size=5, max_size=5))
    for number in range(1, draw(st.integers(2, 3))):
        rule = draw(rules(number, world, places))
        table = table.with_service(rule.service, (rule,))
    node = NodeFacts(
        "w1",
        draw(st.sampled_from(["", "a"])),
        world["node"],
        mode=draw(st.sampled_from([IPTABLES, NFTABLES])),
        cluster_cidr=draw(st.sampled_from([None, world["cidr"], world["cidr"], world["nodes"], V4["cidr"]])),
        masquerade_all=draw(st.sampled_from([False, False, True])),
        node_port_addresses=draw(
            st.sampled_from([(), (), (world["node"][1],), (V4["loopback"],), ("0.0.0.0/0", "::/0")])
        ),
        localhost_node_ports=draw(st.booleans()),
        service_cidrs=(V4["services"], V6["services"]),
        features=features_of(draw(st.sampled_from([NEWEST, NEWEST, "1.36", "1.35", "1.33", "1.29"]))),
    )
    return table, node, packets(world), draw(st.integers(0, 9))


def packets(world: dict[str, Any]) -> list[Packet]:
    """From everybody to everything that there is, and some that there is not."""
    node, balancer = world["node"], world["balancer"].format(1)
    sources = [world["pods"].format(1), world["pods"].format(9), world["client"], world["blocked"], node[0], balancer]
    services = [world["cluster"].format(1), world["cluster"].format(2), world["external"].format(1), balancer]
    to = [*((ip, 80, "TCP") for ip in services), (services[0], 80, "UDP"), (services[0], 81, "TCP")]
    to += [(ip, port, "TCP") for ip in node for port in (30081, 31001)]
    to += [(world["cluster"].format(9), 80, "TCP"), (world["client"], 80, "TCP")]
    found = [Packet(source, 40000, *there) for source in sources for there in to]
    loopbacks = dict.fromkeys((world["loopback"], world["loopback"].replace("0.0.1", "0.0.2")))
    return [*found, *(Packet(world["loopback"], 40000, ip, 30081) for ip in loopbacks)]


def routed(
    table: RuleTable, node: NodeFacts, packet: Packet, remembered: tuple[ServicePortRule, str] | None, draws: int
) -> tuple[dict[tuple[str, str, bool], float], dict[str, tuple[str, ...]]]:
    """How probable each outcome is, and which of the printed rules lead to it."""
    odds: dict[tuple[str, str, bool], float] = {}
    passed: dict[str, tuple[str, ...]] = {}
    for number in range(draws):
        record = Record()

        def affinity(rule: ServicePortRule, ip: str) -> str:
            return remembered[1] if remembered is not None and rule is remembered[0] else ""

        verdict: Verdict = route(table, node, packet, (number + 0.5) / draws, affinity, record)
        address = verdict.endpoint.address if verdict.endpoint else ""
        outcome = verdict.verdict, address, verdict.masquerade
        odds[outcome] = odds.get(outcome, 0.0) + 1 / draws
        if address not in passed:
            lines = rule_lines(table, node, packet, record)
            tried_in_vain(table, node, packet, record, lines)
            passed[address] = tuple(map(str, lines))
    return odds, passed


def tried_in_vain(table: RuleTable, node: NodeFacts, packet: Packet, record: Record, passed: Sequence[Line]) -> None:
    """What was tried in vain stands among the rules, and in front of one of its chain that was passed, if any was."""
    missed = missed_lines(node, packet, record)
    printed = [str(line) for line in lines_of(table, node, family(packet.dst_ip))]
    taken = list(map(str, passed))
    for line in map(str, missed):
        assert line not in taken
        place = printed.index(line)
        same_chain = [each for each in taken if each in printed and each.split()[:2] == line.split()[:2]]
        after = [place < printed.index(each) for each in same_chain]
        assert any(after) or not after


def remembered_of(table: RuleTable, choice: int) -> tuple[ServicePortRule, EndpointInfo] | None:
    """One endpoint of a Service with session affinity, or none."""
    endpoints = [(rule, e) for held in table.services.values() for rule in held for e in rule.endpoints]
    return endpoints[choice] if choice < len(endpoints) and endpoints[choice][0].affinity_s else None


def check(table: RuleTable, node: NodeFacts, sent: list[Packet], choice: int = 99) -> None:
    """Send packets of one family both ways."""
    remembered = remembered_of(table, choice)
    lists = () if remembered is None else _lists(*remembered)
    wanted = family(sent[0].dst_ip)
    text = written(table, node, wanted)
    own = dict.fromkeys(str(line) for line in lines_of(table, node, wanted) if line.service)
    most = max(len(rule.endpoints) for held in table.services.values() for rule in held)
    draws = lcm(*range(1, most + 1))
    walker = WALKERS[node.mode](text, list(node.ips))
    for packet in sent:
        odds, passed = routed(
            table, node, packet, (remembered[0], remembered[1].address) if remembered else None, draws
        )
        walker.remembered = dict.fromkeys(lists, packet.src_ip)
        walked: dict[tuple[str, str, bool], float] = {}
        for end in walker.walk(packet):
            outcome = end.outcome, end.endpoint, end.masquerade
            walked[outcome] = walked.get(outcome, 0.0) + end.probability
            met = tuple(line for line in end.rules if line in own or line in passed.get(end.endpoint, ()))
            assert met == passed.get(end.endpoint), f"{packet}\n" + "\n".join(text)
        assert walked == pytest.approx(odds, abs=1e-6), f"{packet}\n" + "\n".join(text)


def _lists(rule: ServicePortRule, endpoint: EndpointInfo) -> tuple[str, str]:
    """Where either mode remembers who was sent to an endpoint."""
    return names.endpoint_chain(rule, endpoint), names.nft_endpoint_name("affinity-", rule, endpoint)


@given(situations())
@settings(max_examples=40, deadline=None)
def test_printed_rules_give_the_same_endpoints_with_the_same_probabilities(
    situation: tuple[RuleTable, NodeFacts, list[Packet], int],
) -> None:
    check(*situation)


HERE, THERE = (
    EndpointInfo("10.180.0.1:80", "10.180.0.1", 80, "w1"),
    EndpointInfo("10.180.0.7:80", "10.180.0.7", 80, "w2"),
)
LEAVING = EndpointInfo("10.180.0.8:80", "10.180.0.8", 80, "w1", "", False, True, True)


@pytest.mark.parametrize("mode", [IPTABLES, NFTABLES])
@pytest.mark.parametrize("cidr", [V4["cidr"], V4["nodes"], None])
@pytest.mark.parametrize("endpoints", [(), (HERE,), (THERE,), (HERE, THERE), (THERE, LEAVING)], ids=len)
def test_each_policy_with_each_sort_of_endpoints(
    mode: str, cidr: str | None, endpoints: tuple[EndpointInfo, ...]
) -> None:
    node = NodeFacts("w1", "", V4["node"], mode=mode, cluster_cidr=cidr, service_cidrs=[V4["services"]])
    for internal_local, external_local, guarded in product([False, True], repeat=3):
        rule = ServicePortRule(
            "ns1/svc1",
            "http",
            "TCP",
            80,
            V4["cluster"].format(1),
            (V4["external"].format(1),),
            (V4["balancer"].format(1),),
            30081,
            internal_local,
            external_local,
            0.0,
            parse_cidrs([V4["ranges"], V4["nodes"]]) if guarded else (),
            31001,
            endpoints,
        )
        check(RuleTable().with_service(rule.service, (rule,)), node, packets(V4))


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


@given(situations(), situations(), st.floats(0.0, 0.999))
@settings(max_examples=60, deadline=None)
def test_what_a_table_has_found_changes_nothing(one: Any, other: Any, draw: float) -> None:
    """Whoever asked before, and for which node: a table answers as one that was never asked."""
    table, node, sent, _ = one
    for asked in (*sent, *other[2]):
        for facts in (node, other[1], node):
            fresh = replace(table, found={})
            assert route(table, facts, asked, draw) == route(fresh, facts, asked, draw)
