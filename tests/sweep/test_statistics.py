import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.sweep.statistics import distribution, share


def test_wilson_score_interval():
    """Newcombe 1998, table I, method 3: 81 of 263, 0 of 20."""
    assert share(81, 263) == pytest.approx((0.30798, 0.2553, 0.3662), abs=1e-4)
    assert share(0, 20) == pytest.approx((0.0, 0.0, 0.1611), abs=1e-4)


def test_of_no_runs_nothing_is_known():
    assert share(0, 0)[1:] == (0.0, 1.0)
    assert distribution([]) is None
    assert distribution([math.nan]) is None


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=200))
def test_the_figures_of_a_distribution_are_in_order(values):
    found = distribution(values)
    assert found.runs == len(values)
    assert found.least <= found.p5 <= found.median.value <= found.p95 <= found.most
    assert found.least <= found.median.low <= found.median.value <= found.median.high <= found.most


def test_the_interval_of_a_median_of_a_hundred_is_between_the_40th_and_the_61st():
    """The usual table of order statistics for n = 100 at 95 %."""
    found = distribution([float(number) for number in range(1, 101)])
    assert (found.median.low, found.median.high) == (40.0, 61.0)


def test_of_few_values_the_interval_is_all_there_is():
    assert distribution([3.0, 1.0, 2.0]).median == (2.0, 1.0, 3.0)


def test_the_interval_covers_the_median_about_as_often_as_it_says():
    rng = random.Random(5)
    covered = 0
    for _ in range(400):
        found = distribution([rng.expovariate(1.0) for _ in range(41)])
        covered += found.median.low <= math.log(2) <= found.median.high
    assert 0.93 <= covered / 400 <= 0.99


def test_what_never_came_is_the_largest():
    found = distribution([1.0, 2.0, math.inf])
    assert (found.median.value, found.most) == (2.0, math.inf)
