"""Figures as people read them."""

import math

import pytest

from lab.views import format as fmt


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "00:00.0"), (42.31, "00:42.3"), (-12, "-00:12.0"), (61.96, "01:02.0"), (3723.4, "1:02:03.4")],
)
def test_moments(seconds: float, text: str) -> None:
    assert fmt.moment(seconds) == text


@pytest.mark.parametrize(("seconds", "text"), [(42.31, "00:42.310"), (-0.5, "-00:00.500"), (59.9999, "01:00.000")])
def test_stamps(seconds: float, text: str) -> None:
    assert fmt.stamp(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.00085, "850 us"), (0.0071, "7.1 ms"), (0.012, "12 ms"), (0.9996, "1.0 s"), (127, "127 s"), (math.nan, "-")],
)
def test_latencies(seconds: float, text: str) -> None:
    assert fmt.latency(seconds) == text


def test_a_share_is_never_rounded_up_to_all() -> None:
    assert fmt.percent(99_999, 100_000) == "99.9%"
    assert fmt.percent(10, 10) == "100%"
    assert fmt.percent(0, 0) == "-"


@pytest.mark.parametrize(("value", "text"), [(0, "0"), (0.4, "0.4"), (82.4, "82"), (12_000, "12k")])
def test_rates(value: float, text: str) -> None:
    assert fmt.rate(value) == text


def test_parties_in_short() -> None:
    assert fmt.party("pod/default/web-1") == "web-1"
    assert fmt.party("pod/shop/web-1") == "shop/web-1"
    assert fmt.party("node/worker-1") == "worker-1"
    assert fmt.party("internet/198.51.100.7") == "internet/198.51.100.7"
