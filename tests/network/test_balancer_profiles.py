"""What the profiles aws-nlb and metallb-l2 do differently, each of their times on the virtual clock."""

from __future__ import annotations

from collections import Counter
from hashlib import sha256
from typing import Any

import pytest
from msgspec.structs import replace

from lab.journal import HealthChecked, Noted
from lab.kube.balancers import PROFILES, TARGET_TYPE_ANNOTATION, readiness_gate_of
from lab.kube.kinds.node import Node
from lab.kube.kinds.pod import Pod
from lab.kube.kinds.service import LoadBalancerIngress, LoadBalancerStatus, Service, ServiceStatus
from lab.kube.meta import Condition
from lab.kube.versions import settings_of
from lab.network.balancer import Balancer
from lab.network.flow import Flow
from lab.network.host import EXCLUDE_LABEL
from tests.network.small_cluster import CLIENT, LB_IP, SmallCluster, endpoint

NODE_PORT = {"ports": [{"port": 80, "nodePort": 30080}]}
BALANCED = {"type": "LoadBalancer", "ingress": [LB_IP], **NODE_PORT}
LOCAL = {**BALANCED, "externalTrafficPolicy": "Local", "healthCheckNodePort": 30999}
PODS = {**BALANCED, "annotations": {TARGET_TYPE_ANNOTATION: "ip"}}


def nlb(nodes: int = 2, spec: dict[str, Any] = BALANCED, wait_s: float = 210.0, **settings: Any) -> SmallCluster:
    return SmallCluster(nodes, load_balancer="aws-nlb", **settings).web(**spec).run(wait_s)


def metallb(nodes: int = 3, spec: dict[str, Any] = BALANCED, **settings: Any) -> SmallCluster:
    return SmallCluster(nodes, load_balancer="metallb-l2", **settings).web(**spec).run(3)


def balancer(cluster: SmallCluster) -> Balancer:
    return cluster.network.balancers.by_ip[LB_IP]


def checked(cluster: SmallCluster, target: str, healthy: bool) -> float:
    """When the balancer last changed its mind about a target to this."""
    return [e.time for e in cluster.events(HealthChecked) if (e.node, e.healthy) == (target, healthy)][-1]


def connections(cluster: SmallCluster, number: int = 30) -> list[Flow]:
    return [cluster.connect(CLIENT, LB_IP) for _ in range(number)]


def states(cluster: SmallCluster) -> dict[str, str]:
    return {target.name: target.state for target in balancer(cluster).targets.values()}


def mark(cluster: SmallCluster, node: str, labels: dict[str, str]) -> None:
    cluster.store.mutate(Node, node, "", lambda old: replace(old, metadata=replace(old.metadata, labels=labels)))


# -- aws-nlb: registration and health -----------------------------------------------------------------------------


def test_a_target_of_an_nlb_is_initial_for_180_s_and_then_passes_three_checks_10_s_apart() -> None:
    cluster = nlb(wait_s=0)
    cluster.run(176)
    assert set(states(cluster).values()) == {"initial"}
    assert cluster.connect(CLIENT, LB_IP).reason == "lb-no-healthy-node"
    cluster.run(30)
    # The first check comes after 180 s, the second 5 to 10 s later, so that nodes are not all checked at once.
    assert all(195 < checked(cluster, f"worker-{number}", True) < 201 for number in (1, 2))
    assert all(flow.open for flow in connections(cluster))


def test_under_the_local_policy_two_checks_are_enough() -> None:
    cluster = nlb(spec=LOCAL)
    assert 185 < checked(cluster, "worker-1", True) < 191
    assert cluster.events(HealthChecked)[0].message == "200 on port 30999"


@pytest.mark.parametrize(("spec", "soonest", "latest"), [(BALANCED, 30.0, 40.0), (LOCAL, 16.0, 26.0)])
def test_a_dead_node_is_out_after_three_checks_or_two_with_the_local_policy(
    spec: dict[str, Any], soonest: float, latest: float
) -> None:
    cluster = nlb(spec=spec)
    died = cluster.clock.time()
    cluster.network.node_power("worker-2", False)
    cluster.run(60)
    assert soonest - 0.1 <= checked(cluster, "worker-2", False) - died <= latest + 0.1
    assert {flow.decision.node for flow in connections(cluster)} == {"worker-1"}


def test_every_number_of_a_profile_may_be_overridden() -> None:
    cluster = nlb(wait_s=9, lb_registration_s=2.0, lb_health_interval_s=1.0)
    assert all(flow.open for flow in connections(cluster))


