"""The help sheet: the keys that are bound, the commands that are registered, the glyphs that are drawn."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from lab.views import states
from lab.views.spans import Line, fit_text, line, wrap

_LAYOUT = (
    "Small terminals lose panes in this order: Events, Services, Nodes. Routing and the Lesson stay to the last. "
    "The number of a pane that has left brings it back in the place of another one; z gives one pane the whole screen."
)
_FILTER = (
    "A filter is words that a connection must have: timeout, web, worker-2, 10.96. "
    "A word with - before it must not occur."
)


class KeyHelp(NamedTuple):
    """A key and what it does."""

    key: str
    text: str


class CommandHelp(NamedTuple):
    """A command's form and what it does."""

    usage: str
    summary: str
    example: str = ""


def help_lines(keys: Sequence[KeyHelp], commands: Iterable[CommandHelp], size: int) -> list[Line]:
    """Keys, glyphs, layout and every command."""
    lines = [_title("Keys")]
    widest = max((len(key.key) for key in keys), default=0) + 2
    lines.extend(line((f"{key.key:<{widest}}", "key"), key.text) for key in keys)
    lines += [(), _title("States"), *_glyphs()]
    lines += [(), _title("Filter"), *wrap(_FILTER, size), (), _title("Panes"), *wrap(_LAYOUT, size)]
    lines += [(), _title("Commands, at the : prompt and in scenario files")]
    for command in commands:
        lines.append(line((command.usage, "accent")))
        lines.extend(line("    ", *each) for each in wrap(command.summary, size - 4))
        if command.example:
            lines.append(line("    ", (command.example, "dim")))
    return lines


def _title(text: str) -> Line:
    return line((text, "strong"))


def _glyphs() -> list[Line]:
    meanings = (
        (states.READY, "Pod or node is Ready; endpoint is ready; the balancer uses the node"),
        (states.NOT_READY, "runs, but does not answer its readiness probe: no Service sends it anything"),
        (states.STARTING, "its image is pulled or its containers start"),
        (states.PENDING, "no node has been found for it"),
        (states.TERMINATING, "is being deleted: it may still answer for its grace period"),
        (states.FAILED, "crashed, failed, or the node is NotReady"),
        (states.DONE, "ended well"),
        (states.UNKNOWN, "its node is silent"),
    )
    return [line((f"{state.glyph} ", state.role), fit_text(state.word, 14), (text, "dim")) for state, text in meanings]
