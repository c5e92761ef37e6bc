from dataclasses import replace
from pathlib import Path

import pytest

from lab.faults.pods import hang as hang_pod
from lab.journal import Checked, CommandGiven, Narrated
from lab.kube.kinds.pod import Pod
from lab.scenario.loader import load
from lab.scenario.player import Player
from lab.scenario.report import to_text
from lab.scenario.scenario import Moment

SMOKE = Path(__file__).parent / "files" / "smoke.yaml"


@pytest.fixture(scope="module")
def played():
    player = Player(load(SMOKE))
    player.start()
    player.engine.run_until(20.0)
    return player


def of_type(player, kind):
    return [event for event in player.engine.journal.read().events if isinstance(event, kind)]


def test_the_story_begins_at_zero_with_everything_ready():
    player = Player(load(SMOKE))
    player.start()
    assert player.engine.now == 0.0
    assert player.not_ready == []
    assert player.applied == ["pod/client created", "deployment.apps/web created", "service/web created"]
    assert player.engine.traffic.measure.total.requests == 0
    assert not player.finished


def test_every_expectation_of_the_smoke_scenario_holds(played):
    assert [(check.name, check.message) for check in played.checks if not check.passed] == []
    assert played.finished
    assert played.passed


def test_checks_are_journaled_when_they_are_judged(played):
    judged = {event.name: event.time for event in of_type(played, Checked)}
    assert judged["pods ready web == 2 (at 4s)"] == 4.0
    assert judged["success == 100% (inside, 0s to 20s)"] == 20.0
    assert 5.0 < judged["pods ready web == 3 (by 15s)"] <= 15.0


def test_the_timeline_gives_commands_and_speaks(played):
    given = [(event.time, event.text, event.by) for event in of_type(played, CommandGiven)]
    assert given[0] == (5.0, "kubectl scale deployment/web --replicas=3", "timeline")
    assert [event.text for event in of_type(played, Narrated)] == ["Begin. All is well.", "One more", "Grow."]


def test_a_command_that_must_be_refused_is_a_check(played):
    refused = played.checks[-1]
    assert refused.name.startswith("refused: kubectl scale deployment/wbe")
    assert refused.passed


@pytest.mark.parametrize(
    ("flags", "refused", "at_s", "passed", "said"),
    [
        ("--timeout=2s", "", 3.0, False, "timed out waiting for the condition"),
        ("--timeout=2s", "timed out", 3.0, True, "timed out waiting for the condition"),
        ("--timeout=30s", "timed out", 20.0, False, "it had not ended when the story did"),
    ],
)
def test_a_command_that_takes_its_time_is_judged_when_it_is_over(flags, refused, at_s, passed, said):
    grow = Moment(0.5, "kubectl scale deployment/web --replicas=1000")
    wait = Moment(1.0, f"kubectl rollout status deployment/web {flags}", refused=refused)
    player = Player(replace(load(SMOKE), timeline=(grow, wait), expectations=()))
    player.start()
    player.engine.run_until(60.0)
    (check,) = player.checks
    assert (check.at_s, check.passed) == (at_s, passed)
    assert said in check.message


def test_a_command_that_goes_on_beyond_the_story_is_no_failure():
    wait = Moment(1.0, "kubectl rollout status deployment/web --timeout=30s")
    grow = Moment(0.5, "kubectl scale deployment/web --replicas=1000")
    player = Player(replace(load(SMOKE), timeline=(grow, wait), expectations=()))
    player.start()
    player.engine.run_until(60.0)
    assert player.checks == []


def test_a_command_that_fails_when_it_should_not_is_a_failed_check():
    moment = Moment(1.0, "kubectl scale deployment/nobody --replicas=3", place="x.yaml:3")
    player = Player(replace(load(SMOKE), timeline=(moment,), expectations=()))
    player.start()
    player.engine.run_until(2.0)
    assert [(check.passed, check.place) for check in player.checks] == [(False, "x.yaml:3")]
    assert "nobody" in player.checks[0].message
    assert not player.passed


def test_the_step_of_the_lesson_follows_the_time(played):
    player = Player(load(SMOKE))
    player.start()
    assert player.step_index == 0
    player.engine.run_until(5.0)
    assert player.step_index == 1
    assert played.steps[played.step_index].title == "Grow"


def test_the_report_adds_up(played):
    report = played.report()
    assert report.total.requests == sum(group.requests for group in report.groups)
    assert report.total.requests == sum(share.requests for share in report.endpoints)
    assert sum(share.share for share in report.endpoints) == pytest.approx(1.0)
    assert report.failures == []
    assert report.journal == played.engine.journal.digest
    assert report.passed


def test_the_report_as_text_names_groups_endpoints_and_checks(played):
    text = "\n".join(to_text(played.report()))
    for expected in ("inside", "outside", "default/web", "worker-1", "CHECK", "seed 5", "journal "):
        assert expected in text


def test_a_seed_of_ones_own_beats_the_scenarios():
    assert Player(load(SMOKE)).engine.seed == 5
    assert Player(load(SMOKE), seed=9).engine.seed == 9


TAIL = """
name: tail
duration: 12s
manifests:
  - web.yaml
  - apiVersion: v1
    kind: Service
    metadata: {name: web}
    spec: {selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
traffic: [{name: c, from: FROM, to: "http://web/", rate: 20}]
expect: [success == 100%, errors == 0, {that: errors == 0, from: 1s, to: 10s}, outcome timeout >= 10]
"""


def of_the_tail(tmp_path, text, hang=True):
    path = tmp_path / "tail.yaml"
    path.write_text(text.replace("web.yaml", str(SMOKE.parent / "web.yaml")), encoding="utf-8")
    player = Player(load(path))
    player.start()
    player.engine.run_until(11.0)
    pods = player.engine.store.list(Pod, "default", {"app": "web"})
    for pod in pods if hang else ():
        hang_pod(player.engine, "default", pod.name)
    player.engine.run_until(12.0)
    return player


def test_requests_that_wait_at_the_end_are_waited_for_and_judged(tmp_path):
    player = of_the_tail(tmp_path, TAIL.replace("FROM", "pod/client"))
    assert not player.finished
    player.drain()
    assert [check.passed for check in player.checks] == [False, False, True, True]
    assert player.report().total.outcomes["timeout"] >= 10
    assert 3.0 < player.report().drained_s <= 5.0
    assert "its last requests drained in" in to_text(player.report())[0]


def test_requests_that_nobody_is_there_to_send_are_not_answered_well(tmp_path):
    off = "[{at: 6s, run: lab fail node/worker-1}, {at: 6s, run: lab fail node/worker-2}]"
    text = TAIL.partition("expect")[0].replace("FROM", "node/worker-1")
    player = of_the_tail(
        tmp_path, f"{text}timeline: {off}\nexpect: [success == 100%, outcome unsent >= 50]", hang=False
    )
    player.drain()
    assert [check.passed for check in player.checks] == [False, True]
    assert player.report().groups[0].unsent >= 50


def test_requests_that_still_wait_for_a_worker_after_that_are_unfinished(tmp_path):
    text = TAIL.replace("FROM", "pod/client").replace("rate: 20", "rate: 20, workers: 2").partition("expect")[0]
    player = of_the_tail(tmp_path, text + "expect: [success == 100%, outcome unfinished >= 5]")
    player.drain()
    assert [check.passed for check in player.checks] == [False, True]
    assert player.report().groups[0].unfinished >= 5
