"""What a sweep says: a table for each setting and variant, and every figure of every run as CSV."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from typing import TextIO

from lab.kube.errors import LabError
from lab.scenario.expect import parse
from lab.scenario.report import CheckResult
from lab.sweep.plan import Setting
from lab.sweep.runners import Made
from lab.sweep.statistics import Interval, distribution, share
from lab.views import format as fmt
from lab.views.table import table

_COLUMNS = ("CHECK", "HOLDS", "MEDIAN", "P5", "P95", "LEAST", "MOST")


def sweep_lines(made: Iterable[Made]) -> Iterator[str]:
    """A table for each combination of settings and variant, in the order of the plan."""
    groups: dict[tuple[tuple[str, ...], str], list[Made]] = {}
    for each in made:
        groups.setdefault((each.case.values, each.case.variant), []).append(each)
    for (values, variant), runs in groups.items():
        title = ", ".join([*values, *([variant] if variant else [])]) or "as the file says"
        yield f"{title}: {fmt.count(len(runs), 'run')}"
        yield from _problems(runs)
        yield from table(_COLUMNS, [_row(name, checks) for name, checks in _by_check(runs).items()])
        yield ""


def _problems(runs: Sequence[Made]) -> Iterator[str]:
    wrong = [each for each in runs if each.result.problems]
    if wrong:
        yield f"{fmt.count(len(wrong), 'run')} could not be played, such as seed {wrong[0].case.seed}:"
        yield from (f"  {problem}" for problem in wrong[0].result.problems)


def _by_check(runs: Sequence[Made]) -> dict[str, list[CheckResult]]:
    found: dict[str, list[CheckResult]] = {}
    for each in runs:
        for check in each.result.checks:
            found.setdefault(check.name, []).append(check)
    return found


def _row(name: str, checks: Sequence[CheckResult]) -> tuple[str, ...]:
    held = share(sum(check.passed is True for check in checks), len(checks))
    figures = distribution([check.value for check in checks if check.value is not None])
    holds = f"{held.value:.1%} [{held.low:.1%}, {held.high:.1%}]"
    if figures is None:
        return (name, holds, *["-"] * 5)
    shown = [_shown(name, value) for value in (figures.p5, figures.p95, figures.least, figures.most)]
    return (name, holds, _interval(name, figures.median), *shown)


def _interval(name: str, interval: Interval) -> str:
    value, low, high = (_shown(name, each) for each in interval)
    return f"{value} [{low}, {high}]"


def _shown(name: str, value: float) -> str:
    """A figure in the words of its expectation."""
    try:
        return parse(name.partition(" (")[0]).show(value)
    except LabError:
        return f"{value:g}"


def write_csv(made: Iterable[Made], settings: Sequence[Setting], out: TextIO) -> None:
    """A row for every check of every run: its settings, variant and seed, whether it held, and its figure."""
    writer = csv.writer(out)
    names = [setting.name for setting in settings]
    writer.writerow([*names, "variant", "seed", "check", "holds", "figure", "message", "journal"])
    for case, result in made:
        values = [value.partition("=")[2] for value in case.values]
        start = [*values, case.variant, result.seed]
        for check in result.checks:
            figure = "" if check.value is None else repr(check.value)
            writer.writerow([*start, check.name, check.passed, figure, check.message, result.journal])
        if result.problems:
            writer.writerow([*start, "", False, "", "; ".join(result.problems), ""])
