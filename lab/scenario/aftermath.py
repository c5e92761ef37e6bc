"""Requests that were due by some moment and have no answer yet: a window of a run is judged when they have ended."""

from __future__ import annotations

from collections.abc import Callable

from lab.engine import Engine
from lab.traffic.client import Client
from lab.traffic.request import RequestResult


class Aftermath:
    """Waits for what is unanswered when it begins: until the last request has ended, at most the longest timeout."""

    def __init__(self, engine: Engine, group: str = "", ended: Callable[[], object] | None = None) -> None:
        self.engine = engine
        self.over = False
        self.late: list[RequestResult] = []
        """The results that came in time, in the order in which they came."""
        self.unfinished = 0
        """Requests that have not ended."""
        self.took_s = 0.0
        """How long it waited."""
        self._group = group
        self._ended = ended
        self._began_s = 0.0

    def begin(self) -> None:
        """Wait from now on; `ended` is called when it is over, which is at once when everything is answered."""
        clients = self.clients()
        self._began_s = self.engine.now
        self.unfinished = sum(client.follow(self._heard) for client in clients)
        if not self.unfinished:
            self._end()
            return
        longest_s = max(client.timeout_s for client in clients)
        self.engine.clock.after(longest_s, self._end)

    def clients(self) -> list[Client]:
        """The clients that it is about."""
        clients = self.engine.traffic.clients
        return [client for name, client in clients.items() if not self._group or name == self._group]

    def _heard(self, result: RequestResult) -> None:
        if self.over:
            return
        self.late.append(result)
        self.unfinished -= 1
        if not self.unfinished:
            self._end()

    def _end(self) -> None:
        if self.over:
            return
        self.over = True
        self.took_s = self.engine.now - self._began_s
        if self._ended is not None:
            self._ended()
