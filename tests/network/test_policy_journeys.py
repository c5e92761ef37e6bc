"""Connections under NetworkPolicies: where on the way they are judged, by which addresses, and what is left of them."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from lab.kube.kinds.endpointslice import EndpointSlice
from lab.kube.kinds.networkpolicy import NetworkPolicy
from lab.kube.kinds.pod import Pod
from lab.network.flow import Flow, Source
from tests.network.policies import policy
from tests.network.small_cluster import CLIENT, DNS_IP, LB_IP, WEB_IP, SmallCluster, endpoint

NODES = "172.18.0.0/24"
INTERNET = "198.51.100.0/24"


def block(cidr: str) -> dict[str, Any]:
    return {"ipBlock": {"cidr": cidr}}


def apply(cluster: SmallCluster, *policies: NetworkPolicy) -> SmallCluster:
    for each in policies:
        cluster.store.create(each)
    return cluster.run()


def outcome(flow: Flow) -> tuple[str, str, str]:
    return flow.verdict, flow.reason, flow.decision.policy


@pytest.fixture
def cluster() -> SmallCluster:
    return SmallCluster().web()


@pytest.fixture
def client(cluster: SmallCluster) -> Source:
    return cluster.pod("client", 1, "10.244.0.9")


def test_a_cluster_without_policies_decides_as_ever(cluster: SmallCluster, client: Source) -> None:
    flow = cluster.run().connect(client)
    assert outcome(flow) == ("deliver", "balanced", "")
    assert flow.way.rulings == ()


def test_ingress_that_nothing_allows_is_dropped_at_the_target(cluster: SmallCluster, client: Source) -> None:
    flow = apply(cluster, policy("deny")).connect(client)
    assert outcome(flow) == ("drop", "policy-ingress", "default/deny")
    assert not flow.open
    assert flow.decision.pod in ("default/web-1", "default/web-2")
    assert flow.hops[-1] == f"node/{flow.node}", "it got as far as the target's node"
    assert len(cluster.network.hosts["worker-1"].conntrack.flows) == 0


def test_egress_is_judged_by_the_pod_behind_the_service_and_its_own_port(cluster: SmallCluster, client: Source) -> None:
    by_service = policy("by-service", policyTypes=["Egress"], egress=[{"to": [block(f"{WEB_IP}/32")]}])
    flow = apply(cluster, by_service).connect(client)
    assert outcome(flow) == ("drop", "policy-egress", "default/by-service")
    assert flow.hops == ("pod/default/client", "node/worker-1")
    assert flow.decision.endpoint, "the rules had chosen an endpoint"
    by_port = policy("by-port", policyTypes=["Egress"], egress=[{"ports": [{"port": 80}]}])
    assert outcome(apply(cluster, by_port).connect(client))[1] == "policy-egress"
    by_pod = policy("by-pod", policyTypes=["Egress"], egress=[{"to": [{"podSelector": {}}], "ports": [{"port": 8080}]}])
    flow = apply(cluster, by_pod).connect(client)
    assert outcome(flow) == ("deliver", "balanced", "default/by-pod")
    assert flow.open


def test_a_pod_that_is_addressed_directly_is_judged_too(cluster: SmallCluster, client: Source) -> None:
    apply(cluster, policy("deny", policyTypes=["Egress"]))
    assert outcome(cluster.connect(client, "10.244.1.2", 8080)) == ("drop", "policy-egress", "default/deny")


def test_egress_to_the_outside_needs_a_block(cluster: SmallCluster, client: Source) -> None:
    cluster.store.create(policy("deny", policyTypes=["Egress"]))
    assert cluster.run().connect(client, "198.51.100.99", 443).reason == "policy-egress"
    apply(cluster, policy("out", policyTypes=["Egress"], egress=[{"to": [block(INTERNET)]}]))
    flow = cluster.connect(client, "198.51.100.99", 443)
    assert (flow.reason, flow.decision.policy) == ("unknown-address", "default/out")


def test_behind_a_masquerade_the_nodes_address_is_judged() -> None:
    """Pitfall 81: externalTrafficPolicy Cluster hides the client, so a block of clients lets nobody in."""
    cluster = SmallCluster().web(type="NodePort", ports=[{"port": 80, "nodePort": 30080}])
    allow_clients = policy("clients", ingress=[{"from": [block(INTERNET)]}])
    apply(cluster, allow_clients)
    flows = [cluster.connect(CLIENT, ip, 30080) for ip in ("192.0.2.11", "192.0.2.12") for _ in range(10)]
    assert {(flow.reason, flow.decision.masquerade) for flow in flows} == {("policy-ingress", True)}
    apply(cluster, policy("nodes", ingress=[{"from": [block(NODES)]}]))
    flows = [cluster.connect(CLIENT, ip, 30080) for ip in ("192.0.2.11", "192.0.2.12") for _ in range(10)]
    assert {(flow.reason, flow.decision.policy) for flow in flows} == {("balanced", "default/nodes")}


def test_a_service_that_keeps_the_clients_address_lets_a_block_of_clients_work() -> None:
    cluster = SmallCluster().web(
        type="LoadBalancer",
        externalTrafficPolicy="Local",
        healthCheckNodePort=32000,
        ports=[{"port": 80, "nodePort": 30080}],
        ingress=[LB_IP],
    )
    apply(cluster, policy("clients", ingress=[{"from": [block(INTERNET)]}]))
    assert outcome(cluster.run(20).connect(CLIENT, LB_IP)) == ("deliver", "local-endpoint", "default/clients")
    stranger = Source("internet/203.0.113.200", "203.0.113.200")
    assert outcome(cluster.connect(stranger, LB_IP)) == ("drop", "policy-ingress", "default/clients")


def test_a_node_reaches_its_own_pods_whatever_policies_say(cluster: SmallCluster) -> None:
    apply(cluster, policy("deny"))
    node = Source("node/worker-1", "172.18.0.11", "worker-1")
    assert cluster.connect(node, "10.244.0.2", 8080).open
    assert outcome(cluster.connect(node, "10.244.1.2", 8080)) == ("drop", "policy-ingress", "default/deny")


def test_a_pod_reaches_its_own_node_whatever_policies_say(cluster: SmallCluster, client: Source) -> None:
    apply(cluster, policy("deny", policyTypes=["Egress"]))
    assert cluster.connect(client, "172.18.0.11", 10256).open
    assert cluster.connect(client, "172.18.0.12", 10256).reason == "policy-egress"


def test_pods_of_the_hosts_network_are_exempt(cluster: SmallCluster) -> None:
    on_host = cluster.pod(
        "agent",
        1,
        "172.18.0.11",
        hostNetwork=True,
        containers=[{"name": "app", "image": "app", "ports": [{"containerPort": 9100}]}],
    )
    client = cluster.pod("client", 2, "10.244.1.9")
    apply(cluster, policy("deny", pods={"no": "pod"}), policy("out", policyTypes=["Ingress", "Egress"]))
    assert cluster.connect(on_host, "172.18.0.12", 10256).open, "no policy is about its egress"
    assert cluster.connect(client, "172.18.0.11", 9100).reason == "policy-egress", "the client's egress is judged"
    cluster.store.delete(NetworkPolicy, "out")
    assert cluster.run().connect(client, "172.18.0.11", 9100).open, "no policy is about its ingress"


def test_a_pod_reaches_itself_through_its_service() -> None:
    cluster = SmallCluster(nodes=1)
    alone = cluster.pod("web-1", 1, "10.244.0.2")
    cluster.service()
    cluster.slice("web", endpoint("10.244.0.2", 1, "web-1"))
    apply(cluster, policy("deny", policyTypes=["Ingress", "Egress"]))
    flow = cluster.connect(alone)
    assert flow.open
    assert flow.decision.masquerade


def test_policies_on_both_ends_must_allow_it(cluster: SmallCluster, client: Source) -> None:
    out = policy("out", policyTypes=["Egress"], egress=[{"ports": [{"port": 8080}]}])
    into = policy("into", ingress=[{"from": [{"podSelector": {}}]}])
    flow = apply(cluster, out, into).connect(client)
    assert outcome(flow) == ("deliver", "balanced", "default/out,default/into")
    assert [ruling.direction for ruling in flow.way.rulings] == ["Egress", "Ingress"]


def test_what_a_node_remembers_of_a_way_ends_with_a_policys_change(cluster: SmallCluster, client: Source) -> None:
    assert {cluster.connect(client).open for _ in range(20)} == {True}
    apply(cluster, policy("deny"))
    assert {cluster.connect(client).open for _ in range(20)} == {False}
    cluster.store.delete(NetworkPolicy, "deny")
    assert {cluster.run().connect(client).open for _ in range(20)} == {True}


def test_the_plugin_needs_a_moment(client: Source, cluster: SmallCluster) -> None:
    cluster.store.create(policy("deny"))
    assert cluster.run(cluster.settings.watch_latency_s).connect(client).open
    assert not cluster.run(cluster.settings.policy_sync_latency_s).connect(client).open


def test_established_connections_outlive_a_policy(cluster: SmallCluster, client: Source) -> None:
    flow = cluster.connect(client)
    apply(cluster, policy("deny"))
    assert cluster.network.carries(flow)


def test_labels_that_change_move_a_pod_into_a_policy(cluster: SmallCluster, client: Source) -> None:
    apply(cluster, policy("locked", pods={"quarantine": "yes"}, policyTypes=["Egress"]))
    assert cluster.connect(client).open

    def locked(pod: Pod) -> Pod:
        return replace(pod, metadata=replace(pod.metadata, labels={"quarantine": "yes"}))

    cluster.store.mutate(Pod, "client", "default", locked)
    assert cluster.run().connect(client).reason == "policy-egress"


def test_a_default_deny_of_egress_breaks_names(cluster: SmallCluster, client: Source) -> None:
    """Pitfall 80: without a rule for DNS, every name times out."""
    cluster.pod("coredns-1", 2, "10.244.1.50", "kube-system")
    ports = [{"name": "dns", "port": 53, "protocol": "UDP"}]
    cluster.service("kube-dns", DNS_IP, "kube-system", ports=ports)
    kube_dns = cluster.slice("kube-dns", endpoint("10.244.1.50", 2), namespace="kube-system", port=53, protocol="UDP")
    named = tuple(replace(port, name="dns") for port in kube_dns.ports)
    cluster.store.mutate(EndpointSlice, kube_dns.name, "kube-system", lambda old: replace(old, ports=named))
    assert cluster.run().resolve(client, "web").outcome == "ok"
    other = cluster.pod("other", 1, "10.244.0.10")
    apply(cluster, policy("deny", policyTypes=["Egress"]))
    assert cluster.resolve(other, "web").outcome == "timeout"
    system = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}}
    names = policy(
        "names", policyTypes=["Egress"], egress=[{"to": [system], "ports": [{"port": 53, "protocol": "UDP"}]}]
    )
    apply(cluster, names)
    assert cluster.resolve(other, "web").outcome == "ok"


# -- what is told of it -------------------------------------------------------------------------------------------


def steps(cluster: SmallCluster, flow: Flow) -> dict[str, str]:
    return {step.stage: step.text for step in cluster.explain(flow).steps}


def test_an_explanation_tells_what_the_policies_of_both_ends_said(cluster: SmallCluster, client: Source) -> None:
    apply(cluster, policy("into", pods={"no": "pod"}), policy("out", policyTypes=["Egress"], egress=[{}]))
    told = steps(cluster, cluster.connect(client))
    assert "default/client is isolated for egress, and NetworkPolicy default/out allows it to 10.244." in told["egress"]
    assert "is not isolated for ingress: no NetworkPolicy selects it" in told["ingress"]
    assert told["verdict"].startswith("deliver")


def test_an_explanation_of_a_denial_ends_with_the_policy_and_the_verdict(cluster: SmallCluster, client: Source) -> None:
    flow = apply(cluster, policy("deny")).connect(client)
    explanation = cluster.explain(flow)
    *_, judged, verdict = explanation.steps
    assert judged.stage == "ingress"
    assert "by NetworkPolicy default/deny, which does not allow it from 10.244.0.9 (default/client)" in judged.text
    assert verdict.text.startswith("drop (policy-ingress)")
    assert "NetworkPolicy isolates the target Pod" in explanation.meaning


def test_an_explanation_holds_what_policies_said_then(cluster: SmallCluster, client: Source) -> None:
    flow = apply(cluster, policy("deny")).connect(client)
    cluster.store.delete(NetworkPolicy, "deny")
    assert "default/deny" in steps(cluster.run(), flow)["ingress"]


def test_a_trace_tells_of_policies_without_making_a_connection(cluster: SmallCluster, client: Source) -> None:
    apply(cluster, policy("deny", pods={"no": "pod"}), policy("out", policyTypes=["Egress"]))
    tracer = cluster.network.tracer
    attempts = tracer.attempts(client, WEB_IP, 80)
    assert [(one.arrival.reason, one.arrival.way.policy) for one in attempts] == [("policy-egress", "default/out")] * 2
    told = [(step.stage, step.text) for step in tracer.account(attempts[0]).legs[0].steps][-2:]
    assert [stage for stage, _ in told] == ["egress", "verdict"]
    assert "default/out" in told[0][1]


def test_egress_to_another_nodes_port_is_judged_once_by_that_address() -> None:
    """The client's node does not know whose Pod is behind it; the other node masquerades, so ingress sees that node."""
    cluster = SmallCluster().web(type="NodePort", ports=[{"port": 80, "nodePort": 30080}])
    client = cluster.pod("client", 1, "10.244.0.9")
    to_node = {"to": [block("172.18.0.12/32")], "ports": [{"port": 30080}]}
    apply(cluster, policy("out", policyTypes=["Egress"], egress=[to_node]))
    assert cluster.connect(client, "172.18.0.12", 30080).open
    into = policy("into", ingress=[{"from": [block("172.18.0.12/32")]}])
    flow = apply(cluster, into).connect(client, "172.18.0.12", 30080)
    assert outcome(flow)[2] == "default/out,default/into"
    stages = [step.stage for step in cluster.explain(flow).steps]
    assert [stage for stage in stages if stage in ("node", "egress", "ingress")] == [
        "node",
        "egress",
        "node",
        "ingress",
    ]
