"""Retries: how often, after what pause, and how a budget holds them back when everything fails."""

from __future__ import annotations

import pytest

from lab.traffic.client import ClientSpec, Phase
from lab.traffic.retries import RetryBudget, RetryPolicy
from tests.traffic.fakes import Bench, app


def test_without_a_budget_every_failure_is_tried_again() -> None:
    budget = RetryBudget(RetryPolicy(2))
    assert [budget.pause_s(attempt, 0.0) for attempt in (1, 2, 3)] == [0.0, 0.0, None]
    assert (budget.sent, budget.held_back) == (2, 0)


def test_the_pause_doubles() -> None:
    budget = RetryBudget(RetryPolicy(4, backoff_s=0.1))
    assert [budget.pause_s(attempt, 0.0) for attempt in (1, 2, 3, 4)] == pytest.approx([0.1, 0.2, 0.4, 0.8])


def test_a_budget_is_a_share_of_the_requests_of_the_last_ten_seconds() -> None:
    budget = RetryBudget(RetryPolicy(1, budget=0.2))
    for number in range(10):
        budget.asked(number / 10)
    assert [budget.pause_s(1, 1.0) for _ in range(3)] == [0.0, 0.0, None]
    assert budget.held_back == 1
    assert budget.pause_s(1, 30.0) is None, "ten seconds later nothing was asked, so nothing is tried again"
    for number in range(5):
        budget.asked(30.0 + number / 10)
    assert budget.pause_s(1, 31.0) == 0.0


def test_who_pauses_before_a_retry_is_unanswered_and_heard_of_at_the_end() -> None:
    bench = Bench(app())
    bench.network.serve("web", 80)  # refuses everybody
    now_s = bench.clock.time()
    client = bench.traffic.add_client(
        ClientSpec(
            name="shoppers",
            url="http://web/",
            phases=(Phase(1.0),),
            arrivals="constant",
            retries=RetryPolicy(1, backoff_s=1.0),
            start_s=now_s,
            stop_s=now_s + 1.5,
        )
    )
    bench.clock.run_until(now_s + 1.5)
    assert client.unanswered == 1
    told: list[str] = []
    assert client.follow(lambda result: told.append(f"{result.outcome} {result.attempts}")) == 1
    bench.clock.run_until(now_s + 5.0)
    assert (told, client.unanswered) == (["refused 2"], 0)


def test_a_budget_remembers_no_more_than_its_window() -> None:
    budget = RetryBudget(RetryPolicy(1, budget=0.2))
    for second in range(100):
        budget.asked(float(second))
    assert len(budget._requests) == 10
