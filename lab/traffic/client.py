"""A group of clients that send requests at a rate, or one after the other, from one place to one URL."""

from __future__ import annotations

import math
import random
from bisect import bisect_right
from collections import deque
from typing import Literal

import msgspec

from lab.traffic.exchange import Caller, Done, Exchange
from lab.traffic.request import SCHEMES, RequestResult, parse_target
from lab.traffic.retries import RetryBudget, RetryPolicy
from lab.traffic.sources import Origin
from lab.traffic.wire import Wire


class Phase(msgspec.Struct, frozen=True):
    """A stretch of time with a rate, steady or changing evenly from `rate` to `to`."""

    rate: float
    """Requests a second."""
    for_s: float = math.inf
    to: float | None = None
    """The rate at the end; None for the same. A ramp must have an end."""


class ClientSpec(msgspec.Struct, frozen=True, kw_only=True):
    """What a group of clients does. With phases it sends at their rate whatever the answers (open loop); without,
    its workers each send, wait for the answer and think (closed loop)."""

    name: str
    source: str = "internet"
    url: str
    phases: tuple[Phase, ...] = ()
    """Rates in turn, from `start_s` on; the last one's final rate stays."""
    arrivals: Literal["poisson", "constant"] = "poisson"
    recorded: tuple[float, ...] = ()
    """Instead of phases: when each request is due, in seconds from `start_s` on, in order (open loop)."""
    workers: int = 0
    """Closed loop: how many. Open loop: at most so many requests at once, the rest waits (0: no limit)."""
    think_s: float = 0.0
    """Closed loop: the mean pause after an answer, exponential."""
    keep_alive: bool = False
    """Send on connections that are open already, or open one for each request."""
    balance: Literal["pick_first", "round_robin"] = "pick_first"
    """With HTTP/2 and gRPC: one connection to one address of the name, or one to each in turn."""
    timeout_s: float = 5.0
    """0 waits as long as the kernel tries to connect, about 127 s."""
    retries: RetryPolicy = RetryPolicy()
    dns_cache_s: float | None = None
    """How long it keeps the addresses of a name, whatever their TTL; infinity for ever, None for as long as that."""
    start_s: float = 0.0
    stop_s: float = math.inf
    addresses: int = 8
    """How many hosts an internet client is."""

    @property
    def open_loop(self) -> bool:
        """Whether it sends whatever the answers."""
        return bool(self.phases or self.recorded)


class Arrivals:
    """When the requests of an open loop are due: a Poisson or evenly spaced process over changing rates."""

    def __init__(self, phases: tuple[Phase, ...], start_s: float, rng: random.Random, *, poisson: bool) -> None:
        self._phases = phases
        self._rng = rng if poisson else None
        self._number = -1
        self._begin_s = self._end_s = start_s
        self._at_s = start_s
        self._rate = self._slope = 0.0
        self._next_phase()

    def _next_phase(self) -> None:
        self._number += 1
        begin_s = self._end_s
        if self._number < len(self._phases):
            phase = self._phases[self._number]
            ramp = phase.to is not None and phase.to != phase.rate and phase.for_s < math.inf and phase.for_s > 0.0
            self._rate = phase.rate
            self._slope = ((phase.to or 0.0) - phase.rate) / phase.for_s if ramp else 0.0
            self._end_s = begin_s + phase.for_s
        else:
            last = self._phases[-1] if self._phases else Phase(0.0)
            self._rate, self._slope, self._end_s = last.rate if last.to is None else last.to, 0.0, math.inf
        self._begin_s = begin_s

    @property
    def rate(self) -> float:
        """Requests a second at the last arrival."""
        return self._rate + self._slope * (self._at_s - self._begin_s)

    def next(self) -> float:
        """The moment of the next arrival, in virtual seconds; infinity when there is none any more."""
        left = 1.0 if self._rng is None else -math.log(1.0 - self._rng.random())
        at_s, rate = self._at_s, self._rate
        if self._slope == 0.0 and rate > 0.0:
            due_s = at_s + left / rate
            if due_s <= self._end_s:
                self._at_s = due_s
                return due_s
        while True:
            wait_s = _time_for(left, self._rate + self._slope * (at_s - self._begin_s), self._slope)
            if at_s + wait_s <= self._end_s:
                self._at_s = at_s + wait_s
                return self._at_s
            if self._end_s == math.inf:
                self._at_s = math.inf
                return math.inf
            rest_s = self._end_s - at_s
            left -= (self._rate + self._slope * (at_s - self._begin_s)) * rest_s + self._slope * rest_s * rest_s / 2
            left = max(left, 0.0)
            at_s = self._end_s
            self._next_phase()


class Recorded:
    """The requests of an open loop that are due when somebody has written down."""

    def __init__(self, moments: tuple[float, ...], start_s: float) -> None:
        self._moments = moments
        self._start_s = start_s
        self._next = 0

    @property
    def rate(self) -> float:
        """Requests a second over the second that the last arrival began."""
        last_s = self._moments[self._next - 1] if self._next else 0.0
        return float(bisect_right(self._moments, last_s + 1.0) - bisect_right(self._moments, last_s) + bool(self._next))

    def next(self) -> float:
        """The moment of the next arrival, in virtual seconds; infinity when there is none any more."""
        if self._next == len(self._moments):
            return math.inf
        self._next += 1
        return self._start_s + self._moments[self._next - 1]


