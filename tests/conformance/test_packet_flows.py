"""Every packet of packet_flows.json through `route`, under every draw that could matter."""

from __future__ import annotations

from typing import Any

import pytest

from lab.kube.decode import decode
from lab.kube.kinds.endpointslice import EndpointSlice
from lab.network.builder import RuleBuilder
from lab.network.node_facts import NodeFacts
from lab.network.packet import DELIVER, Packet
from lab.network.router import Verdict, route
from lab.network.rule_table import RuleTable
from lab.network.traffic_policy import LOAD_BALANCER_IP
from tests.conformance.vectors import cases


def table_of(case: dict[str, Any]) -> RuleTable:
    gates = case.get("feature_gates", {})
    builder = RuleBuilder((case["proxy"]["ip_family"],), ip_mode=gates.get("LoadBalancerIPMode", True))
    for obj in case["objects"]:
        builder.apply(decode(obj))
    builder.refresh()
    return builder.table


def node_of(case: dict[str, Any]) -> NodeFacts:
    proxy = case["proxy"]
    return NodeFacts(
        proxy["node_name"],
        "",
        proxy["node_ips"],
        primary_ips=[proxy["primary_node_ip"]],
        mode=case["proxy_mode"],
        cluster_cidr=proxy["cluster_cidr"],
        masquerade_all=proxy["masquerade_all"],
        node_port_addresses=proxy["node_port_addresses"],
        localhost_node_ports=proxy["localhost_node_ports"],
        service_cidrs=proxy["service_cidrs"] or (),
        uses_node_hints=case.get("feature_gates", {}).get("PreferSameTrafficDistribution", True),
    )


def verdicts(case: dict[str, Any], flow: dict[str, Any]) -> list[Verdict]:
    table, node = table_of(case), node_of(case)
    packet = Packet(flow["from"], 40000, flow["to"], flow["port"], flow["protocol"])
    slices = [obj for obj in map(decode, case["objects"]) if isinstance(obj, EndpointSlice)]
    draws = 2 * sum(len(slice_.endpoints) for slice_ in slices) + 1
    return [route(table, node, packet, draw / draws) for draw in range(draws)]


@pytest.mark.parametrize("case", cases("packet_flows.json"))
def test_packets_go_where_kube_proxy_sends_them(case: dict[str, Any]) -> None:
    wrong = []
    for flow in case["flows"]:
        found = verdicts(case, flow)
        expect = flow["expect"]
        got = {
            "outcome": "/".join(sorted({v.verdict for v in found})),
            "endpoints": sorted({v.endpoint.address for v in found if v.endpoint}),
            "masquerade": any(v.masquerade for v in found),
        }
        wanted = {**{key: expect[key] for key in got}, "endpoints": sorted(expect["endpoints"])}
        if got != wanted:
            wrong.append(f"{flow['name']}: {flow['from']} > {flow['to']}:{flow['port']}: {got}, not {wanted}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("case", cases("packet_flows.json"))
def test_every_verdict_has_a_reason_and_an_endpoint_exactly_when_delivered(case: dict[str, Any]) -> None:
    for flow in case["flows"]:
        for verdict in verdicts(case, flow):
            assert verdict.reason
            assert (verdict.endpoint is not None) == (verdict.verdict == DELIVER)


@pytest.mark.parametrize("case", [c for c in cases("packet_flows.json") if "lb_rule_expected" in (c.values[0] or {})])
def test_a_load_balancer_address_is_intercepted_only_where_ip_mode_says_so(case: dict[str, Any]) -> None:
    table = table_of(case)
    rules = [rule for service in case["objects"] for rule in table.services.get(_name(service), ())]
    intercepted = [
        table.addresses[ip, rule.protocol, rule.port].kind == LOAD_BALANCER_IP
        for rule in rules
        for ip in rule.load_balancer_ips
    ]
    assert any(intercepted) == case["lb_rule_expected"]


def _name(obj: dict[str, Any]) -> str:
    return f"{obj['metadata']['namespace']}/{obj['metadata']['name']}"
