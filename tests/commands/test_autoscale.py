"""`kubectl autoscale`, and how autoscalers are listed and described."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from lab.commands.run import run
from lab.engine import ClusterSpec, Engine, plain_nodes
from lab.kube.kinds.deployment import Deployment
from lab.kube.kinds.horizontalpodautoscaler import HorizontalPodAutoscaler
from lab.traffic.app import AppSpec, Distribution
from lab.traffic.client import ClientSpec, Phase

APP = AppSpec(image="shop/web", service_time=Distribution.constant(0.1), cpu=0.1, memory_bytes=64 * 1024**2)


def ok(engine: Engine, text: str) -> list[str]:
    execution = run(engine, text)
    assert not execution.error
    return execution.output


@pytest.fixture
def engine() -> Iterator[Engine]:
    made = Engine(ClusterSpec(nodes=plain_nodes(2)), apps=(APP,))
    made.boot()
    ok(made, "kubectl create deployment web --image=shop/web --replicas=2 --port=8080")
    ok(made, "kubectl expose deployment web --port=80 --target-port=8080")
    ok(made, "kubectl run client --image=service-lab/client")
    ports, resources = [{"containerPort": 8080}], {"requests": {"cpu": "100m"}}
    container = {"name": "web", "image": "shop/web", "ports": ports, "resources": resources}
    patch = {"spec": {"template": {"spec": {"containers": [container]}}}}
    ok(made, f"kubectl patch deployment web -p '{json.dumps(patch)}'")
    yield made
    made.close()


def test_by_the_percentage_of_cpu(engine):
    said = ok(engine, "kubectl autoscale deployment/web --min=2 --max=10 --cpu-percent=50")
    assert said == ["horizontalpodautoscaler.autoscaling/web autoscaled"]
    spec = engine.store.get(HorizontalPodAutoscaler, "web").spec
    (metric,) = spec.metrics
    assert metric.resource is not None
    assert (spec.min_replicas, spec.max_replicas, metric.resource.target.average_utilization) == (2, 10, 50)


def test_by_amounts_and_under_another_name(engine):
    ok(engine, "kubectl autoscale deployment web --max=5 --cpu=500m --memory=70% --name=other")
    spec = engine.store.get(HorizontalPodAutoscaler, "other").spec
    aims = [metric.resource.target for metric in spec.metrics if metric.resource is not None]
    assert [(aim.average_value, aim.average_utilization) for aim in aims] == [("500m", None), (None, 70)]


def test_without_a_target_cpu_at_80_percent(engine):
    ok(engine, "kubectl autoscale deployment web --max=5")
    row = ok(engine, "kubectl get hpa")[1].split()
    assert row[:7] == ["web", "Deployment/web", "cpu:", "<unknown>/80%", "1", "5", "0"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("kubectl autoscale deployment web --min=5 --max=2", "must be greater than or equal to `minReplicas`"),
        ("kubectl autoscale deployment web --max=2 --cpu=much", "neither a percentage such as 70% nor an amount"),
        ("kubectl autoscale deployment web --max=2 --cpu=7% --cpu-percent=7", "give one of them"),
        ("kubectl autoscale service web --max=2", "this does not work on services"),
        ("kubectl autoscale deployment web", 'required flag "--max" is not set'),
    ],
)
def test_what_is_refused(engine, text, said):
    assert said in run(engine, text).error


def test_listed_and_described_while_it_scales(engine):
    ok(engine, "kubectl autoscale deployment web --min=2 --max=10 --cpu=50%")
    engine.settle()
    steady = ClientSpec(
        name="c", source="pod/client", url="http://web/", phases=(Phase(30.0),), arrivals="constant", timeout_s=0.0
    )
    engine.traffic.add_client(steady)
    engine.run_until(120.0)
    assert engine.store.get(Deployment, "web").spec.replicas == 6
    head, row = ok(engine, "kubectl get hpa web")
    assert head.split() == ["NAME", "REFERENCE", "TARGETS", "MINPODS", "MAXPODS", "REPLICAS", "AGE"]
    assert row.split()[:7] == ["web", "Deployment/web", "cpu:", "50%/50%", "2", "10", "6"]
    text = "\n".join(ok(engine, "kubectl describe hpa web"))
    for part in (
        "Reference:",
        "resource cpu on pods  (as a percentage of request):",
        "Min replicas:",
        "6 current / 6 desired",
        "ScalingActive    True     ValidMetricFound",
        "SuccessfulRescale",
        "New size: 6; reason: cpu resource utilization (percentage of request) above target",
    ):
        assert part in text


def test_a_behavior_is_described():
    engine = Engine(ClusterSpec(nodes=plain_nodes(1)))
    engine.boot()
    ok(engine, "kubectl create deployment web --image=shop/web")
    ok(engine, "kubectl autoscale deployment web --max=3")
    ok(engine, """kubectl patch hpa web -p '{"spec":{"behavior":{"scaleUp":{"tolerance":"0.05"}}}}'""")
    text = "\n".join(ok(engine, "kubectl describe hpa web"))
    for part in ("Scale Up:", "Stabilization Window:", "0 seconds", "0.05", "Pods  Value: 4  Period: 15 seconds"):
        assert part in text
    engine.close()
