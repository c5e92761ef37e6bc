"""Connections from one end to the other: verdicts, hops, timing, what carries on and what does not."""

from __future__ import annotations

import pytest

from lab.journal import Decision
from lab.kube.kinds.pod import Pod
from lab.network.reasons import REASONS
from tests.network.small_cluster import CLIENT, LB_IP, WEB_IP, SmallCluster, endpoint


def test_a_pod_reaches_a_service_through_its_own_node() -> None:
    cluster = SmallCluster().web()
    client = cluster.pod("client", 1, "10.244.0.9")
    flows = [cluster.connect(client, host="web") for _ in range(40)]
    assert sorted({flow.pod for flow in flows}) == ["default/web-1", "default/web-2"]
    far = next(flow for flow in flows if flow.node == "worker-2")
    assert far.hops == ("pod/default/client", "node/worker-1", "node/worker-2", "pod/default/web-2")
    assert far.open
    assert far.src_ip == "10.244.0.9"
    assert far.latency_s == pytest.approx(2 * 0.00002 + 2 * 0.0001)
    near = next(flow for flow in flows if flow.node == "worker-1")
    assert near.latency_s == pytest.approx(2 * 0.00002)


def test_without_hairpin_a_pod_that_a_service_sends_to_itself_hears_nothing() -> None:
    for hairpin, told in ((True, ("deliver", "balanced")), (False, ("drop", "hairpin-off"))):
        cluster = SmallCluster(pod_hairpin=hairpin).web()
        own = cluster.pod("own", 1, "10.244.0.9")
        cluster.slice("web", endpoint("10.244.0.9", 1, "own"), endpoint("10.244.1.2", 2, "web-2"))
        flows = [cluster.run().connect(own) for _ in range(20)]
        assert {flow.decision.pod for flow in flows} == {"default/own", "default/web-2"}
        assert {(flow.verdict, flow.reason) for flow in flows if flow.decision.pod == "default/own"} == {told}
        assert {flow.verdict for flow in flows if flow.decision.pod == "default/web-2"} == {"deliver"}


def test_without_hairpin_a_pod_on_its_nodes_network_still_reaches_itself() -> None:
    cluster = SmallCluster(pod_hairpin=False)
    ports = [{"containerPort": 8080}]
    containers = [{"name": "app", "image": "app", "ports": ports}]
    own = cluster.pod("own", 1, "172.18.0.11", hostNetwork=True, containers=containers)
    cluster.service()
    cluster.slice("web", endpoint("172.18.0.11", 1, "own"))
    flow = cluster.run().connect(own)
    assert (flow.verdict, flow.reason, flow.pod) == ("deliver", "balanced", "default/own")


def test_every_connection_is_a_decision_in_the_journal() -> None:
    cluster = SmallCluster().web()
    client = cluster.pod("client", 1, "10.244.0.9")
    flow = cluster.connect(client, host="web")
    decision = cluster.events(Decision)[-1]
    assert decision == flow.decision
    assert (decision.client, decision.node, decision.host) == ("pod/default/client", "worker-1", "web")
    assert (decision.service, decision.verdict, decision.reason) == ("default/web", "deliver", "balanced")
    assert decision.endpoint in ("10.244.0.2:8080", "10.244.1.2:8080")
    assert decision.src_port == 32768


def test_source_ports_are_ephemeral_one_after_another() -> None:
    cluster = SmallCluster().web()
    client = cluster.pod("client", 1, "10.244.0.9")
    assert [cluster.connect(client).decision.src_port for _ in range(3)] == [32768, 32769, 32770]


@pytest.mark.parametrize(
    ("ip", "reason"),
    [
        (WEB_IP, "cluster-ip-from-outside"),
        ("10.244.0.2", "pod-ip-from-outside"),
        ("172.18.0.11", "node-ip-from-outside"),
        ("198.51.100.200", "unknown-address"),
    ],
)
def test_private_addresses_are_not_routed_on_the_internet(ip: str, reason: str) -> None:
    flow = SmallCluster().web().connect(CLIENT, ip)
    assert (flow.verdict, flow.reason, flow.open) == ("drop", reason, False)
    assert flow.decision.node == ""
    assert flow.hops == (CLIENT.name,)


def test_a_node_port_answers_on_every_node_at_its_external_address() -> None:
    cluster = SmallCluster(3).web(type="NodePort", ports=[{"port": 80, "nodePort": 30080}])
    for number in (1, 2, 3):
        flow = cluster.connect(CLIENT, f"192.0.2.{10 + number}", 30080)
        assert flow.open
        assert flow.hops[:2] == (CLIENT.name, f"node/worker-{number}")
        assert flow.decision.masquerade
        assert flow.src_ip == f"172.18.0.{10 + number}"


def test_a_port_that_nobody_has_is_refused_by_the_node() -> None:
    flow = SmallCluster().web().connect(CLIENT, "192.0.2.11", 30999)
    assert (flow.verdict, flow.reason) == ("reject", "nothing-listens")


