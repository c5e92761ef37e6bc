"""A framed pane: its number and name in the frame, a page inside, a selection, and its own scrolling."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message

from lab.tui.widgets.canvas import Canvas
from lab.views.page import Lines, Page, Target, find, hit, step
from lab.views.spans import Line, Span, clip, fit, line, width


class Pane(Canvas, can_focus=True):
    """Draws a `Page` within a frame. Subclasses give it a page; it scrolls, selects and says so."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "go(0,-1)", "Up", id="pane.up", tooltip="Select what is above", show=False),
        Binding("down,j", "go(0,1)", "Down", id="pane.down", tooltip="Select what is below", show=False),
        Binding("pageup", "page(-1)", "Page up", id="pane.page_up", tooltip="Scroll one page up", show=False),
        Binding("pagedown", "page(1)", "Page down", id="pane.page_down", tooltip="Scroll one page down", show=False),
        Binding("home,g", "edge(-1)", "First", id="pane.first", tooltip="Go to the first line", show=False),
        Binding("end,G", "edge(1)", "Last", id="pane.last", tooltip="Go to the last line and follow", show=False),
        Binding("enter", "activate", "Open", id="pane.open", tooltip="Open what is selected", show=False),
    ]

    class Selected(Message):
        """Another subject is selected, or none."""

        def __init__(self, pane: Pane, subject: object) -> None:
            super().__init__()
            self.pane = pane
            self.subject = subject

    def __init__(self, number: int, title: str, *, id: str) -> None:
        super().__init__(id=id, classes="pane")
        self.number = number
        self.title_text = title
        self.page: Page = Lines(())
        self.top = 0
        self.selected: object = None
        self.chosen: Target | None = None
        """Where the selected subject stands on the page now."""
        self.note: Line = ()
        self.foot: Line = ()

    # -- geometry -------------------------------------------------------------------------------------------

    @property
    def inner(self) -> Size:
        """The cells inside the frame."""
        return Size(max(self.extent.width - 2, 0), max(self.extent.height - 2, 0))

    def set_page(self, page: Page) -> None:
        """Draw another page; the scroll position is kept within it."""
        self.page = page
        self.chosen = find(page.targets, self.selected) if self.selected is not None else None
        self.top = max(0, min(self.top, page.height - self.inner.height))

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As much as the page needs, where the layout asks."""
        return self.page.height + 2

    # -- drawing --------------------------------------------------------------------------------------------

    def row(self, y: int) -> Line:
        """A line of the frame or of the page."""
        size = self.extent
        edge = "accent" if self.has_focus else "frame"
        if y == 0:
            return self._head(size.width, edge)
        if y == size.height - 1:
            return self._foot(size.width, edge)
        index = self.top + y - 1
        content = self.page.line(index) if 0 <= index < self.page.height else ()
        side = Span("┃", "frame") if self._thumb(y) else Span("│", edge)
        return (Span("│", edge), *fit(content, size.width - 2), side)

    def marked(self, y: int) -> tuple[int, int] | None:
        """The selected subject's cells."""
        chosen = self.chosen
        if chosen is None or chosen.y - self.top + 1 != y or not 0 < y < self.extent.height - 1:
            return None
        return chosen.x + 1, min(chosen.end + 1, self.extent.width - 1)

    def _head(self, size: int, edge: str) -> Line:
        number = f"{self.number} " if self.number else ""
        title = line(("╭─ ", edge), (number, "dim"), (self.title_text, "strong"), " ")
        note = clip(self.note, max(size - width(title) - 5, 0))
        tail = line(" ", *note, (" ─╮", edge)) if note else line(("╮", edge))
        fill = size - width(title) - width(tail)
        return line(*clip(title, size - 1), ("─" * fill, edge), *tail)

    def _foot(self, size: int, edge: str) -> Line:
        foot = clip(self.foot, max(size - 6, 0))
        if not foot:
            return (Span("╰" + "─" * (size - 2) + "╯", edge),)
        return line(("╰─ ", edge), *foot, ("─" * (size - width(foot) - 4) + "╯", edge))

    def _thumb(self, y: int) -> bool:
        inside, whole = self.inner.height, self.page.height
        if whole <= inside or inside < 2:
            return False
        length = max(1, inside * inside // whole)
        start = round((inside - length) * self.top / (whole - inside))
        return start <= y - 1 < start + length

    # -- moving ---------------------------------------------------------------------------------------------

    def scroll_by(self, lines: int) -> None:
        """Move the page under the frame."""
        self.top = max(0, min(self.top + lines, self.page.height - self.inner.height))
        self.show()

    def select(self, subject: object) -> None:
        """Select a subject (None for nothing) and bring it into view."""
        if subject != self.selected:
            self.selected = subject
            self.chosen = find(self.page.targets, subject) if subject is not None else None
            self.post_message(self.Selected(self, subject))
        self.reveal()
        self.show()

    def reveal(self) -> None:
        """Scroll as little as needed to have the selected subject in view."""
        chosen = self.chosen
        if chosen is not None and self.inner.height:
            self.top = min(max(self.top, chosen.y - self.inner.height + 1), chosen.y)

    def action_go(self, dx: int, dy: int) -> None:
        """Select the nearest subject in a direction; scroll where there is none."""
        target = step(self.page.targets, self.chosen, dx, dy)
        if target is None or target.subject == self.selected:
            self.scroll_by(dy)
            return
        self.select(target.subject)

    def action_page(self, pages: int) -> None:
        """Scroll by what fits in the pane."""
        self.scroll_by(pages * max(self.inner.height - 1, 1))

    def action_edge(self, end: int) -> None:
        """Go to the first or the last line."""
        self.scroll_by(end * self.page.height)

    async def action_activate(self) -> None:
        """Open what is selected: the screen's action `open`, at once, so that keys after this one reach what opens."""
        if self.selected is not None:
            await self.app.run_action(("", "open", (self.selected,)), self.screen)

    # -- mouse and focus ------------------------------------------------------------------------------------

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll; three lines a notch."""
        event.stop()
        self.scroll_by(3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll; three lines a notch."""
        event.stop()
        self.scroll_by(-3)

    async def on_click(self, event: events.Click) -> None:
        """Select what is under the pointer; open it on a double click."""
        target = hit(self.page.targets, event.x - 1, event.y - 1 + self.top)
        if target is None:
            return
        self.select(target.subject)
        if event.chain == 2:
            await self.action_activate()

    def on_focus(self) -> None:
        """The frame says so."""
        self.show()

    def on_blur(self) -> None:
        """The frame says so."""
        self.show()
