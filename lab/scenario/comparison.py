"""Variants of one scenario side by side: how each fared, and what it saved against the first."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from lab.scenario.report import Report
from lab.views import format as fmt
from lab.views.table import table


class VariantResult(msgspec.Struct, frozen=True):
    """How one variant fared; latencies in seconds."""

    variant: str
    requests: int
    lost: int
    """Requests that were not answered well."""
    saved: int
    """How many fewer of them than in the first variant, for as many requests as it had; negative when it lost more."""
    success: float | None
    p50_s: float
    p99_s: float
    passed: bool


class Comparison(msgspec.Struct, frozen=True, tag_field="type", tag="comparison"):
    """All variants of a scenario, in the order of its file."""

    scenario: str
    variants: list[VariantResult]


def compare(scenario: str, reports: Sequence[tuple[str, Report]]) -> Comparison:
    """Variants by name with their reports; the first is what the others are measured against."""
    first = reports[0][1].total
    results = []
    for name, report in reports:
        total = report.total
        lost = total.requests - total.ok
        fair = (first.requests - first.ok) * total.requests / first.requests if first.requests else 0.0
        results.append(
            VariantResult(
                variant=name,
                requests=total.requests,
                lost=lost,
                saved=round(fair - lost),
                success=total.success,
                p50_s=total.p50_s,
                p99_s=total.p99_s,
                passed=report.passed,
            )
        )
    return Comparison(scenario, results)


def to_rows(comparison: Comparison) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Columns and rows of a table of the variants; the last column tells what each saved."""
    first = comparison.variants[0]
    columns = ("Variant", "Requests", "Lost", "Success", "p50", "p99", "Expectations", f"Against {first.variant}")
    return columns, [_row(each, each is first) for each in comparison.variants]


def to_text(comparison: Comparison) -> list[str]:
    """The same as lines."""
    columns, rows = to_rows(comparison)
    return table([column.upper() for column in columns], rows)


def _row(each: VariantResult, first: bool) -> tuple[str, ...]:
    asked = each.requests > 0
    return (
        each.variant,
        str(each.requests),
        str(each.lost),
        fmt.percent(each.requests - each.lost, each.requests) if asked else "-",
        fmt.latency(each.p50_s) if asked else "-",
        fmt.latency(each.p99_s) if asked else "-",
        "all hold" if each.passed else "some fail",
        "" if first else _saved(each.saved),
    )


def _saved(requests: int) -> str:
    if requests == 0:
        return "no difference"
    number, verb = abs(requests), "saved" if requests > 0 else "lost"
    return f"{number} request{'' if number == 1 else 's'} {verb}"
