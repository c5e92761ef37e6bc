"""Crashing containers: restarted at once, then after 10 s, twice that and so on up to 300 s (KEP-4603)."""

from __future__ import annotations

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
