"""What a pane draws: lines on demand, and which object stands where on them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from lab.views.spans import Line


class Subject(NamedTuple):
    """An object of the cluster that can be selected: its kind, namespace and name."""

    kind: str
    namespace: str
    name: str

    @property
    def path(self) -> str:
        """How commands name it: `pod/web-1`."""
        return f"{self.kind.lower()}/{self.name}"


class Target(NamedTuple):
    """Where on a page something can be selected: line `y`, cells `x` up to `end`."""

    y: int
    x: int
    end: int
    subject: object


class Page(Protocol):
    """Lines of one width, computed when they are asked for."""

    @property
    def height(self) -> int:
        """How many lines there are."""

    def line(self, y: int) -> Line:
        """Line `y`, from 0."""

    @property
    def targets(self) -> Sequence[Target]:
        """What can be selected, from top to bottom."""


class Lines:
    """A page of lines that are all there already."""

    def __init__(self, lines: Sequence[Line], targets: Sequence[Target] = ()) -> None:
        self.lines = lines
        self.targets: Sequence[Target] = targets

    @property
    def height(self) -> int:
        """How many lines there are."""
        return len(self.lines)

    def line(self, y: int) -> Line:
        """Line `y`, from 0."""
        return self.lines[y]


def find(targets: Sequence[Target], subject: object) -> Target | None:
    """The target of a subject, wherever it stands now."""
    return next((target for target in targets if target.subject == subject), None)


def hit(targets: Sequence[Target], x: int, y: int) -> Target | None:
    """The target under a point."""
    return next((t for t in targets if t.y == y and t.x <= x < t.end), None)


def step(targets: Sequence[Target], current: Target | None, dx: int, dy: int) -> Target | None:
    """The nearest target in a direction; the first one when nothing is selected, the same one at an edge."""
    if current is None:
        return targets[0] if targets else None
    best, best_cost = current, float("inf")
    for target in targets:
        cost = _distance(current, target, dx, dy)
        if cost is not None and cost < best_cost:
            best, best_cost = target, cost
    return best


def _distance(start: Target, target: Target, dx: int, dy: int) -> float | None:
    """How far a target lies in a direction; sideways deviation counts more than way forward."""
    down = target.y - start.y
    right = target.x - start.x
    if dy:
        aside = max(target.x - start.end + 1, start.x - target.end + 1, 0)
        return down * dy + aside * 8 + abs(right) * 0.001 if down * dy > 0 else None
    return right * dx + abs(down) * 8 if right * dx > 0 else None
