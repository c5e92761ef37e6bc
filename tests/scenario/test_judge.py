"""How expectations fail: each on a run in which it does not hold."""

from dataclasses import replace
from pathlib import Path

import pytest

from lab.scenario.loader import load
from lab.scenario.player import Player

SMOKE = Path(__file__).parent / "files" / "smoke.yaml"

BROKEN = """
  - {that: success < 100%, traffic: inside}
  - {that: requests == 1, from: 2s, to: 4s}
  - {that: p50 > 1s}
  - {that: outcome timeout > 0}
  - {that: drops > 0}
  - {that: share web < 10%}
  - {that: success > 1%, service: nothing}
  - {that: pods ready web == 7, at: 2s}
  - {that: pods ready web == 7, by: 6s}
  - {that: pods ready web == 3, from: 2s, to: 20s}
  - {that: pods wbe == 2}
  - {that: endpoints web >= 9}
  - {that: cluster-ip web == 10.96.0.1}
  - {that: external-ip web == pending}
  - {that: node-port web == 30001}
  - {that: restarts web > 0}
  - {that: services == 4}
  - {that: nodes ready < 2}
"""


def written(folder, expect):
    path = folder / "smoke.yaml"
    text = SMOKE.read_text(encoding="utf-8").replace("- web.yaml", f"- {SMOKE.parent / 'web.yaml'}")
    named = "timeline:\n  - {at: 19s, run: kubectl get service nothing wbe, refused: NotFound}\n"
    text = text.replace("timeline:\n", named)  # so that these names may come to be
    path.write_text(text.partition("expect:")[0] + "expect:" + expect, encoding="utf-8")
    return load(path)


def played(scenario):
    player = Player(scenario)
    player.start()
    player.engine.run_until(20.0)
    return {check.name: check for check in player.checks}


@pytest.fixture(scope="module")
def checks(tmp_path_factory):
    return played(replace(written(tmp_path_factory.mktemp("broken"), BROKEN), timeline=()))


def test_each_of_them_fails(checks):
    assert [name for name, check in checks.items() if check.passed is not False] == []
    assert len(checks) == len(BROKEN.strip().splitlines())


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("success < 100% (inside, 0s to 20s)", "100%"),
        ("pods ready web == 7 (at 2s)", "2"),
        ("success > 1% (default/nothing, 0s to 20s)", "there were no requests in this window"),
        (
            "pods wbe == 2 (at 20s)",
            'there is no workload, Service or Pod "wbe" in namespace default, did you mean "web"?',
        ),
        ("cluster-ip web == 10.96.0.1 (at 20s)", "10.96.0.77"),
        ("external-ip web == pending (at 20s)", "none"),
    ],
)
def test_the_message_says_what_was_measured(checks, name, message):
    assert checks[name].message == message


def test_a_condition_that_must_hold_throughout_fails_at_the_first_second_at_which_it_does_not(checks):
    assert checks["pods ready web == 3 (2s to 20s)"].at_s == 2.0


def test_a_condition_that_must_hold_by_a_moment_fails_only_then(checks):
    assert checks["pods ready web == 7 (by 6s)"].at_s == 6.0


def test_what_held_throughout_shows_the_figure_that_was_nearest_to_failing(tmp_path):
    expect = """
  - {that: pods ready web >= 1, from: 0s, to: 20s}
  - {that: pods ready web < 9, from: 0s, to: 20s}
  - {that: requests >= 1, over: 2s, from: 2s, to: 20s, traffic: outside}
  - {that: requests <= 99, over: 2s, from: 2s, to: 20s, traffic: outside}
"""
    grown, small, least, most = list(played(written(tmp_path, expect)).values())[:4]
    assert (grown.message, small.message) == ("2", "3")
    assert least.value < 20 < 30 <= most.value
