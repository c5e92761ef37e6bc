"""Columns as kubectl prints them: a heading, left-aligned cells, three spaces between, nothing after the last."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

_GAP = "   "


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, headers: bool = True) -> list[str]:
    """The lines of a table, each column as wide as its longest cell; no lines when there is nothing to show."""
    cells = [tuple(row) for row in rows]
    if headers:
        cells.insert(0, tuple(columns))
    widths = [max((len(row[index]) for row in cells), default=0) for index in range(len(columns))]
    return [_GAP.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]


def fields(pairs: Iterable[tuple[str, str | Sequence[str]]], *, indent: int = 0) -> list[str]:
    """`Key:   value` lines as in `kubectl describe`; a sequence takes a line an item, an empty one is `<none>`."""
    known = [(f"{key}:" if key else "", value) for key, value in pairs]
    width = max((len(key) for key, _ in known), default=0) + 2
    lines: list[str] = []
    for key, value in known:
        values = [value] if isinstance(value, str) else list(value) or ["<none>"]
        for index, text in enumerate(values):
            label = key if index == 0 else ""
            lines.append(f"{'':{indent}}{label:{width}}{text}".rstrip())
    return lines
