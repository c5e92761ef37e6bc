"""Log-linear buckets keep two digits of every latency, from a microsecond to hours."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.traffic.histogram import Histogram, bucket_of, middle_of

durations_us = st.integers(min_value=0, max_value=10**11)


@given(durations_us)
@settings(max_examples=50, deadline=None)
def test_a_bucket_stands_for_its_values_within_two_percent(value_us: int) -> None:
    assert middle_of(bucket_of(value_us)) == pytest.approx(value_us, rel=0.016, abs=0.5)


@given(durations_us, durations_us)
@settings(max_examples=50, deadline=None)
def test_buckets_keep_the_order(one: int, other: int) -> None:
    assert (bucket_of(one) <= bucket_of(other)) or one > other


@given(st.lists(durations_us, min_size=1, max_size=30), st.lists(durations_us, max_size=30))
@settings(max_examples=50, deadline=None)
def test_merging_is_counting_together(left: list[int], right: list[int]) -> None:
    apart = [Histogram(), Histogram()]
    together = Histogram()
    for histogram, values in zip(apart, (left, right), strict=True):
        for value in values:
            histogram.add_all([value / 1e6])
            together.add_all([value / 1e6])
    assert Histogram().merge(apart).counts == together.counts
    assert len(together) == len(left) + len(right)


def test_percentiles_are_those_of_the_sorted_list() -> None:
    histogram = Histogram().add_all(milliseconds / 1000 for milliseconds in range(1, 1001))
    for percent, expected_s in ((50, 0.5), (90, 0.9), (99, 0.99), (100, 1.0), (0, 0.001)):
        assert histogram.percentile(percent) == pytest.approx(expected_s, rel=0.016)
    assert histogram.mean_s == pytest.approx(0.5005, rel=0.016)


def test_an_empty_histogram_says_zero() -> None:
    assert (Histogram().percentile(99), Histogram().mean_s) == (0.0, 0.0)
