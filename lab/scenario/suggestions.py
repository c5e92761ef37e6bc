"""`lab test --update`: what expectations would have to say to hold, as a change of their file that can be looked at.

Nothing is written without a word: whoever runs the tests sees the lines as they are and as they would be, and decides.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from lab.kube.errors import LabError
from lab.scenario.expect import Expression, parse
from lab.scenario.report import CheckResult
from lab.scenario.suite import CaseResult

_OPERATOR = re.compile(r"\s*(==|!=|>=|<=|>|<)\s*")


class Suggestion(NamedTuple):
    """A line of a scenario file that could be changed."""

    file: str
    line: int
    old: str
    """What the expectation says now."""
    new: str
    """What it would say, so that it holds for what was measured."""


def suggestions(results: Iterable[CaseResult]) -> list[Suggestion]:
    """One for each failed expectation whose figure was measured; several for one line that differ are left out."""
    found: dict[tuple[str, int, str], set[str]] = {}
    for result in results:
        for check in result.checks:
            suggestion = _suggestion(check)
            if suggestion is not None:
                found.setdefault(suggestion[:3], set()).add(suggestion.new)
    return [Suggestion(*key, next(iter(new))) for key, new in found.items() if len(new) == 1]


def _suggestion(check: CheckResult) -> Suggestion | None:
    file, _, line = check.place.rpartition(":")
    text = check.name.partition(" (")[0]
    if check.passed is not False or check.value is None or not math.isfinite(check.value) or not line.isdecimal():
        return None
    try:
        expression = parse(text)
    except LabError:
        return None
    operators = _OPERATOR.search(text)
    exact = expression.operator == "==" and expression.metric.unit.startswith("count") and not expression.share
    if operators is None or not (exact or expression.operator in (">=", "<=")):
        return None
    new = f"{text[: operators.end()]}{_written(expression, check.value)}"
    return Suggestion(file, int(line), text, new)


def _written(expression: Expression, value: float) -> str:
    """A measured value as the expectation would say it, rounded to the side on which it holds."""
    down = expression.operator == ">="
    if expression.share:
        return f"{_rounded(value * 100.0, 0.1, down):g}%"
    if expression.metric.unit == "duration":
        return f"{_rounded(value * 1000.0, 1.0, down):g}ms"
    if expression.metric.unit == "ratio":
        return f"{_rounded(value, 0.01, down):g}"
    return f"{value:g}"


def _rounded(value: float, step: float, down: bool) -> float:
    turns = value / step
    return round((math.floor(turns) if down else math.ceil(turns)) * step, 6)


def changed(file: str, wanted: Sequence[Suggestion]) -> str:
    """The text of a file with its suggestions; what does not stand on its line as written is left as it is."""
    lines = Path(file).read_text(encoding="utf-8").splitlines(keepends=True)
    for each in wanted:
        if each.file == file and each.line <= len(lines):
            lines[each.line - 1] = lines[each.line - 1].replace(each.old, each.new)
    return "".join(lines)


def diff(file: str, wanted: Sequence[Suggestion]) -> list[str]:
    """What `changed` changes, as a unified diff; no lines when it changes nothing."""
    before = Path(file).read_text(encoding="utf-8").splitlines()
    after = changed(file, wanted).splitlines()
    return list(difflib.unified_diff(before, after, file, f"{file} (as measured)", lineterm="", n=1))
