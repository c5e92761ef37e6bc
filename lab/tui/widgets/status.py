"""The line on top, and the line of keys at the bottom."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events

from lab.tui.widgets.canvas import Canvas
from lab.views.spans import Line, line, width
from lab.views.status import Status, status_line


class StatusLine(Canvas):
    """One line that says how the run stands."""

    def __init__(self) -> None:
        super().__init__(id="status")
        self.status = Status(scenario="Service Lab")

    def update(self, status: Status) -> None:
        """Show other figures."""
        if status != self.status:
            self.status = status
            self.show()

    def row(self, y: int) -> Line:
        """The status in the width there is."""
        return status_line(self.status, self.extent.width)


class KeyBar(Canvas):
    """Keys that do something now, as many as fit; a click does the same."""

    def __init__(self) -> None:
        super().__init__(id="keys")
        self.hints: Sequence[tuple[str, str, str]] = ()

    def offer(self, hints: Sequence[tuple[str, str, str]]) -> None:
        """Show (key, what it does, action), the most useful first."""
        self.hints = hints
        self.show()

    def row(self, y: int) -> Line:
        """The keys that fit."""
        return line(" ", *(span for drawn, _ in self._fitting() for span in drawn))

    def _fitting(self) -> list[tuple[Line, str]]:
        room = self.extent.width - 1
        fitting: list[tuple[Line, str]] = []
        for key, words, action in self.hints:
            gap = "   " if fitting else ""
            drawn = line(gap, (key, "key"), (f" {words}".rstrip(), "dim"))
            room -= width(drawn)
            if room < 0:
                break
            fitting.append((drawn, action))
        return fitting

    async def on_click(self, event: events.Click) -> None:
        """Run the action of the hint under the pointer."""
        x = 1
        for drawn, action in self._fitting():
            if x <= event.x < x + width(drawn):
                await self.screen.run_action(action)
                return
            x += width(drawn)
