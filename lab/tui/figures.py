"""Rates and percentiles for the panes: computed once a virtual second, however many frames show them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from math import floor

from lab.traffic.measure import Measurements, Tallies

_LEAST_WINDOW_S, _MOST_WINDOW_S = 2, 30


class Figures:
    """What was measured, over a window that grows with the speed so that figures can be read."""

    def __init__(self, measure: Measurements, clients: Callable[[], Iterable[str]] = tuple) -> None:
        self._measure = measure
        self._clients = clients
        self._second: int | None = None
        self._now = 0.0
        self._over_s = _LEAST_WINDOW_S
        self._rates: dict[object, float] = {}
        self._latency: tuple[float, float] = (math.nan, math.nan)
        self._counts = (0, 0)
        self._shown = measure.total

    def update(self, now: float, speed: float) -> bool:
        """Start anew when another virtual second has begun; whether one has."""
        second = floor(now)
        if second == self._second:
            return False
        self._second, self._now = second, now
        self._over_s = min(max(round(2 * speed), _LEAST_WINDOW_S), _MOST_WINDOW_S)
        self._rates.clear()
        total = self._shown = self._users()
        self._counts = total.counts(now, self._over_s)
        if self._counts[0]:
            self._latency = (total.recent_percentile(50, now), total.recent_percentile(99, now))
        return True

    def _users(self) -> Tallies:
        """What the clients of the scenario asked; everything where none has, such as apps that only call each other."""
        clients = self._measure.clients
        names = [name for name in self._clients() if name in clients]
        users = Tallies()
        for name in names:
            users.parts.extend(clients[name].parts)
        return users if names else self._measure.total

    @property
    def second(self) -> int | None:
        """The virtual second that the figures are of."""
        return self._second

    @property
    def total_rate(self) -> float:
        """Requests a second of the clients, or of everybody where there are none."""
        return self._rate("", self._shown)

    @property
    def counts(self) -> tuple[int, int]:
        """(requests, ok) in the window."""
        return self._counts

    @property
    def latency(self) -> tuple[float, float]:
        """The recent median and 99th percentile in seconds; NaN before there was a request."""
        return self._latency

    def pod(self, namespace: str, name: str) -> float | None:
        """Requests a second that a Pod answered or should have; None for one that nobody has asked."""
        tallies = self._measure.pods.get(f"{namespace}/{name}")
        return None if tallies is None else self._rate(("pod", namespace, name), tallies)

    def service(self, namespace: str, name: str) -> float:
        """Requests a second to a Service."""
        tallies = self._measure.services.get(f"{namespace}/{name}")
        return 0.0 if tallies is None else self._rate(("service", namespace, name), tallies)

    def endpoint(self, namespace: str, service: str, pod: str) -> float:
        """Requests a second that a Service sent to one Pod."""
        tallies = self._measure.endpoints.get((f"{namespace}/{service}", f"{namespace}/{pod}"))
        return 0.0 if tallies is None else self._rate(("endpoint", namespace, service, pod), tallies)

    def _rate(self, key: object, tallies: Tallies) -> float:
        found = self._rates.get(key)
        if found is None:
            found = self._rates[key] = tallies.rate_per_s(self._now, self._over_s)
        return found