def test_a_pod_that_uses_another_nodes_port_is_routed_by_that_node() -> None:
    cluster = SmallCluster(3).web(type="NodePort", ports=[{"port": 80, "nodePort": 30080}])
    client = cluster.pod("client", 1, "10.244.0.9")
    flow = cluster.connect(client, "172.18.0.13", 30080)
    assert flow.decision.node == "worker-3"
    assert flow.hops[:3] == ("pod/default/client", "node/worker-1", "node/worker-3")
    assert flow.open


def test_a_pods_own_address_needs_no_service() -> None:
    cluster = SmallCluster().web()
    flow = cluster.connect(cluster.pod("client", 1, "10.244.0.9"), "10.244.1.2", 8080)
    assert (flow.verdict, flow.reason, flow.open) == ("pass", "direct-to-pod", True)
    assert (flow.pod, flow.port, flow.decision.service) == ("default/web-2", 8080, "")


@pytest.mark.parametrize(("mode", "verdict"), [("iptables", "drop"), ("nftables", "drop")])
def test_an_address_that_no_service_has_leads_nowhere(mode: str, verdict: str) -> None:
    cluster = SmallCluster(mode=mode).web()
    flow = cluster.connect(cluster.pod("client", 1, "10.244.0.9"), "10.96.0.99")
    assert (flow.verdict, flow.reason, flow.open) == (verdict, "unallocated-cluster-ip", False)


def test_a_stale_node_still_delivers_to_a_pod_that_is_gone() -> None:
    cluster = SmallCluster().web()
    client = cluster.pod("client", 1, "10.244.0.9")
    cluster.network.proxies["worker-1"].stop()
    cluster.store.delete(Pod, "web-2", grace_s=0)
    cluster.slice("web", endpoint("10.244.0.2", 1, "web-1"))
    cluster.run()
    flows = [cluster.connect(client) for _ in range(20)]
    gone = [flow for flow in flows if not flow.open]
    assert gone
    assert {(flow.verdict, flow.reason, flow.pod) for flow in gone} == {("deliver", "endpoint-gone", "")}
    assert gone[0].decision.endpoint == "10.244.1.2:8080"


def test_an_endpoint_that_no_pod_stands_behind_is_not_called_gone() -> None:
    cluster = SmallCluster()
    cluster.service()
    cluster.slice("web", endpoint("192.0.2.200"))
    client = cluster.pod("client", 1, "10.244.0.9")
    flow = cluster.run().connect(client)
    assert (flow.verdict, flow.reason, flow.open) == ("deliver", "endpoint-unknown", False)
    assert flow.decision.endpoint == "192.0.2.200:8080"
    assert "belongs to no Pod of this cluster" in REASONS[flow.reason].meaning


def test_no_endpoints_is_refused_and_no_local_ones_hang() -> None:
    cluster = SmallCluster()
    cluster.service()
    client = cluster.pod("client", 1, "10.244.0.9")
    cluster.run()
    assert cluster.connect(client).verdict == "reject"
    cluster.pod("far", 2, "10.244.1.3")
    cluster.service("near", "10.96.0.13", internalTrafficPolicy="Local")
    cluster.slice("near", endpoint("10.244.1.3", 2, "far"))
    cluster.run()
    flow = cluster.connect(client, "10.96.0.13")
    assert (flow.verdict, flow.reason) == ("drop", "no-local-endpoints")


def test_a_node_without_power_neither_sends_nor_receives() -> None:
    cluster = SmallCluster().web()
    here, there = cluster.pod("a", 1, "10.244.0.9"), cluster.pod("b", 2, "10.244.1.9")
    cluster.network.node_power("worker-2", False)
    assert cluster.connect(there).reason == "node-down"
    reasons = {cluster.connect(here).reason for _ in range(20)}
    assert reasons == {"balanced", "node-down"}


def test_a_node_that_comes_back_has_no_rules_until_its_proxy_has_synced() -> None:
    cluster = SmallCluster().web()
    client = cluster.pod("client", 2, "10.244.1.9")
    cluster.network.node_power("worker-2", False)
    cluster.run()
    cluster.network.node_power("worker-2", True)
    assert cluster.connect(client).reason == "unallocated-cluster-ip"
    cluster.run(1)
    assert cluster.connect(client).open


def test_a_cut_link_loses_packets_and_healing_brings_them_back() -> None:
    cluster = SmallCluster(zones=("a", "b")).web()
    client = cluster.pod("client", 1, "10.244.0.9")
    flows = [cluster.connect(client) for _ in range(20)]
    cluster.network.topology.cut("a", "b")
    assert {cluster.network.carries(flow) for flow in flows if flow.node == "worker-1"} == {True}
    assert {cluster.network.carries(flow) for flow in flows if flow.node == "worker-2"} == {False}
    assert {cluster.connect(client).reason for _ in range(20)} == {"balanced", "link-down"}
    cluster.network.topology.heal("a", "b")
    assert all(cluster.network.carries(flow) for flow in flows)


