"""One running cluster: boot, time, and what can be done to it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab.engine import SETTLE_S, ClusterSpec, Engine, plain_nodes
from lab.faults import nodes, pods
from lab.journal import NetworkChanged
from lab.kube.errors import LabError
from lab.kube.kinds.node import Node
from lab.kube.kinds.pod import Pod
from lab.kube.kinds.service import Service
from lab.kube.manifest import loads

WEB = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: nginx, ports: [{containerPort: 80}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
"""


@pytest.fixture
def engine() -> Iterator[Engine]:
    engine = Engine(ClusterSpec(nodes=plain_nodes(2, ["zone-a", "zone-b"])), seed=5)
    engine.boot()
    yield engine
    engine.close()


def test_the_cluster_boots_before_zero_and_is_ready_at_zero(engine: Engine) -> None:
    assert engine.now == -SETTLE_S
    assert engine.apply(loads(WEB).objects) == ["deployment.apps/web created", "service/web created"]
    assert engine.settle() == []
    assert engine.now == 0.0
    assert [node.ready for node in engine.store.list(Node)] == [True, True]
    assert len(engine.store.list(Pod, "kube-system")) == 2, "CoreDNS has two Pods"
    assert engine.store.get(Service, "kube-dns", "kube-system").spec.cluster_ip == "10.96.0.10"


def test_nodes_are_dealt_over_the_zones_in_turn() -> None:
    assert [(n.name, n.zone) for n in plain_nodes(3, ["a", "b"])] == [
        ("worker-1", "a"),
        ("worker-2", "b"),
        ("worker-3", "a"),
    ]


def test_advance_runs_as_many_virtual_seconds_as_the_speed_says(engine: Engine) -> None:
    engine.settle()
    engine.set_speed(10)
    engine.advance(0.5, budget_s=10)
    assert engine.now == pytest.approx(5.0)
    assert engine.behind_s == 0


def test_a_paused_engine_stays_where_it_is_and_runs_when_asked(engine: Engine) -> None:
    engine.settle()
    engine.paused = True
    engine.advance(3.0, budget_s=10)
    assert engine.now == 0.0
    engine.run_until(0.1)
    assert engine.now == pytest.approx(0.1)


def test_what_does_not_fit_into_the_budget_is_owed_up_to_a_bound(engine: Engine) -> None:
    engine.settle()
    engine.set_speed(1000)
    engine.advance(100.0, budget_s=0.0)
    assert engine.behind_s > 0
    before = engine.now
    engine.advance(0.001, budget_s=30)
    assert engine.now - before <= 1000 * 0.5 + 1 + 1e-6, "no more than half a wall second is caught up"


def test_the_speed_stays_within_its_bounds(engine: Engine) -> None:
    engine.set_speed(1e9)
    assert engine.speed == 1000
    engine.set_speed(0)
    assert engine.speed == 0.1


def test_a_node_that_loses_power_is_not_ready_after_its_grace_and_comes_back(engine: Engine) -> None:
    engine.settle()
    nodes.power_off(engine, "worker-1")
    engine.run_until(70)
    assert not engine.store.get(Node, "worker-1").ready
    nodes.power_on(engine, "worker-1")
    engine.run_until(130)
    assert engine.store.get(Node, "worker-1").ready
    said = [(e.what, e.state) for e in engine.journal.read().events if isinstance(e, NetworkChanged)]
    assert said == [("node/worker-1", "off"), ("node/worker-1", "on")]


def test_a_wrong_name_is_answered_with_the_nearest(engine: Engine) -> None:
    with pytest.raises(LabError, match='node "worker-9" not found, did you mean "worker-2"'):
        nodes.power_off(engine, "worker-9")
    with pytest.raises(LabError, match='pod "x" not found'):
        pods.crash(engine, "default", "x")
