"""When a request that failed is tried again: how often, after what pause, and within what budget.

A budget is a share of the requests of the last ten seconds, as Finagle and Linkerd have it: while a server is in
trouble, retries may not multiply its load. https://linkerd.io/2/reference/retries/, Finagle's RetryBudget.
"""

from __future__ import annotations

from collections import deque

import msgspec

BUDGET_WINDOW_S = 10.0
"""Over how long requests and retries are compared (Finagle's and Linkerd's ttl)."""


class RetryPolicy(msgspec.Struct, frozen=True):
    """How a client tries again."""

    attempts: int = 0
    """How often, at most, after the first."""
    budget: float | None = None
    """Retries as a share of the requests of the last ten seconds; None for any number."""
    backoff_s: float = 0.0
    """The pause before the first retry; it doubles with each further one of the same request."""


class RetryBudget:
    """What one client has sent and tried again."""

    def __init__(self, policy: RetryPolicy) -> None:
        self.policy = policy
        self.sent = 0
        """Retries that were sent."""
        self.held_back = 0
        """Retries for which the budget had no room."""
        self._requests: deque[float] = deque()
        self._retries: deque[float] = deque()

    def asked(self, now_s: float) -> None:
        """A request was sent for the first time."""
        if self.policy.budget is not None:
            self._requests.append(now_s)
            self._forget(now_s)

    def pause_s(self, attempt: int, now_s: float) -> float | None:
        """How long to wait before the attempt after this one; None when there is none."""
        policy = self.policy
        if attempt > policy.attempts:
            return None
        if policy.budget is not None and not self._has_room(now_s):
            self.held_back += 1
            return None
        self.sent += 1
        return policy.backoff_s * float(2 ** (attempt - 1))

    def _forget(self, now_s: float) -> None:
        for times in (self._requests, self._retries):
            while times and times[0] <= now_s - BUDGET_WINDOW_S:
                times.popleft()

    def _has_room(self, now_s: float) -> bool:
        self._forget(now_s)
        if len(self._retries) + 1 > (self.policy.budget or 0.0) * len(self._requests):
            return False
        self._retries.append(now_s)
        return True
