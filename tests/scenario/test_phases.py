"""Waves, spikes and recorded arrivals: what the file says is when requests are sent."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.kube.errors import LabError
from lab.scenario.loader import load
from lab.scenario.player import Player
from lab.scenario.scenario import Scenario

TRAFFIC = "name: waves\nduration: 2m\ntraffic:\n  - {name: c, to: http://web/, arrivals: constant, rate: RATE}\n"


def scenario(tmp_path: Path, text: str) -> Scenario:
    path = tmp_path / "waves.yaml"
    path.write_text(text, encoding="utf-8")
    return load(path)


def rates(tmp_path: Path, rate: str) -> list[tuple[float, float]]:
    """Moment and rate at the beginning of each stretch."""
    phases = scenario(tmp_path, TRAFFIC.replace("RATE", rate)).clients[0].phases
    found, at_s = [], 0.0
    for phase in phases:
        found.append((at_s, phase.rate))
        at_s += phase.for_s
    return found


def test_a_wave_goes_up_and_down_in_its_period(tmp_path: Path) -> None:
    found = dict(rates(tmp_path, "[{for: 2m, rate: 20, to: 100, wave: 1m}]"))
    assert found[0.0] == pytest.approx(20.0)
    assert found[15.0] == pytest.approx(60.0)
    assert found[30.0] == pytest.approx(100.0)
    assert found[60.0] == pytest.approx(20.0)
    assert found[90.0] == pytest.approx(100.0)


def test_a_wave_sends_what_its_mean_says_and_ends_with_its_phase(tmp_path: Path) -> None:
    text = TRAFFIC.replace("RATE", "[{for: 50s, rate: 20, to: 100, wave: 20s}, {for: 1s, rate: 0}]")
    player = Player(scenario(tmp_path, text))
    player.start()
    player.run_until(100.0)
    # Two and a half periods of a mean of 60, the last half of them upwards.
    assert player.engine.traffic.measure.clients["c"].requests == pytest.approx(3000, abs=15)


def test_a_spike_is_short_and_the_rate_is_as_before_it(tmp_path: Path) -> None:
    found = rates(tmp_path, "[{for: 60s, rate: 10, spike: {to: 200, at: 20s, for: 5s}}, {for: 9s, rate: 1}]")
    assert found == [(0.0, 10.0), (20.0, 200.0), (25.0, 10.0), (60.0, 1.0)]


@pytest.mark.parametrize(
    ("rate", "message"),
    [
        ("[{for: 9s, rate: 1, wave: 3s}]", "traffic[0].rate[0]: a wave goes from `rate` to `to` and back"),
        ("[{for: 9s, rate: 1, to: 2, wave: 0s}]", "traffic[0].rate[0].wave: expected a time"),
        ("[{for: 9s, rate: 1, spike: {to: 2, at: 8s, for: 2s}}]", "traffic[0].rate[0].spike: the spike is longer"),
        ("[{for: 9s, rate: 1, to: 2, spike: {to: 2, at: 1s, for: 2s}}]", "`to` belongs inside of `spike`"),
        ("[{for: 9s, rate: 1, to: 3, wave: 1s, spike: {to: 2, at: 1s, for: 2s}}]", "not both"),
        ("[{for: 9s, rate: 1, spike: {to: 2, at: 1s}}]", "traffic[0].rate[0].spike.for: is missing"),
    ],
)
def test_what_makes_no_sense_is_told_with_its_place(tmp_path: Path, rate: str, message: str) -> None:
    with pytest.raises(LabError) as raised:
        scenario(tmp_path, TRAFFIC.replace("RATE", rate))
    assert "waves.yaml:4" in str(raised.value)
    assert message in str(raised.value)


RECORDED = "name: again\nduration: 20s\ntraffic:\n  - {name: c, to: http://web/, arrivals: day.csv, start: 2s}\n"


def sent(tmp_path: Path, rows: str, text: str = RECORDED) -> list[float]:
    """When requests were due, by how far the count has come at each moment of interest."""
    (tmp_path / "day.csv").write_text(rows, encoding="utf-8")
    return list(scenario(tmp_path, text).clients[0].recorded)


@pytest.mark.parametrize(
    "rows",
    [
        "0.5\n1.25\n1.25\n7\n",
        "time\n0.5\n1.25\n1.25\n7\n",
        "user,time\na,0.5\nb,1.25\na,1.25\n\nc,7\n",
        "500ms\n1.25s\n1.25s\n7s\n",
    ],
)
def test_each_line_is_an_arrival(tmp_path: Path, rows: str) -> None:
    assert sent(tmp_path, rows) == [0.5, 1.25, 1.25, 7.0]


def test_requests_are_sent_at_their_moments_counted_from_the_start(tmp_path: Path) -> None:
    sent(tmp_path, "0.5\n1.25\n1.25\n7\n")
    player = Player(load(tmp_path / "waves.yaml"))
    player.start()
    counts = []
    for moment in (2.4, 2.6, 3.2, 3.3, 8.9, 9.1, 20.0):
        player.run_until(moment)
        group = player.engine.traffic.measure.clients.get("c")
        counts.append(group.requests if group is not None else 0)
    assert counts == [0, 1, 1, 3, 3, 4, 4]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("0.5\nsoon\n", 'day.csv:2: "soon" is not a time'),
        ("5\n4\n", "day.csv:2: 4 comes before the arrival in the line above"),
        ("user,time\na,1\nb\n", 'day.csv:3: "" is not a time'),
        ("time\n", "day.csv: there is no arrival in it"),
        ("-1\n", "day.csv: there is no arrival in it"),
    ],
)
def test_a_recording_with_a_fault_names_its_line(tmp_path: Path, rows: str, message: str) -> None:
    with pytest.raises(LabError) as raised:
        sent(tmp_path, rows)
    assert "waves.yaml:4: traffic[0].arrivals: " in str(raised.value)
    assert message in str(raised.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (RECORDED.replace("day.csv", "night.csv"), "night.csv: No such file or directory"),
        (RECORDED.replace("day.csv", "poison"), '"poison" is not known, did you mean "poisson"?'),
        (RECORDED.replace("start: 2s", "rate: 5"), "traffic[0].rate: recorded arrivals take the place of a rate"),
    ],
)
def test_what_is_no_recording_is_told(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(LabError) as raised:
        sent(tmp_path, "1\n", text)
    assert message in str(raised.value)
