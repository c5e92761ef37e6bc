"""Figures as people read them: moments, durations, rates, shares."""

from __future__ import annotations

import math


def moment(time_s: float) -> str:
    """A virtual time as `00:42.3`; `-00:12.0` before the story begins, `1:02:03.4` after an hour."""
    tenths = round(abs(time_s) * 10)
    sign = "-" if time_s < 0 and tenths else ""
    minutes, rest = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    head = f"{hours}:{minutes:02d}" if hours else f"{minutes:02d}"
    return f"{sign}{head}:{rest // 10:02d}.{rest % 10}"


def stamp(time_s: float) -> str:
    """A virtual time with milliseconds, as the routing pane shows it: `00:42.310`."""
    millis = round(abs(time_s) * 1000)
    sign = "-" if time_s < 0 and millis else ""
    minutes, rest = divmod(millis, 60_000)
    return f"{sign}{minutes:02d}:{rest // 1000:02d}.{rest % 1000:03d}"


def since(time_s: float) -> str:
    """How long something has been so: `since 00:42.310`, or `from the start` when it was so before the story."""
    return "from the start" if time_s < 0 else f"since {stamp(time_s)}"


def latency(seconds: float) -> str:
    """A duration in three digits or fewer and its unit: `850 us`, `12 ms`, `1.2 s`."""
    if math.isnan(seconds):
        return "-"
    if seconds < 0.001:
        return f"{seconds * 1e6:.0f} us"
    if seconds < 0.00995:
        return f"{seconds * 1e3:.1f} ms"
    if seconds < 0.9995:
        return f"{seconds * 1e3:.0f} ms"
    return f"{seconds:.1f} s" if seconds < 99.95 else f"{seconds:.0f} s"


def rate(per_second: float) -> str:
    """Requests a second: `0.4`, `82`, `1.2k`."""
    if per_second <= 0:
        return "0"
    if per_second < 9.95:
        return f"{per_second:.1f}"
    if per_second < 9999.5:
        return f"{per_second:.0f}"
    return f"{per_second / 1000:.0f}k"


def percent(part: int, whole: int) -> str:
    """A share; never rounded up to 100 % while something is missing."""
    if not whole:
        return "-"
    share = part / whole * 100
    if part == whole:
        return "100%"
    return f"{math.floor(share * 10) / 10:.1f}%"


def speed(factor: float) -> str:
    """How much faster than the wall clock: `x0.5`, `x1`, `x100`."""
    return f"x{factor:g}"


def count(number: int, one: str, many: str = "") -> str:
    """A number with its noun: `1 Pod`, `3 Pods`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def party(name: str) -> str:
    """A party of a connection in short: `pod/default/web-1` is `web-1`, `internet/1.2.3.4` stays."""
    kind, _, rest = name.partition("/")
    if kind == "pod":
        namespace, _, pod = rest.partition("/")
        return pod if namespace == "default" else rest
    return rest if kind == "node" else name
