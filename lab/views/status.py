"""The status line: which scenario, when and how fast, how the traffic does, what stands, which proxy."""

from __future__ import annotations

import math

import msgspec

from lab.views import format as fmt
from lab.views.spans import Line, Span, fit, line, width

_LEAVING = ("proxy", "room", "seed", "duration", "p50", "gaps")


class Status(msgspec.Struct, frozen=True):
    """Everything that the status line says."""

    scenario: str
    now: float = 0.0
    paused: bool = False
    speed: float = 1.0
    behind_s: float = 0.0
    seed: int = 1
    rate: float = 0.0
    ok: int = 0
    requests: int = 0
    p50_s: float = math.nan
    p99_s: float = math.nan
    nodes: int = 0
    nodes_ready: int = 0
    pods: int = 0
    pods_ready: int = 0
    proxy: str = ""
    finished: bool = False
    duration_s: float = 0.0
    newest_s: float = 0.0
    """How far the run has been; later than `now` when somebody looks at its past."""
    branch: str = ""
    """The branch of the run, when it has several."""


def status_line(status: Status, size: int) -> Line:
    """One line of `size` cells; what matters least leaves first, in the order of `_LEAVING`."""
    drawn: Line = ()
    for count in range(len(_LEAVING) + 1):
        leave = _LEAVING[:count]
        proxy = () if "proxy" in leave or not status.proxy else (Span(status.proxy, "dim"),)
        groups = [_head(status, leave), _traffic(status, leave), _cluster(status), proxy]
        drawn = _bars([group for group in groups if group], " │ " if "room" in leave else "  │  ")
        if "gaps" in leave:
            drawn = line(*((span.text.replace("  ", " "), span.role) for span in drawn))
        if width(drawn) <= size:
            break
    return fit(drawn, size)


def _bars(groups: list[Line], between: str) -> Line:
    parts: list[Span] = [Span(" ")]
    for i, group in enumerate(groups):
        parts.extend([Span(between, "frame")] if i else [])
        parts.extend(group)
    return line(*parts)


def _head(status: Status, leave: tuple[str, ...] = ()) -> Line:
    past = status.now < status.newest_s
    glyph = ("■", "busy") if status.finished and not past else ("‖", "warn") if status.paused else ("▶", "ok")
    ends = 0 < status.duration_s < math.inf and "duration" not in leave and not past
    of = f" of {fmt.moment(status.duration_s)[:-2]}" if ends else ""
    been = (f" past, newest {fmt.moment(status.newest_s)[:-2]}", "warn") if past else ""
    branch = (f"  {status.branch}", "accent") if status.branch else ""
    behind = ("  behind", "warn") if status.behind_s > max(0.5 * status.speed, 1.0) and not status.paused else ""
    seed = "" if "seed" in leave else f"  seed {status.seed}"
    return line(
        (status.scenario, "strong"),
        "  ",
        glyph,
        " ",
        (fmt.moment(status.now), "strong"),
        (of, "dim"),
        been,
        branch,
        f"  {fmt.speed(status.speed)}",
        behind,
        (seed, "dim"),
    )


def _traffic(status: Status, leave: tuple[str, ...] = ()) -> Line:
    if not status.requests:
        return (Span("no traffic yet", "dim"),)
    share = status.ok / status.requests
    role = "ok" if share >= 0.999 else "warn" if share >= 0.95 else "bad"
    p50: list[Span | tuple[str, str] | str] = [] if "p50" in leave else [("  p50 ", "dim"), fmt.latency(status.p50_s)]
    return line(
        (fmt.rate(status.rate), "strong"),
        (" rps  ", "dim"),
        (fmt.percent(status.ok, status.requests), role),
        (" ok", "dim"),
        *p50,
        ("  p99 ", "dim"),
        fmt.latency(status.p99_s),
    )


def _cluster(status: Status) -> Line:
    return line(
        ("nodes ", "dim"),
        _fraction(status.nodes_ready, status.nodes),
        ("  pods ", "dim"),
        _fraction(status.pods_ready, status.pods),
    )


def _fraction(ready: int, whole: int) -> Span:
    role = "ok" if ready == whole and whole else "bad" if not ready and whole else "warn"
    return Span(f"{ready}/{whole}", role if whole else "dim")
