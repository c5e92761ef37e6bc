"""The cloud's load balancers: health checks, thresholds, and the choice of a node."""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec
import pytest

from lab.journal import HealthChecked
from lab.kube.kinds.node import Node
from lab.kube.kinds.service import LoadBalancerIngress, LoadBalancerStatus, Service, ServiceStatus
from tests.network.small_cluster import CLIENT, LB_IP, SmallCluster, endpoint

BALANCED = {"type": "LoadBalancer", "ingress": [LB_IP]}
LOCAL = {**BALANCED, "externalTrafficPolicy": "Local", "healthCheckNodePort": 30999}


def balanced(nodes: int = 2, spec: dict[str, Any] = BALANCED, **settings: Any) -> SmallCluster:
    return SmallCluster(nodes, **settings).web(**spec).run(12)


def healthy(cluster: SmallCluster) -> tuple[str, ...]:
    return cluster.network.balancers.by_ip[LB_IP].healthy


def test_it_spreads_connections_over_the_healthy_nodes_by_their_five_tuple() -> None:
    cluster = balanced(3)
    assert healthy(cluster) == ("worker-1", "worker-2", "worker-3")
    flows = [cluster.connect(CLIENT, LB_IP) for _ in range(300)]
    assert all(flow.open for flow in flows)
    nodes = Counter(flow.decision.node for flow in flows)
    assert min(nodes.values()) > 60
    assert flows[0].hops[:2] == (CLIENT.name, f"lb/{LB_IP}")
    again = cluster.network.connect(CLIENT, "web", LB_IP, 80, "TCP", flows[0].decision.src_port)
    assert again.decision.node == flows[0].decision.node


def test_cluster_policy_asks_kube_proxy_and_masquerades() -> None:
    cluster = balanced()
    flow = cluster.connect(CLIENT, LB_IP)
    assert flow.decision.masquerade
    assert {event.message for event in cluster.events(HealthChecked)} == {"200 on port 10256"}


def test_local_policy_takes_only_nodes_with_a_ready_pod_and_keeps_the_client() -> None:
    cluster = balanced(3, LOCAL)
    assert healthy(cluster) == ("worker-1", "worker-2")
    flows = [cluster.connect(CLIENT, LB_IP) for _ in range(20)]
    assert all(flow.open and flow.node == flow.decision.node and flow.src_ip == CLIENT.ip for flow in flows)


def test_a_dead_node_is_noticed_after_the_threshold_and_not_before() -> None:
    cluster = balanced()
    died = cluster.clock.time()
    cluster.network.node_power("worker-2", False)
    assert {cluster.connect(CLIENT, LB_IP).reason for _ in range(30)} == {"balanced", "node-down"}
    cluster.run(40)
    event = cluster.events(HealthChecked)[-1]
    assert (event.node, event.healthy, event.message) == ("worker-2", False, "timeout")
    assert 2 * 8 < event.time - died < 3 * 8 + 1.1
    assert {cluster.connect(CLIENT, LB_IP).decision.node for _ in range(30)} == {"worker-1"}
    cluster.network.node_power("worker-2", True)
    cluster.run(9)
    assert healthy(cluster) == ("worker-1", "worker-2")


def test_a_stopped_kube_proxy_refuses_the_check() -> None:
    cluster = balanced()
    cluster.network.proxies["worker-1"].stop()
    cluster.run(30)
    event = cluster.events(HealthChecked)[-1]
    assert (event.healthy, event.message) == (False, "connection refused on port 10256")


def test_a_node_that_loses_its_last_local_pod_is_taken_out() -> None:
    cluster = balanced(2, LOCAL)
    cluster.slice("web", endpoint("10.244.0.2", 1, "web-1"))
    cluster.run(2)
    dropped = [flow for flow in (cluster.connect(CLIENT, LB_IP) for _ in range(30)) if not flow.open]
    assert {flow.reason for flow in dropped} == {"no-local-endpoints"}
    cluster.run(30)
    assert healthy(cluster) == ("worker-1",)
    assert cluster.events(HealthChecked)[-1].message == "503 on port 30999"


def test_without_a_healthy_node_packets_go_nowhere() -> None:
    cluster = balanced(1, LOCAL)
    cluster.slice("web")
    cluster.run(40)
    flow = cluster.connect(CLIENT, LB_IP)
    assert (flow.verdict, flow.reason, flow.hops) == ("drop", "lb-no-healthy-node", (CLIENT.name, f"lb/{LB_IP}"))


