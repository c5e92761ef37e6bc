"""Manifests that others wrote run unchanged: every Pod becomes Ready, every Service answers on every port."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.engine import ClusterSpec, Engine, plain_nodes
from lab.journal import Decision
from lab.kube.kinds.pod import Container, Pod, PodSpec
from lab.kube.kinds.service import Service
from lab.kube.manifest import load
from lab.kube.meta import ObjectMeta
from lab.network.network import Source
from lab.traffic.request import RequestResult

FOLDER = Path(os.environ.get("LAB_MANIFESTS", Path(__file__).parents[1] / ".." / "shared" / "manifests"))
APPLICATIONS = {
    "voting-app": [("vote", "redis"), ("worker", "redis"), ("worker", "db"), ("result", "db")],
    "guestbook": [("frontend", "redis-master"), ("frontend", "redis-replica")],
    "sock-shop": [("orders", "payment"), ("carts", "carts-db"), ("catalogue", "catalogue-db")],
}


@pytest.fixture(params=sorted(APPLICATIONS))
def application(request: pytest.FixtureRequest) -> str:
    if not (FOLDER / request.param).is_dir():
        pytest.skip(f"no manifests in {FOLDER / request.param} (LAB_MANIFESTS names the folder)")
    return str(request.param)


@pytest.fixture
def engine(application: str) -> Iterator[Engine]:
    engine = Engine(ClusterSpec(nodes=plain_nodes(4)), seed=2)
    engine.boot()
    engine.apply(load([FOLDER / application]).objects)
    client = Container(name="client", image="service-lab/client")
    engine.apply([Pod(metadata=ObjectMeta(name="client", namespace="default"), spec=PodSpec(containers=(client,)))])
    yield engine
    engine.close()


def client_of(engine: Engine) -> Source:
    pod = engine.store.get(Pod, "client")
    return Source("pod/default/client", pod.status.pod_ip, pod.spec.node_name)


def test_the_application_runs_and_answers(engine: Engine, application: str) -> None:
    assert engine.settle() == [], "Pods that are not Ready"
    results: dict[str, RequestResult] = {}
    for service in engine.store.list(Service):
        for port in service.spec.ports:
            scheme = port.protocol.lower()
            url = f"{scheme}://{service.name}.{service.namespace}:{port.port}"
            engine.traffic.request(client_of(engine), url, lambda result, url=url: results.update({url: result}))
    engine.run_for(30)
    assert results
    assert {url: result.outcome for url, result in results.items() if result.outcome != "ok"} == {}


def test_its_parts_are_seen_to_talk_to_each_other(engine: Engine, application: str) -> None:
    engine.settle()
    for service in engine.store.list(Service):
        if any(port.node_port for port in service.spec.ports):
            url = f"tcp://{service.name}.{service.namespace}:{service.spec.ports[0].port}"
            engine.traffic.request(client_of(engine), url, lambda result: None)
    for service in ("orders", "carts", "catalogue") if application == "sock-shop" else ():
        engine.traffic.request(client_of(engine), f"http://{service}.sock-shop/", lambda result: None)
    engine.run_for(30)
    seen = {
        (decision.client.split("/")[2].rsplit("-", 2)[0], decision.service.split("/")[1])
        for decision in engine.journal.read().events
        if isinstance(decision, Decision) and decision.client.startswith("pod/") and decision.service
    }
    assert set(APPLICATIONS[application]) <= seen
