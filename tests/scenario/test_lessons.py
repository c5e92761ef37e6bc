"""What the lessons tell is what happens, whatever the seed."""

from __future__ import annotations

import pytest

from lab.network.reasons import NO_LOCAL_ENDPOINTS, NODE_DOWN
from lab.scenario.catalogue import catalogue, find
from lab.scenario.loader import load
from lab.scenario.player import Player
from lab.scenario.suite import PASSED, Case, run_case
from lab.settings import Settings

LESSONS = [entry.name for entry in catalogue() if entry.folder == "lessons"]


def told(name: str) -> str:
    return " ".join(" ".join(step.text.split()) for step in load(find(name)).lesson)


@pytest.mark.parametrize("seed", [None, 4])
@pytest.mark.parametrize("name", LESSONS)
def test_a_lesson_keeps_what_it_expects(name: str, seed: int | None) -> None:
    result = run_case(Case(str(find(name)), seed=seed))
    assert result.outcome == PASSED, [check for check in result.checks if not check.passed]


def test_the_times_that_the_load_balancer_lesson_tells_are_those_of_the_settings() -> None:
    settings, text = Settings(), told("load-balancer")
    interval_s, timeout_s, failures = (
        settings.lb_health_interval_s,
        settings.lb_health_timeout_s,
        settings.lb_unhealthy_threshold,
    )
    assert f"Every {interval_s:g} seconds" in text
    first_s, last_s = (failures - 1) * interval_s + timeout_s, failures * interval_s + timeout_s
    assert failures == 3
    assert f"until three health checks in a row have failed, between {first_s:g} and {last_s:g} seconds" in text
    assert f"grace period of {settings.node_monitor_grace_s:g} seconds" in text


def test_reasons_that_lessons_name_are_those_of_what_is_lost() -> None:
    assert NO_LOCAL_ENDPOINTS in told("node-port")
    assert NODE_DOWN in told("node-port")
    assert NODE_DOWN in told("load-balancer")


def test_only_the_first_worker_of_the_node_port_lesson_runs_no_pod_of_web() -> None:
    for seed in (1, 2, 3):
        player = Player(load(find("node-port")), seed=seed)
        player.start()
        running = player.engine.traffic.servers.pods
        nodes = {next(iter(pod.values())).source.node for key, pod in running.items() if "/web-" in key}
        player.engine.close()
        assert nodes == {"worker-2", "worker-3"}
