"""The help sheet, made from the key bindings and the command registry."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from textual.binding import Binding
from textual.screen import Screen

from lab.commands.run import COMMANDS
from lab.tui.screens.sheet import Sheet
from lab.tui.widgets.nodes import NodesPane
from lab.tui.widgets.pane import Pane
from lab.tui.widgets.prompt import PromptLine
from lab.views.helping import CommandHelp, KeyHelp, help_lines

_NAMES = {
    "full_stop": ".",
    "plus": "+",
    "equals_sign": "=",
    "minus": "-",
    "colon": ":",
    "slash": "/",
    "question_mark": "?",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "left_curly_bracket": "{",
    "right_curly_bracket": "}",
    "enter": "↵",
    "escape": "Esc",
    "space": "Space",
    "tab": "Tab",
    "backspace": "Backspace",
    "pageup": "PgUp",
    "pagedown": "PgDn",
    "home": "Home",
    "end": "End",
    "shift": "Shift",
    "ctrl": "Ctrl",
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
}
"""Where it is not what stands on the key."""


def help_sheet(screen: Screen[Any]) -> Sheet:
    """Keys of the screen and its panes, then every command."""
    keys = [*_keys(screen.BINDINGS), *_keys(screen.app.BINDINGS)]
    elsewhere = [("In a pane", _keys(Pane.BINDINGS))]
    if screen.query(NodesPane):
        elsewhere.append(("In pane 1, where boxes stand side by side", _keys(NodesPane.BINDINGS)))
    if screen.query(PromptLine):
        elsewhere.append(("At the : prompt", _keys(PromptLine.BINDINGS)))
    commands = [
        CommandHelp(command.usage, command.summary, command.examples[0] if command.examples else "")
        for command in COMMANDS.values()
    ]
    return Sheet("Help", lambda size: help_lines(keys, commands, size, elsewhere))


def key_name(key: str) -> str:
    """What stands on a key that a binding names: `[` for `left_square_bracket`, `Shift+←` for `shift+left`."""
    return "+".join(_NAMES.get(part, part) for part in key.split("+"))


def _keys(bindings: Iterable[Any]) -> list[KeyHelp]:
    return [
        KeyHelp(" ".join(key_name(key) for key in binding.key.split(",")), binding.tooltip or binding.description)
        for binding in bindings
        if isinstance(binding, Binding)
    ]
