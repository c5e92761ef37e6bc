"""Ways that nobody takes: the same as real ones, and without a trace."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.journal import Decision
from tests.network.small_cluster import CLIENT, LB_IP, WEB_IP, SmallCluster


def lb_cluster() -> SmallCluster:
    return SmallCluster(3).web(
        type="LoadBalancer",
        ingress=[LB_IP],
        ports=[{"port": 80, "nodePort": 30080}],
    )


def test_every_endpoint_is_tried_once_and_equally_likely() -> None:
    cluster = SmallCluster().web()
    client = cluster.pod("client", 1, "10.244.0.9")
    found = cluster.network.tracer.attempts(client, WEB_IP, 80)
    assert [attempt.arrival.endpoint for attempt in found] == ["10.244.0.2:8080", "10.244.1.2:8080"]
    assert [attempt.probability for attempt in found] == [0.5, 0.5]


def test_every_node_behind_a_load_balancer_is_tried() -> None:
    cluster = lb_cluster().run(20.0)
    found = cluster.network.tracer.attempts(CLIENT, LB_IP, 80)
    assert [attempt.arrival.node for attempt in found] == [f"worker-{n}" for n in (1, 1, 2, 2, 3, 3)]
    assert sum(attempt.probability for attempt in found) == pytest.approx(1.0)
    account = cluster.network.tracer.account(found[2])
    assert account.balancer is not None
    assert account.balancer.node == "worker-2"
    assert account.balancer.healthy == ("worker-1", "worker-2", "worker-3")


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from(["10.96.0.12", "10.244.0.2", "172.18.0.12", "10.9.9.9"]), min_size=1, max_size=8))
def test_a_real_connection_always_goes_one_of_the_ways_that_are_foreseen(addresses: list[str]) -> None:
    cluster = SmallCluster().web(type="NodePort", ports=[{"port": 80, "nodePort": 80}])
    client = cluster.pod("client", 1, "10.244.0.9")
    for ip in addresses:
        foreseen = {
            (attempt.arrival.verdict, attempt.arrival.reason, attempt.arrival.endpoint, attempt.arrival.way.hops)
            for attempt in cluster.network.tracer.attempts(client, ip, 80)
        }
        decision = cluster.connect(client, ip).decision
        assert (decision.verdict, decision.reason, decision.endpoint, decision.hops) in foreseen


def test_looking_opens_nothing_remembers_nothing_and_says_nothing() -> None:
    cluster = SmallCluster().web(sessionAffinity="ClientIP")
    client = cluster.pod("client", 1, "10.244.0.9")
    tracer, host = cluster.network.tracer, cluster.network.hosts["worker-1"]
    for attempt in tracer.attempts(client, WEB_IP, 80):
        tracer.account(attempt)
    assert (len(host.conntrack), len(host.affinity)) == (0, 0)
    assert cluster.events(Decision) == []
    port = cluster.connect(client).packet.src_port
    assert [attempt.packet.src_port for attempt in tracer.attempts(client, WEB_IP, 80)] == [port + 1]


def test_affinity_leaves_one_way() -> None:
    cluster = SmallCluster().web(sessionAffinity="ClientIP")
    client = cluster.pod("client", 1, "10.244.0.9")
    assert len(cluster.network.tracer.attempts(client, WEB_IP, 80)) == 2
    flow = cluster.connect(client)
    found = cluster.network.tracer.attempts(client, WEB_IP, 80)
    assert [attempt.arrival.endpoint for attempt in found] == [flow.decision.endpoint]
    options = cluster.network.tracer.account(found[0]).legs[0].options
    assert {option.address: option.probability for option in options}[flow.decision.endpoint] == 1.0


def test_the_links_of_a_way_are_told_one_by_one() -> None:
    cluster = SmallCluster(zones=("a", "b")).web()
    client = cluster.pod("client", 1, "10.244.0.9")
    far = cluster.network.tracer.attempts(client, WEB_IP, 80)[1]
    links = cluster.network.tracer.account(far).links
    assert [(link.start, link.end) for link in links] == [
        ("node/worker-1", "zone/a"),
        ("zone/a", "zone/b"),
        ("zone/b", "node/worker-2"),
    ]
    pod_links = 2 * cluster.settings.link_pod_s
    assert sum(link.latency_s for link in links) + pod_links == pytest.approx(far.arrival.way.latency_s)


def test_a_name_is_foreseen_as_it_will_resolve_and_nothing_is_cached() -> None:
    cluster = SmallCluster().web()
    client = cluster.pod("client", 1, "10.244.0.9")
    dns, tracer = cluster.network.dns, cluster.network.tracer
    foreseen = dns.foresee(client, "localhost", tracer)
    assert foreseen.addresses == ("127.0.0.1",)
    unserved = dns.foresee(client, "web", tracer)
    assert dns.remembered(client, "web") is None
    real = cluster.resolve(client, "web")
    assert (unserved.outcome, unserved.queries) == (real.outcome, real.queries)
    assert unserved.took_s == pytest.approx(real.took_s)
