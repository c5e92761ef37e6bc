"""`kubectl top`: kubectl's columns, its order, and what it says when there is nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab.commands.run import run
from lab.engine import ClusterSpec, Engine, plain_nodes
from lab.settings import Settings
from lab.traffic.app import AppSpec, Distribution
from lab.traffic.client import ClientSpec, Phase

BUSY = AppSpec(image="shop/busy", service_time=Distribution.constant(0.1), cpu=1.0, memory_bytes=300 * 1024**2)
SETUP = (
    "kubectl create deployment busy --image=shop/busy --replicas=1 --port=8080",
    "kubectl expose deployment busy --port=80 --target-port=8080",
    "kubectl create deployment quiet --image=shop/quiet --replicas=1 --port=8080",
    "kubectl run client --image=service-lab/client",
)


def started(**settings: object) -> Engine:
    spec = ClusterSpec(nodes=plain_nodes(2), settings=Settings(**settings))  # type: ignore[arg-type]
    engine = Engine(spec, apps=(BUSY,))
    engine.boot()
    for text in SETUP:
        assert not run(engine, text).error
    return engine


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    made = started()
    made.settle()
    steady = ClientSpec(
        name="c", source="pod/client", url="http://busy/", phases=(Phase(5.0),), arrivals="constant", timeout_s=0.0
    )
    made.traffic.add_client(steady)
    made.run_until(61.0)
    yield made
    made.close()


def lines(engine: Engine, text: str) -> list[list[str]]:
    execution = run(engine, text)
    assert not execution.error
    return [line.split() for line in execution.output]


def test_pods_by_name_with_their_figures(engine):
    head, *rows = lines(engine, "kubectl top pods")
    assert head == ["NAME", "CPU(cores)", "MEMORY(bytes)"]
    assert [row[0].partition("-")[0] for row in rows] == ["busy", "client", "quiet"]
    assert [row[1:] for row in rows] == [["500m", "300Mi"], ["0m", "100Mi"], ["0m", "100Mi"]]


def test_the_largest_come_first_when_asked(engine):
    rows = lines(engine, "kubectl top pods -A --sort-by=memory --no-headers")
    assert rows[0][0] == "default"
    assert rows[0][3] == "300Mi"
    assert [row[3] for row in rows] == ["300Mi", "100Mi", "100Mi", "35Mi", "35Mi"]


def test_containers_have_a_line_each(engine):
    head, row = lines(engine, "kubectl top pods --containers -l app=busy")
    assert head == ["POD", "NAME", "CPU(cores)", "MEMORY(bytes)"]
    assert row[1:] == ["busy", "500m", "300Mi"]


def test_nodes_with_shares_of_what_they_have(engine):
    head, *rows = lines(engine, "kubectl top nodes --sort-by=cpu")
    assert head == ["NAME", "CPU(cores)", "CPU(%)", "MEMORY(bytes)", "MEMORY(%)"]
    assert [row[1:3] for row in rows] == [["500m", "12%"], ["0m", "0%"]]
    assert lines(engine, "kubectl top node worker-2")[1][0] == "worker-2"


def test_nothing_to_show(engine):
    assert run(engine, "kubectl top pods -n kube-public").output == ["No resources found in kube-public namespace."]


def test_pods_that_were_not_yet_scraped():
    engine = started()
    assert run(engine, "kubectl top pods").error == "error: metrics not available yet"
    assert run(engine, "kubectl top nodes").error == "error: metrics not available yet"
    assert 'podmetrics.metrics.k8s.io "default/client" not found' in run(engine, "kubectl top pod client").error
    engine.close()


def test_a_cluster_without_metrics_server():
    engine = started(metrics_server=False)
    assert run(engine, "kubectl top pods").error == "error: Metrics API not available"
    engine.close()
