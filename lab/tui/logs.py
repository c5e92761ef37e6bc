"""Rings of what was newest in the journal, for the panes that follow it.

The journal's listeners are bare `deque.append`s, so that a screen costs the engine next to nothing; the
joining of decisions and requests happens once a frame.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping

from lab.journal import Decision, Event, Journal, Narrated, RequestFinished
from lab.views.decisions import Row
from lab.views.events import SHOWN, same

KEPT_ROWS = 3000
KEPT_EVENTS = 600


def _fill(journal: Journal, rings: Mapping[type[Event], deque[Event]], most: int) -> None:
    """Put the newest events of the story that have happened already where those to come will go."""
    for event in journal.tail():
        if event.time < 0.0:
            return
        ring = rings.get(type(event))
        if ring is not None and len(ring) < most:
            ring.appendleft(event)
        if all(len(each) >= most for each in rings.values()):
            return


class RoutingLog:
    """The newest connections, each joined with what became of its newest request."""

    def __init__(self, journal: Journal, kept: int = KEPT_ROWS) -> None:
        self.rows: list[Row] = []
        self.seen = 0
        """How many rows there have been in all."""
        self.kept = kept
        self._by_decision: dict[int, Row] = {}
        self._decisions: deque[Event] = deque(maxlen=kept)
        self._finished: deque[Event] = deque(maxlen=kept)
        _fill(journal, {Decision: self._decisions, RequestFinished: self._finished}, kept)
        self._stops = [
            journal.listen(self._decisions.append, Decision),
            journal.listen(self._finished.append, RequestFinished),
        ]

    def collect(self) -> bool:
        """Take in what is new; whether there was anything."""
        decisions, finished = self._decisions, self._finished
        if not decisions and not finished:
            return False
        while decisions:
            decision = decisions.popleft()
            assert isinstance(decision, Decision)
            self._add(Row(decision))
        while finished:
            request = finished.popleft()
            assert isinstance(request, RequestFinished)
            row = self._by_decision.get(request.decision)
            if row is not None:
                row.finish(request)
            elif not request.decision:
                self._add(Row(None, request))
        self._trim()
        return True

    def close(self) -> None:
        """Listen no longer."""
        for stop in self._stops:
            stop()

    def _add(self, row: Row) -> None:
        self.seen += 1
        self.rows.append(row)
        if row.decision is not None:
            self._by_decision[row.decision.id] = row

    def _trim(self) -> None:
        surplus = len(self.rows) - self.kept
        if surplus <= 0:
            return
        for row in self.rows[:surplus]:
            if row.decision is not None:
                self._by_decision.pop(row.decision.id, None)
        del self.rows[:surplus]


class Happening:
    """An event, and how many times in a row it was said."""

    __slots__ = ("event", "number", "times")

    def __init__(self, event: Event, number: int) -> None:
        self.event = event
        self.number = number
        self.times = 1


class EventLog:
    """The newest events that are not about requests; the same said again makes a count, not a line."""

    def __init__(
        self, journal: Journal, kept: int = KEPT_EVENTS, wanted: Callable[[Event], bool] | None = None
    ) -> None:
        self.happenings: list[Happening] = []
        self.kept = kept
        self.changes = 0
        """Goes up whenever a line was added or changed."""
        self._wanted = wanted
        self._pending: deque[Event] = deque(maxlen=kept)
        _fill(journal, dict.fromkeys(SHOWN, self._pending), kept)
        self._stop = journal.listen(self._pending.append, *SHOWN)

    def tell(self, text: str, now_s: float) -> None:
        """Add a line that no event of the run says."""
        self.changes += 1
        self.happenings.append(Happening(Narrated(now_s, text), self.changes))

    def collect(self) -> bool:
        """Take in what is new; whether there was anything."""
        if not self._pending:
            return False
        while self._pending:
            self._take(self._pending.popleft())
        del self.happenings[: -self.kept]
        return True

    def close(self) -> None:
        """Listen no longer."""
        self._stop()

    def _take(self, event: Event) -> None:
        if self._wanted is not None and not self._wanted(event):
            return
        self.changes += 1
        last = self.happenings[-1] if self.happenings else None
        if last is not None and same(last.event, event):
            last.event = event
            last.times += 1
        else:
            self.happenings.append(Happening(event, self.changes))
