"""How fast nodes of a zone may be given up: 0.1 a second, less or not at all when much of a zone is gone.

https://kubernetes.io/docs/concepts/architecture/nodes/#rate-limits-on-eviction
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from lab.gate import Timer
from lab.settings import Settings

MIN_UNHEALTHY = 3
"""A zone is partially disrupted only when at least this many of its nodes are not ready."""


class _Zone:
    """The nodes of one zone whose Pods are to be evicted, and when the next may be begun."""

    def __init__(self) -> None:
        self.waiting: dict[str, None] = {}
        self.begun: dict[str, None] = {}
        self.rate_per_s = 0.0
        self.next_s = float("-inf")


class ZoneEvictions:
    """One queue of nodes a zone; `begin(node)` is called for each when its turn has come."""

    def __init__(self, clock: Timer, settings: Settings, begin: Callable[[str], bool]) -> None:
        self._clock = clock
        self._settings = settings
        self._begin = begin
        self._zones: dict[str, _Zone] = {}

    def assess(self, states: Mapping[str, Sequence[bool]]) -> bool:
        """Set each zone's rate from its nodes' readiness; True when every zone is gone, so that all evictions stop."""
        all_gone = bool(states) and not any(ready for zone in states.values() for ready in zone)
        for name, ready in states.items():
            self._zone(name).rate_per_s = 0.0 if all_gone else self._rate(ready)
        return all_gone

    def _rate(self, ready: Sequence[bool]) -> float:
        settings = self._settings
        gone = ready.count(False)
        if gone == len(ready) or gone < MIN_UNHEALTHY or gone / len(ready) < settings.node_unhealthy_zone_threshold:
            return settings.node_eviction_rate_per_s
        return settings.node_secondary_eviction_rate_per_s if len(ready) > settings.node_large_cluster_size else 0.0

    def queue(self, zone: str, node: str) -> None:
        """A node is to be given up, unless it already was."""
        found = self._zone(zone)
        if node not in found.begun:
            found.waiting[node] = None

    def forget(self, zone: str, node: str) -> None:
        """A node is back."""
        found = self._zone(zone)
        found.waiting.pop(node, None)
        found.begun.pop(node, None)

    def drain(self) -> None:
        """Give up as many nodes as the rates allow now, and come back for the others."""
        for name in self._zones:
            self._drain(name)

    def _drain(self, name: str) -> None:
        zone, now = self._zones[name], self._clock.time()
        while zone.waiting and zone.rate_per_s and zone.next_s <= now:
            node = next(iter(zone.waiting))
            del zone.waiting[node]
            if self._begin(node):
                zone.begun[node] = None
                zone.next_s = now + 1.0 / zone.rate_per_s
                self._clock.at(zone.next_s, self._drain, name)

    def _zone(self, name: str) -> _Zone:
        zone = self._zones.get(name)
        if zone is None:
            zone = self._zones[name] = _Zone()
        return zone
