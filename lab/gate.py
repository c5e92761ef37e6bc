"""A way to the clock that can be closed: a process that is stopped, a machine that is frozen, a line that is cut.

What falls due while it is closed waits, in order, and happens when it is opened again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Generator
from types import coroutine
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from lab.clock import Clock


class Timer(Protocol):
    """What a party needs of a clock: the clock itself has it, and a gate."""

    def time(self) -> float:
        """The virtual time in seconds."""

    def after(self, delay_s: float, callback: Callable[..., object], *args: Any) -> None:
        """Call back after a delay."""

    def at(self, when_s: float, callback: Callable[..., object], *args: Any) -> None:
        """Call back at a moment."""

    def create_future(self) -> asyncio.Future[Any]:
        """Like that of an event loop."""

    def spawn(self, coroutine: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any]:
        """Start a long-lived task."""


class Gate:
    """What one party does on the clock. It offers of a clock what the party needs of one."""

    def __init__(self, clock: Clock) -> None:
        self.closed = False
        self._clock = clock
        self._waiting: list[tuple[Callable[..., object], tuple[Any, ...]]] = []
        self._opened: asyncio.Future[None] | None = None

    # -- the gate ---------------------------------------------------------------------------------------------

    def close(self) -> None:
        """From now on everything waits."""
        self.closed = True

    def open(self) -> None:
        """What has waited happens now, in the order in which it fell due."""
        self.closed = False
        waiting, self._waiting = self._waiting, []
        for callback, arguments in waiting:
            self._clock.after(0.0, self._due, callback, arguments)
        if self._opened is not None and not self._opened.done():
            self._opened.set_result(None)

    def reset(self) -> None:
        """Open, and forget what has waited: the party begins anew."""
        self._waiting.clear()
        self.open()

    def through(self, callback: Callable[..., object]) -> Callable[..., None]:
        """The same callback, which waits while the gate is closed."""

        def passed(*arguments: Any) -> None:
            self._due(callback, arguments)

        return passed

    def _due(self, callback: Callable[..., object], arguments: tuple[Any, ...]) -> None:
        if self.closed:
            self._waiting.append((callback, arguments))
        else:
            callback(*arguments)

    # -- the clock --------------------------------------------------------------------------------------------

    def time(self) -> float:
        """The virtual time in seconds, which goes on behind a closed gate."""
        return self._clock.now

    def after(self, delay_s: float, callback: Callable[..., object], *arguments: Any) -> None:
        """Like `Clock.after`, through the gate."""
        self._clock.after(delay_s, self._due, callback, arguments)

    def at(self, when_s: float, callback: Callable[..., object], *arguments: Any) -> None:
        """Like `Clock.at`, through the gate."""
        self._clock.at(when_s, self._due, callback, arguments)

    def create_future(self) -> asyncio.Future[Any]:
        """Like that of an event loop."""
        return self._clock.create_future()

    def spawn(self, coroutine: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any]:
        """Like `Clock.spawn`; the task goes on after each wait only while the gate is open."""
        task = self._clock.spawn(self._gated(coroutine), name)
        task.add_done_callback(lambda _: coroutine.close())  # one that was cancelled before it began has not ended yet
        return task

    async def _gated(self, work: Coroutine[Any, Any, Any]) -> Any:
        return await self._stepped(work)

    @coroutine
    def _stepped(self, work: Coroutine[Any, Any, Any]) -> Generator[Any, Any, Any]:
        """Hand the coroutine's waits to the task, and stop at the gate after each of them."""
        step, sent = work.send, None
        while True:
            try:
                waited_for = step(sent)
            except StopIteration as ended:
                return ended.value
            step, sent = work.send, None
            try:
                yield waited_for
                while self.closed:
                    yield from self._next_opening().__await__()
            except GeneratorExit:  # nobody goes on with this task: the coroutine is closed with it
                raise
            except BaseException as error:  # a cancellation belongs to the coroutine
                step, sent = work.throw, error

    def _next_opening(self) -> asyncio.Future[None]:
        if self._opened is None or self._opened.done():
            self._opened = self._clock.create_future()
        return self._opened
