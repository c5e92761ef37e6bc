"""Katas: solved when all conditions hold at once, by the solution and by nothing else."""

import pytest

from lab.commands.fault import choices
from lab.kube.errors import LabError
from lab.scenario.loader import load
from lab.scenario.player import Player
from lab.scenario.suite import cases_in, run_case
from lab.views.page import Subject

KATA = """\
name: kata
duration: 40s
manifests:
  - {apiVersion: v1, kind: Service, metadata: {name: web}, spec: {selector: {app: nobody}, ports: [{port: 80}]}}
  - apiVersion: v1
    kind: Pod
    metadata: {name: web, labels: {app: web}}
    spec: {containers: [{name: web, image: web, ports: [{containerPort: 80}]}]}
traffic: [{name: c, from: pod/client, to: "http://web/", rate: 10}]
kata:
  task: Nobody answers. Make the Service answer.
  hints: [Look at the selector., It must be app=web.]
  solved: [{that: success == 100%, traffic: c}]
  debrief: It was the selector.
  solution: [{pause: 2s}, kubectl set selector service/web app=web]
  wrong:
    - {steps: [kubectl delete pod web], because: The Pod was not the fault.}
"""


@pytest.fixture
def write(tmp_path):
    def write_kata(text=KATA):
        path = tmp_path / "kata.yaml"
        path.write_text(text)
        return path

    return write_kata


def test_it_is_solved_when_its_conditions_hold_and_not_before(write):
    player = Player(load(write()))
    player.start()
    player.run_until(12.0)
    assert (player.kata.solved, player.passed) == (False, True)
    player.give("kubectl set selector service/web app=web")
    player.run_until(30.0)
    assert player.kata.solved
    assert 22.0 <= player.kata.check.at_s <= 24.0
    assert player.kata.check.message == f"after {player.kata.check.at_s:.0f} s"


def test_time_runs_out(write):
    player = Player(load(write()))
    player.start()
    player.run_until(40.0)
    assert player.kata.check.message == "not yet: success == 100% (c)"
    assert not player.passed


def test_hints_come_one_by_one_and_do_not_change_the_run(write):
    digests = []
    for asks in (0, 3):
        player = Player(load(write()))
        player.start()
        assert [player.kata.hint() for _ in range(asks)] == ["Look at the selector.", *["It must be app=web."] * 2][
            :asks
        ]
        player.run_until(20.0)
        digests.append(player.engine.journal.digest)
    assert digests[0] == digests[1]


def test_the_suite_shows_that_the_solution_solves_it_and_nothing_else_does(write):
    cases, _ = cases_in([str(write())])
    assert [case.hands for case in cases] == ["solution", "nothing", "wrong 1"]
    results = [run_case(case) for case in cases]
    assert [each.outcome for each in results] == ["passed"] * 3
    assert [each.scenario for each in results] == ["kata: solution", "kata: nothing", "kata: wrong 1"]
    assert [each.checks[-1].name for each in results] == [
        "the kata is solved",
        "not solved by nothing",
        "not solved by wrong 1",
    ]


@pytest.mark.parametrize(
    ("old", "new", "failed"),
    [
        ("[{pause: 2s}, kubectl set selector service/web app=web]", "[{pause: 2s}]", ["solution"]),
        ("[kubectl delete pod web]", "[kubectl set selector service/web app=web]", ["wrong 1"]),
        ("app: nobody}", "app: web}", ["nothing"]),
    ],
)
def test_a_kata_that_does_not_keep_its_promise_fails(write, old, new, failed):
    cases, _ = cases_in([str(write(KATA.replace(old, new)))])
    assert [case.hands for case in cases if run_case(case).outcome != "passed"] == failed


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "[{that: success == 100%, traffic: c}]",
            "[]",
            "kata: a kata needs conditions under `solved` and a `solution`",
        ),
        ("traffic: c}]", "traffic: c, at: 3s}]", "kata.solved[0].at: these conditions have one window in common"),
        ("[kubectl delete pod web]", "[kubectl delte pod web]", "kata.wrong[0].steps[0].run:"),
        ("  task: Nobody answers. Make the Service answer.\n", "", "kata.task: is missing"),
        ("  debrief:", "  difficulty: extreme\n  debrief:", "kata.difficulty: expected easy or medium or hard"),
    ],
)
def test_a_kata_that_makes_no_sense_is_told_with_its_place(write, old, new, message):
    with pytest.raises(LabError) as error:
        load(write(KATA.replace(old, new)))
    assert message in str(error.value)


BROKEN = KATA.replace("\ntraffic:", "\ntimeline: [{at: 0s, run: lab stop proxy/worker-1}]\ntraffic:")


@pytest.mark.parametrize("text", ["lab faults", "lab mend"])
def test_no_command_tells_what_is_broken_until_it_is_solved(write, text):
    player = Player(load(write(BROKEN)))
    player.start()
    player.run_until(5.0)
    assert "the task of this kata" in player.give(text).error
    worker = Subject("Node", "", "worker-1")
    assert "lab start proxy/worker-1" not in [choice.command for choice in choices(player.engine, worker)]
    player.give("kubectl set selector service/web app=web")
    player.run_until(30.0)
    assert player.kata.solved
    assert "lab start proxy/worker-1" in [choice.command for choice in choices(player.engine, worker)]
    assert not player.give(text).error
