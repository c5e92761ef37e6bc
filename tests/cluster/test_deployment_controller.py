from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from lab.cluster.controllers.availability import active
from lab.cluster.controllers.deployment import DeploymentController
from lab.cluster.controllers.replicaset import ReplicaSetController
from lab.cluster.controllers.rollout import HASH_LABEL, REVISION, limits
from lab.cluster.store import Change
from lab.kube.kinds.deployment import Deployment
from lab.kube.kinds.pod import Pod
from lab.kube.kinds.replicaset import ReplicaSet
from lab.settings import Settings
from tests.cluster.workloads import Workloads, deployment, set_image, set_spec


def workloads(**options: float) -> Workloads:
    return Workloads(DeploymentController, ReplicaSetController, **options)  # type: ignore[arg-type]


def condition(cluster: Workloads, type: str) -> tuple[str, str]:
    found = next(c for c in cluster.store.get(Deployment, "web").status.conditions if c.type == type)
    return found.status, found.reason


def test_a_deployment_gets_its_pods_through_a_replica_set() -> None:
    cluster = workloads()
    cluster.store.create(deployment(3))
    cluster.run(10)
    (replica_set,) = cluster.store.list(ReplicaSet)
    assert replica_set.metadata.annotations[REVISION] == "1"
    assert replica_set.name == f"web-{replica_set.metadata.labels[HASH_LABEL]}"
    assert len(cluster.pods(f"{replica_set.name}-")) == 3
    status = cluster.store.get(Deployment, "web").status
    assert (status.replicas, status.updated_replicas, status.available_replicas) == (3, 3, 3)
    assert condition(cluster, "Available") == ("True", "MinimumReplicasAvailable")
    assert condition(cluster, "Progressing") == ("True", "NewReplicaSetAvailable")
    assert cluster.messages("ScalingReplicaSet") == [f"Scaled up replica set {replica_set.name} from 0 to 3"]


def test_an_update_of_the_template_rolls_to_a_second_replica_set() -> None:
    cluster = workloads()
    cluster.store.create(deployment(4))
    cluster.run(10)
    set_image(cluster.store, "web:2")
    cluster.run(60)
    old, new = cluster.store.list(ReplicaSet)
    assert (old.spec.replicas, new.spec.replicas) == (0, 4)
    assert new.metadata.annotations[REVISION] == "2"
    assert {pod.spec.containers[0].image for pod in cluster.pods()} == {"web:2"}
    assert cluster.store.get(Deployment, "web").metadata.annotations[REVISION] == "2"


def test_going_back_to_an_old_template_takes_its_replica_set_again_with_a_new_revision() -> None:
    cluster = workloads()
    cluster.store.create(deployment(2))
    for image in ("web:2", "web:1"):
        cluster.run(40)
        set_image(cluster.store, image)
    cluster.run(40)
    first, second = cluster.store.list(ReplicaSet)
    assert (first.spec.replicas, second.spec.replicas) == (2, 0)
    assert first.metadata.annotations[REVISION] == "3"


def test_surge_rounds_up_and_unavailable_rounds_down() -> None:
    bounds = limits(deployment(5, surge="25%", unavailable="25%"), Settings())
    assert (bounds.surge, bounds.unavailable) == (2, 1)


def test_when_both_come_to_zero_one_may_be_unavailable() -> None:
    bounds = limits(deployment(3, surge="0%", unavailable="10%"), Settings())
    assert (bounds.surge, bounds.unavailable) == (0, 1)


def test_recreate_waits_until_the_last_old_pod_is_gone() -> None:
    cluster = workloads(stop_s=5.0)
    cluster.store.create(deployment(3, strategy="Recreate"))
    cluster.run(10)
    images: list[set[str]] = []
    cluster.store.subscribe(
        lambda change: images.append({pod.spec.containers[0].image for pod in cluster.store.list(Pod)}), Pod
    )
    set_image(cluster.store, "web:2")
    cluster.run(30)
    assert {"web:1", "web:2"} not in images
    assert len(cluster.pods()) == 3
    assert images[-1] == {"web:2"}