def test_it_listens_only_on_the_ports_of_its_service() -> None:
    assert balanced().connect(CLIENT, LB_IP, 81).reason == "lb-port-closed"


def proxying(cluster: SmallCluster) -> SmallCluster:
    """The cluster once its load balancer is of ipMode Proxy."""
    ingress = (LoadBalancerIngress(ip=LB_IP, ip_mode="Proxy"),)
    status = ServiceStatus(load_balancer=LoadBalancerStatus(ingress=ingress))
    cluster.store.mutate(Service, "web", "default", lambda old: msgspec.structs.replace(old, status=status))
    return cluster.run()


def test_ip_mode_proxy_needs_a_node_port_to_begin_anew() -> None:
    """KEP-1864 lets a Service do without node ports only where its balancer does not need them."""
    cluster = proxying(balanced(2, {**BALANCED, "allocateLoadBalancerNodePorts": False, "ports": [{"port": 80}]}))
    flow = cluster.connect(CLIENT, LB_IP)
    assert (flow.open, flow.reason) == (False, "lb-without-node-port")
    assert flow.hops == (CLIENT.name, f"lb/{LB_IP}")


def test_ip_mode_proxy_ends_the_connection_and_uses_the_node_port() -> None:
    cluster = proxying(balanced(2, {**BALANCED, "ports": [{"port": 80, "nodePort": 30080}]}))
    flow = cluster.connect(CLIENT, LB_IP)
    assert flow.open
    explanation = cluster.explain(flow)
    assert explanation.before is not None
    assert explanation.before.source.startswith(LB_IP)
    assert explanation.before.destination.endswith(":30080")
    client = cluster.pod("client", 1, "10.244.0.9")
    inside = cluster.connect(client, LB_IP)
    assert inside.open
    assert f"lb/{LB_IP}" in inside.hops


def test_a_pod_reaches_the_balancers_address_without_leaving_its_node() -> None:
    cluster = balanced()
    flow = cluster.connect(cluster.pod("client", 1, "10.244.0.9"), LB_IP)
    assert flow.open
    assert f"lb/{LB_IP}" not in flow.hops


@pytest.mark.parametrize("threshold", [1, 3])
def test_a_node_needs_as_many_good_checks_as_the_settings_say(threshold: int) -> None:
    cluster = SmallCluster(lb_healthy_threshold=threshold).web(**BALANCED)
    cluster.run(30)
    first = min(event.time for event in cluster.events(HealthChecked))
    assert first < 1 if threshold == 1 else 8 < first < 20


def test_nodes_come_and_go_and_may_be_excluded() -> None:
    cluster = balanced()
    cluster.node(3)
    cluster.run(10)
    assert healthy(cluster)[-1] == "worker-3"
    exclude = {"node.kubernetes.io/exclude-from-external-load-balancers": ""}
    cluster.store.mutate(
        Node,
        "worker-1",
        "",
        lambda old: msgspec.structs.replace(old, metadata=msgspec.structs.replace(old.metadata, labels=exclude)),
    )
    cluster.store.delete(Node, "worker-3")
    assert healthy(cluster) == ("worker-2",)
    cluster.run(30)


@pytest.mark.parametrize(
    ("silent_s", "heard_s"),
    [(3.0, 5.0), (20.0, 35.0), (100.0, 100.0 - 15.0 + 100.0), (190.0, 285.0)],
    ids=["first retry", "third retry", "the next look at all nodes", "the one after"],
)
def test_a_node_list_that_the_provider_did_not_take_is_sent_again(silent_s: float, heard_s: float) -> None:
    """After 5, 10, 20 ... s, or when the controller looks at all nodes, each 100 s: here 85 and 185 s from now."""
    cluster = balanced()
    assert cluster.clock.time() == 15.0
    provider = cluster.network.balancers._provider
    provider.up = False
    cluster.store.delete(Node, "worker-2")
    cluster.run(silent_s)
    provider.up = True
    assert "worker-2" in cluster.network.balancers.by_ip[LB_IP].targets
    cluster.run(heard_s - silent_s - 0.1)
    assert "worker-2" in cluster.network.balancers.by_ip[LB_IP].targets
    cluster.run(0.2)
    assert "worker-2" not in cluster.network.balancers.by_ip[LB_IP].targets


def test_a_deleted_service_takes_its_balancer_along() -> None:
    cluster = balanced()
    cluster.store.delete(Service, "web")
    assert cluster.network.balancers.by_ip == {}
    assert cluster.connect(CLIENT, LB_IP).reason == "unknown-address"
    cluster.run(30)
