"""What the API server fills in; Services follow the vectors, in tests/conformance."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings

from lab.kube import defaults
from lab.kube.decode import decode
from lab.kube.kinds.deployment import Deployment
from lab.kube.kinds.pod import Pod
from lab.settings import Settings
from tests.kube.strategies import objects


def pod(spec, **container):
    body = {"containers": [{"name": "app", "image": "web:1", **container}], **spec}
    found = defaults.apply(decode({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": body}))
    assert isinstance(found, Pod)
    return found


def test_objects_without_a_namespace_go_to_default():
    assert pod({}).namespace == "default"
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "worker-1"}}
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "r"}}
    claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "c"}}
    assert [defaults.apply(decode(each)).namespace for each in (node, role, claim)] == ["", "", "default"]


def test_a_namespace_is_labelled_with_its_name():
    found = defaults.apply(decode({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}))
    assert found.metadata.labels == {"kubernetes.io/metadata.name": "shop"}


@pytest.mark.parametrize(
    ("image", "policy"),
    [
        ("nginx", "Always"),
        ("nginx:latest", "Always"),
        ("nginx:1.27", "IfNotPresent"),
        ("registry:5000/nginx", "Always"),
        ("registry:5000/nginx:1", "IfNotPresent"),
        ("nginx@sha256:0", "IfNotPresent"),
    ],
)
def test_image_pull_policy(image, policy):
    assert pod({}, image=image).spec.containers[0].image_pull_policy == policy


def test_a_pods_own_defaults_come_from_the_settings():
    spec = pod({}).spec
    assert (spec.restart_policy, spec.dns_policy, spec.enable_service_links) == ("Always", "ClusterFirst", True)
    assert spec.termination_grace_period_seconds == Settings().termination_grace_period_s
    assert pod({"terminationGracePeriodSeconds": 0}).spec.termination_grace_period_seconds == 0


def test_probes():
    probe = pod({}, readinessProbe={"tcpSocket": {"port": 80}, "periodSeconds": 3}).spec.containers[0].readiness_probe
    assert probe is not None
    assert (probe.period_seconds, probe.timeout_seconds, probe.failure_threshold) == (3, 1, 3)


def test_ports_and_resources():
    container = pod(
        {"hostNetwork": True},
        ports=[{"containerPort": 80, "protocol": ""}],
        resources={"limits": {"cpu": 1, "memory": "1Gi"}, "requests": {"cpu": 0.5}},
    ).spec.containers[0]
    assert (container.ports[0].protocol, container.ports[0].host_port) == ("TCP", 80)
    assert container.resources.requests == {"cpu": "500m", "memory": "1Gi"}


def test_a_deployments_strategy():
    value = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": {}}
    found = defaults.apply(decode(value))
    assert isinstance(found, Deployment)
    rolling = found.spec.strategy.rolling_update
    assert rolling is not None
    assert (rolling.max_surge, rolling.max_unavailable) == ("25%", "25%")
    assert (found.spec.revision_history_limit, found.spec.progress_deadline_seconds) == (10, 600)
    recreate = defaults.apply(decode({**value, "spec": {"strategy": {"type": "Recreate"}}}))
    assert isinstance(recreate, Deployment)
    assert recreate.spec.strategy.rolling_update is None


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(objects)
def test_defaulting_twice_changes_nothing_more(obj):
    once = defaults.apply(obj)
    assert defaults.apply(once) is once
