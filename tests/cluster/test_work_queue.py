from __future__ import annotations

from itertools import pairwise

from lab.clock import Clock
from lab.cluster.controllers.base import Controller, Key
from lab.cluster.errors import NotFound
from lab.cluster.store import Store
from lab.journal import Journal
from lab.settings import Settings


class Recorder(Controller):
    """Notes when it is asked to reconcile what, and fails as often as it is told to."""

    name = "recorder"

    def __init__(self, failures: int = 0) -> None:
        clock, settings = Clock(), Settings()
        super().__init__(Store(clock, Journal(), settings), clock, settings, 1)
        self.seen: list[tuple[float, str]] = []
        self.failures = failures
        clock.spawn(self.run(), self.name)

    async def reconcile(self, key: Key) -> None:
        self.seen.append((self.clock.time(), key[1]))
        if self.failures:
            self.failures -= 1
            raise NotFound("Pod", key[1])


def key(name: str) -> Key:
    return ("default", name)


def test_keys_come_in_order_and_each_once() -> None:
    recorder = Recorder()
    for name in ("b", "a", "b"):
        recorder.queue.add(key(name))
    recorder.clock.run_until(1.0)
    assert recorder.seen == [(0.0, "b"), (0.0, "a")]


def test_a_later_key_comes_at_the_earliest_moment_asked_for() -> None:
    recorder = Recorder()
    for delay_s in (5.0, 3.0, 4.0):
        recorder.queue.add_after(key("a"), delay_s)
    recorder.clock.run_until(10.0)
    assert recorder.seen == [(3.0, "a")]


def test_a_failure_is_tried_again_after_a_pause_that_doubles() -> None:
    recorder = Recorder(failures=3)
    recorder.queue.add(key("a"))
    recorder.clock.run_until(20.0)
    assert [moment for moment, _ in recorder.seen] == [0.0, 1.0, 3.0, 7.0]


def test_success_forgets_earlier_failures() -> None:
    recorder = Recorder(failures=2)
    recorder.queue.add(key("a"))
    recorder.clock.run_until(10.0)
    recorder.failures = 1
    recorder.queue.add(key("a"))
    recorder.clock.run_until(20.0)
    assert [moment for moment, _ in recorder.seen] == [0.0, 1.0, 3.0, 10.0, 11.0]


def test_a_controller_tries_again_after_1_s_and_at_last_after_1000_s() -> None:
    recorder = Recorder(failures=13)
    recorder.queue.add(key("a"))
    recorder.clock.run_until(5000.0)
    moments = [moment for moment, _ in recorder.seen]
    pauses = [later - sooner for sooner, later in pairwise(moments)]
    assert pauses == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1000, 1000, 1000]
