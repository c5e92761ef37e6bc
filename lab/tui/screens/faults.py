"""The fault menu: what can be broken about an object, each row with the command that it runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

from lab.commands.fault import Choice
from lab.commands.run import find
from lab.tui.screens.message import ConfirmScreen
from lab.tui.widgets.pane import Pane
from lab.views.page import Lines, Target
from lab.views.spans import Line, line


class FaultsScreen(ModalScreen[str | None]):
    """Ends with the command to run, or with None; asks first when the command is a dangerous one."""

    CSS_PATH = "faults.tcss"
    AUTO_FOCUS = "#menu"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss(None)", "Close", id="faults.close", tooltip="Do nothing"),
    ]

    def __init__(self, subject: str, own: Sequence[Choice], everywhere: Sequence[Choice]) -> None:
        """`own` are the faults of the subject, `everywhere` those of the cluster as a whole."""
        super().__init__()
        self._own, self._everywhere = own, everywhere
        self.menu = Pane(0, f"Break or mend {subject or 'the cluster'}", id="menu")
        self.menu.foot = line(("↵", "key"), (" runs it   ", "dim"), ("Esc", "key"), (" closes ", "dim"))

    def compose(self) -> ComposeResult:
        """One pane."""
        yield self.menu

    def on_mount(self) -> None:
        """Two lines a fault: what, and its command."""
        lines: list[Line] = []
        targets: list[Target] = []
        for choice in self._own:
            _add(choice, lines, targets)
        if self._own and self._everywhere:
            lines += [line(""), line("  ", ("The cluster as a whole", "strong"))]
        for choice in self._everywhere:
            _add(choice, lines, targets)
        self.menu.set_page(Lines(lines, targets))
        self.menu.styles.height = len(lines) + 2
        self.menu.select(targets[0].subject)

    def action_open(self, fault: Choice) -> None:
        """Run it, or ask first."""
        command = find(fault.command)
        if command is None or not command.danger:
            self.dismiss(fault.command)
            return

        def answered(yes: bool | None) -> None:
            if yes:
                self.dismiss(fault.command)

        self.app.push_screen(ConfirmScreen(fault.command, command.summary), answered)


def _add(choice: Choice, lines: list[Line], targets: list[Target]) -> None:
    command = find(choice.command)
    danger = command is not None and command.danger
    targets.append(Target(len(lines), 0, 200, choice))
    lines.append(line(("  ✖ " if danger else "    ", "bad"), choice.label))
    lines.append(line("      ", (choice.command, "dim")))
