"""Pane 3: connections as they are made, newest at the bottom; selecting one holds the picture still."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events

from lab.tui.live import Live
from lab.tui.widgets.pane import Pane
from lab.views import format as fmt
from lab.views.decisions import Row
from lab.views.spans import Line, Span, line


class RoutingPane(Pane):
    """A ring of rows drawn with `render_line`. While a row is selected it shows the rows of that moment."""

    def __init__(self) -> None:
        super().__init__(3, "Routing, live", id="routing")
        self.rows: Sequence[Row] = ()
        self.index: int | None = None
        self.filter_text = ""
        self._live: Sequence[Row] = ()
        self._seen = 0
        self._seen_when_held = 0

    @property
    def held(self) -> bool:
        """Whether the picture stands still because the user looks at something."""
        return self.index is not None

    def update(self, live: Live) -> None:
        """Draw what is newest, or go on holding."""
        self._live, self._seen = live.routing.rows, live.routing.seen
        if not self.held:
            self.rows = self._matching()
        self._say()
        self.show()

    def filter_by(self, text: str) -> None:
        """Show only rows in which every word occurs; words that begin with `-` must not occur."""
        self.filter_text = text.strip()
        self.follow()

    def follow(self) -> None:
        """Let go of the selection and show the newest again."""
        self.index = None
        self.selected = None
        self.rows = self._matching()
        self._say()
        self.show()

    def _matching(self) -> Sequence[Row]:
        words = self.filter_text.lower().split()
        if not words:
            return self._live
        wanted = [word for word in words if not word.startswith("-")]
        unwanted = [word[1:] for word in words if word.startswith("-") and len(word) > 1]
        return [
            row
            for row in self._live
            if all(word in row.text for word in wanted) and not any(word in row.text for word in unwanted)
        ]

    def _say(self) -> None:
        parts: list[tuple[str, str]] = []
        if self.filter_text:
            parts.append((f"/{self.filter_text} ", "key"))
        if self.held:
            newer = self._seen - self._seen_when_held
            parts.append((f"held, {newer:,} newer ", "warn"))
            parts.append(("End follows", "dim"))
        self.note = line(*parts)
        self.foot = line((fmt.count(self._seen, "connection") + " ", "dim")) if self._seen else ()

    # -- drawing --------------------------------------------------------------------------------------------

    @property
    def first(self) -> int:
        """The index of the row on the pane's first line."""
        height = self.inner.height
        last = max(len(self.rows) - height, 0)
        return last if not self.held else min(self.top, last)

    def row(self, y: int) -> Line:
        """A line of the frame, or a row of the ring."""
        size = self.extent
        if y in (0, size.height - 1):
            return super().row(y)
        edge = "accent" if self.has_focus else "frame"
        index = self.first + y - 1
        if 0 <= index < len(self.rows):
            return (Span("│", edge), Span(" "), *self.rows[index].line(size.width - 3), Span("│", edge))
        empty = "" if self.rows or y != 1 else self._nothing()
        return line(("│", edge), (f" {empty}".ljust(self.inner.width), "dim"), ("│", edge))

    def _nothing(self) -> str:
        return "No connection matches the filter." if self.filter_text else "No connection has been made yet."

    def marked(self, y: int) -> tuple[int, int] | None:
        """The selected row."""
        if self.index is None or self.index - self.first + 1 != y or not 0 < y < self.extent.height - 1:
            return None
        return 1, self.extent.width - 1

    # -- moving ---------------------------------------------------------------------------------------------

    def choose(self, index: int) -> None:
        """Select a row by its index, and hold the picture."""
        if not self.rows:
            return
        if not self.held:
            self.rows = list(self.rows)
            self.top = max(len(self.rows) - self.inner.height, 0)
            self._seen_when_held = self._seen
        self.index = max(0, min(index, len(self.rows) - 1))
        self.selected = self.rows[self.index]
        self.top = min(max(self.top, self.index - self.inner.height + 1), self.index)
        self._say()
        self.post_message(self.Selected(self, self.selected))
        self.show()

    def action_go(self, dx: int, dy: int) -> None:
        """Up and down through the rows; the first key selects the newest."""
        if dy:
            self.choose(self.index + dy if self.index is not None else len(self.rows) - 1)

    def action_page(self, pages: int) -> None:
        """A pane full of rows further."""
        start = self.index if self.index is not None else len(self.rows) - 1
        self.choose(start + pages * max(self.inner.height - 1, 1))

    def action_edge(self, end: int) -> None:
        """The oldest row, or the newest and follow."""
        if end > 0:
            self.follow()
        else:
            self.choose(0)

    def scroll_by(self, lines: int) -> None:
        """The wheel holds the picture; beyond the last row it follows again."""
        if self.index is None and lines > 0:
            return
        start = self.index if self.index is not None else len(self.rows) - 1
        if lines > 0 and start + lines >= len(self.rows):
            self.follow()
        else:
            self.choose(start + lines)

    async def on_click(self, event: events.Click) -> None:
        """Select the row under the pointer; a double click explains it."""
        event.stop()
        index = self.first + event.y - 1
        if 0 < event.y < self.size.height - 1 and index < len(self.rows):
            self.choose(index)
            if event.chain == 2:
                await self.action_activate()
