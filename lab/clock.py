"""Virtual time as an asyncio event loop that is stepped from outside.

`Clock` keeps one heap of `(time, sequence, callback, arguments)`. Coroutines use plain asyncio
(`sleep`, `Queue`, `Event`, `timeout`, `TaskGroup`); the data path uses `Clock.after`, which costs a
tuple and no task. Nothing happens until somebody steps the clock with `run_until`, and that somebody
may itself run inside another event loop (a screen, a server) or inside none at all.

See the asyncio documentation, "Extending: Writing a Custom Event Loop".
"""

from __future__ import annotations

import asyncio
import contextvars
import gc
import time as wall
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any, NoReturn, TypeVarTuple

if TYPE_CHECKING:
    # To type checkers all of AbstractEventLoop is abstract; a loop need only have what is used of it.
    from asyncio import BaseEventLoop as _Loop
else:
    from asyncio import AbstractEventLoop as _Loop

Ts = TypeVarTuple("Ts")

_END_OF_MOMENT = 2**62  # a sequence above every other one of the same time
_BATCH = 64  # callbacks between two looks at the wall clock, when a budget is given


class ClockError(Exception):
    """A callback or a task on the clock failed and nobody handled it; `__cause__` is the error itself."""


class ClockTask(asyncio.Task[Any]):
    """A task whose hash is its number, so that asyncio's own sets of tasks have the same order in every run."""

    def __init__(self, coroutine: Coroutine[Any, Any, Any], *, number: int, **options: Any) -> None:
        self.number = number
        super().__init__(coroutine, **options)

    def __hash__(self) -> int:
        return self.number


