from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from lab.cluster.controllers.statefulset import StatefulSetController
from lab.cluster.controllers.template_history import HASH_LABEL
from lab.cluster.store import Change
from lab.kube.kinds.controllerrevision import ControllerRevision
from lab.kube.kinds.pod import Pod
from lab.kube.kinds.statefulset import (
    RollingUpdateStatefulSet,
    StatefulSet,
    StatefulSetOrdinals,
    StatefulSetSpec,
    StatefulSetStatus,
    StatefulSetUpdateStrategy,
)
from lab.kube.meta import Condition, LabelSelector, ObjectMeta
from lab.settings import Settings
from tests.cluster.small_cluster import SmallCluster
from tests.cluster.workloads import Workloads, template


def cluster_with(replicas: int, timings: Settings | None = None, **spec: Any) -> Workloads:
    cluster = Workloads(StatefulSetController, settings=timings)
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


def test_a_partition_counts_from_the_first_ordinal() -> None:
    rolling = StatefulSetUpdateStrategy(rolling_update=RollingUpdateStatefulSet(partition=2))
    cluster = cluster_with(3, ordinals=StatefulSetOrdinals(start=5), update_strategy=rolling)
    cluster.run(30)
    assert names(cluster) == ["db-5", "db-6", "db-7"]
    change(cluster, template=template("web:2"))
    cluster.run(30)
    images = {pod.name: pod.spec.containers[0].image for pod in cluster.pods()}
    assert images == {"db-5": "web:1", "db-6": "web:1", "db-7": "web:2"}
    assert cluster.store.get(Pod, "db-6").metadata.labels["apps.kubernetes.io/pod-index"] == "6"


def test_a_start_that_moves_makes_and_unmakes_at_both_ends() -> None:
    cluster = cluster_with(3)
    cluster.run(30)
    change(cluster, ordinals=StatefulSetOrdinals(start=2))
    cluster.run(60)
    assert names(cluster) == ["db-2", "db-3", "db-4"]


def test_on_delete_waits_for_somebody_to_delete_pods() -> None:
    cluster = cluster_with(2, update_strategy=StatefulSetUpdateStrategy(type="OnDelete"))
    cluster.run(20)
    change(cluster, template=template("web:2"))
    cluster.run(20)
    assert [pod.spec.containers[0].image for pod in cluster.pods()] == ["web:1"] * 2
    cluster.store.delete(Pod, "db-0")
    cluster.run(20)
    assert cluster.store.get(Pod, "db-0").spec.containers[0].image == "web:2"


# -- how many at a time -----------------------------------------------------------------------------------------------


def rolling(**fields: Any) -> StatefulSetUpdateStrategy:
    return StatefulSetUpdateStrategy(rolling_update=RollingUpdateStatefulSet(**fields))


@pytest.mark.parametrize(
    ("limit", "expected"), [(2, ["db-5", "db-4"]), ("50%", ["db-5", "db-4", "db-3"]), (1, ["db-5"])]
)
def test_an_update_may_take_down_several_at_a_time(limit: int | str, expected: list[str]) -> None:
    cluster = cluster_with(6, pod_management_policy="Parallel", update_strategy=rolling(max_unavailable=limit))
    cluster.run(30)
    gone = follow(cluster, "DELETED")
    change(cluster, template=template("web:2"))
    cluster.run(1.5)
    assert gone == expected
    cluster.run(60)
    assert {pod.spec.containers[0].image for pod in cluster.pods()} == {"web:2"}


def test_a_share_of_less_than_one_pod_is_one() -> None:
    cluster = cluster_with(3, update_strategy=rolling(max_unavailable="10%"))
    cluster.run(30)
    change(cluster, template=template("web:2"))
    cluster.run(60)
    assert {pod.spec.containers[0].image for pod in cluster.pods()} == {"web:2"}


def test_before_1_35_it_is_one_at_a_time_whatever_is_said() -> None:
    old = Settings(kubernetes="1.34")
    cluster = cluster_with(4, old, pod_management_policy="Parallel", update_strategy=rolling(max_unavailable=3))
    cluster.run(30)
    gone = follow(cluster, "DELETED")
    change(cluster, template=template("web:2"))
    cluster.run(1.5)
    assert gone == ["db-3"]
    cluster.run(60)
    assert gone == ["db-3", "db-2", "db-1", "db-0"]


def test_min_ready_seconds_hold_up_the_next_pod() -> None:
    cluster = cluster_with(2, min_ready_seconds=30)
    cluster.run(25)
    assert names(cluster) == ["db-0"]
    assert (status(cluster).ready_replicas, status(cluster).available_replicas) == (1, 0)
    cluster.run(15)
    assert names(cluster) == ["db-0", "db-1"]


# -- when Pods are unwell ---------------------------------------------------------------------------------------------


def make_unready(cluster: Workloads, name: str) -> None:
    unready = (Condition(type="Ready", status="False"),)
    cluster.store.mutate(Pod, name, "default", lambda now: replace(now, status=replace(now.status, conditions=unready)))


def test_in_order_nothing_happens_while_a_pod_is_unwell() -> None:
    cluster = cluster_with(3)
    cluster.run(30)
    make_unready(cluster, "db-1")
    change(cluster, replicas=4)
    cluster.run(30)
    assert names(cluster) == ["db-0", "db-1", "db-2"]
    change(cluster, replicas=3, template=template("web:2"))
    cluster.run(30)
    assert {pod.spec.containers[0].image for pod in cluster.pods()} == {"web:1"}


