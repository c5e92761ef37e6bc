"""Virtual time: plain asyncio on it, stepped from outside, in one order, losing no failure."""

from __future__ import annotations

import asyncio
import gc
import random
import weakref

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.clock import Clock, ClockError


@pytest.fixture
def clock():
    made = Clock()
    yield made
    made.close()


@pytest.fixture
def seen():
    return []


# -- the heap ----------------------------------------------------------------------------------------------------


def test_nothing_happens_until_somebody_steps(clock, seen):
    clock.after(1.0, seen.append, "a")
    assert (seen, clock.time(), clock.next_time) == ([], 0.0, 1.0)
    assert clock.run_until(0.5)
    assert (seen, clock.time()) == ([], 0.5)
    assert clock.run_until(1.0)
    assert (seen, clock.time(), clock.next_time) == (["a"], 1.0, None)


def test_time_can_start_before_zero(seen):
    clock = Clock(-60.0)
    clock.after(60.0, lambda: seen.append(clock.time()))
    clock.run_until(10.0)
    assert seen == [0.0]
    assert clock.time() == 10.0


def test_order_is_by_time_and_then_by_when_it_was_scheduled(clock, seen):
    for name, delay_s in (("late", 2.0), ("first", 1.0), ("second", 1.0), ("now", 0.0), ("past", -5.0)):
        clock.after(delay_s, seen.append, name)
    clock.at(1.0, seen.append, "third")
    clock.run_until(3.0)
    assert seen == ["now", "past", "first", "second", "third", "late"]


def test_at_in_the_past_means_now(clock, seen):
    clock.run_until(5.0)
    clock.at(1.0, lambda: seen.append(clock.time()))
    clock.run_until(5.0)
    assert seen == [5.0]


def test_a_timer_of_the_past_is_due_now(clock, seen):
    clock.run_until(5.0)
    clock.call_at(1.0, lambda: seen.append(clock.time()))
    clock.call_later(-1.0, lambda: seen.append(clock.time()))
    clock.run_until(5.0)
    assert seen == [5.0, 5.0]


def test_a_callback_may_schedule_for_its_own_moment(clock, seen):
    clock.after(1.0, lambda: clock.after(0.0, seen.append, clock.time()))
    clock.run_until(1.0)
    assert len(seen) == 1


def test_step_goes_to_the_next_moment_something_is_due(clock, seen):
    for delay_s in (1.0, 1.0, 4.0):
        clock.after(delay_s, seen.append, delay_s)
    assert clock.step()
    assert (seen, clock.time()) == ([1.0, 1.0], 1.0)
    assert clock.step()
    assert clock.time() == 4.0
    assert not clock.step()


def test_running_to_the_past_changes_nothing(clock):
    clock.run_until(5.0)
    assert clock.run_until(1.0)
    assert clock.time() == 5.0


# -- asyncio on it ------------------------------------------------------------------------------------------------


def test_sleep_takes_virtual_time(clock, seen):
    async def main():
        for _ in range(3):
            await asyncio.sleep(10.0)
            seen.append(asyncio.get_running_loop().time())

    clock.spawn(main(), "main")
    clock.run_until(100.0)
    assert seen == [10.0, 20.0, 30.0]


def test_tasks_and_callbacks_share_one_order(clock, seen):
    async def main(name):
        await asyncio.sleep(1.0)
        seen.append(name)

    clock.spawn(main("task a"), "a")
    clock.spawn(main("task b"), "b")
    clock.run_until(0.0)
    clock.after(1.0, seen.append, "callback")
    clock.run_until(1.0)
    assert seen == ["callback", "task a", "task b"]


def test_a_queue_hands_over_in_order(clock, seen):
    queue = asyncio.Queue()

    async def consume():
        while True:
            seen.append((clock.time(), await queue.get()))

    clock.spawn(consume(), "consumer")
    for item in range(3):
        clock.after(item + 1.0, queue.put_nowait, item)
    clock.run_until(10.0)
    assert [item for _, item in seen] == [0, 1, 2]
    assert clock.time() == 10.0


