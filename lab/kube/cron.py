"""Schedules of CronJobs: five fields of cron, or a word such as @hourly; when one is next due.

The grammar, the words of its errors and what it does when clocks change are those of the parser that Kubernetes uses
(robfig/cron, ParseStandard): a moment is due when the clock on the wall there matches every field, so a time that the
clocks skip is not due that day, and one that they show twice is due twice.
https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/#schedule-syntax
"""

from __future__ import annotations

import math
import re
from datetime import datetime, timedelta, tzinfo
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from lab.kube.errors import LabError
from lab.kube.time import EPOCH, parse_duration

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_WORDS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_EVERY = "@every "
_YEARS_AHEAD = 5
"""What is not due within this time, such as 30 February, is never due."""


class _Field(NamedTuple):
    """The values that a field may have."""

    least: int
    most: int
    names: tuple[str, ...] = ()


_FIELDS = (_Field(0, 59), _Field(0, 23), _Field(1, 31), _Field(1, 12, _MONTHS), _Field(0, 6, _WEEKDAYS))


class _Values(NamedTuple):
    """The values of a field that are due; `every` when it was a plain star."""

    due: frozenset[int]
    every: bool


class Schedule(NamedTuple):
    """When something is due, by the clock of a time zone; an `@every` has only its period, in seconds."""

    minutes: _Values
    hours: _Values
    days: _Values
    months: _Values
    weekdays: _Values
    every_s: int = 0

    def next(self, after_s: float, zone: tzinfo) -> float | None:
        """The first moment after `after_s`, in virtual seconds, that is due; None when there is none for years."""
        if self.every_s:
            return math.floor(after_s) + self.every_s
        moment = EPOCH + timedelta(minutes=math.floor(after_s / 60) + 1)
        last = moment.year + _YEARS_AHEAD
        while moment.year <= last:
            later = self._skip(moment, moment.astimezone(zone))
            if later == moment:
                return (moment - EPOCH) / timedelta(seconds=1)
            moment = later
        return None

    def _skip(self, moment: datetime, local: datetime) -> datetime:
        """The moment itself when it is due, or a later one that nothing due lies before."""
        if local.month not in self.months.due:
            first = local.replace(day=1, hour=0, minute=0, fold=0)
            return _at((first + timedelta(days=31)).replace(day=1), moment)
        if not self._day(local):
            return _at(local.replace(hour=0, minute=0, fold=0) + timedelta(days=1), moment)
        if local.hour not in self.hours.due:
            return moment + timedelta(minutes=60 - local.minute)
        if local.minute not in self.minutes.due:
            return moment + timedelta(minutes=1)
        return moment

    def _day(self, local: datetime) -> bool:
        """Days of the month and of the week must both match when one of them is a star, and else one of them."""
        in_month, in_week = local.day in self.days.due, local.isoweekday() % 7 in self.weekdays.due
        both = self.days.every or self.weekdays.every
        return in_month and in_week if both else in_month or in_week


def _at(local: datetime, moment: datetime) -> datetime:
    """A time of the clock on the wall as a moment, always later than `moment`."""
    return max(local.astimezone(EPOCH.tzinfo), moment + timedelta(minutes=1))


def time_zone(name: str) -> tzinfo:
    """The time zone of a name such as Europe/Berlin; raises LabError when there is none."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise LabError(f"unknown time zone {name}") from None


@lru_cache(maxsize=1024)
def parse(text: str) -> Schedule:
    """What a schedule says; raises LabError in the words of the API server."""
    if text.startswith("@"):
        if text in _WORDS:
            return parse(_WORDS[text])
        if text.startswith(_EVERY):
            return _parse_every(text)
        raise LabError(f"unrecognized descriptor: {text}")
    words = text.split()
    if len(words) != len(_FIELDS):
        found = "empty spec string" if not text else f"expected exactly 5 fields, found {len(words)}: {_listed(words)}"
        raise LabError(found)
    minutes, hours, days, months, weekdays = map(_parse_field, words, _FIELDS)
    return Schedule(minutes, hours, days, months, weekdays)


def _listed(words: list[str]) -> str:
    return f"[{' '.join(words)}]"


def _parse_every(text: str) -> Schedule:
    length = text.removeprefix(_EVERY)
    try:
        if not re.search("[a-z]", length) or "d" in length:
            raise LabError("no unit of Go's durations")
        seconds = parse_duration(length)
    except LabError:
        raise LabError(f'failed to parse duration {text}: time: invalid duration "{length}"') from None
    nothing = _Values(frozenset(), False)
    return Schedule(nothing, nothing, nothing, nothing, nothing, max(int(seconds), 1))


def _parse_field(text: str, field: _Field) -> _Values:
    parts = [_parse_range(part, field) for part in text.split(",") if part]
    return _Values(frozenset().union(*(part.due for part in parts)), any(part.every for part in parts))


def _parse_range(text: str, field: _Field) -> _Values:
    """`5`, `mon-fri`, `*`, `*/15`, `8-18/2`; `10/5` goes on to the greatest value there is."""
    limits, *steps = text.split("/")
    first, *ends = limits.split("-")
    star = first in ("*", "?")
    if star:
        begin, end = field.least, field.most
    else:
        begin = end = _number(first, field)
        if len(ends) > 1:
            raise LabError(f"too many hyphens: {text}")
        if ends:
            end = _number(ends[0], field)
    if len(steps) > 1:
        raise LabError(f"too many slashes: {text}")
    step = _number(steps[0], _Field(0, 0)) if steps else 1
    if steps and not ends:
        end = field.most
    _check_range(begin, end, step, field, text)
    return _Values(frozenset(range(begin, end + 1, step)), star and step == 1)


def _check_range(begin: int, end: int, step: int, field: _Field, text: str) -> None:
    if begin < field.least:
        raise LabError(f"beginning of range ({begin}) below minimum ({field.least}): {text}")
    if end > field.most:
        raise LabError(f"end of range ({end}) above maximum ({field.most}): {text}")
    if begin > end:
        raise LabError(f"beginning of range ({begin}) beyond end of range ({end}): {text}")
    if step == 0:
        raise LabError(f"step of range should be a positive number: {text}")


def _number(text: str, field: _Field) -> int:
    name = text.lower()
    if name in field.names:
        return field.least + field.names.index(name)
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise LabError(f'failed to parse int from {text}: strconv.Atoi: parsing "{text}": invalid syntax')
    return int(text)