class Clock(_Loop):
    """An asyncio loop on virtual time, in seconds; order is total: by time, then by when it was scheduled."""

    def __init__(self, start_s: float = 0.0) -> None:
        self.now = start_s
        """The virtual time in seconds; only to be read. It never runs backwards."""
        self._sequence = 0
        self._heap: list[tuple[float, int, Callable[..., object], tuple[Any, ...]]] = []
        self._closed = False
        self._running = False
        self._halted = False  # whether `stop` or a failure ends the run after the present callback
        self._failure: ClockError | None = None
        self._task_count = 0
        self._tasks: dict[ClockTask, None] = {}  # in the order they were created, and kept alive until they end

    # -- time ---------------------------------------------------------------------------------------------

    def time(self) -> float:
        """The virtual time in seconds, as asyncio asks for it."""
        return self.now

    @property
    def next_time(self) -> float | None:
        """When the next callback is due, in virtual seconds, or None when nothing is scheduled."""
        return self._heap[0][0] if self._heap else None

    def after(self, delay_s: float, callback: Callable[..., object], *args: Any) -> None:
        """Call `callback(*args)` after `delay_s` virtual seconds (at once, but not before returning, when <= 0).

        There is no handle and no way to cancel: the data path checks for itself whether it is still wanted.
        """
        self._sequence = sequence = self._sequence + 1
        now = self.now
        heappush(self._heap, (now + delay_s if delay_s > 0.0 else now, sequence, callback, args))

    def at(self, when_s: float, callback: Callable[..., object], *args: Any) -> None:
        """Call `callback(*args)` at virtual time `when_s`, or now when that is past."""
        self._sequence = sequence = self._sequence + 1
        now = self.now
        heappush(self._heap, (when_s if when_s > now else now, sequence, callback, args))

    def spawn(self, coroutine: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any]:
        """Start a long-lived task, named for error messages; the clock keeps it alive until it ends."""
        return self.create_task(coroutine, name=name)

    # -- stepping -----------------------------------------------------------------------------------------

    def run_until(self, when_s: float, *, budget_s: float | None = None) -> bool:
        """Run everything due up to and including `when_s`; True when it was reached.

        `budget_s` bounds the wall-clock seconds spent: when it runs out the clock stays at the moment it
        got to and returns False. The budget decides when to stop, never what happens.
        Raises `ClockError` when a callback or task fails with nobody to handle it.
        """
        if self._closed:
            raise RuntimeError("the clock is closed")
        deadline = None if budget_s is None else wall.perf_counter() + budget_s
        with self._as_running_loop():
            reached = self._drain(when_s, deadline)
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure
        if reached and when_s > self.now:
            self.now = when_s
        return reached

    def step(self) -> bool:
        """Run everything due at the next moment something is due; False when nothing is scheduled."""
        due = self.next_time
        if due is None:
            return False
        self.run_until(due)
        return True

    def _drain(self, when_s: float, deadline: float | None) -> bool:
        """Run what is due by `when_s`; False when a failure, `stop` or the deadline came first."""
        while self._run_batch(when_s):
            if deadline is not None and wall.perf_counter() >= deadline:
                return not self._heap or self._heap[0][0] > when_s
        return not self._halted

    def _run_batch(self, when_s: float) -> bool:
        """Run the next callbacks that are due by `when_s`; False when there are no more, or the run is halted."""
        heap = self._heap
        try:
            for _ in range(_BATCH):
                if not heap or heap[0][0] > when_s:
                    return False
                self.now, _, callback, args = heappop(heap)
                callback(*args)
                if self._halted:
                    return False
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException as error:
            self._fail(f"{_name_of(callback)} failed", error)
            return False
        return True

    @contextmanager
    def _as_running_loop(self) -> Iterator[None]:
        """Be the running loop for a while, whether or not another one is running in this thread."""
        if self._running:
            raise RuntimeError("the clock is already being stepped")
        outer_loop = asyncio._get_running_loop()
        outer_task = asyncio.current_task(outer_loop) if outer_loop is not None else None
        if outer_loop is not None and outer_task is not None:
            asyncio.tasks._leave_task(outer_loop, outer_task)
        asyncio._set_running_loop(self)
        self._running = True
        try:
            yield
        finally:
            self._running = self._halted = False
            asyncio._set_running_loop(outer_loop)
            if outer_loop is not None and outer_task is not None:
                asyncio.tasks._enter_task(outer_loop, outer_task)

    # -- failures -----------------------------------------------------------------------------------------

    def _fail(self, message: str, error: BaseException) -> None:
        if self._failure is None:
            self._failure = ClockError(f"at {self.now:.6f} s: {message}: {error!r}")
            self._failure.__cause__ = error
        self._halted = True

    def _ended(self, task: asyncio.Task[Any]) -> None:
        if isinstance(task, ClockTask):
            self._tasks.pop(task, None)
        if not task.cancelled() and getattr(task, "_log_traceback", False):
            # At the end of this moment, so that whoever awaits the task has had its chance to take the exception.
            self._sequence = sequence = self._sequence + 1
            heappush(self._heap, (self.now, _END_OF_MOMENT + sequence, self._take_failure, (task,)))

    def _take_failure(self, task: asyncio.Task[Any]) -> None:
        if not getattr(task, "_log_traceback", False):
            return
        error = task.exception()
        if error is not None:
            self._fail(f"task {task.get_name()!r} failed", error)

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Turn what asyncio would only log into the clock's own failure."""
        error = context.get("exception") or RuntimeError(context.get("message", "unknown error"))
        self._fail(str(context.get("message", "callback failed")), error)

    # -- what asyncio asks of a loop ------------------------------------------------------------------------

    def call_soon(
        self, callback: Callable[[*Ts], object], *args: *Ts, context: contextvars.Context | None = None
    ) -> asyncio.Handle:
        """Schedule for this very moment, after what is already scheduled for it."""
        handle = asyncio.Handle(callback, args, self, context)
        self._push_handle(self.now, handle)
        return handle

    def call_later(
        self, delay: float, callback: Callable[[*Ts], object], *args: *Ts, context: contextvars.Context | None = None
    ) -> asyncio.TimerHandle:
        """Schedule after `delay` virtual seconds."""
        return self.call_at(self.now + delay, callback, *args, context=context)

    def call_at(
        self, when: float, callback: Callable[[*Ts], object], *args: *Ts, context: contextvars.Context | None = None
    ) -> asyncio.TimerHandle:
        """Schedule at virtual time `when` (never in the past)."""
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        self._push_handle(max(when, self.now), handle)
        return handle

    def _push_handle(self, when: float, handle: asyncio.Handle) -> None:
        self._sequence = sequence = self._sequence + 1
        heappush(self._heap, (when, sequence, _run_handle, (handle,)))

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """A cancelled handle stays on the heap and does nothing when its time comes."""

    def create_future(self) -> asyncio.Future[Any]:
        """A future that belongs to this clock."""
        return asyncio.Future(loop=self)

    def create_task(
        self, coro: Any, *, name: object = None, context: contextvars.Context | None = None
    ) -> asyncio.Task[Any]:
        """Start a task; an exception that nobody takes in the moment it ends fails the run."""
        self._task_count += 1
        number = self._task_count
        named = f"task-{number}" if name is None else name  # asyncio's own names count over all loops of the process
        task = ClockTask(coro, number=number, loop=self, name=named, context=context)
        self._tasks[task] = None
        task.add_done_callback(self._ended)
        return task

    def is_running(self) -> bool:
        """Whether somebody is stepping the clock right now."""
        return self._running

    def is_closed(self) -> bool:
        """Whether `close` was called."""
        return self._closed

    def get_debug(self) -> bool:
        """Always False: asyncio's debug mode reads the wall clock."""
        return False

    def stop(self) -> None:
        """Make the current `run_until` return after the callback that is running."""
        self._halted = True

    def close(self) -> None:
        """Cancel what is still running, let it clean up at the present moment, and refuse further steps.

        Raises `ClockError` when a clean-up fails; the clock is closed all the same.
        """
        if self._closed:
            return
        for task in list(self._tasks):
            task.cancel()
        self._failure = None
        try:
            self.run_until(self.now)
        finally:
            self._heap.clear()
            self._tasks.clear()
            self._closed = True

    def run_forever(self) -> NoReturn:
        """Not offered: virtual time has no end; use `run_until`."""
        raise RuntimeError("step the clock with run_until")


def _run_handle(handle: asyncio.Handle) -> None:
    if not handle.cancelled():
        handle._run()


def _name_of(callback: Callable[..., object]) -> str:
    return getattr(callback, "__qualname__", repr(callback))


def tune_gc() -> None:
    """Have Python's garbage collector look at new objects only, and seldom; for who steps a clock for long.

    To be called when everything is in place. A run makes hardly any cycles but keeps many objects (the cluster, its
    tables, the newest events), and with the usual thresholds they would be gone over again and again for nothing.
    What was set apart for an earlier run of this process is given back to the collector.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 50, 50)
