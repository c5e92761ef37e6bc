"""The rules in kube-proxy's words."""

from __future__ import annotations

import pytest

from lab.network.addresses import parse_cidrs
from lab.network.endpoints import EndpointInfo
from lab.network.node_facts import NodeFacts
from lab.network.rule_table import Match
from lab.network.rule_text import rule_text
from lab.network.service_rules import ServicePortRule
from lab.network.traffic_policy import CLUSTER_IP, LOAD_BALANCER_IP, NODE_PORT, plan_for


def text(mode: str, kind: str = CLUSTER_IP, source: str = "outside", count: int = 3, **more: object) -> str:
    endpoints = tuple(EndpointInfo(f"10.180.0.{n}:80", f"10.180.0.{n}", 80, "w1") for n in range(1, count + 1))
    rule = ServicePortRule("ns1/svc1", "p80", "TCP", 80, "172.30.0.41", endpoints=endpoints, **more)  # type: ignore[arg-type]
    node = NodeFacts("w1", "", ["192.168.0.2"], mode=mode, cluster_cidr="10.0.0.0/8")
    return "\n".join(rule_text(Match(rule, kind), plan_for(rule, kind, source, node), node))


def test_iptables_has_chains_with_their_real_names_and_probabilities() -> None:
    rules = text("iptables")
    assert "-A KUBE-SERVICES -d 172.30.0.41/32 -p tcp -m tcp --dport 80 -j KUBE-SVC-XPGD46QRK7WJZT7O" in rules
    assert "! -s 10.0.0.0/8 -d 172.30.0.41/32 -j KUBE-MARK-MASQ" in rules
    assert "--probability 0.33333333333" in rules
    assert "--probability 0.50000000000" in rules
    assert "-j DNAT --to-destination 10.180.0.3:80" in rules


def test_nftables_has_one_map_and_a_random_number() -> None:
    rules = text("nftables")
    assert "map service-ips { 172.30.0.41 . tcp . 80 : goto service-ns1/svc1/tcp/p80 }" in rules
    assert "numgen random mod 3" in rules


@pytest.mark.parametrize(("mode", "words"), [("iptables", "-j REJECT"), ("nftables", "goto reject-chain")])
def test_without_endpoints_there_is_only_the_refusal(mode: str, words: str) -> None:
    rules = text(mode, count=0)
    assert words in rules
    assert len(rules.splitlines()) == 1


@pytest.mark.parametrize("mode", ["iptables", "nftables"])
def test_outside_addresses_go_through_the_external_chain(mode: str) -> None:
    words = "KUBE-EXT-" if mode == "iptables" else "external-ns1/svc1"
    assert words in text(mode, NODE_PORT, node_port=30080)
    ranges = parse_cidrs(["203.0.113.0/25"])
    guarded = text(mode, LOAD_BALANCER_IP, load_balancer_ips=("5.6.7.8",), source_ranges=ranges)
    assert "203.0.113.0/25" in guarded
    assert ("KUBE-FW-" if mode == "iptables" else "firewall-") in guarded
    local = text(mode, NODE_PORT, node_port=30080, external_local=True)
    assert ("KUBE-SVL-" if mode == "iptables" else "service-local-") in local
    sticky = text(mode, affinity_s=10800.0)
    assert ("--rcheck --seconds 10800" if mode == "iptables" else "@affinity-") in sticky
