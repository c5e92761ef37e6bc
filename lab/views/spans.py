"""Text with roles: what every view returns and every screen draws.

A role says what a piece of text means; the theme decides how that looks. Every state has a glyph or a
word of its own as well, so that nothing is told by colour alone.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from rich.cells import cell_len, set_cell_size

ROLES = ("", "strong", "dim", "accent", "ok", "warn", "bad", "busy", "frame", "key")
"""Plain text, emphasis, secondary text, names of things one can follow, four states, lines, keys to press."""


class Span(NamedTuple):
    """A piece of text in one role."""

    text: str
    role: str = ""


Line = tuple[Span, ...]


def cells(text: str) -> int:
    """How many terminal cells a text takes."""
    return len(text) if text.isascii() else cell_len(text)


def line(*parts: Span | tuple[str, str] | str) -> Line:
    """A line from its parts; neighbours of the same role become one span, empty ones vanish."""
    spans: list[Span] = []
    run = run_role = ""
    for part in parts:
        text, role = (part, "") if isinstance(part, str) else part
        if not text:
            continue
        if role == run_role:
            run += text
            continue
        if run:
            spans.append(Span(run, run_role))
        run, run_role = text, role
    if run:
        spans.append(Span(run, run_role))
    return tuple(spans)


def width(spans: Line) -> int:
    """How many cells a line takes."""
    size = 0
    for text, _ in spans:
        size += len(text) if text.isascii() else cell_len(text)
    return size


def plain(spans: Line) -> str:
    """The text of a line without its roles."""
    return "".join(span.text for span in spans)


def clip(spans: Line, limit: int) -> Line:
    """The line in at most `limit` cells, ending in an ellipsis when something was left out."""
    if width(spans) <= limit:
        return spans
    kept: list[Span] = []
    room = limit - 1
    for text, role in spans:
        size = cells(text)
        if size <= room:
            kept.append(Span(text, role))
            room -= size
            continue
        kept.append(Span(set_cell_size(text, max(room, 0)) + "…" if limit > 0 else "", role))
        break
    return line(*kept)


def fit(spans: Line, size: int) -> Line:
    """The line in exactly `size` cells: clipped, or filled with blanks."""
    missing = size - width(spans)
    if missing < 0:
        return clip(spans, size)
    return (*spans, Span(" " * missing)) if missing else spans


def fit_text(text: str, size: int, align: str = "left") -> str:
    """A text in exactly `size` cells, cut with an ellipsis at its end."""
    have = cells(text)
    if have > size:
        return set_cell_size(text, size - 1) + "…" if size > 0 else ""
    blanks = " " * (size - have)
    return blanks + text if align == "right" else text + blanks


def fit_name(name: str, size: int) -> str:
    """A name in at most `size` cells; the middle goes first, since its end tells one Pod from another."""
    if cells(name) <= size:
        return name
    if size < 8:
        return fit_text(name, size)
    tail = min(6, size // 2)
    return f"{name[: size - tail - 1]}…{name[-tail:]}"


def spread(left: Line, right: Line, size: int) -> Line:
    """`left` and `right` at the two ends of `size` cells; the left one gives way."""
    room = size - width(right)
    return (*fit(left, max(room - 1, 0)), Span(" "), *right) if room > 1 else clip(right, size)


def wrap(text: str, size: int, role: str = "") -> list[Line]:
    """Paragraphs of a text broken into lines of at most `size` cells; blank lines stay."""
    lines: list[Line] = []
    for paragraph in text.strip().splitlines():
        broken = textwrap.wrap(paragraph, max(size, 8), break_on_hyphens=False) or [""]
        lines.extend(line((piece, role)) for piece in broken)
    return lines


def fold(spans: Line, size: int) -> list[Line]:
    """A line in several of at most `size` cells, broken at words and indented as it began."""
    text = plain(spans)
    if size < 1 or cells(text) <= size:
        return [spans]
    indent = text[: len(text) - len(text.lstrip())][: size // 2]
    pieces = textwrap.wrap(text, size, subsequent_indent=indent, break_on_hyphens=False, replace_whitespace=False)
    return [line((piece, spans[-1].role)) for piece in pieces]


def join(lines: Iterable[Line], gap: str = "  ") -> Line:
    """Lines one after the other in one line."""
    parts: list[Span] = []
    for each in lines:
        if parts and each:
            parts.append(Span(gap, ""))
        parts.extend(each)
    return line(*parts)


def text_of(lines: Iterable[Line]) -> str:
    """Plain text of many lines, for the clipboard and for tests."""
    return "\n".join(plain(each).rstrip() for each in lines)


def bar(share: float, size: int) -> str:
    """A horizontal bar of at most `size` cells for a share from 0 to 1, in halves of a cell."""
    halves = round(max(0.0, min(share, 1.0)) * size * 2)
    return "━" * (halves // 2) + "╸" * (halves % 2)


def columns(rows: Iterable[tuple[str, ...]], gap: str = "  ") -> Iterator[str]:
    """Rows of cells as aligned text, each column as wide as its widest cell."""
    table = [tuple(row) for row in rows]
    if not table:
        return
    widths = [max(cells(row[i]) for row in table if i < len(row)) for i in range(max(map(len, table)))]
    for row in table:
        yield gap.join(fit_text(cell, widths[i]) for i, cell in enumerate(row)).rstrip()
