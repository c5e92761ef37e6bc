"""From a request to a replica: workers are busy, kubelets are scraped, the autoscaler acts, and Pods come."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.commands.run import run
from lab.kube.kinds.deployment import Deployment
from lab.kube.kinds.horizontalpodautoscaler import HorizontalPodAutoscaler
from lab.scenario.loader import load
from lab.scenario.player import Player

STORY = Path(__file__).parent / "files" / "autoscaling.yaml"
STEP_S = 15.0


class Told:
    """The story, told to its end, with what was seen in each 15 seconds of it."""

    def __init__(self, *commands: str) -> None:
        self.player = Player(load(STORY))
        self.player.start()
        self.engine = self.player.engine
        for command in commands:
            assert not run(self.engine, command).error
        self.success: list[float] = []
        self.ready: list[int] = []
        seen = self.engine.traffic.measure.clients
        requests = ok = 0
        while self.engine.now < 300.0:
            self.engine.run_for(STEP_S)
            tally = seen["shoppers"]
            self.success.append((tally.ok - ok) / (tally.requests - requests))
            requests, ok = tally.requests, tally.ok
            self.ready.append(self.engine.store.get(Deployment, "web").status.ready_replicas)
        self.engine.run_for(10.0)


@pytest.fixture(scope="module")
def told() -> Iterator[Told]:
    made = Told()
    yield made
    made.engine.close()


def test_what_the_story_expects_holds(told):
    assert [(check.name, check.passed) for check in told.player.checks if not check.passed] == []


def test_two_pods_are_enough_for_the_first_traffic(told):
    """30 requests a second of 100 ms each are 3 of 8 workers: 37 % of the CPU request, below the target of 60 %."""
    assert told.ready[:2] == [2, 2]
    assert told.success[:2] == [1.0, 1.0]


def test_while_traffic_grows_faster_than_pods_come_requests_are_lost(told):
    assert min(told.success) == pytest.approx(0.72, abs=0.05)
    assert told.success.index(min(told.success)) == 3, "from 45 s to 60 s: 110 requests a second, and Pods for 80"


def test_the_replicas_follow_and_stop_where_cpu_is_at_its_target(told):
    """240 requests a second keep 24 workers busy, which are 60 % of ten Pods' four."""
    assert told.ready == sorted(told.ready)
    assert told.ready[-1] == 10
    status = told.engine.store.get(HorizontalPodAutoscaler, "web").status
    current = status.current_metrics[0].current
    assert current is not None
    assert current.average_utilization == pytest.approx(60, abs=6)


def test_success_comes_back(told):
    assert min(told.success[10:]) > 0.998
    assert told.success[-1] > 0.999


def test_without_the_autoscaler_it_does_not():
    alone = Told("kubectl delete hpa web", "kubectl scale deployment/web --replicas=2")
    assert alone.ready[-1] == 2
    assert alone.success[-1] == pytest.approx(80 / 240, abs=0.03), "two Pods answer 80 of 240"
    alone.engine.close()


def test_the_same_seed_tells_the_same_story(told):
    again = Told()
    assert again.engine.journal.digest == told.engine.journal.digest
    again.engine.close()
