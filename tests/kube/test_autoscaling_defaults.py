"""What a HorizontalPodAutoscaler is when it leaves out most, and how the older form is read."""

from __future__ import annotations

from typing import Any

from lab.kube import defaults
from lab.kube.decode import decode
from lab.kube.encode import encode
from lab.kube.kinds.horizontalpodautoscaler import (
    HorizontalPodAutoscaler,
    HorizontalPodAutoscalerSpec,
    HPAScalingPolicy,
)


def autoscaler(version: str = "autoscaling/v2", **spec: Any) -> HorizontalPodAutoscaler:
    ref = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    body = {
        "apiVersion": version,
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "web"},
        "spec": {"scaleTargetRef": ref, "maxReplicas": 10, **spec},
    }
    found = decode(body)
    assert isinstance(found, HorizontalPodAutoscaler)
    return found


def filled(**spec: Any) -> HorizontalPodAutoscalerSpec:
    return defaults.apply(autoscaler(**spec)).spec


def test_one_replica_at_least_and_cpu_at_80_percent():
    spec = filled()
    (metric,) = spec.metrics
    assert metric.resource is not None
    assert (spec.min_replicas, metric.resource.name, metric.resource.target.average_utilization) == (1, "cpu", 80)


def test_without_a_behavior_none_is_made():
    assert filled().behavior is None


def test_a_behavior_is_filled_in_where_it_says_nothing():
    """https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/#default-behavior"""
    policy = {"type": "Pods", "value": 2, "periodSeconds": 60}
    behavior = filled(behavior={"scaleDown": {"policies": [policy]}}).behavior
    assert behavior is not None
    up, down = behavior.scale_up, behavior.scale_down
    assert up is not None
    assert down is not None
    assert (up.stabilization_window_seconds, up.select_policy) == (0, "Max")
    assert up.policies == (
        HPAScalingPolicy(type="Pods", value=4, period_seconds=15),
        HPAScalingPolicy(type="Percent", value=100, period_seconds=15),
    )
    assert down.policies == (HPAScalingPolicy(type="Pods", value=2, period_seconds=60),)
    assert down.stabilization_window_seconds is None, "the controller's own setting, 300 s, holds"


def test_defaults_are_filled_in_once():
    once = defaults.apply(autoscaler(behavior={}))
    assert defaults.apply(once) is once


def test_the_first_version_knows_the_utilization_of_cpu_alone():
    old = autoscaler("autoscaling/v1", minReplicas=2, targetCPUUtilizationPercentage=50)
    target = {"type": "Utilization", "averageUtilization": 50}
    new = autoscaler(minReplicas=2, metrics=[{"type": "Resource", "resource": {"name": "cpu", "target": target}}])
    assert old == new
    assert encode(old)["apiVersion"] == "autoscaling/v2"


def test_the_first_version_without_a_target():
    assert autoscaler("autoscaling/v1") == autoscaler()
