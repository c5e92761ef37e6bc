"""What one rule of a NetworkPolicy allows."""

from __future__ import annotations

from typing import Any

import pytest

from lab.kube.kinds.pod import Pod
from tests.network.policies import Plugin, namespace, pod, policy

WEB = pod("web", "10.244.0.2", app="web", tier="front")
SHOP = pod("shop", "10.244.0.3", app="shop")
NEIGHBOUR = pod("shop", "10.244.1.3", "other", app="shop")
STRANGER = "198.51.100.7"
WORLD = (WEB, SHOP, NEIGHBOUR, namespace("default"), namespace("other", team="red"))


def with_ingress(*rules: dict[str, Any], **spec: Any) -> Plugin:
    return Plugin(*WORLD, policy(pods={"app": "web"}, ingress=list(rules), **spec))


def with_egress(*rules: dict[str, Any]) -> Plugin:
    return Plugin(*WORLD, policy(pods={"app": "web"}, egress=list(rules), policyTypes=["Egress"]))


def labels(**wanted: str) -> dict[str, Any]:
    return {"matchLabels": wanted}


@pytest.mark.parametrize(
    ("peer", "allowed"),
    [
        ({"podSelector": {}}, [SHOP]),
        ({"podSelector": labels(app="shop")}, [SHOP]),
        ({"podSelector": labels(app="none")}, []),
        ({"podSelector": {"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["shop"]}]}}, []),
        ({"namespaceSelector": {}}, [SHOP, NEIGHBOUR]),
        ({"namespaceSelector": labels(team="red")}, [NEIGHBOUR]),
        ({"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "default"}}}, [SHOP]),
        ({"namespaceSelector": labels(team="red"), "podSelector": labels(app="shop")}, [NEIGHBOUR]),
        ({"namespaceSelector": labels(team="red"), "podSelector": labels(app="web")}, []),
        ({"namespaceSelector": {}, "podSelector": labels(app="shop")}, [SHOP, NEIGHBOUR]),
        ({"ipBlock": {"cidr": "0.0.0.0/0"}}, [SHOP, NEIGHBOUR, STRANGER]),
        ({"ipBlock": {"cidr": "0.0.0.0/0", "except": ["10.244.0.0/16"]}}, [STRANGER]),
        ({"ipBlock": {"cidr": "10.244.0.0/16", "except": ["10.244.1.0/24"]}}, [SHOP]),
        ({"ipBlock": {"cidr": "198.51.100.7/32"}}, [STRANGER]),
        ({"ipBlock": {"cidr": "::/0"}}, []),
    ],
)
def test_a_peer_is_pods_by_their_labels_or_a_block_of_addresses(peer: dict[str, Any], allowed: list[Any]) -> None:
    others: list[Pod | str] = [SHOP, NEIGHBOUR, STRANGER]
    ingress, egress = with_ingress({"from": [peer]}), with_egress({"to": [peer]})
    for other in others:
        ip = other.status.pod_ip if isinstance(other, Pod) else other
        assert ingress.lets_in(ip) == (other in allowed)
        assert egress.lets_out(ip) == (other in allowed)


def test_several_peers_are_alternatives() -> None:
    plugin = with_ingress({"from": [{"podSelector": labels(app="none")}, {"ipBlock": {"cidr": "198.51.100.0/24"}}]})
    assert plugin.lets_in(STRANGER)
    assert not plugin.lets_in(SHOP.status.pod_ip)


@pytest.mark.parametrize(
    ("entry", "allowed"),
    [
        ({"port": 8080}, [("TCP", 8080)]),
        ({"protocol": "UDP", "port": 53}, [("UDP", 53)]),
        ({"protocol": "TCP"}, [("TCP", 53), ("TCP", 8080), ("TCP", 9000)]),
        ({"protocol": "UDP"}, [("UDP", 53)]),
        ({"port": 8080, "endPort": 9000}, [("TCP", 8080), ("TCP", 9000)]),
        ({"port": 8081, "endPort": 8999}, []),
        ({"port": "http"}, [("TCP", 8080)]),
        ({"protocol": "UDP", "port": "dns"}, [("UDP", 53)]),
        ({"port": "dns"}, []),
        ({"port": "nothing"}, []),
    ],
)
def test_a_port_is_a_number_a_name_a_range_or_all_of_a_protocol(
    entry: dict[str, Any], allowed: list[tuple[str, int]]
) -> None:
    wanted = [("TCP", 53), ("UDP", 53), ("TCP", 8080), ("TCP", 9000)]
    ingress, egress = with_ingress({"ports": [entry]}), with_egress({"ports": [entry]})
    for protocol, port in wanted:
        assert ingress.lets_in(SHOP.status.pod_ip, port, protocol) == ((protocol, port) in allowed)
        assert egress.lets_out(SHOP.status.pod_ip, port, protocol) == ((protocol, port) in allowed)


def test_an_egress_port_by_name_means_the_ports_of_the_pod_that_is_reached() -> None:
    plugin = with_egress({"ports": [{"port": "http"}]})
    assert plugin.lets_out(SHOP.status.pod_ip, 8080)
    assert not plugin.lets_out(STRANGER, 8080), "an address without a Pod has no named ports"


def test_a_rule_asks_for_one_of_its_peers_and_one_of_its_ports() -> None:
    plugin = with_ingress({"from": [{"podSelector": labels(app="shop")}], "ports": [{"port": 8080}, {"port": 9000}]})
    assert plugin.lets_in(SHOP.status.pod_ip, 9000)
    assert not plugin.lets_in(SHOP.status.pod_ip, 9001)
    assert not plugin.lets_in(STRANGER, 9000)


def test_an_empty_rule_allows_everything_and_no_rule_nothing() -> None:
    assert with_ingress({}).lets_in(STRANGER)
    assert not with_ingress().lets_in(STRANGER)
    assert with_egress({}).lets_out(STRANGER)
    assert not with_egress().lets_out(STRANGER)


@pytest.mark.parametrize(
    ("spec", "isolated_in", "isolated_out"),
    [
        ({}, True, False),
        ({"egress": [{"to": [{"podSelector": {}}]}]}, True, True),
        ({"policyTypes": ["Ingress"], "egress": [{}]}, True, False),
        ({"policyTypes": ["Egress"]}, False, True),
        ({"policyTypes": ["Ingress", "Egress"]}, True, True),
    ],
)
def test_a_policy_isolates_in_its_types_alone(spec: dict[str, Any], isolated_in: bool, isolated_out: bool) -> None:
    plugin = Plugin(*WORLD, policy(**spec))
    assert plugin.lets_in(STRANGER) == (not isolated_in)
    assert plugin.lets_out(STRANGER) == (not isolated_out)
