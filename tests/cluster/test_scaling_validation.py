"""What the API server says to autoscalers, disruption budgets and quotas that are wrong: field paths and words."""

from __future__ import annotations

from typing import Any

import pytest

from lab.cluster.validation import errors_of
from lab.kube import defaults
from lab.kube.decode import decode
from lab.kube.versions import features_of

REF = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
UTILIZATION = {"type": "Utilization", "averageUtilization": 50}


def errors(api_version: str, kind: str, spec: dict[str, Any], old: dict[str, Any] | None = None) -> list[str]:
    def made(values: dict[str, Any]) -> Any:
        body = {"apiVersion": api_version, "kind": kind, "metadata": {"name": "web"}, "spec": values}
        return defaults.apply(decode(body))

    return [str(each) for each in errors_of(made(spec), made(old) if old is not None else None, features_of())]


def autoscaler(**spec: Any) -> list[str]:
    return errors("autoscaling/v2", "HorizontalPodAutoscaler", {"scaleTargetRef": REF, "maxReplicas": 10, **spec})


def metric(**spec: Any) -> list[str]:
    return autoscaler(metrics=[spec])


def rules(**spec: Any) -> list[str]:
    return autoscaler(behavior={"scaleUp": spec})


def budget(**spec: Any) -> list[str]:
    return errors("policy/v1", "PodDisruptionBudget", {"selector": {"matchLabels": {"app": "web"}}, **spec})


def quota(old: dict[str, Any] | None = None, **spec: Any) -> list[str]:
    return errors("v1", "ResourceQuota", spec, old)


def resource(name: str = "cpu", **target: Any) -> dict[str, Any]:
    return {"type": "Resource", "resource": {"name": name, "target": target}}


