"""Moments and durations of virtual time as text: RFC 3339, what kubectl calls AGE, and the lab's own clock."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from lab.kube.errors import LabError

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
"""The moment that virtual time 0 stands for: every run has the same timestamps."""

_UNITS_S = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PART = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(us|ms|s|m|h|d)")
_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")


def to_rfc3339(moment_s: float) -> str:
    """A meta/v1 Time: whole seconds, rounded down, as the API server writes them."""
    return (EPOCH + timedelta(seconds=math.floor(moment_s))).strftime("%Y-%m-%dT%H:%M:%SZ")


def to_rfc3339_micro(moment_s: float) -> str:
    """A meta/v1 MicroTime: six decimals, as in a Lease's renewTime."""
    return (EPOCH + timedelta(microseconds=round(moment_s * 1e6))).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def to_rfc1123(moment_s: float) -> str:
    """`Thu, 01 Jan 2026 00:00:42 +0000`, as kubectl describes a moment."""
    return format_datetime(EPOCH + timedelta(seconds=math.floor(moment_s)))


def from_rfc3339(text: str) -> float:
    """Virtual seconds; raises `LabError` when it is no RFC 3339 timestamp."""
    wrong = LabError(f'"{text}" is not an RFC 3339 timestamp such as 2026-01-01T00:00:00Z')
    if not _RFC_3339.fullmatch(text):
        raise wrong
    try:
        moment = datetime.fromisoformat(text.upper())
    except ValueError:
        raise wrong from None
    return (moment - EPOCH) / timedelta(seconds=1)


def parse_duration(text: str | int | float) -> float:
    """Seconds of `250ms`, `10s`, `1m30s`, `2h` or a bare number; raises `LabError` for anything else."""
    if isinstance(text, (int, float)) and not isinstance(text, bool) and math.isfinite(text) and text >= 0:
        return float(text)
    stripped = str(text).strip()
    if re.fullmatch(r"[0-9]+(\.[0-9]*)?", stripped):
        return float(stripped)
    parts = _PART.findall(stripped)
    if not parts or "".join(number + unit for number, unit in parts) != stripped:
        raise LabError(f'"{text}" is not a duration: expected a number with a unit, such as 250ms, 10s, 1m30s or 2h')
    return sum(float(number) * _UNITS_S[unit] for number, unit in parts)


def go_duration(duration_s: float) -> str:
    """A duration in whole seconds as Go prints it: `5s`, `1m30s`, `2h0m0s`."""
    minutes, seconds = divmod(int(duration_s), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h{minutes}m{seconds}s"
    return f"{minutes}m{seconds}s" if minutes else f"{seconds}s"


def age(duration_s: float) -> str:
    """A duration as kubectl's AGE column has it: `42s`, `5m10s`, `17m`, `3h5m`, `2d4h`, `40d`."""
    seconds = max(0, math.floor(duration_s))
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if seconds < 120:
        return f"{seconds}s"
    if minutes < 10:
        return _two(minutes, "m", seconds % 60, "s")
    if minutes < 180:
        return f"{minutes}m"
    if hours < 8:
        return _two(hours, "h", minutes % 60, "m")
    if hours < 48:
        return f"{hours}h"
    if days < 8:
        return _two(days, "d", hours % 24, "h")
    return f"{days}d" if days < 730 else f"{days // 365}y"


def _two(large: int, large_unit: str, small: int, small_unit: str) -> str:
    return f"{large}{large_unit}{small}{small_unit}" if small else f"{large}{large_unit}"


def clock_text(moment_s: float) -> str:
    """Virtual time as the screens show it: `00:42.3`, `-00:12.0` before zero, `1:02:03.4` after an hour."""
    tenths = math.floor(abs(moment_s) * 10 + 1e-6)
    sign = "-" if moment_s < 0 and tenths else ""
    minutes, rest = divmod(tenths, 600)
    hours, minutes_left = divmod(minutes, 60)
    text = f"{minutes_left:02d}:{rest // 10:02d}.{rest % 10}"
    return f"{sign}{hours}:{text}" if hours else f"{sign}{text}"
