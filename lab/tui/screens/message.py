"""A calm message instead of a traceback, and a question before something dangerous."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Static


class MessageScreen(ModalScreen[None]):
    """Something went wrong; the user reads it and decides."""

    CSS_PATH = "message.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss", "Look on", id="message.close", tooltip="Back to the screen; time stands still"),
        Binding("q", "app.quit", "Quit", id="message.quit", tooltip="Leave Service Lab"),
    ]

    def __init__(self, title: str, text: str, hint: str) -> None:
        super().__init__()
        self._title, self._text, self._hint = title, text, hint

    def compose(self) -> ComposeResult:
        """Title, what happened, what to do."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = self._title
            yield Static(self._text, markup=False)
            yield Static(self._hint, markup=False, classes="hint")


class ConfirmScreen(ModalScreen[bool]):
    """Yes or Cancel; Cancel is what enter and escape mean."""

    CSS_PATH = "message.tcss"
    AUTO_FOCUS = "#cancel"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,n", "answer(False)", "Cancel", id="confirm.cancel", tooltip="Do nothing"),
        Binding("y", "answer(True)", "Do it", id="confirm.yes", tooltip="Run the command"),
        Binding("left,right", "app.focus_next", "Other", id="confirm.other", tooltip="The other button", show=False),
    ]

    def __init__(self, command: str, summary: str) -> None:
        super().__init__()
        self._command, self._summary = command, summary

    def compose(self) -> ComposeResult:
        """The command, what it means, and two buttons."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "This takes something away"
            yield Static(self._command, markup=False, classes="command")
            yield Static(self._summary, markup=False, classes="hint")
            with Horizontal(classes="buttons"):
                yield Button("Cancel (n)", id="cancel", variant="primary", compact=True)
                yield Button("Do it (y)", id="yes", variant="error", compact=True)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """One of the two."""
        self.dismiss(event.button.id == "yes")

    def action_answer(self, yes: bool) -> None:
        """By key."""
        self.dismiss(yes)