def test_an_event_wakes_all_who_wait(clock, seen):
    event = asyncio.Event()

    async def wait(name):
        await event.wait()
        seen.append((name, clock.time()))

    for name in "abc":
        clock.spawn(wait(name), name)
    clock.after(2.0, event.set)
    clock.run_until(3.0)
    assert seen == [("a", 2.0), ("b", 2.0), ("c", 2.0)]


def test_a_timeout_ends_what_takes_too_long(clock, seen):
    async def main():
        try:
            async with asyncio.timeout(5.0):
                await asyncio.sleep(60.0)
        except TimeoutError:
            seen.append(clock.time())
        async with asyncio.timeout(5.0):
            await asyncio.sleep(1.0)
        seen.append(clock.time())
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.Event().wait(), 1.0)
        seen.append(clock.time())

    clock.spawn(main(), "main")
    clock.run_until(100.0)
    assert seen == [5.0, 6.0, 7.0]


def test_a_task_group_waits_for_all_and_cancels_the_rest_on_a_failure(clock, seen):
    async def work(delay_s, fail=False):
        try:
            await asyncio.sleep(delay_s)
            if fail:
                raise ValueError("no")
            seen.append(delay_s)
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    async def main():
        async with asyncio.TaskGroup() as group:
            group.create_task(work(1.0))
            group.create_task(work(3.0))
        assert clock.time() == 3.0
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(work(60.0))
                group.create_task(work(1.0, fail=True))
        except* ValueError:
            seen.append(clock.time())

    clock.spawn(main(), "main")
    clock.run_until(100.0)
    assert seen == [1.0, 3.0, "cancelled", 4.0]


def test_a_cancelled_task_cleans_up_and_is_no_failure(clock, seen):
    async def main():
        try:
            await asyncio.sleep(60.0)
        finally:
            await asyncio.sleep(1.0)
            seen.append(clock.time())

    task = clock.spawn(main(), "main")
    clock.after(5.0, task.cancel)
    clock.run_until(100.0)
    assert seen == [6.0]
    assert task.cancelled()


def test_gather_and_locks_and_futures(clock, seen):
    lock, future = asyncio.Lock(), clock.create_future()

    async def work(name):
        async with lock:
            await asyncio.sleep(1.0)
            return name, clock.time(), await future

    async def main():
        seen.extend(await asyncio.gather(work("a"), work("b")))

    clock.spawn(main(), "main")
    clock.after(0.5, future.set_result, "given")
    clock.run_until(100.0)
    assert seen == [("a", 1.0, "given"), ("b", 2.0, "given")]


def test_a_cancelled_timer_does_nothing(clock, seen):
    clock.call_later(1.0, seen.append, "cancelled").cancel()
    clock.call_at(2.0, seen.append, "kept")
    clock.call_soon(seen.append, "soon")
    clock.run_until(5.0)
    assert seen == ["soon", "kept"]


# -- failures ------------------------------------------------------------------------------------------------------


def test_an_exception_in_a_task_surfaces(clock):
    async def main():
        await asyncio.sleep(3.0)
        raise ValueError("broken")

    clock.spawn(main(), "the scheduler")
    with pytest.raises(ClockError, match=r"at 3\.0+ s: task 'the scheduler' failed: ValueError") as error:
        clock.run_until(10.0)
    assert isinstance(error.value.__cause__, ValueError)
    assert clock.time() == 3.0


def test_an_exception_in_a_callback_surfaces_and_the_clock_goes_on(clock, seen):
    clock.after(1.0, lambda: 1 / 0)
    clock.after(2.0, seen.append, "after")
    with pytest.raises(ClockError, match="ZeroDivisionError"):
        clock.run_until(10.0)
    assert clock.run_until(10.0)
    assert seen == ["after"]


def test_an_exception_in_an_asyncio_handle_surfaces(clock):
    clock.call_later(1.0, lambda: 1 / 0)
    with pytest.raises(ClockError, match="ZeroDivisionError"):
        clock.run_until(10.0)


