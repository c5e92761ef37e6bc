"""A status is a resource of its own: what manifests say of it is not believed. And what of a Pod may change."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from lab.clock import Clock
from lab.cluster.admission import Admission
from lab.cluster.apply import apply_object
from lab.cluster.errors import Invalid
from lab.cluster.store import Store
from lab.cluster.strategy import for_create, for_update
from lab.cluster.validation.pod_update import pod_update_errors
from lab.journal import Journal
from lab.kube.decode import decode
from lab.kube.encode import encode
from lab.kube.kinds import KINDS
from lab.kube.kinds.deployment import Deployment
from lab.kube.kinds.namespace import Namespace
from lab.kube.kinds.node import Node
from lab.kube.kinds.pod import Pod, PodSpec
from lab.kube.kinds.service import Service
from lab.kube.meta import KubeObject, ObjectMeta
from lab.settings import Settings

LABELS = {"app": "web"}
TEMPLATE = {"metadata": {"labels": LABELS}, "spec": {"containers": [{"name": "web", "image": "web:1"}]}}
POD = {"containers": [{"name": "web", "image": "web:1", "ports": [{"containerPort": 80}]}]}
RUNNING = {"phase": "Running", "podIP": "10.244.9.9", "conditions": [{"type": "Ready", "status": "True"}]}


def manifest(kind: str, spec: dict[str, Any], status: dict[str, Any] | None = None, **fields: Any) -> KubeObject:
    version = {"Deployment": "apps/v1", "Ingress": "networking.k8s.io/v1"}.get(kind, "v1")
    body = {"apiVersion": version, "kind": kind, "metadata": {"name": "web"}, "spec": spec, **fields}
    return decode(body if status is None else {**body, "status": status})


@pytest.fixture
def store() -> Store:
    made = Store(Clock(), Journal(), Settings())
    Admission(Settings()).attach(made)
    made.create(Namespace(metadata=ObjectMeta(name="default")))
    return made


def status_of(store: Store, kind: str) -> dict[str, Any]:
    kinds: dict[str, type[KubeObject]] = {"Deployment": Deployment, "Pod": Pod, "Service": Service, "Node": Node}
    found = store.find(kinds[kind], "web") if kind in kinds else store.find_kept(kind, "web")
    assert found is not None
    return encode(found).get("status", {})


BALANCER = {"loadBalancer": {"ingress": [{"ip": "203.0.113.99"}]}}
BELIEVED = [
    ("Deployment", {"replicas": 1, "selector": {"matchLabels": LABELS}, "template": TEMPLATE}, {"readyReplicas": 77}),
    ("Pod", POD, RUNNING),
    ("Service", {"type": "LoadBalancer", "ports": [{"port": 80}]}, BALANCER),
    ("Ingress", {"rules": []}, BALANCER),
]


@pytest.mark.parametrize(("kind", "spec", "status"), BELIEVED, ids=[kind for kind, *_ in BELIEVED])
def test_a_status_is_not_believed_when_an_object_is_made(
    store: Store, kind: str, spec: dict[str, Any], status: dict[str, Any]
) -> None:
    apply_object(store, manifest(kind, spec))
    clean = status_of(store, kind)
    other = Store(Clock(), Journal(), Settings())
    Admission(Settings()).attach(other)
    other.create(Namespace(metadata=ObjectMeta(name="default")))
    apply_object(other, manifest(kind, spec, status))
    assert status_of(other, kind) == clean


@pytest.mark.parametrize(("kind", "spec", "status"), BELIEVED, ids=[kind for kind, *_ in BELIEVED])
def test_nor_when_it_is_changed(store: Store, kind: str, spec: dict[str, Any], status: dict[str, Any]) -> None:
    apply_object(store, manifest(kind, spec))
    before = status_of(store, kind)
    said = apply_object(store, manifest(kind, spec, status))
    assert said.endswith(" unchanged")
    assert status_of(store, kind) == before


def test_a_node_may_bring_a_status_along_and_keeps_what_it_has(store: Store) -> None:
    capacity = {"capacity": {"cpu": "8"}}
    apply_object(store, manifest("Node", {}, capacity))
    assert status_of(store, "Node") == capacity
    apply_object(store, manifest("Node", {"unschedulable": True}, {"capacity": {"cpu": "99"}}))
    assert status_of(store, "Node") == capacity
    assert store.get(Node, "web").spec.unschedulable


def test_the_status_of_a_custom_resource_is_its_own_affair() -> None:
    made = decode({"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "x"}, "status": {"a": 1}})
    assert for_create(made) is made


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_kind_says_whether_its_status_is_its_own(kind: Any) -> None:
    assert kind.known.status is hasattr(kind.struct(), "status")


# -- Pods -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def pod(store: Store) -> Pod:
    apply_object(store, manifest("Pod", {**POD, "tolerations": [{"key": "a", "operator": "Exists"}]}))
    return store.get(Pod, "web")


def changed(pod: Pod, **spec: Any) -> Pod:
    return replace(pod, spec=replace(pod.spec, **spec))


def test_the_same_manifest_again_changes_nothing(store: Store, pod: Pod) -> None:
    again = manifest("Pod", {**POD, "tolerations": [{"key": "a", "operator": "Exists"}]})
    assert apply_object(store, again) == "pod/web unchanged"
    assert store.get(Pod, "web") is pod


def test_an_image_may_change(store: Store, pod: Pod) -> None:
    container = replace(pod.spec.containers[0], image="web:2")
    assert store.update(changed(pod, containers=(container,))).spec.containers[0].image == "web:2"


def test_tolerations_may_be_added_and_their_time_may_change(store: Store, pod: Pod) -> None:
    first, *others = pod.spec.tolerations
    longer = [replace(each, toleration_seconds=7.0) for each in others]
    written = store.update(changed(pod, tolerations=(first, *longer, replace(first, key="b"))))
    assert [each.key for each in written.spec.tolerations][-1] == "b"


def test_tolerations_stay(store: Store, pod: Pod) -> None:
    with pytest.raises(Invalid, match=r"spec\.tolerations: Forbidden: existing toleration can not be modified except"):
        store.update(changed(pod, tolerations=pod.spec.tolerations[1:]))


def test_containers_are_neither_added_nor_taken_away(store: Store, pod: Pod) -> None:
    with pytest.raises(Invalid, match=r"spec\.containers: Forbidden: pod updates may not add or remove containers"):
        store.update(changed(pod, containers=(*pod.spec.containers, replace(pod.spec.containers[0], name="b"))))


def test_an_image_does_not_go_missing(store: Store, pod: Pod) -> None:
    with pytest.raises(Invalid, match=r"spec.containers\[0\].image: Required value"):
        store.update(changed(pod, containers=(replace(pod.spec.containers[0], image=""),)))


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        ({"hostname": "other"}, "hostname"),
        ({"dns_policy": "None"}, "dnsPolicy"),
        ({"node_selector": {"disk": "ssd"}}, "nodeSelector"),
        ({"termination_grace_period_seconds": 5.0}, "terminationGracePeriodSeconds"),
        ({"extra": {"serviceAccountName": "x"}}, "serviceAccountName"),
    ],
)
def test_everything_else_stays_as_it_is(store: Store, pod: Pod, spec: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        store.update(changed(pod, **spec))
    assert "spec: Forbidden: pod updates may not change fields other than `spec.con" in str(refused.value)
    assert str(refused.value).endswith(f"; changed here: {field}")


def test_a_deadline_may_be_set(store: Store, pod: Pod) -> None:
    assert store.update(changed(pod, extra={"activeDeadlineSeconds": 5})).spec.extra == {"activeDeadlineSeconds": 5}


@pytest.mark.parametrize(("before", "after", "allowed"), [(-3.0, 1.0, True), (-3.0, 2.0, False), (30.0, 1.0, False)])
def test_a_grace_period_below_zero_may_become_one(before: float, after: float, allowed: bool) -> None:
    specs = [PodSpec(termination_grace_period_seconds=seconds) for seconds in (after, before)]
    assert (list(pod_update_errors(*specs)) == []) is allowed


def test_only_the_scheduler_binds(store: Store, pod: Pod) -> None:
    bound = changed(pod, node_name="worker-1")
    with pytest.raises(Invalid, match="changed here: nodeName"):
        for_update(bound, pod)
    assert store.mutate(Pod, "web", "default", lambda found: changed(found, node_name="worker-1")) is not None


@given(st.sampled_from(BELIEVED), st.dictionaries(st.text(max_size=5), st.integers(), max_size=3))
def test_for_update_gives_the_status_that_was_there_whatever_is_written(case: Any, junk: dict[str, int]) -> None:
    kind, spec, status = case
    old, new = manifest(kind, spec, status), for_create(manifest(kind, spec, status))
    assert encode(for_update(new, old)).get("status") == encode(old).get("status")
    assert encode(for_create(for_update(new, old))) == encode(new)
