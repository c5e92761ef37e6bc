"""Retries: how often, after what pause, and how a budget holds them back when everything fails."""

from __future__ import annotations

import pytest

from lab.traffic.retries import RetryBudget, RetryPolicy


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