def test_an_exception_that_somebody_awaits_is_theirs(clock, seen):
    async def broken():
        await asyncio.sleep(1.0)
        raise ValueError("taken")

    async def main():
        try:
            await asyncio.create_task(broken())
        except ValueError as error:
            seen.append(str(error))

    clock.spawn(main(), "main")
    assert clock.run_until(10.0)
    assert seen == ["taken"]


def test_an_exception_that_asyncio_hands_on_in_several_turns_is_still_theirs(clock, seen):
    async def broken():
        await asyncio.sleep(1.0)
        raise ValueError("taken")

    async def main():
        with pytest.raises(ValueError, match="taken"):
            await asyncio.wait_for(broken(), 5.0)
        done, _ = await asyncio.wait([asyncio.create_task(broken())])
        seen.extend(str(task.exception()) for task in done)
        with pytest.raises(ValueError, match="taken"):
            await asyncio.shield(asyncio.create_task(broken()))
        seen.append(clock.time())

    clock.spawn(main(), "main")
    assert clock.run_until(10.0)
    assert seen == ["taken", 3.0]


def test_two_failures_at_one_moment_are_both_told(clock):
    async def broken(name):
        raise ValueError(name)

    clock.spawn(broken("one"), "one")
    clock.spawn(broken("two"), "two")
    for name in ("one", "two"):
        with pytest.raises(ClockError, match=name):
            clock.run_until(1.0)
    assert clock.run_until(1.0)


# -- budget, nesting, closing ---------------------------------------------------------------------------------------


def test_a_budget_stops_without_changing_what_happens(clock, seen):
    for moment in range(1000):
        clock.after(float(moment), seen.append, moment)
    slices = 0
    while not clock.run_until(2000.0, budget_s=0.0):
        slices += 1
        assert clock.time() == float(seen[-1])
    assert slices > 1
    assert seen == list(range(1000))
    assert clock.time() == 2000.0


def test_stepping_inside_a_running_loop(clock, seen):
    async def inside():
        while True:
            await asyncio.sleep(1.0)
            assert asyncio.get_running_loop() is clock
            assert asyncio.current_task().get_name() == "inside"
            seen.append(clock.time())

    async def outside():
        outer_loop, outer_task = asyncio.get_running_loop(), asyncio.current_task()
        clock.spawn(inside(), "inside")
        for moment in (1.0, 2.0, 3.0):
            clock.run_until(moment)
            assert asyncio.get_running_loop() is outer_loop
            assert asyncio.current_task() is outer_task
            await asyncio.sleep(0)

    asyncio.run(outside())
    assert seen == [1.0, 2.0, 3.0]


def test_a_failure_inside_a_running_loop_leaves_that_loop_whole(clock):
    async def outside():
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        clock.after(1.0, lambda: 1 / 0)
        with pytest.raises(ClockError):
            clock.run_until(2.0)
        assert asyncio.get_running_loop() is loop
        assert asyncio.current_task() is task
        async with asyncio.timeout(5):
            await asyncio.sleep(0)

    asyncio.run(outside())


def test_one_clock_may_step_another(clock, seen):
    inner = Clock()
    inner.after(1.0, seen.append, "inner")
    clock.after(1.0, inner.run_until, 5.0)
    clock.after(2.0, seen.append, "outer")
    clock.run_until(5.0)
    assert seen == ["inner", "outer"]


def test_a_clock_cannot_step_itself(clock):
    clock.after(1.0, clock.run_until, 2.0)
    with pytest.raises(ClockError, match="already being stepped"):
        clock.run_until(5.0)


def test_stop_returns_after_the_callback_that_runs(clock, seen):
    clock.after(1.0, clock.stop)
    clock.after(1.0, seen.append, "later")
    assert not clock.run_until(5.0)
    assert (seen, clock.time()) == ([], 1.0)
    assert clock.run_until(5.0)
    assert seen == ["later"]