def test_good_ones_pass():
    assert autoscaler(metrics=[resource(**UTILIZATION)], behavior={"scaleUp": {"tolerance": "0.05"}}) == []
    assert budget(minAvailable="50%", unhealthyPodEvictionPolicy="AlwaysAllow") == []
    assert budget(maxUnavailable=0) == []
    assert quota(hard={"pods": "4", "requests.cpu": "1", "count/deployments.apps": "2", "example.com/x": 1}) == []
    assert quota(hard={"pods": "4"}, scopes=["BestEffort"]) == []


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"minReplicas": 0}, ["spec.minReplicas: Invalid value: 0: must be greater than or equal to 1"]),
        (
            {"maxReplicas": 0},
            [
                "spec.maxReplicas: Invalid value: 0: must be greater than 0",
                "spec.maxReplicas: Invalid value: 0: must be greater than or equal to `minReplicas`",
            ],
        ),
        (
            {"minReplicas": 11},
            ["spec.maxReplicas: Invalid value: 10: must be greater than or equal to `minReplicas`"],
        ),
        (
            {"scaleTargetRef": {"kind": "", "name": "a/b"}},
            [
                "spec.scaleTargetRef.kind: Required value",
                "spec.scaleTargetRef.name: Invalid value: \"a/b\": may not contain '/'",
            ],
        ),
        (
            {"scaleTargetRef": {**REF, "apiVersion": "apps/v1/deployments"}},
            [
                'spec.scaleTargetRef.apiVersion: Invalid value: "apps/v1/deployments": '
                "unexpected GroupVersion string: apps/v1/deployments"
            ],
        ),
    ],
)
def test_bounds_and_target(spec, expected):
    assert autoscaler(**spec) == expected


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (
            {"type": "Cpu"},
            [
                'spec.metrics[0].type: Unsupported value: "Cpu": supported values: "ContainerResource", "External", '
                '"Object", "Pods", "Resource"'
            ],
        ),
        (
            {"type": "Pods"},
            ["spec.metrics[0].pods: Required value: must populate information for the given metric source"],
        ),
        (
            {**resource(**UTILIZATION), "pods": {"metric": {"name": "x"}, "target": UTILIZATION}},
            [
                "spec.metrics[0].pods.target.averageValue: Required value: must specify a positive target averageValue",
                "spec.metrics[0].pods: Forbidden: must populate the given metric source only",
            ],
        ),
        (
            resource(type="Utilization"),
            [
                "spec.metrics[0].resource.target.averageUtilization: Required value: "
                "must set either a target raw value or a target utilization"
            ],
        ),
        (
            resource(type="Percent", averageUtilization=0),
            [
                'spec.metrics[0].resource.target.type: Invalid value: "Percent": '
                "must be either Utilization, Value, or AverageValue",
                "spec.metrics[0].resource.target.averageUtilization: Invalid value: 0: must be greater than 0",
            ],
        ),
        (
            resource("", type="AverageValue", averageValue="0"),
            [
                "spec.metrics[0].resource.name: Required value: must specify a resource name",
                'spec.metrics[0].resource.target.averageValue: Invalid value: "0": must be positive',
            ],
        ),
        (
            {
                "type": "ContainerResource",
                "containerResource": {"name": "cpu", "container": "", "target": UTILIZATION},
            },
            ["spec.metrics[0].containerResource.container: Required value: must specify a container"],
        ),
        (
            {"type": "External", "external": {"metric": {"name": ""}, "target": {"type": "Value"}}},
            [
                "spec.metrics[0].external.metric.name: Required value: must specify a metric name",
                "spec.metrics[0].external.target.averageValue: Required value: "
                "must set either a target value for metric or a per-pod target",
            ],
        ),
    ],
)
def test_metrics(spec, expected):
    assert metric(**spec) == expected


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"stabilizationWindowSeconds": 3601}, "stabilizationWindowSeconds: Invalid value: 3601: must be less than"),
        ({"selectPolicy": "Most"}, 'selectPolicy: Unsupported value: "Most": supported values: "Disabled", '),
        ({"tolerance": "-0.1"}, 'tolerance: Invalid value: "-0.1": must be greater than or equal to 0'),
        (
            {"policies": [{"type": "Pods", "value": 0, "periodSeconds": 15}]},
            "policies[0].value: Invalid value: 0: must be greater than zero",
        ),
        (
            {"policies": [{"type": "Pods", "value": 1, "periodSeconds": 1801}]},
            "policies[0].periodSeconds: Invalid value: 1801: must be less than or equal to 1800",
        ),
    ],
)
def test_behavior(spec, expected):
    (found,) = rules(**spec)
    assert found.startswith(f"spec.behavior.scaleUp.{expected}")


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (
            {"minAvailable": 1, "maxUnavailable": 1},
            'spec: Invalid value: {"minAvailable":1,"maxUnavailable":1}: '
            "minAvailable and maxUnavailable cannot be both set",
        ),
        ({"minAvailable": -1}, "spec.minAvailable: Invalid value: -1: must be greater than or equal to 0"),
        ({"minAvailable": "101%"}, 'spec.minAvailable: Invalid value: "101%": must not be greater than 100%'),
        ({"maxUnavailable": "one"}, 'spec.maxUnavailable: Invalid value: "one": a valid percent string must be'),
        (
            {"unhealthyPodEvictionPolicy": "Never"},
            'spec.unhealthyPodEvictionPolicy: Unsupported value: "Never": supported values: '
            '"AlwaysAllow", "IfHealthyBudget"',
        ),
    ],
)
def test_disruption_budgets(spec, expected):
    (found,) = budget(**spec)
    assert found.startswith(expected)


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"hard": {"podz": "1"}}, 'spec.hard[podz]: Invalid value: "podz": must be a standard resource'),
        ({"hard": {"pods": "-1"}}, 'spec.hard[pods]: Invalid value: "-1": must be greater than or equal to 0'),
        ({"hard": {"pods": "1.5"}}, 'spec.hard[pods]: Invalid value: "1.5": must be an integer'),
        ({"scopes": ["Slow"]}, 'spec.scopes: Invalid value: ["Slow"]: unsupported scope'),
        (
            {"hard": {"requests.cpu": "1"}, "scopes": ["BestEffort"]},
            'spec.scopes: Invalid value: ["BestEffort"]: unsupported scope applied to resource',
        ),
        (
            {"scopes": ["Terminating", "NotTerminating"]},
            'spec.scopes: Invalid value: ["Terminating","NotTerminating"]: conflicting scopes',
        ),
        (
            {"scopeSelector": {"matchExpressions": [{"scopeName": "PriorityClass", "operator": "In"}]}},
            "spec.scopeSelector.matchExpressions.values: Required value: must be at least one value",
        ),
    ],
)
def test_quotas(spec, expected):
    assert quota(**spec)[0].startswith(expected)


def test_the_scopes_of_a_quota_stay():
    found = quota({"scopes": ["BestEffort"]}, scopes=["NotBestEffort"])
    assert found == ['spec.scopes: Invalid value: ["NotBestEffort"]: field is immutable']
