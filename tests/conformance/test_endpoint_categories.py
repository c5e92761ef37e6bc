"""Which endpoints a node may use: endpoint_categories.json."""

from __future__ import annotations

from typing import Any

import pytest

from lab.kube.versions import GATES, features_of
from lab.network.endpoints import EndpointInfo
from lab.network.node_facts import NodeFacts
from lab.network.service_rules import ServicePortRule
from tests.conformance.vectors import cases


def endpoint_of(entry: dict[str, Any]) -> EndpointInfo:
    ip, _, port = entry["address"].rpartition(":")
    return EndpointInfo(
        entry["address"],
        ip.strip("[]"),
        int(port),
        entry["node"] or "",
        ready=entry["ready"],
        serving=entry["serving"],
        terminating=entry["terminating"],
        zone_hints=tuple(entry["zone_hints"] or ()),
        node_hints=tuple(entry["node_hints"] or ()),
    )


def addresses(endpoints: tuple[EndpointInfo, ...] | None) -> list[str] | None:
    return None if endpoints is None else sorted(endpoint.address for endpoint in endpoints)


@pytest.mark.parametrize("case", cases("endpoint_categories.json"))
def test_a_node_sorts_endpoints_as_kube_proxy_does(case: dict[str, Any]) -> None:
    service, node, expect = case["service"], case["node"], case["expect"]
    rule = ServicePortRule(
        "default/web",
        "",
        "TCP",
        80,
        "10.96.0.1",
        external_ips=tuple(service["externalIPs"]),
        load_balancer_ips=tuple(service["loadBalancerIPs"]),
        node_port=service["nodePort"] or 0,
        internal_local=service["internalTrafficPolicy"] == "Local",
        external_local=service["externalTrafficPolicy"] == "Local",
        endpoints=tuple(endpoint_of(entry) for entry in case["endpoints"]),
    )
    features = features_of().with_gates({gate: on for gate, on in case["feature_gates"].items() if gate in GATES})
    found = rule.categories(NodeFacts(node["name"], node["zone"] or "", features=features))
    assert rule.reachable_from_outside == service["externallyAccessible"]
    assert [e.local_to(node["name"]) for e in rule.endpoints] == [entry["local"] for entry in case["endpoints"]]
    assert {
        "cluster": addresses(found.cluster),
        "local": addresses(found.local),
        "all": addresses(found.reachable),
        "has_any_endpoints": found.has_any,
        "only_remote_endpoints": found.only_remote,
    } == {key: sorted(value) if isinstance(value, list) else value for key, value in expect.items()}
