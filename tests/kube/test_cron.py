"""Schedules in cron's notation: what they mean, when they are next due, and what is wrong with them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from math import floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.kube.cron import Schedule, parse, time_zone
from lab.kube.errors import LabError
from lab.kube.time import EPOCH, from_rfc3339

BERLIN = time_zone("Europe/Berlin")
SUMMER_TIME_BEGINS = "2026-03-29T01:00:00Z"
SUMMER_TIME_ENDS = "2026-10-25T01:00:00Z"


def following(schedule: str, after: str, count: int = 1, zone: tzinfo = UTC) -> list[str]:
    moment, found = from_rfc3339(after), []
    for _ in range(count):
        due = parse(schedule).next(moment, zone)
        assert due is not None
        moment = due
        found.append((EPOCH + timedelta(seconds=due)).astimezone(zone).strftime("%m-%dT%H:%M"))
    return found


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("* * * * *", ["01-01T00:01", "01-01T00:02"]),
        ("*/15 * * * *", ["01-01T00:15", "01-01T00:30"]),
        ("10/20 * * * *", ["01-01T00:10", "01-01T00:30"]),
        ("0 8-18/5 * * *", ["01-01T08:00", "01-01T13:00"]),
        ("5,35 3 * * ?", ["01-01T03:05", "01-01T03:35"]),
        ("0 0 * FEB,apr *", ["02-01T00:00", "02-02T00:00"]),
        ("30 6 * * Mon-Fri", ["01-01T06:30", "01-02T06:30"]),  # 2026 begins on a Thursday
        ("0 12 13 * 5", ["01-02T12:00", "01-09T12:00"]),  # the 13th or a Friday
        ("0 12 */10 * 5", ["01-01T12:00", "01-02T12:00"]),  # a star with a step is no star
        ("0 12 * * 5", ["01-02T12:00", "01-09T12:00"]),
        ("@hourly", ["01-01T01:00", "01-01T02:00"]),
        ("@daily", ["01-02T00:00", "01-03T00:00"]),
        ("@weekly", ["01-04T00:00", "01-11T00:00"]),
        ("@monthly", ["02-01T00:00", "03-01T00:00"]),
        ("0 0 31 * *", ["01-31T00:00", "03-31T00:00"]),
        ("0 0 29 2 *", ["02-29T00:00"]),
        ("@every 1h30m", ["01-01T01:30", "01-01T03:00"]),
    ],
)
def test_what_a_schedule_means(schedule: str, expected: list[str]) -> None:
    assert following(schedule, "2026-01-01T00:00:00Z", len(expected)) == expected


def test_a_moment_that_is_due_is_not_its_own_next() -> None:
    assert following("0 * * * *", "2026-01-01T05:00:00Z") == ["01-01T06:00"]
    assert parse("0 * * * *").next(-0.5, UTC) == 0.0


def test_time_before_zero_is_time_like_any_other() -> None:
    assert parse("* * * * *").next(-300.0, UTC) == -240.0
    assert parse("58 23 31 12 *").next(-300.0, UTC) == -120.0


def test_thirtieth_february_is_never() -> None:
    assert parse("0 0 30 2 *").next(0.0, UTC) is None


def test_it_is_the_clock_of_the_time_zone_that_counts() -> None:
    assert parse("0 9 * * *").next(0.0, BERLIN) == 8 * 3600.0
    assert following("0 9 * * *", "2026-07-01T00:00:00Z", 1, BERLIN) == ["07-01T09:00"]


def test_what_the_clocks_skip_is_not_due_that_day() -> None:
    assert following("30 2 * * *", "2026-03-28T12:00:00Z", 1, BERLIN) == ["03-30T02:30"]
    assert following("30 * * * *", "2026-03-29T00:00:00Z", 3, BERLIN) == ["03-29T01:30", "03-29T03:30", "03-29T04:30"]


def test_what_the_clocks_show_twice_is_due_twice() -> None:
    assert following("30 2 * * *", "2026-10-24T12:00:00Z", 3, BERLIN) == ["10-25T02:30", "10-25T02:30", "10-26T02:30"]


def test_a_midnight_that_the_clocks_skip_does_not_hide_the_day() -> None:
    assert following("0 5 10 3 *", "2026-03-01T00:00:00Z", 1, time_zone("America/Havana")) == ["03-10T05:00"]
    assert following("0 1 8 3 *", "2026-03-07T00:00:00Z", 1, time_zone("America/Havana")) == ["03-08T01:00"]


@pytest.mark.parametrize(
    ("schedule", "message"),
    [
        ("", "empty spec string"),
        ("* * * *", "expected exactly 5 fields, found 4: [* * * *]"),
        ("0 0 * * * *", "expected exactly 5 fields, found 6: [0 0 * * * *]"),
        ("60 * * * *", "end of range (60) above maximum (59): 60"),
        ("* * 0 * *", "beginning of range (0) below minimum (1): 0"),
        ("* * * * 7", "end of range (7) above maximum (6): 7"),
        ("30-10 * * * *", "beginning of range (30) beyond end of range (10): 30-10"),
        ("*/0 * * * *", "step of range should be a positive number: */0"),
        ("1-2-3 * * * *", "too many hyphens: 1-2-3"),
        ("*/2/3 * * * *", "too many slashes: */2/3"),
        ("x * * * *", 'failed to parse int from x: strconv.Atoi: parsing "x": invalid syntax'),
        ("* * * mon *", 'failed to parse int from mon: strconv.Atoi: parsing "mon": invalid syntax'),
        ("@often", "unrecognized descriptor: @often"),
        ("@every day", 'failed to parse duration @every day: time: invalid duration "day"'),
    ],
)
def test_what_is_wrong_with_a_schedule(schedule: str, message: str) -> None:
    with pytest.raises(LabError) as refused:
        parse(schedule)
    assert str(refused.value) == message


@pytest.mark.parametrize("name", ["", "Europe/Nowhere", "../etc/passwd", "/etc/localtime", "Europe"])
def test_unknown_time_zones(name: str) -> None:
    with pytest.raises(LabError, match="unknown time zone"):
        time_zone(name)


# -- the law: the next due moment is the first later minute that matches -----------------------------------------------


def fields(least: int, most: int) -> st.SearchStrategy[str]:
    value = st.integers(least, most)
    ranges = st.tuples(value, value).map(lambda pair: f"{min(pair)}-{max(pair)}")
    stepped = st.tuples(st.one_of(st.just("*"), ranges), st.integers(1, 9)).map(lambda pair: f"{pair[0]}/{pair[1]}")
    part = st.one_of(value.map(str), ranges, stepped)
    return st.one_of(st.just("*"), st.lists(part, min_size=1, max_size=3).map(",".join))


SCHEDULES = st.tuples(fields(0, 59), fields(0, 23), fields(1, 31), st.just("*"), fields(0, 6)).map(" ".join)
NEAR_A_CHANGE = st.tuples(
    st.sampled_from([SUMMER_TIME_BEGINS, SUMMER_TIME_ENDS, "2026-06-15T00:00:00Z"]), st.floats(-86400, 86400)
).map(lambda pair: from_rfc3339(pair[0]) + pair[1])


def matches(schedule: Schedule, local: datetime) -> bool:
    in_month, in_week = local.day in schedule.days.due, (local.weekday() + 1) % 7 in schedule.weekdays.due
    star = schedule.days.every or schedule.weekdays.every
    day = (in_month and in_week) if star else (in_month or in_week)
    return day and local.hour in schedule.hours.due and local.minute in schedule.minutes.due


@given(SCHEDULES, NEAR_A_CHANGE)
def test_next_is_the_first_later_minute_that_matches(text: str, after_s: float) -> None:
    schedule = parse(text)
    due = schedule.next(after_s, BERLIN)
    if due is not None:
        assert due > after_s
        assert matches(schedule, (EPOCH + timedelta(seconds=due)).astimezone(BERLIN))
    moment = EPOCH + timedelta(seconds=floor(after_s))  # a timedelta rounds what is finer than a microsecond
    moment = moment.replace(second=0)
    for _ in range(2 * 1440):
        moment += timedelta(minutes=1)
        if matches(schedule, moment.astimezone(BERLIN)):
            assert due == (moment - EPOCH) / timedelta(seconds=1)
            return
    assert due is None or due > (moment - EPOCH) / timedelta(seconds=1)