def test_an_nlb_connects_to_the_node_port_and_knows_nothing_of_kube_proxy() -> None:
    cluster = nlb()
    assert {event.message for event in cluster.events(HealthChecked)} == {"connected to port 30080"}
    cluster.network.proxies["worker-1"].stop()
    cluster.run(60)
    assert balancer(cluster).healthy == ("worker-1", "worker-2")
    cluster.network.proxies["worker-1"].start()
    cluster.slice("web")
    cluster.run(60)
    assert {event.message for event in cluster.events(HealthChecked)[-2:]} == {"connection refused on port 30080"}


# -- aws-nlb: connections -----------------------------------------------------------------------------------------


def test_it_sends_to_the_node_port_with_the_clients_address() -> None:
    cluster = nlb(spec=LOCAL)
    flow = cluster.connect(CLIENT, LB_IP)
    before = cluster.explain(flow).before
    assert before is not None
    assert before.destination.endswith(":30080")
    assert flow.src_ip == CLIENT.ip
    assert cluster.explain(flow).steps[0].text == "the hash of addresses and ports chooses among 2 healthy nodes"


def test_its_security_group_guards_the_source_ranges() -> None:
    cluster = nlb(spec={**BALANCED, "loadBalancerSourceRanges": ["192.0.2.0/24"]})
    flow = cluster.connect(CLIENT, LB_IP)
    assert (flow.verdict, flow.reason, flow.hops[-1]) == ("drop", "source-not-allowed", f"lb/{LB_IP}")


def test_it_fails_open_when_every_target_is_unhealthy() -> None:
    cluster = nlb(spec=LOCAL)
    cluster.slice(
        "web", endpoint("10.244.0.2", 1, "web-1", ready=False), endpoint("10.244.1.2", 2, "web-2", ready=False)
    )
    cluster.run(40)
    assert balancer(cluster).healthy == ()
    flows = connections(cluster)
    assert {flow.decision.node for flow in flows} == {"worker-1", "worker-2"}
    assert cluster.explain(flows[0]).steps[0].text == "no target is healthy, so the balancer fails open: all 2 are used"
    closed = nlb(spec=LOCAL, lb_fail_open=False)
    closed.slice("web")
    closed.run(40)
    assert closed.connect(CLIENT, LB_IP).reason == "lb-no-healthy-node"


def test_while_it_fails_open_it_resets_nothing() -> None:
    cluster = nlb()
    balancer(cluster)._listens = lambda socket: False
    cluster.run(60)
    assert set(states(cluster).values()) == {"unhealthy"}
    flows = connections(cluster)
    cluster.pod("other", 1, "10.244.0.77")  # an address that changes hands: every connection is looked at anew
    assert all(flow.open and cluster.network.carries(flow) for flow in flows)


def test_it_resets_the_connections_of_a_target_that_becomes_unhealthy() -> None:
    cluster = nlb(spec=LOCAL)
    flows = connections(cluster)
    cluster.slice("web", endpoint("10.244.0.2", 1, "web-1"), endpoint("10.244.1.2", 2, "web-2", ready=False))
    cluster.run(5)
    assert all(cluster.network.carries(flow) for flow in flows)
    cluster.run(25)
    assert {flow.decision.node for flow in flows if cluster.network.carries(flow)} == {"worker-1"}
    reset = {cluster.network.reset_by_balancer(flow) for flow in flows if flow.decision.node == "worker-2"}
    assert reset == {"lb-target-unhealthy"}


@pytest.mark.parametrize("terminates", [False, True])
def test_a_deregistered_target_drains_for_300_s(terminates: bool) -> None:
    cluster = nlb(lb_connection_termination=terminates)
    old = [flow for flow in connections(cluster) if flow.decision.node == "worker-2"]
    mark(cluster, "worker-2", {EXCLUDE_LABEL: ""})
    assert states(cluster) == {"worker-1": "healthy", "worker-2": "draining"}
    assert {flow.decision.node for flow in connections(cluster)} == {"worker-1"}
    cluster.run(299)
    assert all(cluster.network.carries(flow) for flow in old)
    assert "worker-2" in states(cluster)
    cluster.run(2)
    assert states(cluster) == {"worker-1": "healthy"}
    assert any(cluster.network.carries(flow) for flow in old) is not terminates


def test_a_target_that_comes_back_while_it_drains_starts_again() -> None:
    cluster = nlb()
    mark(cluster, "worker-2", {EXCLUDE_LABEL: ""})
    cluster.run(100)
    mark(cluster, "worker-2", {})
    assert states(cluster)["worker-2"] == "initial"
    cluster.run(210)
    assert states(cluster)["worker-2"] == "healthy"


