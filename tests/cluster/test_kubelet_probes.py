"""Startup, readiness and liveness probes with core/v1's defaults: every 10 s, 1 s, one success, three failures."""

from __future__ import annotations

import pytest

from lab.settings import Settings
from tests.cluster.small_cluster import SmallCluster, app, tcp_probe

QUICK = Settings(image_pull_s=0.0)


def running(**probes: object) -> SmallCluster:
    cluster = SmallCluster(settings=QUICK)
    cluster.add_pod(app(**probes))
    cluster.run(1)
    return cluster


@pytest.mark.parametrize(("period", "threshold"), [(None, None), (5, 3), (2, 1)])
def test_readiness_is_lost_after_period_times_threshold(period: float | None, threshold: int | None) -> None:
    cluster = SmallCluster(settings=QUICK)
    cluster.add_pod(app(readiness_probe=tcp_probe(period_seconds=period, failure_threshold=threshold)))
    cluster.run(1)
    assert cluster.pod().ready
    cluster.answer(False)
    first_probe = cluster.notes("Started")[0].time
    lost = first_probe + (period or 10) * (threshold or 3)
    cluster.until(lost - 0.1)
    assert cluster.pod().ready
    cluster.until(lost + 0.1)
    assert not cluster.pod().ready
    assert cluster.pod().status.phase == "Running"
    assert cluster.container().restart_count == 0


def test_readiness_comes_back_with_one_success() -> None:
    cluster = running(readiness_probe=tcp_probe())
    cluster.answer(False)
    cluster.run(40)
    assert not cluster.pod().ready
    cluster.answer(True)
    cluster.run(10.1)
    assert cluster.pod().ready
    assert cluster.verdicts() == [("readiness", True), ("readiness", False), ("readiness", True)]


def test_a_success_threshold_asks_for_several_in_a_row() -> None:
    cluster = SmallCluster(settings=QUICK)
    cluster.add_pod(app(readiness_probe=tcp_probe(success_threshold=3, period_seconds=2)))
    cluster.run(4)
    assert not cluster.pod().ready
    cluster.run(2)
    assert cluster.pod().ready


def test_an_answer_after_the_timeout_is_a_failure() -> None:
    cluster = running(readiness_probe=tcp_probe(period_seconds=5, failure_threshold=1))
    cluster.answer(True, took_s=1.5)
    cluster.run(6)
    assert not cluster.pod().ready
    assert "deadline exceeded" in cluster.notes("Unhealthy")[0].message


def test_liveness_restarts_after_three_failures() -> None:
    cluster = running(liveness_probe=tcp_probe())
    cluster.answer(False)
    started = cluster.notes("Started")[0].time
    cluster.until(started + 29.9)
    assert cluster.container().restart_count == 0
    cluster.until(started + 31)
    assert cluster.container().restart_count == 1
    assert cluster.notes("Killing")[0].message == "Container app failed liveness probe, will be restarted"
    failures = [note for note in cluster.notes("Unhealthy") if note.time < started + 30.1]
    assert [note.message for note in failures] == ["Liveness probe failed: connection refused"] * 3


def test_the_startup_probe_holds_back_the_others() -> None:
    cluster = SmallCluster(settings=QUICK)
    cluster.answer(False)
    cluster.add_pod(
        app(
            startup_probe=tcp_probe(period_seconds=5, failure_threshold=10),
            liveness_probe=tcp_probe(period_seconds=1, failure_threshold=1),
        )
    )
    cluster.run(30)
    assert (cluster.container().started, cluster.container().restart_count) == (False, 0)
    cluster.answer(True)
    cluster.run(6)
    assert cluster.container().started
    assert cluster.pod().ready
    cluster.answer(False)
    cluster.run(2)
    assert cluster.container().restart_count == 1


def test_a_startup_probe_that_never_succeeds_restarts_the_container() -> None:
    cluster = SmallCluster(settings=QUICK)
    cluster.answer(False)
    cluster.add_pod(app(startup_probe=tcp_probe(period_seconds=2, failure_threshold=5)))
    cluster.run(8)
    assert cluster.container().restart_count == 0
    cluster.run(3)
    assert cluster.container().restart_count == 1


@pytest.mark.parametrize(("own_s", "gone_s"), [(5.0, 5), (None, 30)])
def test_a_probe_may_have_a_grace_period_of_its_own(own_s: float | None, gone_s: int) -> None:
    """KEP-2238: the container that failed its probe is deaf, and has this long until SIGKILL."""
    cluster = running(liveness_probe=tcp_probe(period_seconds=1, termination_grace_period_seconds=own_s))
    cluster.runtime.deaf["default", "web", "app"] = True
    cluster.answer(False)
    cluster.run(4)
    begun = cluster.notes("Killing")[0].time
    cluster.until(begun + gone_s - 0.1)
    assert cluster.container().restart_count == 0
    cluster.until(begun + gone_s + 1)
    assert cluster.container().restart_count == 1


def test_all_five_numbers_together() -> None:
    """The first probe 7 s after the start, then each 4 s; two successes and two failures in a row, 3 s to answer."""
    probe = tcp_probe(
        initial_delay_seconds=7, period_seconds=4, timeout_seconds=3, success_threshold=2, failure_threshold=2
    )
    cluster = running(readiness_probe=probe)
    started = cluster.notes("Started")[0].time
    cluster.until(started + 10.9)
    assert not cluster.pod().ready
    cluster.until(started + 11.2)
    assert cluster.pod().ready
    cluster.answer(True, took_s=2.9)
    cluster.until(started + 40)
    assert cluster.pod().ready
    cluster.answer(True, took_s=3.1)
    cluster.until(started + 43 + 4 + 2.9)
    assert cluster.pod().ready
    cluster.until(started + 43 + 4 + 3.2)
    assert not cluster.pod().ready
