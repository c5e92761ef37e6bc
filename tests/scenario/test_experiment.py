"""Experiments: steady state, method, steady state again, and rollbacks that always run."""

import pytest

from lab.journal import CommandGiven, Narrated
from lab.kube.errors import LabError
from lab.scenario.loader import load
from lab.scenario.player import Player

WORLD = """\
name: experiment
duration: {duration}
cluster: {{nodes: 2}}
manifests:
  - apiVersion: apps/v1
    kind: Deployment
    metadata: {{name: web}}
    spec:
      replicas: 2
      selector: {{matchLabels: {{app: web}}}}
      template:
        metadata: {{labels: {{app: web}}}}
        spec: {{containers: [{{name: web, image: web, ports: [{{containerPort: 80}}]}}]}}
  - {{apiVersion: v1, kind: Service, metadata: {{name: web}}, spec: {{selector: {{app: web}}, ports: [{{port: 80}}]}}}}
traffic:
  - {{name: c, from: pod/client, to: http://web/, rate: 20}}
"""
STEADY = "hypothesis: {over: 5s, expect: [{that: success == 100%, traffic: c}, pods ready web == 2]}\n"
BREAK, MEND = "kubectl set selector service/web app=nobody", "kubectl set selector service/web app=web"


@pytest.fixture
def read(tmp_path):
    def read_scenario(text, duration="60s"):
        path = tmp_path / "experiment.yaml"
        path.write_text(WORLD.format(duration=duration) + text, encoding="utf-8")
        return load(path)

    return read_scenario


@pytest.fixture
def play(read):
    def play_scenario(text, duration="60s"):
        player = Player(read(text, duration))
        player.start()
        player.engine.run_until(player.scenario.duration_s)
        return player

    return play_scenario


def given(player):
    events = player.engine.journal.read().events
    return [(round(event.time, 3), event.text) for event in events if isinstance(event, CommandGiven)]


def checks(player):
    return [(check.name, check.passed) for check in player.checks]


def test_the_steady_state_is_shown_before_the_method_and_after_it(play):
    player = play(STEADY + "method: [{run: kubectl scale deployment/web --replicas=2, pause: 3s}]\n")
    assert checks(player) == [
        ("steady state before: success == 100%", True),
        ("steady state before: pods ready web == 2", True),
        ("steady state after: success == 100%", True),
        ("steady state after: pods ready web == 2", True),
    ]
    assert [check.at_s for check in player.checks] == [5.0, 5.0, 13.0, 13.0]


def test_the_steps_of_the_method_are_taken_one_after_the_other(play):
    player = play(
        STEADY + f"method: [{{run: {BREAK}, pause: 4s}}, {MEND}, {{pause: 2s}}]\nrollbacks: [kubectl get services]\n"
    )
    assert given(player) == [(5.0, BREAK), (9.0, MEND), (16.0, "kubectl get services")]


def test_without_a_steady_state_the_method_is_left_out_and_the_rollbacks_are_given(play):
    player = play(STEADY.replace("== 2]", "== 3]") + f"method: [{BREAK}]\nrollbacks: [{MEND}]\n")
    assert given(player) == [(5.0, MEND)]
    assert not player.passed
    told = [event.text for event in player.engine.journal.read().events if isinstance(event, Narrated)]
    assert told == ["The steady state does not hold: the method is left out."]


def test_what_the_method_has_broken_shows_after_it(play):
    player = play(STEADY + f"method: [{BREAK}]\nrollbacks: [{MEND}]\n")
    assert checks(player)[2] == ("steady state after: success == 100%", False)
    assert given(player)[-1] == (10.0, MEND)


def test_a_step_can_wait_for_a_condition(play):
    player = play(f"method: [kubectl scale deployment/web --replicas=3, {{wait: pods ready web == 3}}, {BREAK}]\n")
    [(name, passed)] = checks(player)
    assert (name, passed) == ("method: pods ready web == 3", True)
    assert 0.5 < given(player)[1][0] < 10.0


def test_a_condition_that_does_not_come_in_time_is_a_failed_check_and_the_method_goes_on(play):
    player = play(f"method: [{{wait: pods ready web == 9, within: 5s}}, {BREAK}]\n")
    [check] = player.checks
    assert (check.passed, check.message, check.at_s) == (False, "not within 5 s", pytest.approx(5.0))
    assert given(player) == [(pytest.approx(5.0), BREAK)]


def test_a_step_can_check_the_traffic_of_the_next_seconds(play):
    player = play(f"method: [{BREAK}, {{check: success < 10%, over: 4s, traffic: c}}]\n")
    [check] = player.checks
    assert (check.name, check.passed, check.at_s) == ("method: success < 10%", True, 4.0)


def test_rollbacks_are_given_at_the_end_of_a_story_that_was_too_short(play):
    player = play(STEADY + f"method: [{{run: {BREAK}, pause: 40s}}]\nrollbacks: [{MEND}]\n", duration="20s")
    assert given(player)[-1] == (20.0, MEND)
    assert checks(player)[-1] == ("method", False)


def test_a_rollback_that_is_refused_does_not_keep_the_others_from_being_given(play):
    player = play(f"method: [{BREAK}]\nrollbacks: [kubectl delete pod nope, {MEND}]\n")
    assert [text for _, text in given(player)] == [BREAK, "kubectl delete pod nope", MEND]
    assert checks(player) == [("rollback: kubectl delete pod nope", False)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "rollbacks: [lab recover node/worker-1]\n",
            "rollbacks: a hypothesis and rollbacks need a method between them",
        ),
        ("method: [{pause: 0s}]\n", "method[0]: expected `run`, `say`, `wait`, `check` or `pause`"),
        ("method: [kubectl frobnicate]\n", "method[0].run: "),
        (
            "hypothesis: {expect: [{that: nodes == 2, at: 3s}]}\nmethod: [kubectl get pods]\n",
            "hypothesis.expect[0].at: these conditions have one window in common, of 10s",
        ),
    ],
)
def test_an_experiment_that_makes_no_sense_is_told_with_its_place(read, text, message):
    with pytest.raises(LabError) as error:
        read(text)
    assert f"experiment.yaml:17: {message}" in str(error.value)
