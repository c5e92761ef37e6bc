"""Crashing containers: restarted at once, then after 10 s, twice that and so on up to 300 s (KEP-4603)."""

from __future__ import annotations

from msgspec.structs import replace

from lab.kube.kinds.pod import Pod
from lab.settings import Settings
from tests.cluster.small_cluster import SmallCluster

QUICK = Settings(image_pull_s=0.0, container_start_s=0.0)


def restart_delay(cluster: SmallCluster) -> float:
    """Crash the app; how long until it runs again, in seconds."""
    crashed = cluster.clock.time()
    cluster.crash()
    while cluster.container().state.state != "running" or (cluster.container().state.started_at or 0) < crashed:
        cluster.run(0.5)
    return round((cluster.container().state.started_at or 0) - crashed)


def test_back_off_doubles_to_five_minutes() -> None:
    cluster = SmallCluster(settings=QUICK)
    cluster.add_pod()
    cluster.run(5)
    assert [restart_delay(cluster) for _ in range(8)] == [0, 10, 20, 40, 80, 160, 300, 300]
    assert cluster.container().restart_count == 8


def test_back_off_is_forgotten_after_ten_minutes_of_running() -> None:
    cluster = SmallCluster(settings=QUICK)
    cluster.add_pod()
    cluster.run(5)
    for _ in range(4):
        restart_delay(cluster)
    cluster.run(601)
    assert [restart_delay(cluster) for _ in range(2)] == [0, 10]


def test_a_waiting_container_says_so() -> None:
    cluster = SmallCluster(settings=QUICK)
    cluster.add_pod()
    cluster.run(5)
    restart_delay(cluster)
    cluster.crash()
    cluster.run(1)
    status = cluster.container()
    assert status.state.reason == "CrashLoopBackOff"
    assert status.state.message.startswith("back-off 10s restarting failed container=app pod=web_default(")
    assert status.last_state is not None
    assert (status.last_state.exit_code, status.last_state.reason) == (1, "Error")
    assert cluster.pod().status.phase == "Running"
    assert not cluster.pod().ready
    assert cluster.notes("BackOff")


def test_a_crash_makes_the_pod_unready_at_once() -> None:
    cluster = SmallCluster(settings=QUICK)
    cluster.add_pod()
    cluster.run(5)
    cluster.crash()
    cluster.crash()
    cluster.run(0.2)
    restarted = cluster.container()
    assert (restarted.restart_count, restarted.state.state) == (1, "running")


def with_image(cluster: SmallCluster, image: str) -> None:
    def change(pod: Pod) -> Pod:
        return replace(pod, spec=replace(pod.spec, containers=(replace(pod.spec.containers[0], image=image),)))

    cluster.store.mutate(Pod, "web", "default", change)


def test_a_container_whose_image_changes_is_restarted_with_it() -> None:
    cluster = SmallCluster()
    cluster.add_pod()
    cluster.run(10)
    with_image(cluster, "shop/web:2")
    cluster.run(10)
    status = cluster.container()
    assert (status.image, status.restart_count, status.ready) == ("shop/web:2", 1, True)
    said = [note.message for note in cluster.notes("Killing")]
    assert "Container app definition changed, will be restarted" in said


def test_an_image_that_cannot_be_had_is_replaced_by_one_that_can() -> None:
    cluster = SmallCluster()
    cluster.plane.registry.removed["docker.io/shop/web:1"] = None
    cluster.add_pod()
    cluster.run(10)
    with_image(cluster, "shop/web:2")
    cluster.run(30)
    assert (cluster.container().image, cluster.pod().ready) == ("shop/web:2", True)
