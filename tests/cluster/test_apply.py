"""`kubectl apply` merges what was applied last, what is wanted and what is there."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from lab.clock import Clock
from lab.cluster.admission import Admission
from lab.cluster.apply import apply_object, three_way
from lab.cluster.errors import NotFound
from lab.cluster.store import Store
from lab.journal import Journal
from lab.kube.decode import decode
from lab.kube.encode import encode, to_yaml
from lab.kube.kinds.deployment import Deployment
from lab.kube.kinds.namespace import Namespace
from lab.kube.kinds.pod import Pod
from lab.kube.manifest import loads
from lab.kube.meta import KubeObject, ObjectMeta
from lab.settings import Settings


@pytest.fixture
def store() -> Store:
    store = Store(Clock(), Journal(), Settings())
    store.create(Namespace(metadata=ObjectMeta(name="default")))
    return store


def web(**spec: Any) -> KubeObject:
    labels = {"app": "web"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "web", "image": "web:1"}]}}
    return decode(
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "web", "namespace": "default"},
            "spec": {"selector": {"matchLabels": labels}, "template": template, **spec},
        }
    )


def test_the_first_apply_creates_and_the_same_again_changes_nothing(store: Store) -> None:
    assert apply_object(store, web(replicas=2)) == "deployment.apps/web created"
    version = store.version
    assert apply_object(store, web(replicas=2)) == "deployment.apps/web unchanged"
    assert store.version == version


def test_a_list_of_which_only_the_defaults_are_left_out_is_unchanged(store: Store) -> None:
    Admission(Settings()).attach(store)
    (service,) = loads(
        "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {ports: [{port: 80}], selector: {app: web}}\n"
    ).objects
    assert apply_object(store, service) == "service/web created"
    version = store.version
    assert apply_object(store, service) == "service/web unchanged"
    assert store.version == version


def test_what_has_only_a_prefix_of_a_name_is_called_by_the_name_it_got(store: Store) -> None:
    (pod,) = loads(
        "apiVersion: v1\nkind: Pod\nmetadata: {generateName: job-}\nspec: {containers: [{name: a, image: a}]}\n"
    ).objects
    said = apply_object(store, pod)
    assert said == f"pod/{store.list(Pod)[0].name} created"


def test_a_changed_field_is_configured(store: Store) -> None:
    apply_object(store, web(replicas=2))
    assert apply_object(store, web(replicas=3)) == "deployment.apps/web configured"
    assert store.get(Deployment, "web").spec.replicas == 3


def test_what_others_set_stays_when_the_manifest_does_not_mention_it(store: Store) -> None:
    apply_object(store, web())
    store.mutate(
        Deployment,
        "web",
        "default",
        lambda d: msgspec.structs.replace(d, spec=msgspec.structs.replace(d.spec, min_ready_seconds=7)),
    )
    apply_object(store, web(paused=True))
    spec = store.get(Deployment, "web").spec
    assert (spec.min_ready_seconds, spec.paused) == (7, True)


def test_a_scaled_replica_count_stays_when_the_manifest_says_none(store: Store) -> None:
    manifest = to_yaml({key: value for key, value in encode(web()).items() if key != "status"})
    manifest = manifest.replace("  replicas: 1\n", "")
    apply_object(store, loads(manifest).objects[0])
    store.mutate(
        Deployment,
        "web",
        "default",
        lambda d: msgspec.structs.replace(d, spec=msgspec.structs.replace(d.spec, replicas=5)),
    )
    apply_object(store, loads(manifest.replace("web:1", "web:2")).objects[0])
    spec = store.get(Deployment, "web").spec
    assert (spec.replicas, spec.template.spec.containers[0].image) == (5, "web:2")
    apply_object(store, loads(manifest.replace("spec:\n", "spec:\n  replicas: 1\n", 1)).objects[0])
    assert store.get(Deployment, "web").spec.replicas == 1, "a manifest that says 1 means 1"


def test_an_object_in_a_namespace_that_is_not_there_is_refused(store: Store) -> None:
    lost = msgspec.structs.replace(web(), metadata=ObjectMeta(name="web", namespace="nowhere"))
    with pytest.raises(NotFound, match='namespaces "nowhere" not found'):
        apply_object(store, lost)


def test_a_field_that_only_the_last_manifest_had_is_removed() -> None:
    assert three_way({"a": 1, "b": {"x": 1}}, {"b": {}}, {"a": 1, "b": {"x": 1, "y": 2}, "c": 3}) == {
        "b": {"y": 2},
        "c": 3,
    }


def test_the_status_that_an_exported_manifest_carries_is_not_believed(store: Store) -> None:
    """Status is a subresource: the main resource ignores it on create and on update."""
    pod = decode(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "web", "namespace": "default"},
            "spec": {"containers": [{"name": "web", "image": "web"}]},
            "status": {"phase": "Running", "podIP": "10.1.2.3"},
        }
    )
    apply_object(store, pod)
    apply_object(store, pod)
    found = store.get(Pod, "web")
    assert (found.status.phase, found.status.pod_ip) == (Pod().status.phase, "")
