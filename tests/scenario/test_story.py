"""Timelines with `every` and `when`, and lessons that wait."""

import pytest

from lab.journal import CommandGiven, Narrated
from lab.kube.errors import LabError
from lab.scenario.loader import load
from lab.scenario.player import Player

WORLD = """\
name: story
duration: 30s
cluster: {nodes: 2}
manifests:
  - apiVersion: apps/v1
    kind: Deployment
    metadata: {name: web}
    spec:
      replicas: 2
      selector: {matchLabels: {app: web}}
      template:
        metadata: {labels: {app: web}}
        spec: {containers: [{name: web, image: web, ports: [{containerPort: 80}]}]}
  - {apiVersion: v1, kind: Service, metadata: {name: web}, spec: {selector: {app: web}, ports: [{port: 80}]}}
traffic:
  - {name: c, from: pod/client, to: http://web/, rate: 20, arrivals: constant}
"""


@pytest.fixture
def read(tmp_path):
    def read_scenario(text):
        path = tmp_path / "story.yaml"
        path.write_text(WORLD + text, encoding="utf-8")
        return load(path)

    return read_scenario


@pytest.fixture
def play(read):
    def play_scenario(text, **options):
        player = Player(read(text), **options)
        player.start()
        player.engine.run_until(player.scenario.duration_s)
        return player

    return play_scenario


def fault(read, text):
    with pytest.raises(LabError) as error:
        read(text)
    return str(error.value).partition("story.yaml:")[2]


def told(player):
    return [(event.time, event.text) for event in player.engine.journal.read().events if isinstance(event, Narrated)]


def given(player):
    events = player.engine.journal.read().events
    return [(event.time, event.text) for event in events if isinstance(event, CommandGiven)]


def test_every_gives_a_command_at_even_times(read):
    moments = read("timeline: [{every: 10s, from: 5s, say: tick}]\n").timeline
    assert [moment.at_s for moment in moments] == [5.0, 15.0, 25.0]


def test_every_begins_after_one_turn_and_ends_where_it_is_told(read):
    moments = read("timeline: [{every: 100ms, to: 1s, say: tick}]\n").timeline
    assert [round(moment.at_s, 9) for moment in moments] == [round(0.1 * turn, 9) for turn in range(1, 11)]


def test_when_acts_once_as_soon_as_its_condition_holds(play):
    player = play(
        "timeline:\n"
        "  - {at: 3s, run: kubectl scale deployment/web --replicas=3}\n"
        "  - {when: pods ready web == 3, say: three}\n"
    )
    [(at_s, text)] = told(player)
    assert text == "three"
    assert 3.0 < at_s < 15.0


def test_when_does_nothing_while_its_condition_does_not_hold(play):
    assert told(play("timeline: [{when: pods ready web == 3, say: three}]\n")) == []


def test_when_can_look_at_the_traffic_of_the_last_seconds(play):
    player = play(
        "timeline:\n"
        "  - {at: 10s, run: kubectl set selector service/web app=nobody}\n"
        "  - {when: success < 50%, over: 4s, traffic: c, run: kubectl set selector service/web app=web}\n"
    )
    [_, (at_s, text)] = given(player)
    assert text == "kubectl set selector service/web app=web"
    assert 12.0 <= at_s <= 14.0


def test_a_condition_is_looked_at_from_its_moment_on(play):
    player = play("timeline: [{at: 8s, when: pods ready web == 2, say: two}]\n")
    assert told(player) == [(8.0, "two")]


def test_time_stops_at_a_step_that_waits_only_where_somebody_can_let_it_go_on(read, play):
    text = "lesson: [{at: 0s, title: Begin}, {at: 12.5s, title: Read this, wait: true}]\n"
    assert not play(text).engine.paused
    player = Player(read(text), waits=True)
    player.start()
    assert not player.engine.run_until(30.0)
    assert (player.engine.now, player.engine.paused) == (12.5, True)
    assert player.engine.run_until(30.0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("timeline: [{say: x}]\n", "17: timeline[0]: expected one of `at`, `every` and `when`"),
        (
            "timeline: [{every: 1s, when: nodes == 1, say: x}]\n",
            "17: timeline[0]: expected one of `at`, `every` and `when`",
        ),
        ("timeline: [{at: 1s, to: 3s, say: x}]\n", "17: timeline[0].to: goes with `every`"),
        ("timeline: [{every: 1s, at: 3s, say: x}]\n", "17: timeline[0].at: `every` begins at `from`, not at `at`"),
        ("timeline: [{every: 0s, say: x}]\n", "17: timeline[0].every: expected some time, and 1 to 100,000 times"),
        ("timeline: [{every: 9s, to: 40s, say: x}]\n", "17: timeline[0].to: is after the end of the story (30s)"),
        (
            "timeline: [{when: pods redy web == 1, say: x}]\n",
            "17: timeline[0].when: 'pods redy web' has a word too many: 'redy'",
        ),
        (
            "timeline: [{when: success < 1%, traffic: d, say: x}]\n",
            '17: timeline[0].when: there is no traffic "d"',
        ),
        ("timeline: [{when: recovery < 3s, say: x}]\n", "17: timeline[0].when: recovery is a figure of a whole window"),
        ("timeline: [{at: -3s, say: x}]\n", "17: timeline[0].at:"),
    ],
)
def test_a_moment_that_makes_no_sense_is_told_with_its_place(read, text, message):
    assert fault(read, text).startswith(message)
