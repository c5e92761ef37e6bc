"""Latencies in log-linear buckets: about 1.6 % wide from a microsecond to hours, and mergeable.

The idea is Gil Tene's HdrHistogram: powers of two, each cut into 64 equal steps. Buckets are kept in a dict,
because a client sees only a few dozen of them.
"""

from __future__ import annotations

from collections.abc import Iterable

STEP_BITS = 6
STEPS = 1 << STEP_BITS
"""Buckets in each power of two."""


def bucket_of(value_us: int) -> int:
    """The number of the bucket that holds `value_us` microseconds (negative counts as 0)."""
    if value_us < STEPS:
        return value_us if value_us > 0 else 0
    shift = value_us.bit_length() - STEP_BITS - 1
    return (shift << STEP_BITS) + (value_us >> shift)


def middle_of(bucket: int) -> float:
    """The value in microseconds that stands for a bucket."""
    if bucket < 2 * STEPS:
        return float(bucket)
    shift = (bucket >> STEP_BITS) - 1
    lowest = (bucket - (shift << STEP_BITS)) << shift
    return lowest + ((1 << shift) - 1) / 2


class Histogram:
    """Counts per bucket; durations go in and come out in seconds."""

    __slots__ = ("counts",)

    def __init__(self, counts: dict[int, int] | None = None) -> None:
        self.counts: dict[int, int] = counts if counts is not None else {}

    def add(self, value_s: float, times: int = 1) -> None:
        """Count a duration."""
        bucket = bucket_of(int(value_s * 1e6))
        self.counts[bucket] = self.counts.get(bucket, 0) + times

    def add_all(self, values_s: Iterable[float]) -> None:
        """Count durations, each once."""
        counts = self.counts
        for value_s in values_s:
            bucket = bucket_of(int(value_s * 1e6))
            counts[bucket] = counts.get(bucket, 0) + 1

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
