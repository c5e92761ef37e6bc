"""Faults that change nothing say so, and deleted nodes are machines all the same."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab.commands.run import run
from lab.engine import Engine
from lab.journal import NetworkChanged
from lab.kube.kinds.node import Node
from lab.kube.kinds.pod import Pod
from tests.commands.test_on_engine import give, ok, start


@pytest.fixture
def engine() -> Iterator[Engine]:
    made = start()
    yield made
    made.close()


def changes(engine: Engine) -> int:
    return sum(isinstance(event, NetworkChanged) for event in engine.journal.read().events)


@pytest.mark.parametrize(
    ("first", "again", "said"),
    [
        ("", "lab recover node/worker-1", "node/worker-1 is powered on already"),
        ("lab fail node/worker-1", "lab fail node/worker-1", "node/worker-1 is powered off already"),
        ("", "lab heal link worker-1 worker-2", "link worker-1 worker-2 is not cut"),
        ("lab cut link zone-a internet", "lab cut link internet zone-a", "link internet zone-a is cut already"),
        ("lab cut link zone-a internet", "lab heal link worker-1 internet", "link worker-1 internet is not cut"),
        ("", "lab start proxy/worker-1", "proxy/worker-1 runs already"),
        ("lab stop proxy/worker-1", "lab stop proxy/worker-1", "proxy/worker-1 does not run"),
        ("lab fail node/worker-1", "lab stop proxy/worker-1", "proxy/worker-1 does not run"),
        ("", "lab upstream up", "upstream resolver is up already"),
        ("lab upstream down", "lab upstream down", "upstream resolver is down already"),
        ("lab hang pod/client", "lab hang pod/client", "pod/client hangs already"),
    ],
)
def test_what_changes_nothing_says_so_and_is_not_journaled(engine: Engine, first: str, again: str, said: str) -> None:
    if first:
        ok(engine, first)
    before = changes(engine)
    assert ok(engine, again) == [said]
    assert changes(engine) == before


def test_a_proxy_does_not_start_without_power(engine: Engine) -> None:
    ok(engine, "lab fail node/worker-1")
    error = give(engine, "lab start proxy/worker-1").error
    assert error == 'error: node "worker-1" has no power: lab recover node/worker-1'


def test_a_workload_stands_for_a_pod_that_really_runs(engine: Engine) -> None:
    first, *others = engine.store.list(Pod, "default", {"app": "web"})
    ok(engine, f"lab fail node/{first.spec.node_name}")
    assert engine.store.get(Pod, first.name).ready, "the API has not noticed yet"
    running = next(pod.name for pod in others if pod.spec.node_name != first.spec.node_name)
    assert ok(engine, "lab crash deployment/web") == [f"pod/{running} crashed"]
    error = give(engine, f"lab crash pod/{first.name}").error
    assert error == f'error: no container of pod "{first.name}" runs: its node {first.spec.node_name} has no power'


def test_a_workload_whose_nodes_are_all_off_has_nothing_to_crash(engine: Engine) -> None:
    before = changes(engine)
    for number in (1, 2, 3):
        ok(engine, f"lab fail node/worker-{number}")
    error = give(engine, "lab crash deployment/web").error.splitlines()
    assert error[0] == "error: deployment.apps/web has Ready Pods, but no container of theirs runs"
    assert "did you mean" not in error[-1]
    assert changes(engine) == before + 3


def test_a_deleted_node_is_a_machine_that_goes_on(engine: Engine) -> None:
    ok(engine, "kubectl delete node worker-3", 5.0)
    assert engine.store.find(Node, "worker-3") is None
    said = ok(engine, "lab recover node/worker-3")
    assert said[0] == "node/worker-3 is powered on already"
    assert "lab fail node/worker-3, then lab recover node/worker-3" in said[1]
    assert any("its Node object was deleted" in line for line in ok(engine, "lab rules --node worker-3"))
    assert ok(engine, "lab stop proxy/worker-3") == ["proxy/worker-3 stopped"]
    assert ok(engine, "lab start proxy/worker-3") == ["proxy/worker-3 started"]
    assert ok(engine, "lab cut link worker-3 internet") == ["link worker-3 internet cut"]
    assert ok(engine, "lab heal link worker-3 internet") == ["link worker-3 internet healed"]
    assert "NotFound" in give(engine, "kubectl cordon worker-3").error


def test_the_pods_of_a_deleted_node_answer_until_they_are_collected_and_are_then_replaced(engine: Engine) -> None:
    ok(engine, "kubectl delete node worker-3", 5.0)
    there = [pod for pod in engine.store.list(Pod, "default", {"app": "web"}) if pod.spec.node_name == "worker-3"]
    assert there
    ip = there[0].status.pod_ip
    assert ok(engine, f"curl http://{ip}:8080/ --from node/worker-1", 1.0)[0].startswith("HTTP/1.1 200 OK")
    output = ok(engine, "curl http://web/ --from node/worker-1 --count 20", 20.0)
    assert not any(pod.name in line for pod in there for line in output), "it has left the EndpointSlice"
    engine.run_for(80.0)
    pods = engine.store.list(Pod, "default", {"app": "web"})
    assert [pod.ready for pod in pods] == [True] * 3
    assert {pod.spec.node_name for pod in pods} <= {"worker-1", "worker-2"}


def test_a_deleted_node_registers_again_when_it_is_started_again(engine: Engine) -> None:
    ok(engine, "kubectl delete node worker-3", 100.0)
    assert ok(engine, "lab fail node/worker-3") == ["node/worker-3 powered off"]
    assert ok(engine, "lab recover node/worker-3", 10.0) == ["node/worker-3 powered on"]
    assert engine.store.get(Node, "worker-3").ready
    ok(engine, "kubectl scale deployment/web --replicas=12", 30.0)
    assert any(pod.ready for pod in engine.store.pods_on("worker-3"))
    assert ok(engine, "curl http://web/", 1.0)[0].startswith("HTTP/1.1 200 OK")


def test_balancers_leave_a_deleted_node_out_until_it_is_back(engine: Engine) -> None:
    balancer = next(iter(engine.network.balancers.by_ip.values()))
    ok(engine, "kubectl delete node worker-3", 1.0)
    assert list(balancer.targets) == ["worker-1", "worker-2"]
    ok(engine, "lab fail node/worker-3", 1.0)
    ok(engine, "lab recover node/worker-3", 30.0)
    assert "worker-3" in balancer.healthy


def test_a_node_object_without_a_machine_runs_nothing(engine: Engine) -> None:
    node = engine.store.get(Node, "worker-1")
    address = node.status.addresses[0]
    engine.store.create(
        Node(
            metadata=type(node.metadata)(name="ghost"),
            status=type(node.status)(addresses=(type(address)(type="InternalIP", address="172.18.0.99"),)),
        )
    )
    engine.run_for(10.0)
    assert not engine.network.hosts["ghost"].powered
    assert "NotFound" in run(engine, "lab fail node/ghost").error
    assert ok(engine, "kubectl delete node ghost") == ['node "ghost" deleted']
    assert "ghost" not in engine.network.hosts