# -- aws-nlb: Pods as targets -------------------------------------------------------------------------------------


def test_with_the_target_type_ip_pods_are_targets_and_no_node_chooses() -> None:
    cluster = nlb(spec=PODS)
    assert balancer(cluster).healthy == ("pod/default/web-1", "pod/default/web-2")
    flows = connections(cluster, 200)
    assert {(flow.verdict, flow.reason, flow.decision.service) for flow in flows} == {
        ("deliver", "balancer-target", "default/web")
    }
    assert min(Counter(flow.pod for flow in flows).values()) > 60
    assert {flow.src_ip for flow in flows} == {LB_IP}
    assert all(flow.node == flow.decision.node and cluster.network.carries(flow) for flow in flows)


def test_a_pod_that_is_not_ready_any_more_is_deregistered() -> None:
    cluster = nlb(spec=PODS)
    cluster.slice("web", endpoint("10.244.0.2", 1, "web-1"), endpoint("10.244.1.2", 2, "web-2", terminating=True))
    cluster.run(1)
    assert states(cluster) == {"pod/default/web-1": "healthy", "pod/default/web-2": "draining"}
    assert {flow.pod for flow in connections(cluster)} == {"default/web-1"}
    cluster.run(300)
    assert list(states(cluster)) == ["pod/default/web-1"]


def test_until_the_balancer_knows_it_sends_to_pods_that_are_gone() -> None:
    cluster = nlb(spec=PODS)
    cluster.store.remove(cluster.store.get(Pod, "web-2"))
    reasons = {flow.reason for flow in connections(cluster)}
    assert reasons == {"balancer-target", "lb-target-gone"}


def test_every_target_pod_has_its_place_in_a_trace() -> None:
    cluster = nlb(spec=PODS)
    attempts = cluster.network.tracer.attempts(CLIENT, LB_IP, 80)
    assert {(each.way.pod, each.probability) for each in attempts} == {("default/web-1", 0.5), ("default/web-2", 0.5)}
    balanced = cluster.network.tracer.account(attempts[0]).balancer
    assert balanced is not None
    assert balanced.how == "the hash of addresses and ports chooses among 2 healthy Pods"


def test_another_target_type_is_another_target_group() -> None:
    cluster = nlb()
    cluster.store.mutate(
        Service,
        "web",
        "default",
        lambda old: replace(old, metadata=replace(old.metadata, annotations=PODS["annotations"])),
    )
    cluster.run(1)
    assert states(cluster) == {"pod/default/web-1": "initial", "pod/default/web-2": "initial"}


def gated(cluster: SmallCluster) -> dict[str, tuple[str, str]]:
    """The gate's condition of each Pod: status and reason."""
    gate = readiness_gate_of(cluster.store.get(Service, "web"))
    return {
        pod.name: next(((c.status, c.reason) for c in pod.status.conditions if c.type == gate), ("", ""))
        for pod in cluster.store.list(Pod, "default")
    }


def test_a_pods_gate_is_looked_after_every_15_s_until_it_is_a_healthy_target() -> None:
    cluster = SmallCluster(1, load_balancer="aws-nlb")
    service = cluster.service(**PODS)
    gate = readiness_gate_of(service)
    assert gate.startswith("target-health.elbv2.k8s.aws/k8s-default-web-")
    cluster.pod("web-1", 1, "10.244.0.2", readinessGates=[{"conditionType": gate}])
    cluster.slice("web", endpoint("10.244.0.2", 1, "web-1", ready=False, serving=False))
    cluster.run(5)
    assert states(cluster) == {}
    ready = (Condition(type="ContainersReady", status="True"),)
    cluster.store.mutate(
        Pod, "web-1", "default", lambda old: replace(old, status=replace(old.status, conditions=ready))
    )
    cluster.run(9)
    assert states(cluster) == {}
    cluster.run(2)
    assert states(cluster) == {"pod/default/web-1": "initial"}
    assert gated(cluster) == {"web-1": ("False", "Elb.RegistrationInProgress")}
    cluster.run(195)
    assert gated(cluster) == {"web-1": ("False", "Elb.InitialHealthChecking")}
    cluster.run(15)
    assert gated(cluster) == {"web-1": ("True", "")}


# -- metallb-l2 ---------------------------------------------------------------------------------------------------


def by_hash(*numbers: int) -> list[str]:
    return sorted((f"worker-{n}" for n in numbers), key=lambda name: sha256(f"{name}#{LB_IP}".encode()).digest())


