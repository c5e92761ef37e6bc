"""Habits of clients in a scenario: retries with a budget, and how long they keep the addresses of a name."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.kube.errors import LabError
from lab.scenario.loader import load
from lab.scenario.player import Player
from lab.scenario.report import to_text
from lab.traffic.retries import RetryPolicy

ALL_FAIL = """
name: storm
duration: 30s
manifests:
  - {apiVersion: v1, kind: Service, metadata: {name: web}, spec: {selector: {app: nobody}, ports: [{port: 80}]}}
traffic:
  - {name: c, from: pod/client, to: http://web/, rate: 20, arrivals: constant, retries: RETRIES}
"""


def played(tmp_path: Path, text: str) -> Player:
    path = tmp_path / "habits.yaml"
    path.write_text(text, encoding="utf-8")
    player = Player(load(path))
    player.start()
    player.run_until(player.scenario.duration_s)
    player.drain()
    return player


def refused(player: Player) -> int:
    """Connections that were tried, retries included."""
    return sum(getattr(event, "reason", "") == "no-endpoints" for event in player.engine.journal.read().events)


def test_a_budget_keeps_retries_from_multiplying_the_load(tmp_path: Path) -> None:
    without = played(tmp_path, ALL_FAIL.replace("RETRIES", "3"))
    within = played(tmp_path, ALL_FAIL.replace("RETRIES", "{attempts: 3, budget: 20%}"))
    assert without.report().groups[0].retries == pytest.approx(1800, abs=10)
    group = within.report().groups[0]
    assert group.retries <= 0.2 * group.requests + 1
    assert group.held_back > 400
    assert f"c: {group.retries} retries; the budget held {group.held_back:,} back" in "\n".join(
        to_text(within.report())
    )


def test_the_backoff_delays_and_the_latency_tells(tmp_path: Path) -> None:
    player = played(tmp_path, ALL_FAIL.replace("RETRIES", "{attempts: 2, backoff: 200ms}"))
    assert player.report().groups[0].p50_s == pytest.approx(0.6, abs=0.02)


def test_a_number_alone_is_how_often(tmp_path: Path) -> None:
    assert played(tmp_path, ALL_FAIL.replace("RETRIES", "2")).scenario.clients[0].retries == RetryPolicy(2)


HEADLESS = """
name: names
duration: 90s
manifests:
  - {apiVersion: v1, kind: Service, metadata: {name: db}, spec: {clusterIP: None, selector: {app: db}, ports: [
      {port: 80}]}}
  - {apiVersion: v1, kind: Pod, metadata: {name: one, labels: {app: db}}, spec: {containers: [{name: c, image: db}]}}
  - {apiVersion: v1, kind: Pod, metadata: {name: two, labels: {app: db}}, spec: {containers: [{name: c, image: db}]}}
apps: [{image: db, listen: [80], startup: 1s}]
traffic:
  - {name: c, from: pod/client, to: http://db/, rate: 5, timeout: 1s, dns_cache: CACHE}
timeline:
  - {at: 10s, run: kubectl delete pod one --grace-period=1}
  - {at: 10s, run: kubectl delete pod two --grace-period=1}
  - {at: 12s, run: kubectl run three --image=db --labels=app=db --port=80}
"""


def share(player: Player, from_s: float) -> float:
    ends = [event for event in player.engine.journal.read().events
            if type(event).__name__ == "RequestFinished" and event.client == "c" and event.time >= from_s]  # fmt: skip
    return sum(event.outcome == "ok" for event in ends) / len(ends)


def test_who_keeps_an_address_for_ever_never_hears_of_the_next_pod(tmp_path: Path) -> None:
    assert share(played(tmp_path, HEADLESS.replace("CACHE", "forever")), 50.0) == 0.0
    assert share(played(tmp_path, HEADLESS.replace("CACHE", "5s")), 60.0) == 1.0
    assert share(played(tmp_path, HEADLESS.replace("CACHE", "none")), 60.0) == 1.0


def questions(player: Player) -> int:
    return sum(getattr(event, "host", "") == "kube-dns" or getattr(event, "dst_port", 0) == 53
               for event in player.engine.journal.read().events)  # fmt: skip


def test_who_keeps_nothing_asks_for_each_request(tmp_path: Path) -> None:
    asked = {cache: questions(played(tmp_path, HEADLESS.replace("CACHE", cache))) for cache in ("none", "20s")}
    assert asked["none"] > 400
    assert asked["20s"] < 60


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEADLESS.replace("CACHE", "foreve"), 'traffic[0].dns_cache: "foreve" is no time, did you mean "forever"?'),
        (ALL_FAIL.replace("RETRIES", "{attempts: 900}"), "traffic[0].retries: 900 is out of range"),
        (ALL_FAIL.replace("RETRIES", "{budget: 20%}"), "traffic[0].retries.attempts: is missing"),
        (ALL_FAIL.replace("RETRIES", "{attempts: 1, budget: 150%}"), "traffic[0].retries.budget: "),
        (ALL_FAIL.replace("RETRIES", "often"), "traffic[0].retries: "),
    ],
)
def test_what_makes_no_sense_is_told_with_its_place(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(LabError) as raised:
        played(tmp_path, text)
    assert message in str(raised.value)
