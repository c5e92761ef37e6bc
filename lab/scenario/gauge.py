"""The figure of one expression at a moment: of the cluster as it is, of traffic over the last seconds."""

from __future__ import annotations

import math
from collections import deque

from lab.engine import Engine
from lab.kube.errors import LabError
from lab.scenario import measures
from lab.scenario.expect import OVER_S, Expression
from lab.scenario.scenario import Scope

NO_REQUESTS = "there were no requests in this window"


def read(engine: Engine, scope: Scope) -> measures.Reading:
    """What was counted of a scope's requests up to now."""
    groups = (scope.traffic,) if scope.traffic else ()
    return measures.read(engine.traffic.measure, engine.now, groups, scope.service)


def figure(expression: Expression, window: measures.Reading, engine: Engine) -> float:
    """A metric of traffic over a window. Raises `LabError` when nothing was asked, so that nothing is shown."""
    if not window.summary.requests and expression.metric.unit in ("share", "duration", "ratio"):
        raise LabError(NO_REQUESTS)
    return measures.traffic_value(expression, window, engine)


class Gauge:
    """Measures again and again; for traffic it remembers what was counted a while ago."""

    def __init__(self, engine: Engine, expression: Expression, scope: Scope, over_s: float = OVER_S) -> None:
        self.engine = engine
        self.expression = expression
        self.scope = scope
        self.over_s = over_s
        self._past: deque[measures.Reading] = deque()
        self._version = -1
        self._held = False
        self.closest: float | str | None = None
        """Of all figures that held, the one that was nearest to not holding."""

    @property
    def of_traffic(self) -> bool:
        """Whether it measures requests, not the cluster."""
        return self.expression.metric.about == "traffic"

    @property
    def every_s(self) -> float:
        """How often it should be looked at, in virtual seconds."""
        return min(1.0, self.over_s) if self.of_traffic else 0.1

    def look(self) -> bool:
        """Remember this moment, and say whether the condition holds; what cannot be measured does not hold."""
        if not self.of_traffic and self.engine.store.version == self._version:
            return self._held
        self._version = self.engine.store.version
        try:
            value = self.value()
        except LabError:
            self._held = False
            return False
        self._held = self.expression.holds(value)
        if self._held and self.full:
            self.closest = value if self.closest is None else self.expression.closer(self.closest, value)
        return self._held

    def value(self) -> float | str:
        """The figure now. Raises `LabError` when what it names does not exist, or when nothing was asked."""
        if not self.of_traffic:
            return measures.cluster_value(self.expression, self.engine, self.scope.namespace)
        now = read(self.engine, self.scope)
        past = self._past
        past.append(now)
        while len(past) > 1 and past[1].at_s <= now.at_s - self.over_s:
            past.popleft()
        return figure(self.expression, now.since(past[0]), self.engine)

    @property
    def full(self) -> bool:
        """Whether it has looked for as long as its figure is about."""
        return not self.of_traffic or (bool(self._past) and self.engine.now - self._past[0].at_s >= self.over_s - 1e-9)


class Recovery:
    """Watches a window second by second: how long after its beginning the last bad second ended."""

    def __init__(self, engine: Engine, scope: Scope, threshold: float) -> None:
        self.engine = engine
        self.scope = scope
        self.threshold = threshold
        """The share of requests that must be answered well in a second."""
        self._begun_s = engine.now
        self._last = read(engine, scope)
        self._bad_until_s = engine.now
        self.requests = 0
        """How many have ended since."""

    def look(self) -> None:
        """Judge the second that has passed."""
        now = read(self.engine, self.scope)
        second = now.since(self._last).summary
        self._last = now
        self.requests += second.requests
        if second.requests and second.success < self.threshold:
            self._bad_until_s = self.engine.now

    @property
    def value_s(self) -> float:
        """Seconds from the beginning to the end of the last bad second; infinite while it is still bad."""
        if self._bad_until_s == self.engine.now and self._bad_until_s > self._begun_s:
            return math.inf
        return self._bad_until_s - self._begun_s
