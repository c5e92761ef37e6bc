"""Shares and medians of what many runs have measured, with 95 % confidence intervals that assume no distribution."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import NamedTuple

CONFIDENCE = 0.95
_Z = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)


class Interval(NamedTuple):
    """An estimate and the interval that it is believed to be in."""

    value: float
    low: float
    high: float


class Distribution(NamedTuple):
    """How a figure is distributed over runs."""

    runs: int
    median: Interval
    p5: float
    p95: float
    least: float
    most: float


def share(held: int, runs: int) -> Interval:
    """The share of runs in which something held, with Wilson's score interval (Wilson 1927)."""
    if not runs:
        return Interval(math.nan, 0.0, 1.0)
    part, z2 = held / runs, _Z * _Z
    middle = (part + z2 / (2 * runs)) / (1 + z2 / runs)
    half = _Z * math.sqrt(part * (1 - part) / runs + z2 / (4 * runs * runs)) / (1 + z2 / runs)
    return Interval(part, max(0.0, middle - half), min(1.0, middle + half))


def distribution(values: Sequence[float]) -> Distribution | None:
    """How figures are distributed; None without any. Infinite figures are the largest."""
    ordered = sorted(value for value in values if not math.isnan(value))
    if not ordered:
        return None
    return Distribution(
        runs=len(ordered),
        median=_median(ordered),
        p5=_quantile(ordered, 0.05),
        p95=_quantile(ordered, 0.95),
        least=ordered[0],
        most=ordered[-1],
    )


def _median(ordered: Sequence[float]) -> Interval:
    """With the interval between two order statistics that covers the median in 95 % of samples: the number of values
    below the median is binomial, whatever their distribution (David and Nagaraja, Order Statistics, section 7.1)."""
    number = len(ordered)
    below = 0.0
    rank = 0
    for k in range(number // 2 + 1):
        below += _binomial(number, k)
        if below > (1 - CONFIDENCE) / 2:
            break
        rank = k + 1
    low, high = max(rank - 1, 0), min(number - rank, number - 1)
    return Interval(_quantile(ordered, 0.5), ordered[low], ordered[high])


def _binomial(number: int, k: int) -> float:
    """The probability of k heads in `number` tosses of a fair coin, through logarithms so that it never overflows."""
    ways = math.lgamma(number + 1) - math.lgamma(k + 1) - math.lgamma(number - k + 1)
    return math.exp(ways - number * math.log(2))


def _quantile(ordered: Sequence[float], part: float) -> float:
    """The value at a part of the way through, between its neighbours where it lies between two."""
    place = part * (len(ordered) - 1)
    low, high = math.floor(place), math.ceil(place)
    if ordered[low] == ordered[high]:
        return ordered[low]
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)
