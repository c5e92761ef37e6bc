"""Virtual seconds as timestamps, ages and durations."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.kube import time
from lab.kube.errors import LabError


def test_time_zero_is_the_first_of_january_2026():
    assert time.to_rfc3339(0.0) == "2026-01-01T00:00:00Z"
    assert time.to_rfc3339(42.9) == "2026-01-01T00:00:42Z"
    assert time.to_rfc3339(-0.5) == "2025-12-31T23:59:59Z"
    assert time.to_rfc3339_micro(1.25) == "2026-01-01T00:00:01.250000Z"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0s"), (5, "5s"), (60, "1m0s"), (90.9, "1m30s"), (3600, "1h0m0s"), (7325, "2h2m5s")]
)
def test_a_duration_as_go_prints_it(seconds, text):
    assert time.go_duration(seconds) == text


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-01T00:01:00Z", 60.0),
        ("2026-01-01T00:00:00.5Z", 0.5),
        ("2026-01-01T02:00:00+02:00", 0.0),
        ("2025-12-31T23:59:00Z", -60.0),
    ],
)
def test_reading_a_timestamp(text, moment):
    assert time.from_rfc3339(text) == moment


@pytest.mark.parametrize("text", ["", "2026-01-01", "12:00", "2026-13-01T00:00:00Z", "2026-01-01T00:00:00"])
def test_what_is_no_timestamp(text):
    with pytest.raises(LabError, match="RFC 3339"):
        time.from_rfc3339(text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("250ms", 0.25), ("10s", 10.0), ("2m", 120.0), ("1h", 3600.0), ("1m30s", 90.0), (5, 5.0), ("5", 5.0), (1.5, 1.5)],
)
def test_durations(text, seconds):
    assert time.parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "10 s", "s", "-1s", "1y", "1s2", -1, True, float("nan")])
def test_what_is_no_duration(text):
    with pytest.raises(LabError, match="is not a duration"):
        time.parse_duration(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-3, "0s"),
        (42.9, "42s"),
        (119, "119s"),
        (310, "5m10s"),
        (300, "5m"),
        (1020, "17m"),
        (11100, "3h5m"),
        (40000, "11h"),
        (187200, "2d4h"),
        (3456000, "40d"),
        (70000000, "2y"),
    ],
)
def test_kubectls_age(seconds, text):
    assert time.age(seconds) == text


@pytest.mark.parametrize(
    ("moment", "text"),
    [(42.31, "00:42.3"), (-12, "-00:12.0"), (3723.45, "1:02:03.4"), (0, "00:00.0"), (-0.01, "00:00.0")],
)
def test_the_labs_own_clock(moment, text):
    assert time.clock_text(moment) == text


@settings(max_examples=50, deadline=None)
@given(st.integers(-(10**6), 10**9))
def test_whole_seconds_survive(moment):
    assert time.from_rfc3339(time.to_rfc3339(moment)) == moment
