"""kube-proxy's mode ipvs: what is different from iptables and nftables, and how its schedulers pick."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from lab.commands.run import run
from lab.engine import ClusterSpec, Engine, plain_nodes
from lab.journal import Noted, ProxySynced
from lab.kube.errors import LabError
from lab.network import reasons
from lab.network.flow import Flow, Source
from lab.network.ipvs import RoundRobin, source_bucket
from lab.network.packet import Packet
from lab.scenario.loader import load
from lab.settings import Settings
from tests.network.small_cluster import CLIENT, LB_IP, WEB_IP, SmallCluster, endpoint
from tests.network.test_routing_rules import (
    BALANCER,
    EXTERNAL,
    HERE,
    NODE_IP,
    NODE_PORT,
    OTHER,
    OUTSIDE,
    POD,
    SECOND_IP,
    THERE,
    WEB,
    World,
    draining,
    ep,
)

LOCAL: dict[str, Any] = {"type": "LoadBalancer", "externalTrafficPolicy": "Local", "externalIPs": [EXTERNAL]}


def world(*endpoints: dict[str, Any], **spec: Any) -> World:
    return World(*endpoints, mode="ipvs", **spec)


def cluster(scheduler: str = "rr", **more: Any) -> SmallCluster:
    """Service `web` with Pods on both nodes; `pod/default/client` is on the first."""
    return SmallCluster(2, mode="ipvs", ipvs_scheduler=scheduler, **more).web()


def chosen(flow: Flow) -> str:
    return flow.decision.endpoint


def reasons_of(world: World, *packet: Any) -> set[tuple[str, str]]:
    return {(verdict.verdict, verdict.reason) for verdict in world.all(*packet)}


# -- kube-ipvs0: the addresses of Services are the node's own ---------------------------------------------------


@pytest.mark.parametrize("ip", [WEB, EXTERNAL, BALANCER])
def test_a_wrong_port_on_any_address_of_a_service_is_refused_by_the_node(ip: str) -> None:
    service = world(ep(), type="LoadBalancer", externalIPs=[EXTERNAL])
    assert reasons_of(service, POD, ip, 81) == {("reject", reasons.NO_SUCH_PORT)}


def test_an_unused_address_of_the_service_network_passes() -> None:
    assert world(ep()).verdict(POD, "10.96.0.99") == "pass"


def test_a_deleted_service_leaves_no_address_behind() -> None:
    service = world(ep())
    assert service.verdict(POD, WEB, 81) == "reject"
    service.put("Service", "web", deleted=True)
    assert service.verdict(POD, WEB, 81) == "pass"


def test_two_services_may_share_an_external_ip_until_both_are_gone() -> None:
    service = world(ep(), externalIPs=[EXTERNAL])
    service.put("Service", "api", spec={"clusterIP": "10.96.0.13", "ports": [{"port": 90}], "externalIPs": [EXTERNAL]})
    service.put("Service", "web", deleted=True)
    assert service.verdict(POD, EXTERNAL, 81) == "reject"
    service.put("Service", "api", deleted=True)
    assert service.verdict(POD, EXTERNAL, 81) == "pass"


def test_a_node_port_is_served_on_every_address_of_the_node_but_not_on_loopback() -> None:
    service = world(ep(), type="NodePort")
    assert service.verdict(OUTSIDE, NODE_IP, NODE_PORT) == "deliver"
    assert service.verdict(OUTSIDE, SECOND_IP, NODE_PORT) == "deliver"
    assert service.verdict("127.0.0.1", "127.0.0.1", NODE_PORT) == "pass"
    assert service.verdict(POD, WEB, NODE_PORT) == "reject"


def test_node_port_addresses_choose_among_them() -> None:
    service = world(ep(), type="NodePort")
    service.node["node_port_addresses"] = [f"{SECOND_IP}/32"]
    assert service.verdict(OUTSIDE, SECOND_IP, NODE_PORT) == "deliver"
    assert service.verdict(OUTSIDE, NODE_IP, NODE_PORT) == "pass"


# -- policies: a virtual server has the same real servers for everybody ------------------------------------------


def test_without_endpoints_everything_is_refused() -> None:
    service = world(type="LoadBalancer", externalTrafficPolicy="Local")
    for to in ((WEB, 80), (BALANCER, 80), (NODE_IP, NODE_PORT)):
        assert reasons_of(service, OUTSIDE, *to) == {("reject", reasons.NO_ENDPOINTS)}


@pytest.mark.parametrize("source", [POD, OUTSIDE, NODE_IP])
def test_a_local_policy_has_no_short_cuts(source: str) -> None:
    service = world(ep(HERE), ep(THERE, OTHER), **LOCAL)
    for to in ((EXTERNAL, 80), (BALANCER, 80), (NODE_IP, NODE_PORT)):
        verdicts = service.all(source, *to)
        assert {verdict.endpoint.ip for verdict in verdicts if verdict.endpoint} == {HERE}
        assert not any(verdict.masquerade for verdict in verdicts)


def test_where_the_local_policy_finds_none_pods_get_any_endpoint_and_outsiders_no_answer() -> None:
    service = world(ep(THERE, OTHER), **LOCAL)
    assert reasons_of(service, POD, BALANCER, 80) == {("deliver", reasons.ANY_FOR_LOCAL)}
    assert reasons_of(service, NODE_IP, BALANCER, 80) == {("deliver", reasons.ANY_FOR_LOCAL)}
    assert reasons_of(service, OUTSIDE, BALANCER, 80) == {("drop", reasons.ANSWER_DISCARDED)}


def test_an_internal_local_policy_without_local_endpoints_is_an_empty_virtual_server() -> None:
    service = world(ep(THERE, OTHER), internalTrafficPolicy="Local")
    assert reasons_of(service, POD, WEB, 80) == {("reject", reasons.NO_REAL_SERVER)}


def test_that_of_a_service_with_a_node_port_falls_back_to_the_cluster_list() -> None:
    service = world(ep(THERE, OTHER), internalTrafficPolicy="Local", type="NodePort")
    assert reasons_of(service, POD, WEB, 80) == {("deliver", reasons.ANY_FOR_LOCAL)}


def test_the_cluster_policy_masquerades_what_comes_from_outside() -> None:
    service = world(ep(), type="LoadBalancer", externalIPs=[EXTERNAL])
    for to in ((EXTERNAL, 80), (BALANCER, 80), (NODE_IP, NODE_PORT)):
        assert all(verdict.masquerade for verdict in service.all(POD, *to))
    assert not any(verdict.masquerade for verdict in service.all(POD, WEB, 80))
    assert all(verdict.masquerade for verdict in service.all(OUTSIDE, WEB, 80))
    assert all(verdict.masquerade for verdict in service.all(HERE, WEB, 80))


def test_source_ranges_are_checked_even_without_endpoints() -> None:
    service = world(type="LoadBalancer", loadBalancerSourceRanges=["203.0.113.0/24"])
    assert reasons_of(service, OUTSIDE, BALANCER, 80) == {("drop", reasons.SOURCE_NOT_ALLOWED)}
    assert service.verdict("203.0.113.9", BALANCER, 80) == "reject"


def test_terminating_endpoints_get_new_connections_only_when_nothing_is_ready() -> None:
    assert {v.endpoint.ip for v in world(ep(THERE, OTHER), draining(HERE)).all() if v.endpoint} == {THERE}
    assert {v.endpoint.ip for v in world(draining(HERE)).all() if v.endpoint} == {HERE}


# -- schedulers -------------------------------------------------------------------------------------------------


def test_rr_takes_the_endpoints_in_turn() -> None:
    made = cluster()
    client = made.pod("client", 1, "10.244.0.9")
    assert [chosen(made.connect(client)) for _ in range(5)] == [
        "10.244.0.2:8080", "10.244.1.2:8080", "10.244.0.2:8080", "10.244.1.2:8080", "10.244.0.2:8080",
    ]  # fmt: skip


def test_each_node_and_each_virtual_server_has_its_own_turn() -> None:
    made = SmallCluster(2, mode="ipvs").web(type="NodePort", ports=[{"port": 80, "nodePort": 30080}])
    here, there = made.pod("client", 1, "10.244.0.9"), made.pod("other", 2, "10.244.1.9")
    made.connect(here)
    assert chosen(made.connect(there)) == "10.244.0.2:8080"
    assert chosen(made.connect(here, "172.18.0.11", 30080)) == "10.244.0.2:8080"
    assert chosen(made.connect(here)) == "10.244.1.2:8080"


def test_the_reason_says_that_nothing_was_left_to_chance() -> None:
    made = cluster()
    assert made.connect(made.pod("client", 1, "10.244.0.9")).reason == reasons.SCHEDULED


def test_rr_goes_on_after_the_last_one_when_the_endpoints_change() -> None:
    turns = RoundRobin()
    packet = Packet(POD, 40000, WEB, 80, "TCP")
    made = SmallCluster(2, mode="ipvs").web()
    rule = made.network.proxies["worker-1"].table.services["default/web"][0]
    first, second = rule.endpoints
    assert turns.pick("default/web", packet, (first, second)) == 0
    assert turns.pick("default/web", packet, (second,)) == 0
    assert turns.pick("default/web", packet, (first, second)) == 0
    turns.clear()
    assert turns.pick("default/web", packet, (first, second)) == 0


def test_lc_takes_the_endpoint_with_the_fewest_connections() -> None:
    made = cluster("lc")
    client = made.pod("client", 1, "10.244.0.9")
    first = made.connect(client)
    second = made.connect(client)
    assert {chosen(first), chosen(second)} == {"10.244.0.2:8080", "10.244.1.2:8080"}
    made.network.close(first)
    assert [chosen(made.connect(client)) for _ in range(2)] == [chosen(first), chosen(second)]


def test_lc_counts_an_open_connection_for_256_closed_ones() -> None:
    made = cluster("lc")
    client = made.pod("client", 1, "10.244.0.9")
    held = made.connect(client)
    for _ in range(20):
        flow = made.connect(client)
        assert chosen(flow) != chosen(held)
        made.network.close(flow)


def test_lc_spreads_short_connections_by_those_that_have_just_ended() -> None:
    made = cluster("lc")
    client = made.pod("client", 1, "10.244.0.9")
    count: Counter[str] = Counter()
    for _ in range(10):
        flow = made.connect(client)
        made.network.close(flow)
        count[chosen(flow)] += 1
    assert set(count.values()) == {5}


def test_lc_counts_no_entry_that_is_gone() -> None:
    made = cluster("lc")
    client = made.pod("client", 1, "10.244.0.9")
    for _ in range(3):
        made.network.close(made.connect(client))
    made.run(121.0)
    made.network.close(made.connect(client))
    table: Any = made.network.hosts["worker-1"].conntrack
    assert table.load("default/web", "10.244.0.2:8080") + table.load("default/web", "10.244.1.2:8080") == 1
    made.network.node_power("worker-1", False)
    assert table.load("default/web", "10.244.0.2:8080") == 0


def test_sh_takes_the_same_endpoint_for_the_same_source() -> None:
    made = cluster("sh")
    clients = [made.pod(f"client-{n}", 1, f"10.244.0.{n}") for n in range(10, 40)]
    picked = {client.name: {chosen(made.connect(client)) for _ in range(3)} for client in clients}
    assert all(len(endpoints) == 1 for endpoints in picked.values())
    assert len(set.union(*picked.values())) == 2


def test_sh_hashes_as_the_kernel_does() -> None:
    # hash_32(10.244.0.9, 8): the upper 8 bits of the product with the golden ratio.
    assert source_bucket("10.244.0.9") == (0x0AF40009 * 0x61C88647 & 0xFFFFFFFF) >> 24
    assert 0 <= source_bucket("fd00:10:244::9") < 256


@pytest.mark.parametrize("scheduler", ["rr", "lc", "sh"])
def test_an_explanation_names_the_endpoint_that_the_scheduler_picked(scheduler: str) -> None:
    made = cluster(scheduler)
    client = made.pod("client", 1, "10.244.0.9")
    for flow in [made.connect(client) for _ in range(4)]:
        told = made.explain(flow)
        assert told.after is not None
        assert told.after.destination == chosen(flow)
        (choice,) = [step.text for step in told.steps if step.stage == "choice"]
        assert choice.startswith(chosen(flow))
        assert f"ipvs with the scheduler {scheduler}" in choice


def test_a_trace_takes_nobodys_turn() -> None:
    made = cluster()
    client = made.pod("client", 1, "10.244.0.9")
    attempts = made.network.tracer.attempts(client, WEB_IP, 80)
    assert [(each.arrival.endpoint, each.probability) for each in attempts] == [
        ("10.244.0.2:8080", 0.5),
        ("10.244.1.2:8080", 0.5),
    ]
    assert chosen(made.connect(client)) == "10.244.0.2:8080"


def test_a_trace_knows_where_a_source_hashes_to() -> None:
    made = cluster("sh")
    client = made.pod("client", 1, "10.244.0.9")
    (attempt,) = made.network.tracer.attempts(client, WEB_IP, 80)
    assert attempt.probability == 1.0
    assert attempt.arrival.endpoint == chosen(made.connect(client))


def test_session_affinity_is_persistence_and_takes_no_turns() -> None:
    made = SmallCluster(2, mode="ipvs").web(sessionAffinity="ClientIP")
    client, other = made.pod("client", 1, "10.244.0.9"), made.pod("other", 1, "10.244.0.10")
    assert {chosen(made.connect(client)) for _ in range(4)} == {"10.244.0.2:8080"}
    assert chosen(made.connect(other)) == "10.244.1.2:8080"


def test_two_runs_pick_alike() -> None:
    def picks(seed: int) -> list[str]:
        made = SmallCluster(2, mode="ipvs", seed=seed).web()
        client = made.pod("client", 1, "10.244.0.9")
        return [chosen(made.connect(client)) for _ in range(6)]

    assert picks(1) == picks(2)


# -- in a cluster -----------------------------------------------------------------------------------------------


def test_established_connections_outlive_their_endpoint_with_weight_0() -> None:
    engine = Engine(ClusterSpec(nodes=plain_nodes(1), proxy="ipvs"), settle_s=60.0)
    engine.boot()
    for text in ("kubectl create deployment web --image=nginx --port=80 --replicas=2", "kubectl expose deployment web"):
        run(engine, text)
    engine.settle()
    host = engine.network.hosts["worker-1"]
    (rule,) = host.proxy.table.services["default/web"]
    source = Source("node/worker-1", host.internal_ip, "worker-1")
    flows = [engine.network.connect(source, "web", rule.cluster_ip, rule.port) for _ in range(2)]
    assert all(flow.open for flow in flows)
    run(engine, "kubectl scale deployment web --replicas=1")
    engine.run_for(2.0)
    text = "\n".join(run(engine, "lab rules --node worker-1 --service web").output)
    (left,) = host.proxy.table.services["default/web"][0].endpoints[:1]
    gone = next(flow.decision.endpoint for flow in flows if flow.decision.endpoint != left.address)
    where = f"-t {rule.cluster_ip}:{rule.port}"
    assert f"-a {where} -r {left.address} -m -w 1" in text
    assert f"-a {where} -r {gone} -m -w 0" in text
    engine.close()


def test_changes_are_programmed_without_a_pause_between() -> None:
    made = cluster()
    times = []
    for number in range(3, 6):
        made.slice("web", *(endpoint(f"10.244.0.{ip}", 1) for ip in range(2, number)))
        made.run(0.2)
    times = [event.time for event in made.events(ProxySynced) if event.node == "worker-1"][-3:]
    assert times[-1] - times[0] < 0.6


def test_the_internet_reaches_a_load_balancer_through_ipvs() -> None:
    made = SmallCluster(2, mode="ipvs").web(
        type="LoadBalancer", ports=[{"port": 80, "nodePort": 30080}], ingress=[LB_IP]
    )
    made.run(30.0)
    flow = made.connect(CLIENT, LB_IP)
    assert flow.open
    assert flow.decision.masquerade


def test_a_node_with_ipvs_lives_beside_one_with_nftables(tmp_path: Any) -> None:
    path = tmp_path / "mixed.yaml"
    path.write_text("name: x\ncluster: {nodes: [{name: a, proxy: ipvs}, {name: b}]}\n")
    engine = Engine(load(path).cluster, settle_s=5.0)
    engine.boot()
    engine.settle()
    assert {name: host.scheduler is not None for name, host in engine.network.hosts.items()} == {"a": True, "b": False}
    warned = [event for event in engine.journal.tail() if isinstance(event, Noted) and event.reason == "ProxyMode"]
    assert [(event.name, "deprecated since Kubernetes 1.35" in event.message) for event in warned] == [("a", True)]


def test_an_unknown_scheduler_is_an_error_with_those_that_there_are(tmp_path: Any) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text("name: x\ncluster: {proxy: ipvs, settings: {ipvs_scheduler: lcc}}\n")
    expected = r'wrong.yaml:2: cluster.settings.ipvs_scheduler: there is no ipvs scheduler "lcc" here: expected rr, lc'
    with pytest.raises(LabError, match=expected):
        load(path)
    with pytest.raises(LabError, match='did you mean "lc"'):
        SmallCluster(1, ipvs_scheduler="lcc")


def test_the_default_scheduler_is_rr() -> None:
    assert Settings().ipvs_scheduler == "rr"
