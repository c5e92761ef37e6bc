"""Every packet of packet_flows.json through `route`, under every draw that could matter (`lab trace --cases`)."""

from __future__ import annotations

from typing import Any

import pytest

from lab.network.cases import case_of
from lab.network.packet import DELIVER
from lab.network.traffic_policy import LOAD_BALANCER_IP
from tests.conformance.vectors import cases


@pytest.mark.parametrize("case", cases("packet_flows.json"))
def test_packets_go_where_kube_proxy_sends_them(case: dict[str, Any]) -> None:
    node = case_of(case)
    wrong = []
    for flow, asked in zip(case["flows"], node.case.flows, strict=True):
        expect = flow["expect"]
        found = node.outcome(asked)
        got = {**found._asdict(), "endpoints": list(found.endpoints)}
        wanted = {**{key: expect[key] for key in got}, "endpoints": sorted(expect["endpoints"])}
        if got != wanted:
            wrong.append(f"{flow['name']}: {flow['from']} > {flow['to']}:{flow['port']}: {got}, not {wanted}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("case", cases("packet_flows.json"))
def test_every_verdict_has_a_reason_and_an_endpoint_exactly_when_delivered(case: dict[str, Any]) -> None:
    node = case_of(case)
    for flow in node.case.flows:
        for verdict in node.verdicts(flow):
            assert verdict.reason
            assert (verdict.endpoint is not None) == (verdict.verdict == DELIVER)


@pytest.mark.parametrize("case", [c for c in cases("packet_flows.json") if "lb_rule_expected" in (c.values[0] or {})])
def test_a_load_balancer_address_is_intercepted_only_where_ip_mode_says_so(case: dict[str, Any]) -> None:
    table = case_of(case).table
    rules = [rule for service in case["objects"] for rule in table.services.get(_name(service), ())]
    intercepted = [
        table.addresses[ip, rule.protocol, rule.port].kind == LOAD_BALANCER_IP
        for rule in rules
        for ip in rule.load_balancer_ips
    ]
    assert any(intercepted) == case["lb_rule_expected"]


def _name(obj: dict[str, Any]) -> str:
    return f"{obj['metadata']['namespace']}/{obj['metadata']['name']}"
