"""The closing panel: what came of the run, and whether to see it again."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType

from lab.scenario.remarks import remarks
from lab.tui.screens.sheet import Sheet
from lab.views.closing import Closing, Failure, Share, closing_lines
from lab.views.lesson import Expectation
from lab.views.spans import line

if TYPE_CHECKING:
    from lab.scenario.report import Report


class ReportScreen(Sheet):
    """A sheet with the report; `r` plays the scenario again from its beginning."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "app.replay", "Replay", id="report.replay", tooltip="The same scenario and seed again"),
        Binding("q", "app.quit", "Quit", id="report.quit", tooltip="Leave Service Lab"),
    ]

    def __init__(self, report: Report, *, finished: bool) -> None:
        closing = closing_of(report)
        title = f"{report.scenario}: the end" if finished else f"{report.scenario}: so far"
        super().__init__(title, lambda size: closing_lines(closing, size))
        self.sheet.foot = line(
            ("r", "key"),
            (" replay   ", "dim"),
            ("q", "key"),
            (" quit   ", "dim"),
            ("Esc", "key"),
            (" look on   ", "dim"),
            ("c", "key"),
            (" copy ", "dim"),
        )


def closing_of(report: Report) -> Closing:
    """What the panel shows of a report."""
    return Closing(
        total=report.total,
        groups=report.groups,
        endpoints=[Share(e.service, e.pod, e.requests, e.share) for e in report.endpoints],
        failures=[Failure(f.reason, f.requests, f.meaning) for f in report.failures],
        expectations=[Expectation(c.name, c.passed, c.message) for c in report.checks],
        journal=report.journal,
        seed=report.seed,
        time_s=report.time_s,
        remarks=remarks(report),
    )
