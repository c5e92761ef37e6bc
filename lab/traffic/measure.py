"""What clients saw: counts, outcomes and latencies, in all and over the last minute.

One `Tally` is kept for each (client, Service, Pod) that has met, and one request touches one tally. What a
client, a Service or an endpoint saw is the sum of its tallies, made when somebody looks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import floor, inf
from typing import TypeVar

import msgspec

from lab.traffic.histogram import Histogram

_Key = TypeVar("_Key", int, str)

WINDOW_S = 60
"""How many seconds back rates and recent percentiles can look."""
_SLICE_S = 5
_SLICES = WINDOW_S // _SLICE_S


class Summary(msgspec.Struct, frozen=True):
    """Requests and what became of them, at one moment or over a window."""

    requests: int = 0
    ok: int = 0
    outcomes: dict[str, int] = {}
    """How many had each outcome other than ok."""
    reasons: dict[str, int] = {}
    """Why requests failed, by reason."""
    histogram: Histogram = msgspec.field(default_factory=Histogram)

    @property
    def failed(self) -> int:
        """Requests without a good answer."""
        return self.requests - self.ok

    @property
    def success(self) -> float:
        """The share of good answers from 0 to 1; 1 when nothing was asked."""
        return self.ok / self.requests if self.requests else 1.0

    def percentile(self, percent: float) -> float:
        """Latency in seconds, failed requests included."""
        return self.histogram.percentile(percent)

    def since(self, earlier: Summary) -> Summary:
        """What came after `earlier` was taken of the same thing."""
        return Summary(
            self.requests - earlier.requests,
            self.ok - earlier.ok,
            _subtract(self.outcomes, earlier.outcomes),
            _subtract(self.reasons, earlier.reasons),
            Histogram(_subtract(self.histogram.counts, earlier.histogram.counts)),
        )


def _subtract(now: dict[_Key, int], before: dict[_Key, int]) -> dict[_Key, int]:
    return {key: count - before.get(key, 0) for key, count in now.items() if count != before.get(key, 0)}


class Tally:
    """Plain counters of one (client, Service, Pod), with a ring of the last 60 seconds.

    A request pays for no more than being recorded: latencies are sorted into buckets when a slice of five seconds is
    over, or when somebody looks.
    """

    __slots__ = (
        "_before",
        "_fresh",
        "_marks",
        "_older",
        "_second",
        "_second_ends_s",
        "_slices",
        "failed",
        "outcomes",
        "reasons",
    )

    def __init__(self) -> None:
        self.failed = 0
        self.outcomes: dict[str, int] = {}
        self.reasons: dict[str, int] = {}
        self._fresh: list[float] = []
        """Latencies of the present slice that are in no bucket yet."""
        self._before = 0
        """How many are in one."""
        self._marks = [(0, 0)] * WINDOW_S
        """How many requests there had been when each of the last seconds began, and how many had failed."""
        self._second = -(1 << 40)
        self._second_ends_s = -inf
        self._slices: list[dict[int, int]] = [{} for _ in range(_SLICES)]
        self._older = Histogram()

    @property
    def requests(self) -> int:
        """Finished requests."""
        return self._before + len(self._fresh)

    @property
    def ok(self) -> int:
        """Requests with a good answer."""
        return self.requests - self.failed

    def record(self, now_s: float, latency_s: float, outcome: str, reason: str) -> None:
        """Count one finished request; `now_s` never runs backwards."""
        if now_s >= self._second_ends_s:
            self._roll(floor(now_s))
        self._fresh.append(latency_s)
        if outcome != "ok":
            self._fail(outcome, reason)

    def _fail(self, outcome: str, reason: str) -> None:
        self.failed += 1
        self.outcomes[outcome] = self.outcomes.get(outcome, 0) + 1
        if reason:
            self.reasons[reason] = self.reasons.get(reason, 0) + 1

    def _roll(self, second: int) -> None:
        """Begin a second, and empty what belongs to the minute before."""
        if second // _SLICE_S != self._second // _SLICE_S:
            self._sort()
        mark = (self.requests, self.failed)
        for passed in range(max(self._second + 1, second - WINDOW_S + 1), second + 1):
            slot = passed % WINDOW_S
            self._marks[slot] = mark
            if slot % _SLICE_S == 0:
                self._older.merge((Histogram(self._slices[slot // _SLICE_S]),))
                self._slices[slot // _SLICE_S] = {}
        self._second, self._second_ends_s = second, second + 1.0

    def _sort(self) -> None:
        """Put the latencies of the present slice into their buckets."""
        self._before += len(self._fresh)
        Histogram(self._slices[self._second % WINDOW_S // _SLICE_S]).add_all(self._fresh)
        self._fresh.clear()

    def counted(self, first: int, last: int) -> tuple[int, int]:
        """(requests, ok) of the seconds from `first` to `last` that are still in the ring."""
        first, last = max(first, self._second - WINDOW_S + 1), min(last, self._second)
        if first > last:
            return 0, 0
        requests, failed = self._until(last)
        requests_before, failed_before = self._marks[first % WINDOW_S]
        return requests - requests_before, requests - failed - (requests_before - failed_before)

    def _until(self, second: int) -> tuple[int, int]:
        """How many requests there were up to the end of a second, and how many had failed."""
        return self._marks[(second + 1) % WINDOW_S] if second < self._second else (self.requests, self.failed)

    def histograms(self) -> Iterator[Histogram]:
        """All latencies."""
        self._sort()
        yield self._older
        yield from map(Histogram, self._slices)

    def recent_histograms(self, first: int) -> Iterator[Histogram]:
        """Latencies since the second `first`, to the next 5 s."""
        self._sort()
        earliest = max(first // _SLICE_S, self._second // _SLICE_S - _SLICES + 1)
        for number in range(earliest, self._second // _SLICE_S + 1):
            yield Histogram(self._slices[number % _SLICES])


class Tallies:
    """The sum of the tallies that have something in common: a client, a Service, an endpoint, everything."""

    __slots__ = ("parts",)

    def __init__(self) -> None:
        self.parts: list[Tally] = []

    @property
    def requests(self) -> int:
        """Finished requests."""
        return sum(part.requests for part in self.parts)

    @property
    def ok(self) -> int:
        """Requests with a good answer."""
        return sum(part.ok for part in self.parts)

    @property
    def outcomes(self) -> dict[str, int]:
        """How many had each outcome other than ok."""
        return _add(part.outcomes for part in self.parts)

    @property
    def reasons(self) -> dict[str, int]:
        """Why requests failed."""
        return _add(part.reasons for part in self.parts)

    def rate_per_s(self, now_s: float, over_s: int = 1) -> float:
        """Requests a second over the last `over_s` whole seconds."""
        return self._counted(floor(now_s) - over_s, floor(now_s) - 1)[0] / over_s

    def success(self, now_s: float, over_s: int = WINDOW_S) -> float:
        """The share of good answers over the last seconds, this one included; 1 when nothing was asked."""
        requests, ok = self._counted(floor(now_s) - over_s + 1, floor(now_s))
        return ok / requests if requests else 1.0

    def counts(self, now_s: float, over_s: int = WINDOW_S) -> tuple[int, int]:
        """(requests, ok) over the last seconds, this one included."""
        return self._counted(floor(now_s) - over_s + 1, floor(now_s))

    def per_second(self, now_s: float, over_s: int = WINDOW_S) -> list[int]:
        """Requests in each of the last whole seconds, oldest first; for a sparkline."""
        last = floor(now_s) - 1
        return [self._counted(second, second)[0] for second in range(last - over_s + 1, last + 1)]

    def percentile(self, percent: float) -> float:
        """Latency in seconds over all requests."""
        return self.histogram().percentile(percent)

    def recent_percentile(self, percent: float, now_s: float, over_s: int = 10) -> float:
        """Latency in seconds over the last `over_s`, to the next 5 s."""
        first = floor(now_s) - over_s + 1
        return Histogram().merge(h for part in self.parts for h in part.recent_histograms(first)).percentile(percent)

    def histogram(self) -> Histogram:
        """All latencies, in a histogram of its own."""
        return Histogram().merge(h for part in self.parts for h in part.histograms())

    def summary(self) -> Summary:
        """Everything up to now; `Summary.since` makes windows out of two."""
        return Summary(self.requests, self.ok, self.outcomes, self.reasons, self.histogram())

    def _counted(self, first: int, last: int) -> tuple[int, int]:
        counted = [part.counted(first, last) for part in self.parts]
        return sum(requests for requests, _ in counted), sum(ok for _, ok in counted)


def _add(counts: Iterable[dict[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for part in counts:
        for key, count in part.items():
            total[key] = total.get(key, 0) + count
    return dict(sorted(total.items()))


class Measurements:
    """Everything measured in a run, by client, by Service and by endpoint; in the order they were first seen."""

    def __init__(self) -> None:
        self.total = Tallies()
        self.clients: dict[str, Tallies] = {}
        """By the name of a client group, or of the party (`pod/NAMESPACE/NAME`) that asked by itself."""
        self.services: dict[str, Tallies] = {}
        """By `NAMESPACE/NAME`."""
        self.pods: dict[str, Tallies] = {}
        """By `NAMESPACE/NAME` of the Pod that answered or should have."""
        self.endpoints: dict[tuple[str, str], Tallies] = {}
        """By (Service, Pod)."""
        self.between: dict[tuple[str, str], Tallies] = {}
        """By (client, Service)."""
        self.leaves: dict[tuple[str, str, str], Tally] = {}
        """Every tally, by (client, Service, Pod)."""

    def tally(self, client: str, service: str, pod: str) -> Tally:
        """The counters of requests from a client to a Service that went to a Pod."""
        leaf = self.leaves.get((client, service, pod))
        if leaf is None:
            leaf = self.leaves[(client, service, pod)] = Tally()
            self.total.parts.append(leaf)
            self.clients.setdefault(client, Tallies()).parts.append(leaf)
            self.between.setdefault((client, service), Tallies()).parts.append(leaf)
            if service:
                self.services.setdefault(service, Tallies()).parts.append(leaf)
                self.endpoints.setdefault((service, pod), Tallies()).parts.append(leaf)
            if pod:
                self.pods.setdefault(pod, Tallies()).parts.append(leaf)
        return leaf
