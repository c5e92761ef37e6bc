"""The help sheet, made from the key bindings and the command registry."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from textual.binding import Binding
from textual.screen import Screen

from lab.commands.run import COMMANDS
from lab.tui.screens.sheet import Sheet
from lab.tui.widgets.pane import Pane
from lab.views.helping import CommandHelp, KeyHelp, help_lines

_NAMES = {
    "full_stop": ".",
    "plus": "+",
    "equals_sign": "=",
    "minus": "-",
    "colon": ":",
    "slash": "/",
    "question_mark": "?",
    "enter": "↵",
    "escape": "Esc",
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
}


def help_sheet(screen: Screen[Any]) -> Sheet:
    """Keys of the screen and its panes, then every command."""
    keys = [*_keys(screen.BINDINGS), *_keys(Pane.BINDINGS)]
    commands = [
        CommandHelp(command.usage, command.summary, command.examples[0] if command.examples else "")
        for command in COMMANDS.values()
    ]
    return Sheet("Help", lambda size: help_lines(keys, commands, size))


def _keys(bindings: Iterable[Any]) -> list[KeyHelp]:
    return [
        KeyHelp(
            " ".join(_NAMES.get(key, key) for key in binding.key.split(",")), binding.tooltip or binding.description
        )
        for binding in bindings
        if isinstance(binding, Binding)
    ]
