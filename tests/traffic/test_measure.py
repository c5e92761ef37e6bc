"""Counters by client, Service and endpoint, in all and over the last minute."""

from __future__ import annotations

import random

import pytest

from lab.traffic.measure import Measurements, Tallies, Tally


def filled(*seconds: float) -> Tallies:
    tallies, tally = Tallies(), Tally()
    tallies.parts.append(tally)
    for second in seconds:
        tally.record(second, 0.01, "ok", "")
    return tallies


def test_the_rate_is_that_of_the_last_whole_seconds() -> None:
    tallies = filled(9.1, 10.2, 10.3, 10.9, 11.0)
    assert tallies.rate_per_s(11.5) == 3
    assert tallies.rate_per_s(11.5, over_s=2) == 2
    assert tallies.per_second(11.5, over_s=3) == [0, 1, 3]


def test_what_is_older_than_a_minute_has_left_the_ring_and_not_the_total() -> None:
    tallies = filled(1.0, 2.0, 70.0)
    assert tallies.requests == 3
    assert tallies.counts(70.5) == (1, 1)
    assert tallies.rate_per_s(200.0) == 0
    assert len(tallies.histogram()) == 3


def test_seconds_before_the_story_begins_count_as_well() -> None:
    assert filled(-1.5, -0.5, -0.4, 0.5).per_second(1.0, over_s=3) == [1, 2, 1]


def test_success_counts_only_the_window() -> None:
    tallies, tally = Tallies(), Tally()
    tallies.parts.append(tally)
    tally.record(1.0, 0.01, "timeout", "node-down")
    tally.record(30.0, 0.01, "ok", "")
    assert tallies.success(30.5, over_s=10) == 1.0
    assert tallies.success(30.5) == 0.5
    assert tallies.success(500.0) == 1.0
    assert (tallies.outcomes, tallies.reasons) == ({"timeout": 1}, {"node-down": 1})


def test_recent_percentiles_forget_what_was() -> None:
    tallies, tally = Tallies(), Tally()
    tallies.parts.append(tally)
    for second in range(100):
        tally.record(float(second), 1.0 if second < 50 else 0.01, "ok", "")
    assert tallies.recent_percentile(99, 99.5) == pytest.approx(0.01, rel=0.02)
    assert tallies.percentile(99) == pytest.approx(1.0, rel=0.02)


def test_recent_latencies_are_all_that_the_slices_hold() -> None:
    rng, tally = random.Random(3), Tally()
    moments = sorted(rng.uniform(-60, 300) for _ in range(2000))
    for moment in moments:
        tally.record(moment, 0.01, "ok", "")
    recent = sum(map(len, tally.recent_histograms(290)))
    assert recent == sum(1 for moment in moments if moment >= 290)
    assert sum(map(len, tally.histograms())) == 2000


def test_one_request_is_seen_by_its_client_its_service_and_its_endpoint() -> None:
    measure = Measurements()
    measure.tally("shoppers", "default/web", "default/web-1").record(1.0, 0.01, "ok", "")
    measure.tally("shoppers", "default/web", "default/web-2").record(1.0, 0.01, "ok", "")
    measure.tally("shoppers", "", "").record(1.0, 0.01, "nxdomain", "nxdomain")
    assert measure.total.requests == 3
    assert measure.clients["shoppers"].requests == 3
    assert measure.services["default/web"].requests == 2
    assert measure.endpoints[("default/web", "default/web-2")].requests == 1
    assert measure.pods["default/web-1"].requests == 1
    assert measure.between[("shoppers", "default/web")].ok == 2


def test_the_difference_of_two_summaries_is_what_came_between() -> None:
    tallies = filled(1.0, 2.0)
    before = tallies.summary()
    tallies.parts[0].record(3.0, 0.5, "error", "status-503")
    between = tallies.summary().since(before)
    assert (between.requests, between.ok, between.failed) == (1, 0, 1)
    assert between.outcomes == {"error": 1}
    assert between.percentile(50) == pytest.approx(0.5, rel=0.02)
    assert between.success == 0.0
