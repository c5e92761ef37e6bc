"""Objects in the API's own form: what is shown, what is left out, and that nothing is lost on the way."""

from __future__ import annotations

import yaml
from hypothesis import HealthCheck, given, settings
from msgspec.structs import replace

from lab.kube import manifest
from lab.kube.applied import LAST_APPLIED, remembered
from lab.kube.decode import decode
from lab.kube.encode import as_list, encode, to_yaml
from lab.kube.kinds.node import Lease, LeaseSpec
from lab.kube.kinds.pod import Container, ContainerState, ContainerStatus, Pod, PodSpec, PodStatus
from lab.kube.kinds.service import Service, ServicePort, ServiceSpec
from lab.kube.meta import ObjectMeta
from tests.kube.strategies import objects

SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]


@settings(max_examples=50, deadline=None, suppress_health_check=SLOW)
@given(objects)
def test_decode_undoes_encode(obj):
    assert decode(encode(obj)) == obj


@settings(max_examples=50, deadline=None, suppress_health_check=SLOW)
@given(objects)
def test_yaml_is_read_back_as_the_same_object(obj):
    (read,) = manifest.loads(to_yaml(obj)).objects
    assert remembered(read) == {key: value for key, value in encode(obj).items() if key != "status"}
    annotations = {key: text for key, text in read.metadata.annotations.items() if key != LAST_APPLIED}
    assert replace(read, metadata=replace(read.metadata, annotations=annotations)) == obj


def test_defaults_that_matter_are_shown_and_empty_fields_are_not():
    service = Service(
        metadata=ObjectMeta(name="web", resource_version=7), spec=ServiceSpec(ports=(ServicePort(port=80),))
    )
    assert encode(service) == {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web", "resourceVersion": "7"},
        "spec": {"type": "ClusterIP", "sessionAffinity": "None", "ports": [{"port": 80, "protocol": "TCP"}]},
        "status": {"loadBalancer": {}},
    }


def test_a_container_state_is_one_of_three_objects():
    running = ContainerState(state="running", started_at=42.7)
    status = PodStatus(container_statuses=(ContainerStatus(name="app", state=running),))
    pod = Pod(metadata=ObjectMeta(name="web"), spec=PodSpec(containers=(Container(name="app"),)), status=status)
    encoded = encode(pod)
    assert encoded["status"]["containerStatuses"] == [
        {
            "name": "app",
            "ready": False,
            "restartCount": 0,
            "state": {"running": {"startedAt": "2026-01-01T00:00:42Z"}},
        }
    ]
    assert encoded["spec"]["containers"] == [{"name": "app", "resources": {}}]


def test_a_lease_keeps_microseconds():
    lease = Lease(metadata=ObjectMeta(name="worker-1"), spec=LeaseSpec(renew_time=1.5))
    assert encode(lease)["spec"] == {"renewTime": "2026-01-01T00:00:01.500000Z"}


def test_yaml_has_sorted_keys_and_quotes_what_looks_like_something_else():
    service = Service(metadata=ObjectMeta(name="web", labels={"version": "1.10", "on": "y", "text": "two\nlines\n"}))
    text = to_yaml(service)
    assert text.index("apiVersion") < text.index("kind") < text.index("metadata") < text.index("spec")
    assert 'version: "1.10"' in text
    assert '"on": "y"' in text
    assert "text: |\n" in text
    assert yaml.safe_load(text)["metadata"]["labels"]["version"] == "1.10"


def test_several_objects_are_a_list():
    pods = [Pod(metadata=ObjectMeta(name=name)) for name in ("a", "b")]
    again = manifest.loads(to_yaml(as_list(pods)))
    assert [each.name for each in again.objects] == ["a", "b"]
