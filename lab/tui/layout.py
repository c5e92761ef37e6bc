"""Where each pane stands: a pure function of the terminal's size and of what the user has hidden or put in front.

Wide (100 columns and more): Nodes and Routing on the left, Services, Lesson and Events on the right.
Narrower: one column of two places, Nodes or Services above, Routing or Events below, and the Lesson
between them. Panes leave in this order as the terminal shrinks: Events, Services, Nodes; the Lesson and
Routing stay to the last. A pane that has left comes back in its place when its number is pressed.
Below 60x15 only a message is shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

PANES = ("nodes", "services", "routing", "events", "lesson")
"""In the order of their numbers, from 1."""

WIDE = 100
SMALLEST = (60, 15)
NARROWEST = SMALLEST[0] - 2
"""Cells in a line of a pane that is as wide as the smallest screen."""
_LEAST = 5  # lines of a pane, frame included, below which it is not worth showing


class Place(NamedTuple):
    """A pane's rectangle within the body of the screen."""

    x: int
    y: int
    width: int
    height: int


class Wish(NamedTuple):
    """What the user wants of the layout, and how many lines some panes could fill (frames included)."""

    hidden: frozenset[str] = frozenset()
    front: Sequence[str] = ()
    """Panes in the order in which they were last asked for, the newest first."""
    maximised: str = ""
    needs: Mapping[str, int] = {}
    lesson: bool = False


def arrange(width: int, height: int, wish: Wish) -> dict[str, Place]:
    """The places of the panes that are shown, in a body of `width` x `height` cells."""
    if wish.maximised:
        return {wish.maximised: Place(0, 0, width, height)}
    shown = [pane for pane in PANES if pane not in wish.hidden and (pane != "lesson" or wish.lesson)]
    return _two_columns(width, height, shown, wish) if width >= WIDE else _one_column(width, height, shown, wish)


def _two_columns(width: int, height: int, shown: list[str], wish: Wish) -> dict[str, Place]:
    left = [pane for pane in ("nodes", "routing") if pane in shown]
    right = [pane for pane in ("services", "lesson", "events") if pane in shown]
    if not left or not right:
        return _stack(0, width, height, left or right, wish)
    split = round(width * 0.6)
    if width < 130:
        split = round(width * 0.58)
    return _stack(0, split, height, left, wish) | _stack(split, width - split, height, right, wish)


def _one_column(width: int, height: int, shown: list[str], wish: Wish) -> dict[str, Place]:
    above = _first(("nodes", "services"), shown, wish.front)
    below = _first(("routing", "events"), shown, wish.front)
    panes = [pane for pane in (above, "lesson" if "lesson" in shown else "", below) if pane]
    while len(panes) > 1 and height < _LEAST * len(panes):
        panes.remove(above if above in panes else panes[0])
    return _stack(0, width, height, panes, wish)


def _first(pair: tuple[str, str], shown: list[str], front: Sequence[str]) -> str:
    """The one of two panes that share a place which was asked for last."""
    there = [pane for pane in pair if pane in shown]
    there.sort(key=lambda pane: front.index(pane) if pane in front else len(front))
    return there[0] if there else ""


def _stack(x: int, width: int, height: int, panes: Sequence[str], wish: Wish) -> dict[str, Place]:
    """Panes one above the other: the lesson gets the lines it needs, nodes and Services up to a share."""
    while len(panes) > 1 and height < _LEAST * len(panes):
        panes = [pane for pane in panes if pane != _leaves_first(panes)]
    places: dict[str, Place] = {}
    y = 0
    for i, pane in enumerate(panes):
        left = height - y
        later = panes[i + 1 :]
        size = left if not later else _share(pane, left, height, later, wish)
        places[pane] = Place(x, y, width, size)
        y += size
    return places


def _leaves_first(panes: Sequence[str]) -> str:
    order = ("events", "services", "nodes", "lesson", "routing")
    return next(pane for pane in order if pane in panes)


def _share(pane: str, left: int, height: int, later: Sequence[str], wish: Wish) -> int:
    """How many lines a pane takes of those left, leaving enough for the panes after it."""
    lesson = min(max(wish.needs.get("lesson", 0), _LEAST), max(height // 2, _LEAST))
    most = max(_LEAST, left - sum(lesson if each == "lesson" else _LEAST for each in later))
    if pane == "lesson":
        return min(most, lesson)
    limit = round(height * (0.62 if len(later) == 1 else 0.45))
    return min(most, limit, max(wish.needs.get(pane, limit), _LEAST))
