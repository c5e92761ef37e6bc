"""HTTP/2 and gRPC: one connection carries many requests, to one endpoint, until somebody says goodbye."""

from __future__ import annotations

import pytest

from lab.commands.run import run
from lab.engine import ClusterSpec, Engine, plain_nodes
from lab.faults import nodes, pods
from lab.journal import Decision
from lab.kube.kinds.pod import Pod
from lab.kube.kinds.service import Service
from lab.traffic.app import AppSpec, Distribution
from lab.traffic.client import ClientSpec, Phase
from tests.traffic.test_on_a_cluster import web


def cluster(replicas: int = 3, *, age_s: float = 0.0, service_s: float = 0.01, shutdown: str = "graceful", **service):
    app = AppSpec(
        image="shop/*",
        service_time=Distribution.constant(service_s),
        startup_s=0.5,
        shutdown=shutdown,
        max_connection_age_s=age_s,
        workers=200,
    )
    engine = Engine(ClusterSpec(nodes=plain_nodes(3)), seed=1, apps=(app,))
    engine.boot()
    engine.apply(web(replicas, **service))
    assert engine.settle() == []
    return engine


def ask(engine: Engine, url: str = "grpc://web/", rate: float = 50.0, seconds: float = 10.0, **more: object) -> None:
    spec = {"source": "pod/client", "url": url, "phases": (Phase(rate),), "timeout_s": 2.0, **more}
    engine.traffic.add_client(ClientSpec(name="caller", **spec))
    engine.run_for(seconds)


def connections(engine: Engine) -> list[Decision]:
    events = engine.journal.read().events
    return [each for each in events if isinstance(each, Decision) and each.client == "pod/default/client"
            and each.host == "web"]  # fmt: skip


def answering(engine: Engine) -> dict[str, int]:
    return {pod: tally.ok for (client, _, pod), tally in engine.traffic.measure.leaves.items()
            if client == "caller" and pod and tally.ok}  # fmt: skip


def failed(engine: Engine) -> int:
    tallies = engine.traffic.measure.clients["caller"]
    return tallies.requests - tallies.ok


@pytest.mark.parametrize("scheme", ["grpc", "h2"])
def test_all_requests_go_over_one_connection_to_one_pod(scheme: str) -> None:
    engine = cluster()
    ask(engine, f"{scheme}://web/")
    assert len(connections(engine)) == 1
    assert len(answering(engine)) == 1
    assert engine.traffic.measure.clients["caller"].ok > 450


def test_many_at_once_share_it_up_to_a_hundred() -> None:
    engine = cluster(service_s=1.0)
    ask(engine, rate=95.0, arrivals="constant")
    assert len(connections(engine)) == 1
    engine = cluster(service_s=1.0)
    ask(engine, rate=190.0, arrivals="constant")
    assert len(connections(engine)) == 2


def test_new_pods_are_not_asked_until_the_connection_ends() -> None:
    engine = cluster(replicas=1)
    ask(engine)
    first = set(answering(engine))
    assert not run(engine, "kubectl scale deployment/web --replicas=5").error
    engine.run_for(20.0)
    assert set(answering(engine)) == first


def test_a_graceful_end_says_goodbye_and_nothing_is_lost() -> None:
    engine = cluster()
    ask(engine, seconds=5.0)
    (pod,) = answering(engine)
    assert not run(engine, f"kubectl delete pod {pod.partition('/')[2]}").error
    engine.run_for(5.0)
    assert len(answering(engine)) == 2
    assert failed(engine) <= 1


def test_a_crash_resets_what_is_under_way_and_a_new_connection_is_made() -> None:
    engine = cluster(service_s=0.2)
    ask(engine, seconds=5.0)
    (pod,) = answering(engine)
    pods.crash(engine, *pod.split("/"))
    engine.run_for(5.0)
    outcomes = engine.traffic.measure.clients["caller"].outcomes
    assert outcomes["reset"] >= 5
    assert engine.traffic.measure.clients["caller"].ok > 400


def test_a_node_that_goes_silent_costs_timeouts_until_the_connection_is_given_up() -> None:
    engine = cluster(replicas=2)
    there = {pod.name: pod.spec.node_name for pod in engine.store.list(Pod, "default", {"app": "web"})}
    elsewhere = next(name for name in engine.machines if name not in there.values())
    ip = engine.store.get(Service, "web").spec.cluster_ip  # nodes do not resolve the cluster's names
    ask(engine, f"grpc://{ip}/", seconds=5.0, source=f"node/{elsewhere}")
    (pod,) = answering(engine)
    nodes.power_off(engine, there[pod.partition("/")[2]])
    engine.run_for(10.0)
    assert engine.traffic.measure.clients["caller"].outcomes["timeout"] >= 50
    assert engine.traffic.measure.clients["caller"].ok > 250


def test_a_maximum_age_moves_the_connection_and_loses_nothing() -> None:
    engine = cluster(replicas=5, age_s=2.0, service_s=0.3)
    ask(engine, seconds=40.0)
    assert len(connections(engine)) >= 18
    assert len(answering(engine)) >= 4
    assert failed(engine) == 0


def test_round_robin_takes_each_address_of_a_headless_service_in_turn() -> None:
    engine = cluster(replicas=4, cluster_ip="None")
    ask(engine, "grpc://web:8080/", balance="round_robin")
    found = answering(engine)
    assert len(found) == 4
    assert max(found.values()) - min(found.values()) <= 1
    assert len(connections(engine)) == 4
    assert {service for client, service, _ in engine.traffic.measure.leaves if client == "caller"} == {"default/web"}


def test_kept_connections_to_a_headless_service_are_counted_under_it() -> None:
    engine = cluster(replicas=2, cluster_ip="None")
    ask(engine, "http://web:8080/", keep_alive=True)
    assert {service for client, service, _ in engine.traffic.measure.leaves if client == "caller"} == {"default/web"}


def test_round_robin_hears_of_new_pods_when_a_connection_has_ended() -> None:
    engine = cluster(replicas=2, cluster_ip="None", age_s=5.0)
    ask(engine, "grpc://web:8080/", balance="round_robin")
    assert not run(engine, "kubectl scale deployment/web --replicas=4").error
    engine.run_for(60.0)
    assert len(answering(engine)) == 4


def test_a_client_that_stops_closes_its_connections() -> None:
    engine = cluster()
    ask(engine, seconds=3.0)
    engine.traffic.clients["caller"].stop()
    engine.run_for(1.0)
    node = engine.store.get(Pod, "client").spec.node_name
    assert not [each for each in engine.network.conntrack(node) if each.state == "ESTABLISHED"]
