"""From values to structs: every fault named with its place, everything unknown kept."""

from __future__ import annotations

import pytest

from lab.kube import manifest
from lab.kube.decode import decode
from lab.kube.encode import encode
from lab.kube.errors import ManifestError
from lab.kube.kinds.deployment import Deployment
from lab.kube.kinds.pod import ContainerState, Pod
from lab.kube.meta import KeptObject


def pod(**container):
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web"},
        "spec": {"containers": [{"name": "app", **container}]},
    }


def faults(text):
    with pytest.raises(ManifestError) as error:
        manifest.loads(text, "web.yaml")
    return list(error.value.problems)


def test_every_fault_is_named_by_file_line_and_field_path():
    text = """\
apiVersion: v1
kind: Service
metadata:
  name: web
  labels: {version: 1.10}
spec:
  ports:
  - port: http
    targetPort: true
  - name: metrics
  selector: [app]
---
apiVersion: v1
kind: Pod
metadata: {name: web, creationTimestamp: yesterday, annotations: {example.com/on: on}}
spec:
  hostNetwork: "yes"
  containers:
  - {image: web, env: [{name: PORT, value: 8080}], resources: {requests: {cpu: lots}}}
"""
    assert faults(text) == [
        'web.yaml:5: metadata.labels.version: expected text (put it in quotes: "1.10"), got the number 1.10',
        'web.yaml:8: spec.ports[0].port: expected a whole number, got the text "http"',
        "web.yaml:9: spec.ports[0].targetPort: expected a whole number or text, got true",
        "web.yaml:10: spec.ports[1].port: is missing",
        "web.yaml:11: spec.selector: expected an object, got a list",
        "web.yaml:15: metadata.creationTimestamp: expected an RFC 3339 timestamp such as 2026-01-01T00:00:00Z, "
        'got the text "yesterday"',
        'web.yaml:15: metadata.annotations["example.com/on"]: expected text (put it in quotes: "on"), got true',
        'web.yaml:17: spec.hostNetwork: expected true or false, got the text "yes"',
        "web.yaml:19: spec.containers[0].name: is missing",
        'web.yaml:19: spec.containers[0].env[0].value: expected text (put it in quotes: "8080"), got the number 8080',
        "web.yaml:19: spec.containers[0].resources.requests.cpu: expected a quantity such as 100m, 2 or 512Mi, "
        'got the text "lots"',
    ]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("kind: Pod", "apiVersion: is missing"),
        ("apiVersion: v1", "kind: is missing"),
        ("apiVersion: v1\nkind: Pod", "metadata.name: is missing: every Pod needs a name"),
        ("apiVersion: v1\nkind: Pod\nmetadata: {labels: {a: b}}", "web.yaml:3: metadata.name: is missing"),
        ("apiVersion: v1\nkind: Pod\nmetadata: web", 'metadata: expected an object, got the text "web"'),
        ("- a", "expected a Kubernetes object with apiVersion and kind, got a list"),
        ("hello", 'got the text "hello"'),
        ("apiVersion: 1\nkind: Pod", "apiVersion: expected text"),
        ("apiVersion: x/v1\nkind: Widget", "metadata.name: is missing: every Widget needs a name"),
        ("apiVersion: x/v1\nkind: Widget\nmetadata: {name: 3}", "metadata.name: expected text"),
    ],
)
def test_what_every_object_needs(text, fault):
    assert any(fault in each for each in faults(text))


def test_a_generated_name_is_enough():
    assert (
        decode({"apiVersion": "v1", "kind": "Pod", "metadata": {"generateName": "web-"}}).metadata.generate_name
        == "web-"
    )


def test_numbers_are_within_what_the_api_allows():
    deployment = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec: {replicas: 99999999999}"
    assert "a whole number of at most 2147483647" in faults(deployment)[0]
    assert decode(
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"}, "spec": {"replicas": 3.0}}
    ) == (decode({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"}, "spec": {"replicas": 3}}))


def test_null_means_absent():
    found = decode(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "web", "creationTimestamp": None, "labels": None},
            "spec": None,
        }
    )
    assert found == Pod(metadata=found.metadata)
    assert found.metadata.creation_timestamp is None
    assert found.metadata.labels == {}


def test_unknown_fields_are_kept_where_they_stood():
    value = pod(securityContext={"runAsUser": 1000}, env=[{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "x"}}}])
    value["spec"]["volumes"] = [{"name": "v", "emptyDir": {}}]
    value["spec"]["containers"].append({"name": "second", "tty": False, "stdin": None})
    found = decode(value)
    assert isinstance(found, Pod)
    assert found.spec.containers[0].extra == {"securityContext": {"runAsUser": 1000}}
    encoded = encode(found)["spec"]
    assert encoded["volumes"] == value["spec"]["volumes"]
    assert encoded["containers"][0]["env"] == value["spec"]["containers"][0]["env"]
    assert encoded["containers"][1]["tty"] is False
    assert encoded["containers"][1]["stdin"] is None


def test_unknown_kinds_are_kept_whole():
    role = {"apiVersion": "rbac/v1", "kind": "Role", "metadata": {"name": "r", "x": 1}, "rules": [{"verbs": ["get"]}]}
    found = decode(role)
    assert isinstance(found, KeptObject)
    assert encode(found) == role


def test_the_same_kind_of_another_group_is_another_kind():
    found = decode({"apiVersion": "serving.knative.dev/v1", "kind": "Service", "metadata": {"name": "s"}, "spec": {}})
    assert isinstance(found, KeptObject)


def test_older_api_versions_are_read_as_the_current_one():
    found = decode({"apiVersion": "extensions/v1beta1", "kind": "Deployment", "metadata": {"name": "s"}})
    assert isinstance(found, Deployment)
    assert found.api_version == "apps/v1"


@pytest.mark.parametrize(
    ("json", "state"),
    [
        ({"running": {"startedAt": "2026-01-01T00:00:05Z"}}, ContainerState(state="running", started_at=5.0)),
        ({"waiting": {"reason": "CrashLoopBackOff"}}, ContainerState(reason="CrashLoopBackOff")),
        (
            {"terminated": {"exitCode": 137, "signal": 9}},
            ContainerState(state="terminated", exit_code=137, extra={"signal": 9}),
        ),
        ({}, ContainerState()),
    ],
)
def test_container_states(json, state):
    value = pod()
    value["status"] = {"containerStatuses": [{"name": "app", "state": json, "lastState": {}}]}
    found = decode(value)
    assert isinstance(found, Pod)
    assert found.status.container_statuses[0].state == state
    assert found.status.container_statuses[0].last_state is None


def test_a_container_cannot_be_in_two_states():
    value = pod()
    value["status"] = {"containerStatuses": [{"name": "app", "state": {"running": {}, "waiting": {}}}]}
    with pytest.raises(ManifestError, match="exactly one of running, waiting, terminated"):
        decode(value)
