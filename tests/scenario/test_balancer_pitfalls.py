"""Surprises of load balancers, pitfalls 22, 64, 69 and 73: each a scenario under the profile that has it."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.cli import main
from lab.scenario.suite import Case, cases_in, run_case

FOLDER = Path(__file__).parent / "files" / "balancers"
CASES, WRONG = cases_in([str(FOLDER)])


def test_every_file_can_be_read() -> None:
    assert not WRONG
    assert {Path(case.file).stem for case in CASES} == {f"pitfall-{number}" for number in (22, 64, 69, 73)}


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{Path(case.file).stem}-{case.variant}")
def test_each_profile_does_what_the_scenario_says(case: Case) -> None:
    result = run_case(case)
    assert [(check.name, check.message) for check in result.checks if not check.passed] == []
    assert (result.outcome, result.problems) == ("passed", ())


def test_the_same_story_is_the_same_run() -> None:
    for case in (case for case in CASES if case.variant in ("gated", "default", "")):
        first, again = run_case(case), run_case(case)
        assert first.journal == again.journal != ""


@pytest.mark.parametrize(
    ("profile", "told"),
    [
        ("gcp", "the hash of addresses and ports chooses among 3 healthy nodes"),
        ("aws-nlb", "is a node port of Service default/web"),
        ("metallb-l2", "worker-3 announces the address: first by hash among all of 3 speakers"),
        ("none", "web.  A  NXDOMAIN"),
    ],
)
def test_a_trace_tells_by_which_rule_a_balancer_chose(
    profile: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    files = ["-f", str(FOLDER / "web.yaml"), "--load-balancer", profile]
    main(["trace", "--from", "internet", "--to", "http://web/", *files])
    assert told in capsys.readouterr().out
