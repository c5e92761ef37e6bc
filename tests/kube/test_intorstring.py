"""Counts and percentages: maxSurge rounds up, maxUnavailable rounds down."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.kube.errors import LabError
from lab.kube.intorstring import scaled


@pytest.mark.parametrize(
    ("value", "total", "up", "down"),
    [("25%", 4, 1, 1), ("25%", 3, 1, 0), ("0%", 9, 0, 0), ("150%", 3, 5, 4), (2, 9, 2, 2)],
)
def test_scaled(value, total, up, down):
    assert scaled(value, total, round_up=True) == up
    assert scaled(value, total, round_up=False) == down


@pytest.mark.parametrize("value", ["25", "a%", "%", "1.5%", "-5%"])
def test_other_text_is_refused(value):
    with pytest.raises(LabError, match="percentage"):
        scaled(value, 10, round_up=True)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 100), st.integers(0, 5000))
def test_up_and_down_differ_by_at_most_one(percent, total):
    up, down = (scaled(f"{percent}%", total, round_up=direction) for direction in (True, False))
    assert 0 <= up - down <= 1
    assert down <= percent * total / 100 <= up
