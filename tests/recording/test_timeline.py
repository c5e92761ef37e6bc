"""Any moment again, and branches: a run that was moved in time is the run that never was."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.recording.replay import Replay
from lab.recording.tape import Recorder, read_tape
from lab.recording.timeline import MOST_KEPT, Timeline
from lab.scenario.loader import load
from lab.scenario.player import Player

TEXT = """\
name: moved
duration: 60s
manifests:
  - {apiVersion: v1, kind: Service, metadata: {name: web}, spec: {selector: {app: web}, ports: [{port: 80}]}}
  - apiVersion: apps/v1
    kind: Deployment
    metadata: {name: web}
    spec:
      replicas: 2
      selector: {matchLabels: {app: web}}
      template:
        metadata: {labels: {app: web}}
        spec: {containers: [{name: web, image: web, ports: [{containerPort: 80}]}]}
traffic: [{name: c, from: pod/client, to: "http://web/", rate: 20}]
timeline: [{at: 5s, run: kubectl scale deployment/web --replicas=3}]
"""
BREAK = "kubectl set selector service/web app=nobody"


@pytest.fixture(scope="module")
def scenario(tmp_path_factory):
    path = tmp_path_factory.mktemp("timeline") / "moved.yaml"
    path.write_text(TEXT)
    return load(path)


@pytest.fixture
def timeline(scenario):
    """A run of twenty seconds, with a command at 8 s and one at 12 s."""
    player = Player(scenario)
    player.start()
    made = Timeline(player)
    for until_s, command in ((8.0, "kubectl scale deployment/web --replicas=1"), (12.0, "lab fail node/worker-1")):
        player.run_until(until_s)
        made.note()
        player.give(command)
    player.run_until(20.0)
    made.note()
    yield made
    made.close()
    made.player.engine.close()


def seek(timeline, when_s):
    for _ in timeline.seek(when_s):
        pass
    return timeline.player


def digest_at(scenario, log, when_s):
    player = Player(scenario, again=log)
    player.start()
    player.run_until(when_s)
    found = player.engine.journal.digest
    player.engine.close()
    return found


def test_an_earlier_moment_is_the_moment_that_it_was(scenario, timeline):
    log = timeline.branch.log
    player = seek(timeline, 10.0)
    assert player.engine.now == 10.0
    assert player.engine.journal.digest == digest_at(scenario, log, 10.0)
    assert timeline.in_past
    assert [each.text for each in player.log.given] == ["kubectl scale deployment/web --replicas=1"]


def test_the_newest_moment_is_the_run_that_was_left_there(timeline):
    newest = timeline.player
    seek(timeline, 3.0)
    assert seek(timeline, 99.0) is newest
    assert (newest.engine.now, timeline.in_past) == (20.0, False)


def test_time_goes_on_from_the_past_as_it_went(scenario, timeline):
    log = timeline.branch.log
    player = seek(timeline, 7.0)
    player.run_until(20.0)
    assert player.engine.journal.digest == digest_at(scenario, log, 20.0)
    assert len(player.log.given) == 2


def test_a_run_that_was_left_standing_learns_what_was_given_since(scenario):
    player = Player(scenario)
    player.start()
    timeline = Timeline(player)
    player.run_until(6.0)
    seek(timeline, 2.0)  # another run, made before anything was given
    newest = seek(timeline, 6.0)
    newest.give("lab fail node/worker-2")
    newest.run_until(10.0)
    timeline.note()
    found = seek(timeline, 8.0)
    assert found is not newest
    assert found.engine.journal.digest == digest_at(scenario, timeline.branch.log, 8.0)
    assert [each.text for each in found.log.given] == ["lab fail node/worker-2"]
    timeline.close()
    found.engine.close()


@settings(max_examples=15, deadline=None)
@given(moments=st.lists(st.floats(0.0, 20.0), min_size=1, max_size=6), spare=st.integers(0, 30))
def test_whatever_way_a_moment_is_come_to_it_is_the_same(scenario, moments, spare):
    player = Player(scenario)
    player.start()
    timeline = Timeline(player)
    player.run_until(6.0)
    player.give("lab fail node/worker-2")
    player.run_until(20.0)
    timeline.note()
    for moment in moments:
        found = seek(timeline, moment)
        for _ in range(spare):
            timeline.tend(1.0)
    assert found.engine.journal.digest == digest_at(scenario, timeline.branch.log, moments[-1])
    assert len(timeline._kept) <= MOST_KEPT + 2
    timeline.close()
    found.engine.close()


def test_a_command_at_the_newest_moment_begins_no_branch(timeline):
    assert not timeline.leave()
    assert len(timeline.branches) == 1


def test_a_command_in_the_past_begins_a_branch_that_forgets_what_followed(scenario, timeline):
    player = seek(timeline, 10.0)
    assert timeline.leave()
    player.give(BREAK)
    player.run_until(20.0)
    timeline.note()
    assert (timeline.branch.name, timeline.branch.parent, timeline.branch.from_s) == ("branch 1", "first", 10.0)
    assert timeline.branch.own_commands == [BREAK]
    assert timeline.branches[0].own_commands == ["kubectl scale deployment/web --replicas=1", "lab fail node/worker-1"]
    assert player.engine.journal.digest == digest_at(scenario, timeline.branch.log, 20.0)


def test_branches_are_compared_up_to_the_last_moment_that_all_have_reached(timeline):
    player = seek(timeline, 10.0)
    timeline.leave()
    player.give(BREAK)
    player.run_until(15.0)
    compared = next(each for each in timeline.comparing() if each is not None)
    first, second = compared.variants
    assert (first.variant, second.variant) == ("first", "branch 1")
    assert abs(first.requests - second.requests) <= 20
    assert second.lost > first.lost
    assert second.saved < 0


def test_those_who_follow_a_run_are_handed_on(timeline):
    moments = []
    timeline.player.listeners.moment.append(lambda: moments.append(timeline.player.engine.now))
    player = seek(timeline, 4.0)
    moments.clear()
    player.run_until(4.5)
    assert moments == [4.5]


def test_a_recording_of_a_run_that_was_moved_holds_the_last_branch(scenario, tmp_path):
    player = Player(scenario)
    recorder = Recorder(player, tmp_path / "moved.rec")
    player.start()
    timeline = Timeline(player)
    player.run_until(12.0)
    player.give("lab fail node/worker-1")
    player.run_until(15.0)
    timeline.note()
    player = seek(timeline, 9.0)
    player.run_until(13.0)
    player = seek(timeline, 6.0)
    timeline.leave()
    player.give(BREAK)
    player.run_until(11.0)
    recorder.close()
    tape = read_tape(tmp_path / "moved.rec")
    assert [(each.time_s, each.text) for each in tape.log.given] == [(6.0, BREAK)]
    replay = Replay(tape)
    replay.player.start()
    replay.player.run_until(tape.end_s)
    assert replay.verdict.endswith(player.engine.journal.digest)