def announcements(cluster: SmallCluster) -> list[Noted]:
    return [event for event in cluster.events(Noted) if event.reason == "nodeAssigned"]


def test_one_node_gets_all_traffic_of_an_address_and_it_is_the_first_by_hash() -> None:
    cluster = metallb()
    flows = connections(cluster)
    assert {flow.decision.node for flow in flows} == {by_hash(1, 2, 3)[0]}
    assert {flow.node for flow in flows} == {"worker-1", "worker-2"}
    assert "announces the address: first by hash among all of 3 speakers" in cluster.explain(flows[0]).steps[0].text
    assert announcements(cluster)[-1].message.startswith(f"announcing {LB_IP} from node")


def test_under_the_local_policy_only_a_node_with_an_endpoint_may_announce() -> None:
    cluster = metallb(spec=LOCAL)
    first, second = by_hash(1, 2)
    assert {flow.decision.node for flow in connections(cluster)} == {first}
    left = 1 if second == "worker-1" else 2
    cluster.slice("web", endpoint(f"10.244.{left - 1}.2", left, f"web-{left}"))
    cluster.run(2)
    flows = connections(cluster)
    assert {flow.decision.node for flow in flows} == {second}
    assert all(flow.open for flow in flows)


def test_without_a_serving_endpoint_nobody_announces() -> None:
    cluster = metallb()
    cluster.slice("web")
    cluster.run(1)
    flow = cluster.connect(CLIENT, LB_IP)
    assert (flow.verdict, flow.reason) == ("drop", "lb-not-announced")


def test_a_dead_announcer_is_replaced_after_memberlists_five_silent_seconds() -> None:
    cluster = metallb()
    first, second, _ = by_hash(1, 2, 3)
    died = cluster.clock.time()
    cluster.network.node_power(first, False)
    cluster.run(3.9)
    assert {flow.reason for flow in connections(cluster)} == {"node-down"}
    cluster.run(10)
    moved = announcements(cluster)[-1]
    assert f'"{second}"' in moved.message
    assert 4.0 < moved.time - died < 6.0
    assert {flow.decision.node for flow in connections(cluster)} == {second}
    cluster.network.node_power(first, True)
    cluster.run(3)
    assert {flow.decision.node for flow in connections(cluster)} == {first}


def test_the_new_announcer_knows_nothing_of_established_connections() -> None:
    cluster = metallb()
    flows = connections(cluster, 3)
    mark(cluster, flows[0].decision.node, {EXCLUDE_LABEL: ""})
    cluster.run(1)
    assert not any(cluster.network.carries(flow) for flow in flows)
    assert {cluster.network.reset_by_balancer(flow) for flow in flows} == {"lb-moved"}


def test_it_asks_neither_kube_proxy_nor_pods() -> None:
    cluster = metallb()
    for proxy in cluster.network.proxies.values():
        proxy.stop()
    cluster.run(60)
    assert len(balancer(cluster).healthy) == 3


def test_every_profile_sets_only_settings_that_exist() -> None:
    for name in PROFILES:
        assert settings_of({"load_balancer": name}).load_balancer == name


def test_a_balancer_that_is_gone_is_not_looked_after_any_more() -> None:
    cluster = SmallCluster(1, load_balancer="aws-nlb")
    gate = readiness_gate_of(cluster.service(**PODS))
    cluster.pod("web-1", 1, "10.244.0.2", readinessGates=[{"conditionType": gate}])
    cluster.slice("web", endpoint("10.244.0.2", 1, "web-1"))
    cluster.run(5)
    gone = balancer(cluster)
    cluster.store.delete(Service, "web")
    cluster.run(400)
    assert gone.targets == {}
    assert cluster.events(HealthChecked) == []


def test_its_hostname_leads_to_its_address() -> None:
    cluster = nlb(wait_s=0)
    found = LoadBalancerIngress(ip=LB_IP, hostname="k8s-web.elb.lab.amazonaws.com", ip_mode="Proxy")
    status = ServiceStatus(load_balancer=LoadBalancerStatus(ingress=(found,)))
    cluster.store.mutate(Service, "web", "default", lambda old: replace(old, status=status))
    assert cluster.resolve(CLIENT, "k8s-web.elb.lab.amazonaws.com").addresses == (LB_IP,)
    cluster.store.delete(Service, "web")
    cluster.run(60)  # the client remembers it for its TTL
    assert cluster.resolve(CLIENT, "k8s-web.elb.lab.amazonaws.com").addresses == ()
