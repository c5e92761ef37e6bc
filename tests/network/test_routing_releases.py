"""What a packet meets in one release of kube-proxy and not in the next."""

from __future__ import annotations

from typing import Any

import pytest

from lab.kube.kinds.servicecidr import ServiceCIDR, ServiceCIDRSpec
from lab.kube.meta import ObjectMeta
from lab.kube.versions import features_of
from lab.network.endpoints import EndpointInfo
from lab.network.node_facts import IPTABLES, IPVS, NFTABLES, NodeFacts
from lab.network.packet import Packet
from lab.network.router import Verdict, route
from lab.network.rule_table import RuleTable
from lab.network.service_rules import ServicePortRule
from tests.network.small_cluster import SmallCluster

NODE, WEB, EXTERNAL = "172.18.0.11", "10.96.0.12", "192.168.50.5"
THERE = EndpointInfo("10.244.1.2:80", "10.244.1.2", 80, "w2")
NOBODYS = EndpointInfo("10.244.0.2:80", "10.244.0.2", 80)
CLUSTER_CIDR = "10.244.0.0/16"


def decide(release: str, mode: str, packet: tuple[str, str, int], *endpoints: EndpointInfo, **more: Any) -> Verdict:
    rule = ServicePortRule("default/web", "", "TCP", 80, WEB, (EXTERNAL,), node_port=30080, endpoints=endpoints, **more)
    node = NodeFacts("w1", "", (NODE,), mode=mode, cluster_cidr=CLUSTER_CIDR, features=features_of(release))
    source, ip, port = packet
    return route(RuleTable().with_service(rule.service, (rule,)), node, Packet(source, 40000, ip, port), 0.0)


@pytest.mark.parametrize(("release", "verdict"), [("1.29", "pass"), ("1.30", "reject"), ("1.37", "reject")])
def test_nftables_refuses_closed_ports_of_a_cluster_ip_since_1_30(release: str, verdict: str) -> None:
    assert decide(release, NFTABLES, ("10.244.0.9", WEB, 81), THERE).verdict == verdict
    assert decide(release, IPTABLES, ("10.244.0.9", WEB, 81), THERE).verdict == "pass"


@pytest.mark.parametrize(("release", "verdict"), [("1.33", "drop"), ("1.34", "deliver")])
def test_nftables_lets_the_node_itself_around_a_local_policy_since_1_34(release: str, verdict: str) -> None:
    """Before, the refusal came first on the way out; node ports come in again and were never concerned."""
    found = decide(release, NFTABLES, (NODE, EXTERNAL, 80), THERE, external_local=True)
    assert (found.verdict, found.masquerade) == (verdict, verdict == "deliver")
    for mode, ip, port in [(NFTABLES, NODE, 30080), (IPTABLES, EXTERNAL, 80)]:
        assert decide(release, mode, (NODE, ip, port), THERE, external_local=True).verdict == "deliver"
    assert decide(release, NFTABLES, ("10.244.0.9", EXTERNAL, 80), THERE, external_local=True).verdict == "deliver"


@pytest.mark.parametrize(
    ("release", "mode", "masquerade"),
    [("1.35", NFTABLES, True), ("1.36", NFTABLES, False), ("1.36", IPTABLES, True), ("1.36", IPVS, False)],
)
def test_only_hairpins_of_the_nodes_own_endpoints_are_known_since_1_36(
    release: str, mode: str, masquerade: bool
) -> None:
    """An endpoint without a nodeName, as hand-made slices often have them, is nobody's own."""
    assert decide(release, mode, (NOBODYS.ip, WEB, 80), NOBODYS).masquerade == masquerade
    own = EndpointInfo("10.244.0.2:80", "10.244.0.2", 80, "w1")
    assert decide(release, mode, (own.ip, WEB, 80), own).masquerade


@pytest.mark.parametrize(("release", "table"), [("1.32", []), ("1.33", ["10.96.0.0/12", "10.1.0.0/24"])])
def test_kube_proxy_learns_of_service_cidrs_since_they_are_objects(release: str, table: list[str]) -> None:
    cluster = SmallCluster(kubernetes=release)
    for name, cidr in (("kubernetes", "10.96.0.0/12"), ("more", "10.1.0.0/24")):
        cluster.store.create(ServiceCIDR(metadata=ObjectMeta(name=name), spec=ServiceCIDRSpec(cidrs=(cidr,))))
    facts = cluster.run().network.hosts["worker-1"].facts
    assert [cidr.text for cidr in facts.service_cidrs] == table


def test_an_unused_address_of_a_new_service_cidr_is_dropped_by_a_rule() -> None:
    cluster = SmallCluster()
    client = cluster.pod("client", 1, "10.244.0.9")
    before = cluster.run().connect(client, "10.1.0.7")
    spec = ServiceCIDRSpec(cidrs=("10.96.0.0/12", "10.1.0.0/24"))
    cluster.store.create(ServiceCIDR(metadata=ObjectMeta(name="kubernetes"), spec=spec))
    after = cluster.run().connect(client, "10.1.0.7")
    assert (before.reason, after.reason) == ("unknown-address", "unallocated-cluster-ip")
    entries = [entry.original.src_port for entry in cluster.network.conntrack("worker-1")]
    assert entries == [before.packet.src_port]
