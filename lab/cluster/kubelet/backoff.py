"""Exponential back-off as the kubelet keeps it for crashing containers and failing pulls (KEP-4603)."""

from __future__ import annotations


class BackOff:
    """Doubling delays from `initial_s` to `max_s`, forgotten after `reset_s` without another failure."""

    __slots__ = ("delay_s", "since")

    def __init__(self) -> None:
        self.delay_s = 0.0
        self.since = 0.0

    def next(self, now: float, initial_s: float, max_s: float) -> float:
        """Count one more failure; the delay before the next attempt, in seconds."""
        self.delay_s = min(max(initial_s, self.delay_s * 2), max_s)
        self.since = now
        return self.delay_s

    def after_crash(self, now: float, initial_s: float, max_s: float, reset_s: float) -> float:
        """Count a crash; the first one, and one after `reset_s` of running, is restarted at once (0.0)."""
        delay_s = 0.0 if not self.delay_s or now - self.since > reset_s else self.delay_s
        if not delay_s:
            self.delay_s = 0.0
        self.next(now + delay_s, initial_s, max_s)
        return delay_s
