"""How a run went over time: its requests by virtual second, and what happened when."""

from __future__ import annotations

from typing import NamedTuple

from lab.engine import Engine
from lab.journal import (
    Checked,
    CommandGiven,
    CommandRefused,
    Event,
    HealthChecked,
    Narrated,
    NetworkChanged,
    Noted,
    RequestFinished,
)
from lab.scenario.headless import notable
from lab.traffic.histogram import Histogram

MOST_MARKS = 2000


class Bucket:
    """The requests that ended in one virtual second."""

    __slots__ = ("latencies", "ok")

    def __init__(self) -> None:
        self.ok = 0
        self.latencies = Histogram()

    @property
    def requests(self) -> int:
        """How many ended."""
        return len(self.latencies)


class Mark(NamedTuple):
    """Something that happened, in a few words."""

    time_s: float
    kind: str
    """command, network, health, check, story or warning."""
    text: str
    bad: bool = False


_KINDS: dict[type[Event], str] = {
    CommandGiven: "command",
    CommandRefused: "command",
    NetworkChanged: "network",
    HealthChecked: "health",
    Checked: "check",
    Narrated: "story",
    Noted: "warning",
}


class History:
    """Listens to a run from now on."""

    def __init__(self, engine: Engine, clients: frozenset[str] = frozenset()) -> None:
        self.seconds: dict[int, Bucket] = {}
        """By the second in which the requests ended; seconds without any are not there."""
        self.marks: list[Mark] = []
        self.more_marks = 0
        """How many marks there were beyond the first `MOST_MARKS`."""
        self._clients = clients
        engine.journal.listen(self._count, RequestFinished)
        engine.journal.listen(self._note, *_KINDS)

    def only(self, clients: frozenset[str]) -> None:
        """From now on, count the requests of these clients alone; none means all requests."""
        self._clients = clients

    def _count(self, event: Event) -> None:
        assert isinstance(event, RequestFinished)
        if event.time < 0.0 or (self._clients and event.client not in self._clients):
            return
        bucket = self.seconds.get(int(event.time))
        if bucket is None:
            bucket = self.seconds[int(event.time)] = Bucket()
        bucket.ok += event.outcome == "ok"
        bucket.latencies.add_all((event.latency_s,))

    def _note(self, event: Event) -> None:
        text = f"{event.name}: {event.message}" if isinstance(event, Checked) else notable(event)
        if event.time < 0.0 or not text:
            return
        if len(self.marks) >= MOST_MARKS:
            self.more_marks += 1
            return
        bad = isinstance(event, CommandRefused | Noted) or (isinstance(event, Checked) and not event.passed)
        bad = bad or (isinstance(event, HealthChecked) and not event.healthy)
        self.marks.append(Mark(event.time, _KINDS[type(event)], text, bad))
