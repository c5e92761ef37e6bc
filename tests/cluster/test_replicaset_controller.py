from __future__ import annotations

from msgspec.structs import replace

from lab.cluster.controllers.replicaset import DELETION_COST, ReplicaSetController
from lab.cluster.store import Invalid
from lab.kube.kinds.pod import Pod
from lab.kube.kinds.replicaset import ReplicaSet, ReplicaSetSpec
from lab.kube.meta import KubeObject, LabelSelector, ObjectMeta
from tests.cluster.workloads import Workloads, template


def cluster_with(replicas: int) -> Workloads:
    cluster = Workloads(ReplicaSetController)
    selector = LabelSelector(match_labels={"app": "web"})
    spec = ReplicaSetSpec(replicas=replicas, selector=selector, template=template())
    cluster.store.create(ReplicaSet(metadata=ObjectMeta(name="web"), spec=spec))
    cluster.run(10)
    return cluster


def scale(cluster: Workloads, replicas: int) -> None:
    cluster.store.mutate(
        ReplicaSet, "web", "default", lambda now: replace(now, spec=replace(now.spec, replicas=replicas))
    )
    cluster.run(10)


def test_pods_are_made_and_counted() -> None:
    cluster = cluster_with(3)
    status = cluster.store.get(ReplicaSet, "web").status
    assert (status.replicas, status.ready_replicas, status.available_replicas) == (3, 3, 3)
    assert all(pod.name.startswith("web-") for pod in cluster.pods())


def test_a_pod_that_is_killed_is_replaced() -> None:
    cluster = cluster_with(2)
    victim = cluster.pods()[0]
    cluster.store.delete(Pod, victim.name)
    cluster.run(10)
    assert len(cluster.pods()) == 2
    assert victim.name not in [pod.name for pod in cluster.pods()]


def test_a_pod_that_has_failed_is_replaced() -> None:
    cluster = cluster_with(1)
    victim = cluster.pods()[0]
    cluster.store.mutate(
        Pod, victim.name, "default", lambda now: replace(now, status=replace(now.status, phase="Failed"))
    )
    cluster.run(10)
    assert [pod.ready and not pod.finished for pod in cluster.pods()] == [False, True]


def test_scaling_down_takes_the_youngest_of_those_that_are_alike_first() -> None:
    cluster = cluster_with(2)
    old = [pod.name for pod in cluster.pods()]
    scale(cluster, 4)
    scale(cluster, 2)
    assert [pod.name for pod in cluster.pods()] == old


def test_scaling_down_takes_a_pod_that_is_not_ready_first() -> None:
    cluster = cluster_with(3)
    sick = cluster.pods()[0]
    cluster.store.mutate(Pod, sick.name, "default", lambda now: replace(now, status=replace(now.status, conditions=())))
    scale(cluster, 2)
    assert sick.name not in [pod.name for pod in cluster.pods()]


def test_scaling_down_takes_the_lowest_deletion_cost_first() -> None:
    cluster = cluster_with(3)
    cheap = cluster.pods()[1]
    annotated = replace(cheap.metadata, annotations={DELETION_COST: "-10"})
    cluster.store.mutate(Pod, cheap.name, "default", lambda now: replace(now, metadata=annotated))
    scale(cluster, 2)
    assert cheap.name not in [pod.name for pod in cluster.pods()]


def test_a_pod_whose_labels_are_changed_is_let_go_and_replaced() -> None:
    cluster = cluster_with(1)
    freed = cluster.pods()[0]
    cluster.store.mutate(
        Pod, freed.name, "default", lambda now: replace(now, metadata=replace(now.metadata, labels={"app": "debug"}))
    )
    cluster.run(10)
    assert cluster.store.get(Pod, freed.name).metadata.owner_references == ()
    assert len(cluster.pods()) == 2


def test_an_orphan_that_matches_is_taken_in() -> None:
    cluster = cluster_with(1)
    orphan = Pod(metadata=ObjectMeta(name="orphan", labels={"app": "web"}), spec=template().spec)
    cluster.store.create(orphan)
    cluster.run(10)
    assert len(cluster.pods()) == 1


def test_a_pod_that_is_refused_is_said_and_tried_again() -> None:
    cluster = Workloads(ReplicaSetController)
    refusing = [True]

    def admit(new: KubeObject, old: KubeObject | None) -> KubeObject:
        if refusing[0] and isinstance(new, Pod):
            raise Invalid("Pod", new.name, [])
        return new

    cluster.store.admission.append(admit)
    selector = LabelSelector(match_labels={"app": "web"})
    spec = ReplicaSetSpec(replicas=1, selector=selector, template=template())
    cluster.store.create(ReplicaSet(metadata=ObjectMeta(name="web"), spec=spec))
    cluster.run(0.5)
    assert cluster.messages("FailedCreate")[0].startswith("Error creating: Pod ")
    refusing[0] = False
    cluster.run(10)
    assert len(cluster.pods()) == 1
