"""Pane 4: what happens besides requests, newest at the bottom."""

from __future__ import annotations

from lab.tui.live import Live
from lab.tui.logs import EventLog
from lab.tui.widgets.pane import Pane
from lab.views.events import event_lines, subject
from lab.views.page import Lines, Target
from lab.views.spans import Line, Span, fit


class EventsPane(Pane):
    """Follows the newest event unless it was scrolled up."""

    def __init__(self) -> None:
        super().__init__(4, "Events", id="events")
        self._made_of: object = None
        self.following = True

    def update(self, live: Live) -> None:
        """Draw what is there now."""
        self.extent = self.size
        state = (live.events.changes, self.inner)
        if state != self._made_of:
            self._made_of = state
            self.set_page(self._lines(live.events))
            if self.following:
                self.top = max(self.page.height - self.inner.height, 0)
            self.show()

    def _lines(self, log: EventLog) -> Lines:
        size = self.inner.width - 1
        lines: list[Line] = []
        targets: list[Target] = []
        for happening in log.happenings[-300:]:
            about = subject(happening.event)
            if about is not None:
                targets.append(Target(len(lines), 0, size + 1, (happening.number, about)))
            drawn = event_lines(happening.event, size, happening.times)
            lines.extend((Span(" "), *each) for each in drawn)
        return Lines(lines or [fit((Span(" Nothing has happened yet.", "dim"),), size)], targets)

    def scroll_by(self, lines: int) -> None:
        """Scrolled to the end, it follows again."""
        super().scroll_by(lines)
        self.following = self.top >= self.page.height - self.inner.height

    def reveal(self) -> None:
        """Looking at an event holds the pane there."""
        super().reveal()
        self.following = self.selected is None

    def action_edge(self, end: int) -> None:
        """The first line, or the last and follow."""
        if end > 0:
            self.selected = self.chosen = None
        super().action_edge(end)
