"""EndpointSlices follow the Pods of a Service."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as some
from msgspec.structs import replace

from lab.cluster.controllers import endpointslice
from lab.cluster.controllers.endpointslice import SelectorIndex
from lab.cluster.controllers.endpointslice_packing import SlicePlan, plan_slices
from lab.kube.kinds.endpointslice import EndpointSlice
from lab.kube.kinds.node import Node
from lab.kube.kinds.pod import Container, Pod, PodIP, PodSpec, PodStatus
from lab.kube.kinds.service import Service, ServicePort, ServiceSpec
from lab.kube.meta import ObjectMeta
from lab.settings import Settings
from tests.cluster.small_cluster import SmallCluster, app, tcp_probe

QUICK = Settings(image_pull_s=0.0)
FAMILY = {"ip_families": ("IPv4",), "cluster_ip": "10.96.0.12"}


def serving() -> SmallCluster:
    cluster = SmallCluster(2, zones=("zone-a", "zone-b"), settings=QUICK)
    cluster.add_service(**FAMILY)
    cluster.add_pod(app(readiness_probe=tcp_probe()), name="one", node="worker-1")
    cluster.add_pod(app(readiness_probe=tcp_probe()), name="two", node="worker-2")
    cluster.run(5)
    return cluster


def test_ready_pods_are_endpoints_with_their_node_and_zone() -> None:
    endpoints = serving().endpoints()
    assert sorted(endpoints) == ["one", "two"]
    assert (endpoints["two"].node_name, endpoints["two"].zone) == ("worker-2", "zone-b")
    assert endpoints["one"].conditions.ready


def test_a_service_without_pods_has_an_empty_slice() -> None:
    cluster = SmallCluster()
    cluster.add_service(**FAMILY)
    cluster.run(1)
    assert [found.endpoints for found in cluster.store.list(EndpointSlice)] == [()]


def test_an_unready_pod_stays_listed_and_is_not_ready() -> None:
    cluster = serving()
    cluster.answer(False, name="one")
    cluster.run(40)
    conditions = cluster.endpoints()["one"].conditions
    assert (conditions.ready, conditions.serving, conditions.terminating) == (False, False, False)


def test_a_terminating_pod_still_serves_within_20_ms_of_its_deletion() -> None:
    cluster = serving()
    cluster.runtime.deaf[("default", "one", "app")] = True
    cluster.store.delete(Pod, "one")
    cluster.run(0.02)
    conditions = cluster.endpoints()["one"].conditions
    assert (conditions.ready, conditions.serving, conditions.terminating) == (False, True, True)
    cluster.run(31)
    assert sorted(cluster.endpoints()) == ["two"]


def test_pods_of_a_silent_node_stop_being_ready() -> None:
    cluster = serving()
    cluster.lose(1)
    cluster.run(60)
    assert not cluster.endpoints()["one"].conditions.ready
    assert cluster.endpoints()["two"].conditions.ready


def test_a_new_selector_takes_other_pods() -> None:
    cluster = serving()
    service = cluster.store.get(Service, "web")
    cluster.store.update(replace(service, spec=replace(service.spec, selector={"app": "other"})))
    cluster.run(1)
    assert cluster.endpoints() == {}


def test_a_slice_that_somebody_deleted_comes_back() -> None:
    cluster = serving()
    found = cluster.store.list(EndpointSlice)[0]
    cluster.store.delete(EndpointSlice, found.name)
    cluster.run(1)
    assert sorted(cluster.endpoints()) == ["one", "two"]


def test_slices_go_with_their_service() -> None:
    cluster = serving()
    cluster.store.delete(Service, "web")
    cluster.run(1)
    assert cluster.store.list(EndpointSlice) == []


def test_the_status_of_a_service_writes_no_slice() -> None:
    cluster = serving()
    before = [found.metadata.resource_version for found in cluster.store.list(EndpointSlice)]
    cluster.run(100)
    assert [found.metadata.resource_version for found in cluster.store.list(EndpointSlice)] == before


def test_the_index_finds_exactly_the_services_that_select_a_pod() -> None:
    index = SelectorIndex()
    for name, selector in (("a", {"app": "web"}), ("b", {"app": "web", "tier": "front"}), ("c", {"app": "db"})):
        index.put(Service(metadata=ObjectMeta(name=name, namespace="x"), spec=ServiceSpec(selector=selector)))
    assert sorted(index.selecting("x", {"app": "web", "tier": "front"})) == [("x", "a"), ("x", "b")]
    assert list(index.selecting("y", {"app": "web"})) == []
    index.remove(("x", "a"))
    assert list(index.selecting("x", {"app": "web"})) == []


def pod(number: int) -> Pod:
    ip = f"10.244.0.{number}"
    return Pod(
        metadata=ObjectMeta(name=f"p{number}", namespace="default", uid=f"u{number}"),
        spec=PodSpec(node_name="n", containers=(Container(name="c"),)),
        status=PodStatus(phase="Running", pod_ip=ip, pod_ips=(PodIP(ip=ip),)),
    )


@given(some.lists(some.lists(some.integers(1, 40), unique=True), max_size=5), some.integers(1, 7))
@examples(max_examples=50, deadline=None)
def test_whatever_happens_each_pod_is_in_one_slice_and_none_is_too_full(waves: list[list[int]], most: int) -> None:
    spec = ServiceSpec(selector={"app": "web"}, ports=(ServicePort(port=80),), ip_families=("IPv4",))
    service = Service(metadata=ObjectMeta(name="web", namespace="default"), spec=spec)
    slices: dict[str, EndpointSlice] = {}
    for wave, numbers in enumerate(waves):
        plan = plan_slices(service, [pod(n) for n in numbers], lambda _: Node(), list(slices.values()), most)
        for found in plan.delete:
            del slices[found.name]
        named = [
            replace(found, metadata=replace(found.metadata, name=f"{wave}-{i}")) for i, found in enumerate(plan.create)
        ]
        slices.update({found.name: found for found in (*plan.update, *named)})
        listed = [endpoint.addresses[0] for found in slices.values() for endpoint in found.endpoints]
        assert sorted(listed) == sorted(f"10.244.0.{n}" for n in numbers)
        assert all(len(found.endpoints) <= most for found in slices.values())
        again = plan_slices(service, [pod(n) for n in numbers], lambda _: Node(), list(slices.values()), most)
        assert not (again.create)
        assert not (again.update)
        assert not (again.delete)


def test_a_change_looks_at_the_slice_it_concerns_and_not_at_all_pods(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = SmallCluster(2, settings=replace(QUICK, endpointslice_max_endpoints=2))
    cluster.add_service(**FAMILY)
    for number in range(8):
        cluster.add_pod(app(), name=f"pod-{number}", node=f"worker-{number % 2 + 1}")
    cluster.run(5)
    looked: list[list[str]] = []

    def listening(service: Service, pods: list[Pod], *rest: Any) -> SlicePlan:
        looked.append([pod.name for pod in pods])
        return plan_slices(service, pods, *rest)

    monkeypatch.setattr(endpointslice, "plan_slices", listening)
    before = {found.name: found for found in cluster.store.list(EndpointSlice)}
    cluster.store.delete(Pod, "pod-3", grace_s=0)
    cluster.run(1)
    assert looked
    assert all(len(pods) < 2 for pods in looked)
    assert sorted(cluster.endpoints()) == [f"pod-{number}" for number in range(8) if number != 3]
    after = cluster.store.list(EndpointSlice)
    assert len([found for found in after if before[found.name] is found]) == 3


@examples(max_examples=15, deadline=None)
@given(
    some.lists(some.tuples(some.sampled_from(("add", "delete", "label", "tamper")), some.integers(0, 5)), max_size=12)
)
def test_what_is_remembered_never_shows(steps: list[tuple[str, int]]) -> None:
    cluster = SmallCluster(1, settings=replace(QUICK, endpointslice_max_endpoints=2))
    cluster.add_service(**FAMILY)
    cluster.run(1)
    for step, number in steps:
        name = f"pod-{number}"
        slices = cluster.store.list(EndpointSlice)
        if step == "tamper":
            cluster.store.delete(EndpointSlice, slices[number % len(slices)].name)
        elif step == "add" and not cluster.exists(name):
            cluster.add_pod(app(), name=name)
        elif step == "delete" and cluster.exists(name):
            cluster.store.delete(Pod, name, grace_s=0)
        elif step == "label" and cluster.exists(name):
            other = {"app": "other" if cluster.pod(name).metadata.labels["app"] == "web" else "web"}
            cluster.store.mutate(
                Pod, name, "default", lambda p, to=other: replace(p, metadata=replace(p.metadata, labels=to))
            )
        cluster.run(2)
        service = cluster.store.get(Service, "web")
        pods = cluster.store.list(Pod, "default", service.spec.selector)
        now = cluster.store.list(EndpointSlice)
        plan = plan_slices(service, pods, lambda node: cluster.store.find(Node, node), now, 2)
        assert plan[:3] == ([], [], [])


def test_changes_are_gathered_for_the_batch_period() -> None:
    cluster = SmallCluster(1, settings=Settings(image_pull_s=0.0, endpointslice_batch_period_s=4.0))
    cluster.add_service(**FAMILY)
    cluster.add_pod(name="one")
    cluster.run(3.9)
    assert cluster.endpoints() == {}
    cluster.run(6)
    assert sorted(cluster.endpoints()) == ["one"]
    cluster.add_pod(name="two")
    cluster.run(1)
    cluster.add_pod(name="three")
    cluster.run(2.5)
    assert sorted(cluster.endpoints()) == ["one"]
    cluster.run(6)
    assert sorted(cluster.endpoints()) == ["one", "three", "two"]


def test_a_slice_holds_a_hundred_endpoints() -> None:
    cluster = SmallCluster(2, settings=QUICK)
    cluster.add_service(**FAMILY)
    for number in range(101):
        cluster.add_pod(name=f"pod-{number}", node=f"worker-{number % 2 + 1}")
    cluster.run(10)
    assert sorted(len(each.endpoints) for each in cluster.store.list(EndpointSlice)) == [1, 100]