def test_closing_lets_tasks_clean_up_and_refuses_further_steps(seen):
    clock = Clock()

    async def main():
        try:
            await asyncio.sleep(60.0)
        finally:
            seen.append("cleaned up")

    clock.spawn(main(), "main")
    clock.run_until(1.0)
    clock.close()
    clock.close()
    assert seen == ["cleaned up"]
    assert clock.is_closed()
    with pytest.raises(RuntimeError, match="closed"):
        clock.run_until(2.0)


def test_closing_a_clock_whose_tasks_never_started(recwarn):
    clock = Clock()

    async def main():
        await asyncio.sleep(1.0)

    clock.spawn(main(), "main")
    clock.close()
    assert not recwarn.list


def test_a_clean_up_that_fails_is_told_and_the_clock_is_closed():
    clock = Clock()

    async def main():
        try:
            await asyncio.sleep(60.0)
        finally:
            raise ValueError("cannot clean up")

    clock.spawn(main(), "main")
    clock.run_until(1.0)
    with pytest.raises(ClockError, match="cannot clean up"):
        clock.close()
    assert clock.is_closed()


def test_tasks_are_cancelled_in_the_order_they_were_created(clock, seen):
    async def work(name):
        try:
            await asyncio.sleep(60.0)
        finally:
            seen.append(name)

    async def main():
        async with asyncio.TaskGroup() as group:
            padding = []
            for name in range(6):
                padding.append(bytearray(1000 * name))
                group.create_task(work(name))

    task = clock.spawn(main(), "main")
    clock.after(1.0, task.cancel)
    clock.run_until(2.0)
    assert seen == [0, 1, 2, 3, 4, 5]


def test_a_task_that_nobody_keeps_stays_alive(clock, seen):
    async def work():
        waiting = asyncio.get_running_loop().create_future()
        woken.append(weakref.ref(waiting))
        seen.append(await waiting)

    woken = []
    clock.create_task(work())
    clock.run_until(1.0)
    gc.collect()
    woken[0]().set_result("done")
    clock.run_until(5.0)
    assert seen == ["done"]


def test_it_does_not_run_for_ever(clock):
    with pytest.raises(RuntimeError, match="run_until"):
        clock.run_forever()


# -- laws ------------------------------------------------------------------------------------------------------------

delays = st.lists(st.floats(-1.0, 50.0, allow_nan=False), max_size=30)


@settings(max_examples=50, deadline=None)
@given(delays)
def test_order_is_total(delays_s):
    clock, seen = Clock(), []
    for position, delay_s in enumerate(delays_s):
        clock.after(delay_s, seen.append, (max(delay_s, 0.0), position))
    clock.run_until(100.0)
    assert seen == sorted(seen)
    assert len(seen) == len(delays_s)


@settings(max_examples=50, deadline=None)
@given(delays, st.lists(st.floats(0.0, 60.0, allow_nan=False), max_size=10))
def test_time_never_runs_backwards(delays_s, stops_s):
    clock, times = Clock(), []

    def again(delay_s):
        times.append(clock.time())
        if delay_s > 1.0:
            clock.after(delay_s - 10.0, again, delay_s / 2)

    for delay_s in delays_s:
        clock.after(delay_s, again, delay_s)
    for stop_s in stops_s:
        clock.run_until(stop_s)
        times.append(clock.time())
    assert times == sorted(times)


def _a_run(seed, slices):
    """Tasks, queues and callbacks that draw from one generator: anything out of order shows at once."""
    clock, draw, log = Clock(), random.Random(seed), []
    queue = asyncio.Queue()

    async def produce(name):
        for _ in range(5):
            await asyncio.sleep(draw.expovariate(1.0))
            queue.put_nowait((name, draw.random()))

    async def consume():
        while True:
            log.append((clock.time(), await queue.get()))
            clock.after(draw.random(), log.append, draw.random())

    clock.spawn(consume(), "consumer")
    for name in "abc":
        clock.spawn(produce(name), name)
    for number in range(1, slices + 1):
        clock.run_until(30.0 * number / slices)
    clock.close()
    return log


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.integers(1, 50))
def test_two_runs_are_equal_however_they_are_sliced(seed, slices):
    assert _a_run(seed, 1) == _a_run(seed, slices)
