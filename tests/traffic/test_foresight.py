"""What is foreseen of a request is what a request gets: its outcome, its status, and about its time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from lab.commands.run import run
from lab.engine import ClusterSpec, Engine, plain_nodes
from lab.kube.decode import decode
from lab.network.flow import Source
from lab.traffic.app import AppSpec, Distribution
from lab.traffic.request import RequestResult, parse_target

STEADY = Distribution.constant(0.010)
APPS = (
    AppSpec(image="shop/front", service_time=STEADY, calls=("http://back/",)),
    AppSpec(image="shop/lost", service_time=STEADY, calls=("http://back/", "http://nowhere/")),
    AppSpec(image="shop/back", service_time=STEADY),
    AppSpec(image="shop/moody", service_time=STEADY, error_rate=0.25),
    AppSpec(image="shop/round", service_time=STEADY, calls=("http://round/",)),
)


def manifests(name: str) -> Iterator[dict[str, Any]]:
    labels = {"app": name}
    container = {"name": "app", "image": f"shop/{name}", "ports": [{"containerPort": 8080}]}
    yield {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": labels},
        "spec": {"containers": [container]},
    }
    yield {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"selector": labels, "ports": [{"port": 80, "targetPort": 8080}]},
    }


@pytest.fixture
def engine() -> Iterator[Engine]:
    made = Engine(ClusterSpec(nodes=plain_nodes(2)), apps=APPS)
    made.boot()
    made.apply(decode(obj) for name in ("front", "lost", "back", "moody", "round") for obj in manifests(name))
    assert not run(made, "kubectl run client --image=service-lab/client").error
    assert made.settle() == []
    yield made
    made.close()


def client(engine: Engine) -> Source:
    return engine.traffic.sources.origin("pod/client").all()[0]


def asked(engine: Engine, url: str) -> RequestResult:
    results: list[RequestResult] = []
    engine.traffic.request(client(engine), url, results.append)
    engine.run_for(200.0)
    return results[0]


@pytest.mark.parametrize(
    ("name", "status"),
    [("back", 200), ("front", 200), ("lost", 503)],
)
def test_an_app_answers_after_those_that_it_calls(engine: Engine, name: str, status: int) -> None:
    url = f"http://{name}/"
    forecast = engine.traffic.foresight.request(client(engine), parse_target(url))
    assert [sight.status for sight in forecast.sights] == [status]
    real = asked(engine, url)
    assert real.status == status
    assert forecast.sights[0].latency_s == pytest.approx(real.latency_s, rel=0.05)


def test_errors_of_its_own_have_their_probability(engine: Engine) -> None:
    forecast = engine.traffic.foresight.request(client(engine), parse_target("http://moody/"))
    assert {sight.status: sight.probability for sight in forecast.sights} == {200: 0.75, 500: 0.25}
    assert forecast.succeeds == 0.75


def test_a_cycle_of_calls_ends(engine: Engine) -> None:
    forecast = engine.traffic.foresight.request(client(engine), parse_target("http://round/"))
    real = asked(engine, "http://round/")
    assert [sight.status for sight in forecast.sights] == [real.status]


def test_a_name_without_an_address_is_all_there_is_to_see(engine: Engine) -> None:
    forecast = engine.traffic.foresight.request(client(engine), parse_target("http://nowhere/"))
    real = asked(engine, "http://nowhere/")
    assert [sight.outcome for sight in forecast.sights] == [real.outcome]
    assert forecast.sights[0].attempt is None
    assert forecast.takes_s == pytest.approx(real.latency_s, rel=0.05)


def test_a_bare_connection_calls_nobody(engine: Engine) -> None:
    pod_ip = engine.traffic.sources.origin("pod/lost").all()[0].ip
    sights = engine.traffic.foresight.connection(client(engine), pod_ip, 8080, "TCP")
    assert [(sight.reached, sight.calls) for sight in sights] == [(True, ())]
    refused = engine.traffic.foresight.connection(client(engine), pod_ip, 9999, "TCP")
    assert [(sight.reached, sight.reason) for sight in refused] == [(False, "nothing-listens")]