def test_a_paused_deployment_scales_but_does_not_roll() -> None:
    cluster = workloads()
    cluster.store.create(deployment(2))
    cluster.run(10)
    set_spec(cluster.store, paused=True)
    set_image(cluster.store, "web:2")
    set_spec(cluster.store, replicas=5)
    cluster.run(20)
    assert [pod.spec.containers[0].image for pod in cluster.pods()] == ["web:1"] * 5
    assert condition(cluster, "Progressing") == ("Unknown", "DeploymentPaused")
    set_spec(cluster.store, paused=False)
    cluster.run(60)
    assert [pod.spec.containers[0].image for pod in cluster.pods()] == ["web:2"] * 5


def test_scaling_in_the_middle_of_a_rollout_is_shared_out_in_proportion() -> None:
    cluster = workloads()
    cluster.store.create(deployment(10, surge=3, unavailable=2))
    cluster.run(10)
    cluster.starts = False
    set_image(cluster.store, "broken")
    cluster.run(10)
    assert [each.spec.replicas for each in cluster.store.list(ReplicaSet)] == [8, 5]
    set_spec(cluster.store, replicas=15)
    cluster.run(10)
    # The example of the Deployment documentation: 3 of the 5 additional replicas go to the old ReplicaSet.
    assert [each.spec.replicas for each in cluster.store.list(ReplicaSet)] == [11, 7]


def test_min_ready_seconds_holds_a_pod_back_from_being_available() -> None:
    cluster = workloads(ready_s=1.0)
    cluster.store.create(deployment(1, min_ready_seconds=10))
    cluster.run(5)
    assert cluster.store.get(Deployment, "web").status.ready_replicas == 1
    assert cluster.store.get(Deployment, "web").status.available_replicas == 0
    cluster.run(8)
    assert cluster.store.get(Deployment, "web").status.available_replicas == 1


def test_a_rollout_that_does_not_move_exceeds_its_progress_deadline() -> None:
    cluster = workloads()
    cluster.starts = False
    cluster.store.create(deployment(1, progress_deadline_seconds=30))
    cluster.run(25)
    assert condition(cluster, "Progressing")[0] == "True"
    cluster.run(10)
    assert condition(cluster, "Progressing") == ("False", "ProgressDeadlineExceeded")


def test_only_so_many_old_replica_sets_are_kept() -> None:
    cluster = workloads(ready_s=0.5)
    cluster.store.create(deployment(1, revision_history_limit=2))
    for version in range(2, 7):
        cluster.run(20)
        set_image(cluster.store, f"web:{version}")
    cluster.run(20)
    revisions = [each.metadata.annotations[REVISION] for each in cluster.store.list(ReplicaSet)]
    assert revisions == ["4", "5", "6"]


def test_deleting_a_deployment_takes_its_replica_sets_and_pods_along() -> None:
    cluster = workloads()
    cluster.store.create(deployment(3))
    cluster.run(10)
    cluster.store.delete(Deployment, "web")
    cluster.run(10)
    assert cluster.store.list(ReplicaSet) == []
    assert cluster.store.list(Pod) == []


BOUND = st.one_of(st.integers(0, 4), st.sampled_from(["0%", "10%", "25%", "50%", "100%"]))


@settings(max_examples=40, deadline=None)
@given(
    replicas=st.integers(1, 12),
    surge=BOUND,
    unavailable=BOUND,
    seed=st.integers(0, 1000),
    steps=st.lists(st.tuples(st.floats(0.0, 8.0), st.integers(2, 4)), min_size=1, max_size=4),
)
def test_a_rolling_update_keeps_within_its_limits_at_every_moment(
    replicas: int, surge: int | str, unavailable: int | str, seed: int, steps: list[tuple[float, int]]
) -> None:
    cluster = Workloads(DeploymentController, ReplicaSetController, seed=seed)
    wanted = cluster.store.create(deployment(replicas, surge=surge, unavailable=unavailable))
    cluster.run(30)
    bounds = limits(wanted, cluster.settings)

    def check(change: Change) -> None:
        pods = active(cluster.store.list(Pod))
        assert len(pods) <= bounds.most
        assert sum(pod.ready for pod in pods) >= bounds.least_available

    cluster.store.subscribe(check, Pod)
    for pause_s, version in steps:
        set_image(cluster.store, f"web:{version}")
        cluster.run(pause_s)
    cluster.run(300)
    assert [pod.spec.containers[0].image for pod in cluster.pods()] == [f"web:{steps[-1][1]}"] * replicas
