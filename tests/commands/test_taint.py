"""`kubectl taint`."""

from __future__ import annotations

import pytest

from lab.kube.kinds.node import Node
from tests.commands.test_on_engine import ok, start
from tests.commands.world import World


@pytest.fixture
def world() -> World:
    made = World()
    made.node("worker-1")
    made.node("worker-2")
    return made


def taints(world: World, name: str = "worker-1") -> list[str]:
    found = world.store.get(Node, name).spec.taints
    return [f"{each.key}={each.value}:{each.effect}" for each in found]


@pytest.mark.parametrize("form", ["nodes worker-1", "node/worker-1", "node worker-1"])
def test_a_taint_is_set_and_taken_away(world: World, form: str) -> None:
    assert world.ok(f"kubectl taint {form} dedicated=db:NoSchedule") == ["node/worker-1 tainted"]
    assert taints(world) == ["dedicated=db:NoSchedule"]
    assert world.ok(f"kubectl taint {form} dedicated:NoSchedule-") == ["node/worker-1 untainted"]
    assert taints(world) == []


def test_several_nodes_and_several_taints(world: World) -> None:
    world.ok("kubectl taint nodes worker-1 worker-2 a=1:NoSchedule b:NoExecute")
    assert taints(world, "worker-2") == ["a=1:NoSchedule", "b=:NoExecute"]
    assert world.ok("kubectl taint nodes --all a- c:NoSchedule") == ["node/worker-1 modified", "node/worker-2 modified"]
    assert taints(world) == ["b=:NoExecute", "c=:NoSchedule"]


def test_a_key_without_an_effect_takes_all_of_it_away(world: World) -> None:
    world.ok("kubectl taint nodes worker-1 a=1:NoSchedule a=2:NoExecute")
    world.ok("kubectl taint nodes worker-1 a-")
    assert taints(world) == []


def test_a_value_is_replaced_only_when_that_is_asked_for(world: World) -> None:
    world.ok("kubectl taint nodes worker-1 a=1:NoSchedule")
    error = world.wrong("kubectl taint nodes worker-1 a=2:NoSchedule")
    assert error == "error: node worker-1 already has a taint(s) with same effect(s) and --overwrite is false"
    world.ok("kubectl taint nodes worker-1 a=2:NoSchedule --overwrite")
    assert taints(world) == ["a=2:NoSchedule"]


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        ("nodes worker-1 a=1:NoSched", 'did you mean "NoSchedule"?'),
        ("nodes worker-1 a=1", "expected KEY=VALUE:EFFECT"),
        ("nodes worker-1 a:NoSchedule-", 'taint "a:NoSchedule" not found'),
        ("nodes worker-1 b-", 'taint "b" not found'),
        ("nodes worker-1 a/b/c:NoSchedule", "invalid taint spec"),
        ("nodes worker-1 a:NoSchedule a=1:NoSchedule", "stands here twice"),
        ("nodes a:NoSchedule", "no name was specified"),
        ("pods x a:NoSchedule", "this does not work on pods"),
        ("nodes worker-9 a:NoSchedule", 'nodes "worker-9" not found'),
    ],
)
def test_what_is_no_taint(world: World, words: str, fault: str) -> None:
    assert fault in world.wrong(f"kubectl taint {words}")
    assert taints(world) == []


def test_pods_leave_a_node_with_a_taint_that_they_do_not_tolerate() -> None:
    engine = start()
    node = next(pod.spec.node_name for pod in engine.store.pods_on("worker-1") or engine.store.pods_on("worker-2"))
    ok(engine, f"kubectl taint nodes {node} maintenance=now:NoExecute", 40.0)
    assert [pod.name for pod in engine.store.pods_on(node)] == []
    ok(engine, f"kubectl taint nodes {node} maintenance-", 1.0)
    ok(engine, "kubectl scale deployment/web --replicas=12", 30.0)
    assert engine.store.pods_on(node)
    engine.close()
