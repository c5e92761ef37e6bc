"""The help sheet: the keys that are bound, the commands that are registered, the glyphs that are drawn."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from lab.views import states
from lab.views.spans import Line, Span, cells, fit_text, line, wrap

_LAYOUT = (
    "Small terminals lose panes in this order: Events, Services, Nodes. Routing and the Lesson stay to the last. "
    "The number of a pane that has left brings it back in the place of another one; z gives one pane the whole screen."
)
_FILTER = (
    "A filter is words that a connection must have: timeout, web, worker-2, 10.96. "
    "A word with - before it must not occur."
)


_STATE_WIDTH = 16


class KeyHelp(NamedTuple):
    """A key and what it does."""

    key: str
    text: str


class CommandHelp(NamedTuple):
    """A command's form and what it does."""

    usage: str
    summary: str
    example: str = ""


def help_lines(
    keys: Sequence[KeyHelp],
    commands: Iterable[CommandHelp],
    size: int,
    elsewhere: Sequence[tuple[str, Sequence[KeyHelp]]] = (),
) -> list[Line]:
    """Keys, glyphs, layout and every command; `elsewhere` are keys of some place only, under its name."""
    sections = [("Keys", keys), *elsewhere]
    widest = max((cells(key.key) for _, some in sections for key in some), default=0) + 2
    lines: list[Line] = []
    for title, some in sections:
        lines += [*([()] if lines else []), _title(title)]
        for key in some:
            lines += _told((fit_text(key.key, widest), "key"), key.text, size)
    lines += [(), _title("States"), *_glyphs(size)]
    lines += [(), _title("Filter"), *wrap(_FILTER, size), (), _title("Panes"), *wrap(_LAYOUT, size)]
    lines += [(), _title("Commands, at the : prompt and in scenario files")]
    for command in commands:
        first, *more = wrap(command.usage, size - 4, "accent")
        lines += [first, *(line("    ", *each) for each in more)]
        lines.extend(line("    ", *each) for each in wrap(command.summary, size - 4))
        if command.example:
            lines.extend(line("    ", *each) for each in wrap(command.example, size - 4, "dim"))
    return lines


def _told(label: Span | tuple[str, str], text: str, size: int, role: str = "") -> list[Line]:
    """A label and what it means, folded beside it."""
    room = cells(label[0])
    first, *more = wrap(text, size - room, role)
    return [line(label, *first), *(line(" " * room, *each) for each in more)]


def _title(text: str) -> Line:
    return line((text, "strong"))


def _glyphs(size: int) -> list[Line]:
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
    lines: list[Line] = []
    for state, text in meanings:
        first, *more = wrap(text, size - _STATE_WIDTH, "dim")
        label = fit_text(f"{state.glyph} {state.word}", _STATE_WIDTH)
        lines.append(line((label[:2], state.role), label[2:], *first))
        lines.extend(line(" " * _STATE_WIDTH, *each) for each in more)
    return lines
