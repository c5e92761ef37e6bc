from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from lab.cluster.controllers.statefulset import StatefulSetController
from lab.cluster.store import Change
from lab.kube.kinds.pod import Pod
from lab.kube.kinds.statefulset import (
    RollingUpdateStatefulSet,
    StatefulSet,
    StatefulSetSpec,
    StatefulSetUpdateStrategy,
)
from lab.kube.meta import LabelSelector, ObjectMeta
from tests.cluster.workloads import Workloads, template


def cluster_with(replicas: int, **spec: Any) -> Workloads:
    cluster = Workloads(StatefulSetController)
    selector = LabelSelector(match_labels={"app": "web"})
    wanted = StatefulSetSpec(replicas=replicas, selector=selector, template=template(), service_name="db", **spec)
    cluster.store.create(StatefulSet(metadata=ObjectMeta(name="db"), spec=wanted))
    return cluster


def change(cluster: Workloads, **fields: Any) -> None:
    cluster.store.mutate(StatefulSet, "db", "default", lambda now: replace(now, spec=replace(now.spec, **fields)))


def names(cluster: Workloads) -> list[str]:
    return sorted(pod.name for pod in cluster.pods())


def follow(cluster: Workloads, type: str) -> list[str]:
    seen: list[str] = []

    def hear(change: Change) -> None:
        if change.type == type:
            seen.append(change.object.name)

    cluster.store.subscribe(hear, Pod)
    return seen


def test_each_pod_is_made_when_the_one_before_is_ready() -> None:
    cluster = cluster_with(3)
    cluster.run(0.5)
    assert names(cluster) == ["db-0"]
    cluster.run(30)
    assert names(cluster) == ["db-0", "db-1", "db-2"]


def test_pods_have_stable_names_hostnames_and_a_subdomain() -> None:
    cluster = cluster_with(1)
    cluster.run(5)
    before = cluster.store.get(Pod, "db-0")
    assert (before.spec.hostname, before.spec.subdomain) == ("db-0", "db")
    cluster.store.delete(Pod, "db-0")
    cluster.run(10)
    after = cluster.store.get(Pod, "db-0")
    assert after.metadata.uid != before.metadata.uid
    assert after.ready


def test_in_parallel_all_are_made_at_once() -> None:
    cluster = cluster_with(3, pod_management_policy="Parallel")
    cluster.run(0.5)
    assert names(cluster) == ["db-0", "db-1", "db-2"]


def test_scaling_down_goes_from_the_highest_one_at_a_time() -> None:
    cluster = cluster_with(3)
    cluster.run(30)
    gone = follow(cluster, "DELETED")
    change(cluster, replicas=1)
    cluster.run(0.5)
    assert names(cluster) == ["db-0", "db-1"]
    cluster.run(10)
    assert gone == ["db-2", "db-1"]


def test_an_update_goes_from_the_highest_and_waits_for_each() -> None:
    cluster = cluster_with(3)
    cluster.run(30)
    gone = follow(cluster, "DELETED")
    change(cluster, template=template("web:2"))
    cluster.run(60)
    assert gone == ["db-2", "db-1", "db-0"]
    assert [pod.spec.containers[0].image for pod in cluster.pods()] == ["web:2"] * 3
    status = cluster.store.get(StatefulSet, "db").status
    assert status.current_revision == status.update_revision


def test_below_the_partition_pods_keep_the_old_template() -> None:
    cluster = cluster_with(3)
    cluster.run(30)
    rolling = StatefulSetUpdateStrategy(rolling_update=RollingUpdateStatefulSet(partition=2))
    change(cluster, template=template("web:2"), update_strategy=rolling)
    cluster.run(30)
    cluster.store.delete(Pod, "db-0")
    cluster.run(30)
    images = {pod.name: pod.spec.containers[0].image for pod in cluster.pods()}
    assert images == {"db-0": "web:1", "db-1": "web:1", "db-2": "web:2"}


def test_on_delete_waits_for_somebody_to_delete_pods() -> None:
    cluster = cluster_with(2, update_strategy=StatefulSetUpdateStrategy(type="OnDelete"))
    cluster.run(20)
    change(cluster, template=template("web:2"))
    cluster.run(20)
    assert [pod.spec.containers[0].image for pod in cluster.pods()] == ["web:1"] * 2
