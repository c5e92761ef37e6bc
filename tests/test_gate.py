"""What falls due behind a closed gate waits, in order; tasks stand still and can be cancelled."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Iterator

import pytest

from lab.clock import Clock
from lab.gate import Gate


@pytest.fixture
def clock() -> Iterator[Clock]:
    made = Clock()
    yield made
    made.close()


def test_callbacks_wait_and_keep_their_order(clock: Clock) -> None:
    gate, seen = Gate(clock), list[tuple[str, float]]()
    for number, name in enumerate("abc"):
        gate.after(1.0 + number, lambda name=name: seen.append((name, clock.time())))
    clock.after(1.5, gate.close)
    clock.after(10.0, gate.open)
    clock.run_until(20.0)
    assert seen == [("a", 1.0), ("b", 10.0), ("c", 10.0)]


def test_what_comes_from_elsewhere_waits_too(clock: Clock) -> None:
    gate, seen = Gate(clock), list[int]()
    hear = gate.through(seen.append)
    hear(1)
    gate.close()
    hear(2)
    assert seen == [1]
    gate.open()
    clock.run_until(0.1)
    assert seen == [1, 2]


def test_closed_again_before_the_rest_has_happened_the_rest_waits(clock: Clock) -> None:
    gate, seen = Gate(clock), list[int]()
    hear = gate.through(seen.append)
    gate.close()
    hear(1)
    gate.open()
    gate.close()
    clock.run_until(1.0)
    assert seen == []


def test_a_reset_forgets_what_has_waited(clock: Clock) -> None:
    gate, seen = Gate(clock), list[int]()
    gate.close()
    gate.through(seen.append)(1)
    gate.reset()
    clock.run_until(1.0)
    assert seen == []
    assert not gate.closed


def test_a_task_stands_still_and_goes_on(clock: Clock) -> None:
    gate, seen = Gate(clock), list[float]()

    async def work() -> str:
        for _ in range(3):
            await asyncio.sleep(1.0)
            seen.append(clock.time())
        return "done"

    task = gate.spawn(work(), "work")
    clock.after(1.5, gate.close)
    clock.after(5.0, gate.open)
    clock.run_until(20.0)
    assert seen == [1.0, 5.0, 6.0]
    assert task.result() == "done"


def test_a_task_behind_a_closed_gate_can_be_cancelled(clock: Clock) -> None:
    gate, seen = Gate(clock), list[str]()

    async def work() -> None:
        try:
            await asyncio.sleep(1.0)
            seen.append("went on")
        finally:
            seen.append("cleaned up")

    task = gate.spawn(work(), "work")
    gate.close()
    clock.run_until(5.0)
    task.cancel()
    clock.run_until(6.0)
    assert task.cancelled()
    assert seen == ["cleaned up"]


def test_a_timeout_inside_of_a_task_still_works(clock: Clock) -> None:
    gate = Gate(clock)

    async def work() -> str:
        try:
            async with asyncio.timeout(2.0):
                await asyncio.sleep(10.0)
        except TimeoutError:
            return f"gave up at {clock.time():g}"
        return "slept"

    task = gate.spawn(work(), "work")
    clock.run_until(30.0)
    assert task.result() == "gave up at 2"


def test_a_task_that_is_cancelled_before_it_began_leaves_nothing_behind() -> None:
    clock = Clock()

    async def work() -> None:
        raise AssertionError("it has never begun")

    begun = work()
    Gate(clock).spawn(begun, "work")
    clock.close()
    assert inspect.getcoroutinestate(begun) == inspect.CORO_CLOSED
