"""The branches of a run as lines: what was done in each, and its figures up to a common moment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from lab.views import format as fmt
from lab.views.spans import Line, fit_text, line


class BranchRow(NamedTuple):
    """One branch; figures are of the stretch that all branches have in common."""

    name: str
    parent: str
    from_s: float
    end_s: float
    commands: Sequence[str]
    requests: int
    lost: int
    p50_s: float
    p99_s: float
    saved: int
    """How many fewer requests were lost than in the first branch."""


_WIDTHS = (12, 10, 8, 10, 10, 14)


def branch_lines(rows: Sequence[BranchRow], until_s: float, present: str, size: int) -> list[Line]:
    """A table of figures, then the commands of each branch."""
    heads = ("BRANCH", "REQUESTS", "LOST", "P50", "P99", "AGAINST FIRST")
    lines: list[Line] = [
        line(
            ("All of them up to ", "dim"),
            (fmt.moment(until_s), "strong"),
            (", the last moment that each has reached.", "dim"),
        ),
        (),
        line((_padded(heads), "dim")),
    ]
    lines += [_figures(row, row is rows[0], row.name == present) for row in rows]
    for row in rows:
        begun = f" left {row.parent} at {fmt.moment(row.from_s)}" if row.parent else " from the beginning"
        lines += [(), line((row.name, "strong"), (f"{begun}, been up to {fmt.moment(row.end_s)}", "dim"))]
        lines += [line("  ", (fit_text(f"$ {command}", size - 2).rstrip(), "accent")) for command in row.commands]
        if not row.commands:
            lines.append(line(("  nothing was done by hand", "dim")))
    return lines


def _figures(row: BranchRow, first: bool, here: bool) -> Line:
    saved = (
        ""
        if first
        else "the same"
        if not row.saved
        else f"{abs(row.saved)} {'saved' if row.saved > 0 else 'more lost'}"
    )
    asked = row.requests > 0
    cells = (
        row.name,
        f"{row.requests:,}",
        f"{row.lost:,}",
        fmt.latency(row.p50_s) if asked else "-",
        fmt.latency(row.p99_s) if asked else "-",
        saved,
    )
    role = "ok" if row.saved > 0 else "bad" if row.saved < 0 else "text"
    text = _padded(cells)
    cut = sum(_WIDTHS[:-1])
    return line((text[:cut], "strong" if here else "text"), (text[cut:], role), ("  here", "accent") if here else "")


def _padded(cells: Sequence[str]) -> str:
    return "".join(cell.ljust(width) for cell, width in zip(cells, _WIDTHS, strict=True)).rstrip()
