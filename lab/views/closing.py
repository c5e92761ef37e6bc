"""The closing report as lines of text with roles: numbers first, then endpoints, failures, expectations."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

from lab.views import format as fmt
from lab.views.lesson import Expectation, expectation_lines
from lab.views.spans import Line, Span, bar, columns, fit_text, line, wrap


class Group(Protocol):
    """What one group of clients saw."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def requests(self) -> int: ...  # noqa: D102
    @property
    def ok(self) -> int: ...  # noqa: D102
    @property
    def p50_s(self) -> float: ...  # noqa: D102
    @property
    def p99_s(self) -> float: ...  # noqa: D102
    @property
    def max_s(self) -> float: ...  # noqa: D102


class Share(NamedTuple):
    """An endpoint's requests."""

    service: str
    pod: str
    requests: int
    share: float


class Failure(NamedTuple):
    """Why requests failed."""

    reason: str
    requests: int
    meaning: str


class Closing(NamedTuple):
    """Everything that the panel shows."""

    total: Group
    groups: Sequence[Group]
    endpoints: Sequence[Share]
    failures: Sequence[Failure]
    expectations: Sequence[Expectation]
    journal: str
    seed: int
    time_s: float
    remarks: Sequence[tuple[str, Sequence[str]]] = ()
    """Titles, and what there is to say under each."""


def closing_lines(report: Closing, size: int) -> list[Line]:
    """The panel's text for a width."""
    lines: list[Line] = []
    if report.expectations:
        lines += [line(("Expectations  ", "strong"), _verdict(report.expectations))]
        lines += [line("  ", *each) for each in expectation_lines(report.expectations, size - 2)]
        lines.append(())
    lines += _groups(report)
    if report.failures:
        lines += [(), line(("Why requests failed", "strong"))]
        for failure in report.failures:
            lines.append(line(f"  {failure.requests:>7,}  ", (failure.reason, "bad")))
            lines.extend(line("           ", *each) for each in wrap(failure.meaning, size - 11, "dim"))
    if report.endpoints:
        lines += [(), line(("Who answered", "strong")), *_shares(report.endpoints)]
    for title, said in report.remarks:
        lines += [(), line((title, "strong"))]
        lines += [line("  ", *each) for text in said for each in wrap(text, size - 2)]
    tail = f"{fmt.moment(report.time_s)} of virtual time, seed {report.seed}"
    return [*lines, (), line((tail, "dim")), line(("journal ", "dim"), report.journal[: max(size - 8, 16)])]


def _verdict(expectations: Sequence[Expectation]) -> Span:
    """How many are broken; `all kept` only of those that have been judged."""
    whole = len(expectations)
    judged = sum(each.passed is not None for each in expectations)
    broken = sum(each.passed is False for each in expectations)
    if not judged:
        return Span("none judged yet", "dim")
    result = f"{broken} broken" if broken else "all kept"
    if judged < whole:
        return Span(f"{judged} of {whole} judged, {result}", "bad" if broken else "dim")
    return Span(f"{broken} of {whole} broken" if broken else result, "bad" if broken else "ok")


def _groups(report: Closing) -> list[Line]:
    groups = list(report.groups)
    if len(groups) != 1:
        groups.append(report.total)
    if not report.total.requests:
        return [line(("No request was sent.", "dim"))]
    rows = [("CLIENTS", "REQUESTS", "OK", "P50", "P99", "MAX"), *map(_group_row, groups)]
    head, *rest = columns(rows)
    return [line((head, "dim")), *(line(text) for text in rest)]


def _group_row(group: Group) -> tuple[str, ...]:
    latencies = (_latency(group.p50_s), _latency(group.p99_s), _latency(group.max_s))
    return (group.name, f"{group.requests:,}", fmt.percent(group.ok, group.requests), *latencies)


def _latency(seconds: float) -> str:
    return "-" if math.isnan(seconds) else fmt.latency(seconds)


def _shares(shares: Iterable[Share]) -> list[Line]:
    lines: list[Line] = []
    service = None
    for each in shares:
        if each.service != service:
            service = each.service
            lines.append(line(("  " + service.removeprefix("default/"), "accent")))
        name = each.pod.removeprefix("default/") or "(none reached)"
        filled = bar(each.share, 12)
        lines.append(
            line(
                f"    {fit_text(name, 34)} ",
                Span(filled, "accent"),
                " " * (13 - len(filled)),
                f"{each.requests:>7,}  {each.share:>6.1%}",
            )
        )
    return lines