def test_of_those_that_are_too_many_the_first_unwell_one_may_go() -> None:
    cluster = cluster_with(4)
    cluster.run(60)
    make_unready(cluster, "db-2")
    make_unready(cluster, "db-3")
    change(cluster, replicas=2)
    cluster.run(30)
    assert names(cluster) == ["db-0", "db-1", "db-2", "db-3"]
    ready = (Condition(type="Ready", status="True", last_transition_time=cluster.clock.time()),)
    cluster.store.mutate(Pod, "db-3", "default", lambda now: replace(now, status=replace(now.status, conditions=ready)))
    cluster.run(30)
    assert names(cluster) == ["db-0", "db-1"]


@pytest.mark.parametrize("phase", ["Failed", "Succeeded"])
def test_a_pod_that_has_ended_is_made_anew(phase: str) -> None:
    cluster = cluster_with(2)
    cluster.run(30)
    before = cluster.store.get(Pod, "db-0").metadata.uid
    cluster.store.mutate(Pod, "db-0", "default", lambda now: replace(now, status=replace(now.status, phase=phase)))
    cluster.run(10)
    assert cluster.store.get(Pod, "db-0").metadata.uid != before


def test_a_pod_on_a_dead_node_stays_terminating_and_is_not_replaced() -> None:
    """Pitfall 51: nobody knows whether it still writes to its volume; somebody has to say that it does not."""
    cluster = SmallCluster(2)
    spec = StatefulSetSpec(
        replicas=2, selector=LabelSelector(match_labels={"app": "web"}), template=template(), service_name="db"
    )
    cluster.store.create(StatefulSet(metadata=ObjectMeta(name="db", namespace="default"), spec=spec))
    cluster.run(30)
    lost = cluster.store.get(Pod, "db-1")
    cluster.lose(int(lost.spec.node_name[-1]))
    cluster.run(1000)
    stuck = cluster.store.get(Pod, "db-1")
    assert stuck.metadata.uid == lost.metadata.uid
    assert stuck.terminating
    assert len(cluster.store.list(Pod)) == 2
    cluster.store.delete(Pod, "db-1", grace_s=0)
    cluster.run(30)
    assert cluster.store.get(Pod, "db-1").ready


# -- revisions and status ---------------------------------------------------------------------------------------------


def status(cluster: Workloads) -> StatefulSetStatus:
    return cluster.store.get(StatefulSet, "db").status


def test_pods_are_labelled_with_their_revision_and_status_names_both() -> None:
    cluster = cluster_with(2, update_strategy=rolling(partition=1))
    cluster.run(30)
    (first,) = cluster.store.list(ControllerRevision)
    assert {pod.metadata.labels[HASH_LABEL] for pod in cluster.pods()} == {first.name}
    change(cluster, template=template("web:2"))
    cluster.run(30)
    second = cluster.store.list(ControllerRevision)[-1]
    assert cluster.store.get(Pod, "db-1").metadata.labels[HASH_LABEL] == second.name
    now = status(cluster)
    assert (now.current_revision, now.update_revision) == (first.name, second.name)
    assert (now.current_replicas, now.updated_replicas, now.replicas) == (1, 1, 2)


def test_what_a_controller_forgot_the_revisions_remember() -> None:
    cluster = cluster_with(2, update_strategy=rolling(partition=2))
    cluster.run(30)
    change(cluster, template=template("web:2"))
    cluster.run(10)
    fresh = StatefulSetController(cluster.store, cluster.clock, cluster.settings, 2)
    cluster.clock.spawn(fresh.run(), "another controller")
    cluster.store.delete(Pod, "db-0")
    cluster.run(10)
    assert cluster.store.get(Pod, "db-0").spec.containers[0].image == "web:1"


def test_only_so_many_old_revisions_are_kept() -> None:
    cluster = cluster_with(1, revision_history_limit=2)
    cluster.run(10)
    for number in range(2, 8):
        change(cluster, template=template(f"web:{number}"))
        cluster.run(20)
    assert sorted(one.revision for one in cluster.store.list(ControllerRevision)) == [5, 6, 7]


# -- a law ------------------------------------------------------------------------------------------------------------


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=40)
@given(
    st.lists(st.sampled_from(["scale", "image", "start", "delete", "unready", "fail"]), max_size=10),
    st.integers(0, 50),
    st.sampled_from(["OrderedReady", "Parallel"]),
    st.integers(1, 3),
)
def test_there_is_at_most_one_pod_of_an_ordinal_and_in_the_end_all(
    steps: list[str], number: int, policy: str, limit: int
) -> None:
    cluster = cluster_with(3, pod_management_policy=policy, update_strategy=rolling(max_unavailable=limit))
    made: dict[str, int] = {}

    def hear(change: Change) -> None:
        if change.type != "MODIFIED":
            name = change.object.name
            made[name] = made.get(name, 0) + (1 if change.type == "ADDED" else -1)
            assert made[name] in (0, 1)

    cluster.store.subscribe(hear, Pod)
    for step in steps:
        pods = cluster.pods()
        pod = pods[number % len(pods)].name if pods else ""
        if step == "scale":
            change(cluster, replicas=number % 6)
        elif step == "image":
            change(cluster, template=template(f"web:{number % 3}"))
        elif step == "start":
            change(cluster, ordinals=StatefulSetOrdinals(start=number % 4))
        elif step == "delete" and pod:
            cluster.store.delete(Pod, pod)
        elif step == "fail" and pod:
            cluster.store.mutate(
                Pod, pod, "default", lambda now: replace(now, status=replace(now.status, phase="Failed"))
            )
        cluster.run(number % 7)
    cluster.run(200)
    wanted = cluster.store.get(StatefulSet, "db").spec
    assert names(cluster) == sorted(f"db-{each}" for each in wanted.numbers)
    assert {pod.spec.containers[0].image for pod in cluster.pods()} <= {wanted.template.spec.containers[0].image}
