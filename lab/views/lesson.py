"""The step of a lesson that is being told, and how the scenario's expectations stand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from lab.views.spans import Line, fit, line, wrap


class Step(NamedTuple):
    """One step of a lesson, as the screen needs it."""

    title: str
    text: str


class Expectation(NamedTuple):
    """An expectation and how it stands; `passed` is None while it has not been judged."""

    name: str
    passed: bool | None
    message: str = ""


def lesson_lines(
    steps: Sequence[Step], current: int, expectations: Sequence[Expectation], size: int, *, waiting: bool = False
) -> list[Line]:
    """The current step's title and text, wrapped, then the expectations; `waiting` for whoever reads to go on."""
    inside = size - 2
    lines: list[Line] = []
    if 0 <= current < len(steps):
        lines.append(line((steps[current].title, "strong")))
        for paragraph in steps[current].text.strip().split("\n"):
            lines.extend(wrap(paragraph, inside) if paragraph else [()])
        lines.extend([line(("▸ ", "accent"), ("space", "key"), (" goes on", "dim"))] if waiting else [])
    lines.extend([()] * bool(expectations) + expectation_lines(expectations, inside))
    return [fit(line(" ", *each), size) for each in lines]


def kata_text(task: str, hints: Sequence[str], shown: int, debrief: str) -> str:
    """A kata's task, the hints shown so far, how to get the next one, and the debrief when it is solved."""
    told = [f"Hint {number}: {hint}" for number, hint in enumerate(hints[:shown], 1)]
    if debrief:
        return "\n\n".join([task.strip(), *told, f"Solved! {debrief.strip()}"])
    left = len(hints) - shown
    more = [f"H gives a hint ({left} left)."] if left else []
    return "\n\n".join([task.strip(), *told, *more])


def tally(expectations: Sequence[Expectation]) -> Line:
    """How many are kept, broken and not judged yet, in a few cells."""
    kinds = ((True, "✓", "ok"), (False, "✖", "bad"), (None, "○", "dim"))
    counted = [(sum(each.passed is passed for each in expectations), glyph, role) for passed, glyph, role in kinds]
    return line(*((f"{glyph}{number} ", role) for number, glyph, role in counted if number))


def expectation_lines(expectations: Sequence[Expectation], size: int) -> list[Line]:
    """One line an expectation: waiting, kept or broken."""
    return [_expectation(each, size) for each in expectations]


def _expectation(each: Expectation, size: int) -> Line:
    glyph, role = {None: ("○", "dim"), True: ("✓", "ok"), False: ("✖", "bad")}[each.passed]
    detail = f"  {each.message}" if each.message else ""
    return fit(line((glyph + " ", role), each.name, (detail, "dim")), size)
