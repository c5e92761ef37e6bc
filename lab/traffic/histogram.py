"""Latencies in log-linear buckets: about 1.6 % wide from a microsecond to hours, and mergeable.

The idea is Gil Tene's HdrHistogram: powers of two, each cut into 64 equal steps. That is how a double is written
down (IEEE 754), so a bucket is the exponent and the first six bits of the fraction of a number of microseconds.
Buckets are kept in a dict, because a client sees only a few dozen of them.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterable
from math import ceil, floor

_DROPPED_BITS = 46
"""Of the 52 bits of a double's fraction."""


def bucket_of(value_us: float) -> int:
    """The number of the bucket that holds so many microseconds, which must not be negative."""
    return _bits_of((value_us,))[0] >> _DROPPED_BITS


def middle_of(bucket: int) -> float:
    """The value in microseconds that stands for a bucket: the middle of the whole ones in it."""
    bounds = struct.pack("2Q", bucket << _DROPPED_BITS, bucket + 1 << _DROPPED_BITS)
    lowest, beyond = memoryview(bounds).cast("d")
    return (floor(lowest) + ceil(beyond) - 1) / 2


def _bits_of(values: Iterable[float]) -> memoryview[int]:
    """Doubles as integers, in the same order: the greater the value, the greater the number."""
    return memoryview(array("d", values)).cast("B").cast("Q")


class Histogram:
    """Counts per bucket; durations go in and come out in seconds."""

    __slots__ = ("counts",)

    def __init__(self, counts: dict[int, int] | None = None) -> None:
        self.counts: dict[int, int] = counts if counts is not None else {}

    def add_all(self, values_s: Iterable[float]) -> Histogram:
        """Count durations, none of them negative, and return this histogram."""
        counts = self.counts
        for bits in _bits_of([value_s * 1e6 for value_s in values_s]):
            bucket = bits >> _DROPPED_BITS
            counts[bucket] = counts.get(bucket, 0) + 1
        return self

    def merge(self, others: Iterable[Histogram]) -> Histogram:
        """Take in everything that `others` have counted, and return this histogram."""
        counts = self.counts
        for other in others:
            for bucket, times in other.counts.items():
                counts[bucket] = counts.get(bucket, 0) + times
        return self

    def __len__(self) -> int:
        return sum(self.counts.values())

    def percentile(self, percent: float) -> float:
        """The duration in seconds that `percent` of all do not exceed; 0.0 when nothing was counted."""
        total = len(self)
        if not total:
            return 0.0
        wanted = max(1, -(-total * percent // 100))
        seen = 0
        bucket = 0
        for bucket in sorted(self.counts):
            seen += self.counts[bucket]
            if seen >= wanted:
                break
        return middle_of(bucket) / 1e6

    @property
    def mean_s(self) -> float:
        """The mean duration in seconds; 0.0 when nothing was counted."""
        total = len(self)
        return sum(middle_of(b) * n for b, n in sorted(self.counts.items())) / total / 1e6 if total else 0.0