def test_rule_35_an_established_flow_stays_whatever_the_rules_say_later() -> None:
    cluster = SmallCluster().web()
    client = cluster.pod("client", 1, "10.244.0.9")
    flow = next(flow for flow in (cluster.connect(client) for _ in range(20)) if flow.node == "worker-2")
    cluster.slice("web", endpoint("10.244.0.2", 1, "web-1"))
    cluster.run()
    assert {cluster.connect(client).node for _ in range(20)} == {"worker-1"}
    assert cluster.network.carries(flow)
    cluster.store.delete(Pod, "web-2", grace_s=0)
    assert not cluster.network.carries(flow)


def test_a_closed_flow_carries_nothing() -> None:
    cluster = SmallCluster().web()
    flow = cluster.connect(cluster.pod("client", 1, "10.244.0.9"))
    assert cluster.network.carries(flow)
    cluster.network.close(flow)
    assert not cluster.network.carries(flow)


def test_rule_35_udp_flows_to_removed_endpoints_are_flushed() -> None:
    cluster = SmallCluster()
    client = cluster.pod("client", 1, "10.244.0.9")
    cluster.pod("a", 1, "10.244.0.2")
    cluster.pod("b", 2, "10.244.1.2")
    cluster.service(ports=[{"port": 53, "protocol": "UDP"}])
    cluster.slice("web", endpoint("10.244.0.2", 1, "a"), protocol="UDP")
    cluster.run()

    def send() -> str:
        return cluster.network.connect(client, "web", WEB_IP, 53, "UDP", 5000).pod

    assert send() == "default/a"
    cluster.slice("web", endpoint("10.244.1.2", 2, "b"), protocol="UDP")
    assert send() == "default/a"
    cluster.run()
    assert send() == "default/b"


def test_rule_37_affinity_keeps_a_client_on_its_pod_per_node_and_slides() -> None:
    spec = {"sessionAffinity": "ClientIP", "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 10}}}
    cluster = SmallCluster().web(**spec)
    client = cluster.pod("client", 1, "10.244.0.9")
    first = cluster.connect(client).pod
    for _ in range(10):
        flow = cluster.connect(client)
        assert (flow.pod, flow.reason) == (first, "session-affinity")
        cluster.run(8)
    cluster.run(3)
    assert cluster.connect(client).reason == "balanced"
    assert len(cluster.network.hosts["worker-2"].affinity) == 0


def test_health_ports_of_a_node_answer_as_kube_proxy_does() -> None:
    spec = {"type": "LoadBalancer", "externalTrafficPolicy": "Local", "healthCheckNodePort": 30999, "ingress": [LB_IP]}
    cluster = SmallCluster(3).web(**spec)
    answers = []
    for number in (1, 3):
        flow = cluster.connect(CLIENT, f"192.0.2.{10 + number}", 30999)
        answer = cluster.network.answer(flow)
        assert answer is not None
        answers.append((answer.status, answer.headers["X-Load-Balancing-Endpoint-Weight"]))
    assert answers == [(200, "1"), (503, "0")]
    healthz = cluster.network.answer(cluster.connect(CLIENT, "192.0.2.11", 10256))
    assert healthz is not None
    assert healthz.status == 200
    cluster.network.proxies["worker-1"].stop()
    assert cluster.connect(CLIENT, "192.0.2.11", 10256).reason == "nothing-listens"


def test_an_external_ip_enters_by_some_node() -> None:
    cluster = SmallCluster().web(externalIPs=["192.168.50.5"])
    flows = [cluster.connect(CLIENT, "192.168.50.5") for _ in range(20)]
    assert all(flow.open for flow in flows)
    assert sorted({flow.decision.node for flow in flows}) == ["worker-1", "worker-2"]


def test_a_full_conntrack_table_drops_new_connections() -> None:
    cluster = SmallCluster(conntrack_max=2).web()
    client = cluster.pod("client", 1, "10.244.0.9")
    flows = [cluster.connect(client) for _ in range(3)]
    assert [flow.reason for flow in flows] == ["balanced", "balanced", "conntrack-full"]
    cluster.network.close(flows[0])
    cluster.run(121)
    assert cluster.connect(client).open


def test_two_equal_runs_write_the_same_journal() -> None:
    def digest(seed: int) -> str:
        cluster = SmallCluster(3, seed=seed).web(type="LoadBalancer", ingress=[LB_IP])
        client = cluster.pod("client", 1, "10.244.0.9")
        for _ in range(50):
            cluster.connect(client)
            cluster.connect(CLIENT, LB_IP)
            cluster.run(0.1)
        return cluster.journal.digest

    assert digest(1) == digest(1)
    assert digest(1) != digest(2)
