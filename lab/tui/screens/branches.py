"""The branches of a run: where each began, what was done in it, and how it fared."""

from __future__ import annotations

from lab.recording.timeline import Timeline
from lab.scenario.comparison import Comparison
from lab.tui.screens.sheet import Sheet
from lab.views.branches import BranchRow, branch_lines
from lab.views.spans import Line, line


class BranchesSheet(Sheet):
    """Compares a slice at a time, so that the screen stays alive."""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self._work = timeline.comparing()
        self._until_s = min(branch.end_s for branch in timeline.branches)
        self._found: Comparison | None = None
        super().__init__("Branches", self._lines, live=True)

    def frame(self) -> None:
        """A slice of the comparison, until it is known."""
        if self._found is None:
            self._found = next(self._work, None)
            super().frame()

    def _lines(self, size: int) -> list[Line]:
        if self._found is None:
            return [line(("each branch is played once more ...", "dim"))]
        figures = {each.variant: each for each in self._found.variants}
        rows = [
            BranchRow(
                name=branch.name,
                parent=branch.parent,
                from_s=branch.from_s,
                end_s=branch.end_s,
                commands=branch.own_commands,
                requests=figures[branch.name].requests,
                lost=figures[branch.name].lost,
                p50_s=figures[branch.name].p50_s,
                p99_s=figures[branch.name].p99_s,
                saved=figures[branch.name].saved,
            )
            for branch in self._timeline.branches
        ]
        return branch_lines(rows, self._until_s, self._timeline.branch.name, size)


def branches_sheet(timeline: Timeline) -> BranchesSheet:
    """The sheet for a timeline with several branches."""
    return BranchesSheet(timeline)
