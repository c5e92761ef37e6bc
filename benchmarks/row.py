"""One line of the table."""

from __future__ import annotations

from typing import NamedTuple


class Row(NamedTuple):
    """A figure with its unit, and in a few words what was measured."""

    what: str
    figure: float
    unit: str
    note: str = ""