def _time_for(area: float, rate: float, slope: float) -> float:
    """How long it takes until `rate`, changing by `slope` a second, has added up to `area`."""
    if slope == 0.0:
        return area / rate if rate > 0.0 else math.inf
    root = rate * rate + 2.0 * slope * area
    return (math.sqrt(root) - rate) / slope if root >= 0.0 else math.inf


def _both(first: Done, second: Done) -> Done:
    def told(result: RequestResult) -> None:
        first(result)
        second(result)

    return told


class Client:
    """One group at work."""

    def __init__(self, wire: Wire, spec: ClientSpec, origin: Origin, seed: int) -> None:
        self.spec = spec
        self.origin = origin
        self.stopped = False
        self.unsent = 0
        """Requests that were due while nobody was there to send them."""
        self._wire = wire
        self._clock = wire.clock
        self._target = parse_target(spec.url)
        self._rng = random.Random(f"{seed}/client/{spec.name}")
        self._limit = spec.workers if spec.open_loop else 0
        self._open = 0
        self._due = self._arrive  # bound once: the clock is handed it for every request
        self._waiting: deque[float] = deque()
        self._followers: list[tuple[float, Done]] = []
        needs_word = self._limit > 0 or not spec.open_loop
        self._caller = Caller(
            wire,
            group=spec.name,
            timeout_s=spec.timeout_s,
            retries=spec.retries,
            dns_cache_s=spec.dns_cache_s,
            keep_alive=spec.keep_alive,
            balance=spec.balance if SCHEMES[self._target.scheme].shared else "",
            finished=self._finished if needs_word else None,
        )
        start_s = max(spec.start_s, self._clock.time())
        self._arrivals: Arrivals | Recorded = Arrivals(
            spec.phases, start_s, self._rng, poisson=spec.arrivals == "poisson"
        )
        if spec.recorded:
            self._arrivals = Recorded(spec.recorded, start_s)
        if spec.open_loop:
            due_s = self._arrivals.next()
            if due_s < spec.stop_s:
                self._clock.at(due_s, self._due)
        else:
            for _ in range(max(1, spec.workers)):
                self._clock.at(start_s, self._work)

    @property
    def waiting(self) -> int:
        """Requests that are due and wait for one of the limited workers."""
        return len(self._waiting)

    @property
    def rate(self) -> float:
        """Requests a second that an open loop wants to send now."""
        return 0.0 if self.stopped or not self.spec.open_loop else self._arrivals.rate

    @property
    def timeout_s(self) -> float:
        """How long an attempt waits for its answer."""
        return self._caller.timeout_s

    @property
    def retries(self) -> RetryBudget:
        """What it has tried again, and what its budget held back."""
        return self._caller.retries

    @property
    def unanswered(self) -> int:
        """Requests that are due, sent or not, and have neither an answer nor a failure yet."""
        return len(self._waiting) + len(self._caller.unanswered())

    def follow(self, done: Done) -> int:
        """Call `done` with the result of each request that is due and unanswered now; how many these are."""
        there = self._caller.unanswered()
        for exchange in there:
            exchange.done = done if exchange.done is None else _both(exchange.done, done)
        if self._waiting:
            self._followers.append((self._waiting[-1], done))
        return len(there) + len(self._waiting)

    def stop(self) -> None:
        """Send nothing more; what is under way comes to its end."""
        self.stopped = True
        self._waiting.clear()
        self._caller.close()

    # -- open loop ------------------------------------------------------------------------------------------

    def _arrive(self) -> None:
        if self.stopped:
            return
        now_s = self._clock.now
        due_s = self._arrivals.next()
        if due_s < self.spec.stop_s:
            self._clock.at(due_s, self._due)
        if self._limit and self._open >= self._limit:
            self._waiting.append(now_s)
        else:
            self._send(now_s)

    def _send(self, intended_s: float) -> bool:
        source = self.origin.next()
        if source is None:
            self.unsent += 1
            return False
        self._open += 1
        self._caller.send(source, self._target, intended_s, self._follower(intended_s) if self._followers else None)
        return True

    def _follower(self, intended_s: float) -> Done | None:
        """Who asked for the result of a request that had to wait; requests leave the line in their order."""
        self._followers = [(last_s, done) for last_s, done in self._followers if intended_s <= last_s]
        told: Done | None = None
        for _, done in self._followers:
            told = done if told is None else _both(told, done)
        return told

    # -- closed loop ----------------------------------------------------------------------------------------

    def _work(self) -> None:
        now_s = self._clock.time()
        if not self.stopped and now_s < self.spec.stop_s and not self._send(now_s):
            self._clock.after(1.0, self._work)

    def _finished(self, exchange: Exchange, outcome: str) -> None:
        self._open -= 1
        if not self.spec.open_loop:
            # A refused request costs no time: without a pause of its own a worker would never let time pass.
            pause_s = self.spec.think_s * -math.log(1.0 - self._rng.random()) if self.spec.think_s else 0.0
            self._clock.after(pause_s if outcome == "ok" else max(pause_s, 0.1), self._work)
        elif self._waiting:
            self._send(self._waiting.popleft())
