"""Corners of the rules that only a walk through the printed ones brought to light."""

from __future__ import annotations

import pytest

from lab.network.addresses import parse_cidrs
from lab.network.endpoints import EndpointInfo
from lab.network.node_facts import IPTABLES, NFTABLES, NodeFacts
from lab.network.packet import Packet
from lab.network.router import Verdict, route
from lab.network.rule_table import RuleTable
from lab.network.service_rules import ServicePortRule

REMOTE = EndpointInfo("10.180.0.1:80", "10.180.0.1", 80, "w2")


def decide(rule: ServicePortRule, node: NodeFacts, src: str, dst: str, port: int) -> Verdict:
    table = RuleTable().with_service(rule.service, (rule,))
    return route(table, node, Packet(src, 40000, dst, port), 0.0)


@pytest.mark.parametrize(("mode", "verdict"), [(IPTABLES, "reject"), (NFTABLES, "drop")])
def test_without_endpoints_only_nftables_asks_for_the_source_first(mode: str, verdict: str) -> None:
    """iptables has its firewall chain only where there is an endpoint to protect."""
    ranges = parse_cidrs(["203.0.113.0/25"])
    rule = ServicePortRule(
        "ns1/svc1", "", "TCP", 80, "172.30.0.41", load_balancer_ips=("5.6.7.8",), source_ranges=ranges
    )
    node = NodeFacts("w1", "", ["192.168.0.2"], mode=mode, cluster_cidr="10.0.0.0/8")
    assert decide(rule, node, "203.0.113.130", "5.6.7.8", 80).verdict == verdict


@pytest.mark.parametrize("source", ["10.180.0.9", "192.168.0.2", "203.0.113.2"])
def test_iptables_drops_for_local_node_ports_on_unlisted_addresses_without_short_cuts(source: str) -> None:
    """The filter table matches every local address, but the short cuts for Pods and the node are in the nat table."""
    rule = ServicePortRule(
        "ns1/svc1", "", "TCP", 80, "172.30.0.41", node_port=30080, external_local=True, endpoints=(REMOTE,)
    )
    node = NodeFacts(
        "w1",
        "",
        ["192.168.0.2", "192.168.0.3"],
        mode=IPTABLES,
        cluster_cidr="10.0.0.0/8",
        node_port_addresses=["192.168.0.2/32"],
    )
    assert decide(rule, node, source, "192.168.0.3", 30080).verdict == "drop"
    listed = decide(rule, node, source, "192.168.0.2", 30080).verdict
    assert listed == ("drop" if source == "203.0.113.2" else "deliver")


@pytest.mark.parametrize(("cidr", "masquerade"), [("fd00:10::/64", True), ("10.0.0.0/8", False)])
def test_a_cluster_cidr_of_the_other_family_recognises_nobody(cidr: str, masquerade: bool) -> None:
    """Like no detector at all: nothing is masqueraded on the way to a cluster IP."""
    endpoint = EndpointInfo("[fd00:10::1]:80", "fd00:10::1", 80, "w1")
    rule = ServicePortRule("ns1/svc1", "", "TCP", 80, "fd00:10:96::41", endpoints=(endpoint,))
    node = NodeFacts("w1", "", ["2001:db8::1"], cluster_cidr=cidr)
    assert decide(rule, node, "2001:db8:203::2", "fd00:10:96::41", 80).masquerade == masquerade
