"""Surprises of load balancers, pitfalls 22, 64, 69 and 73: each a scenario under the profile that has it."""

from __future__ import annotations

from pathlib import Path

import pytest

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
