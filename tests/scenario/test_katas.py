"""The katas that come along: complete, in order, solvable, and not solved by doing nothing or by what tempts."""

from __future__ import annotations

import re

import pytest

from lab.scenario.catalogue import catalogue
from lab.scenario.loader import load
from lab.scenario.suite import PASSED, cases_in, run_case

ENTRIES = {entry.name: entry for entry in catalogue() if entry.folder == "katas"}
CASES = [(case, seed) for entry in ENTRIES.values() for case in cases_in([str(entry.path)])[0] for seed in (None, 7)]
LEVELS = ("easy", "medium", "hard")
OF_REQUESTS = re.compile(r"^(success|errors|p\d|outcome|requests|answering|skew)")


def test_there_are_ten_from_easy_to_hard() -> None:
    assert len(ENTRIES) == 10
    assert [entry.path.parent.name[:2] for entry in ENTRIES.values()] == [f"{number:02}" for number in range(1, 11)]
    levels = [LEVELS.index(load(entry.path).kata.difficulty) for entry in ENTRIES.values()]
    assert levels == sorted(levels)
    assert set(levels) == {0, 1, 2}


@pytest.mark.parametrize("name", ENTRIES)
def test_each_is_complete(name: str) -> None:
    kata = load(ENTRIES[name].path).kata
    assert kata is not None
    assert len(re.findall(r"[.!?](?:\s|$)", kata.task)) == 2, "a task has two sentences"
    assert len(kata.hints) == 3
    assert any(OF_REQUESTS.match(condition.text) for condition in kata.solved), "what counts is what is served"
    assert kata.debrief
    assert kata.solution
    assert kata.wrong
    assert all(fix.because for fix in kata.wrong)


@pytest.mark.parametrize(("case", "seed"), CASES, ids=lambda value: getattr(value, "hands", value))
def test_the_solution_solves_it_and_nothing_else_does(case, seed) -> None:
    result = run_case(case._replace(seed=seed))
    assert result.outcome == PASSED, [check for check in result.checks if not check.passed]
