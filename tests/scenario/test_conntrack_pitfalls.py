"""Five surprises of connection tracking, pitfalls 41 to 45: each a scenario at releases with and without it."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.scenario.suite import Case, cases_in, run_case

FOLDER = Path(__file__).parent / "files" / "conntrack"
CASES, WRONG = cases_in([str(FOLDER)])


def test_every_file_can_be_read() -> None:
    assert not WRONG
    assert {Path(case.file).stem for case in CASES} == {f"pitfall-{number}" for number in range(41, 46)}


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{Path(case.file).stem}-{case.variant}")
def test_each_release_does_what_the_scenario_says(case: Case) -> None:
    result = run_case(case)
    assert [(check.name, check.message) for check in result.checks if not check.passed] == []
    assert (result.outcome, result.problems) == ("passed", ())
