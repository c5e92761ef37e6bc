"""A controller's work queue: keys in the order they came, each at most once, with retry back-off.

The rules of client-go's util/workqueue: a key that is added while it waits is not added again, one that is
added while it is being worked on comes up again afterwards.
"""

from __future__ import annotations

import asyncio

from lab.cluster.indexes import Key
from lab.gate import Timer


class WorkQueue:
    """Keys to work on; times in virtual seconds."""

    def __init__(self, clock: Timer, retry_initial_s: float, retry_max_s: float) -> None:
        self._clock = clock
        self._retry_initial_s = retry_initial_s
        self._retry_max_s = retry_max_s
        self._waiting: dict[Key, None] = {}
        self._later: dict[Key, float] = {}
        self._failures: dict[Key, int] = {}
        self._waiter: asyncio.Future[None] | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, key: Key) -> None:
        """Work on `key` as soon as everything before it is done."""
        self._waiting[key] = None
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def add_after(self, key: Key, delay_s: float) -> None:
        """Work on `key` in `delay_s`, or sooner when an earlier moment was already asked for."""
        due_s = self._clock.time() + delay_s
        if self._later.get(key, float("inf")) <= due_s:
            return
        self._later[key] = due_s
        self._clock.at(due_s, self._come_due, key, due_s)

    def retry(self, key: Key) -> None:
        """Work on `key` again after a pause that doubles with each failure in a row."""
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        self.add_after(key, min(self._retry_initial_s * 2.0 ** min(failures, 60), self._retry_max_s))

    def forget(self, key: Key) -> None:
        """`key` went well: its next failure is the first again."""
        self._failures.pop(key, None)

    async def get(self) -> Key:
        """The key that has waited longest; waits for one."""
        while not self._waiting:
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        key = next(iter(self._waiting))
        del self._waiting[key]
        return key

    def _come_due(self, key: Key, due_s: float) -> None:
        if self._later.get(key) == due_s:
            del self._later[key]
            self.add(key)
