"""A sheet of text over the screen: scrolls, is copied with `c`, and closes with escape."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

from lab.tui.widgets.pane import Pane
from lab.views.page import Lines
from lab.views.spans import Line, line, text_of

Draw = Callable[[int], Sequence[Line]]
"""The lines of the sheet for a width."""


class SheetPane(Pane):
    """Scrolls line by line: nothing on it is selected."""

    def __init__(self, title: str, draw: Draw) -> None:
        super().__init__(0, title, id="sheet")
        self._draw = draw
        self._wanted = 0

    def on_resize(self) -> None:
        """Text is wrapped anew."""
        super().on_resize()
        self.redraw()

    def redraw(self) -> None:
        """Draw what there is to say now."""
        indent = line(" ")
        self.set_page(Lines([(*indent, *each) for each in self._draw(self.inner.width - 2)]))
        wanted = self.page.height + 2
        if wanted != self._wanted:
            self._wanted = wanted
            self.styles.height = wanted  # the stylesheet bounds it
        self.show()

    @property
    def text(self) -> str:
        """Everything on the sheet, for the clipboard."""
        return text_of(self._draw(100))


class Sheet(ModalScreen[None]):
    """A modal screen with one scrolling sheet."""

    CSS_PATH = "sheet.tcss"
    AUTO_FOCUS = "#sheet"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss", "Close", id="sheet.close", tooltip="Back to where you were"),
        Binding("c", "copy", "Copy", id="sheet.copy", tooltip="Copy the sheet as text"),
    ]

    def __init__(self, title: str, draw: Draw, *, live: bool = False) -> None:
        super().__init__()
        self.sheet = SheetPane(title, draw)
        self.sheet.foot = line(("Esc", "key"), (" closes   ", "dim"), ("c", "key"), (" copies ", "dim"))
        self._live = live

    def compose(self) -> ComposeResult:
        """One pane."""
        yield self.sheet

    def frame(self) -> None:
        """Called once a frame while it is on top."""
        if self._live:
            self.sheet.redraw()

    def action_copy(self) -> None:
        """Put the text on the clipboard (OSC 52, where the terminal offers it)."""
        self.app.copy_to_clipboard(self.sheet.text)
        self.notify("Copied as text.", timeout=2)
