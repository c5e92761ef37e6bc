"""`lab play FILE --report out.html`: a run, or all variants of one, as a page of its own that needs no network."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from lab import __version__
from lab.kube.errors import LabError
from lab.kube.time import clock_text
from lab.scenario.comparison import Comparison, compare
from lab.scenario.comparison import to_rows as comparison_rows
from lab.scenario.history import History
from lab.scenario.plots import check_installed, drawn, plots
from lab.scenario.remarks import remarks
from lab.scenario.report import Group, Report, outcome_text
from lab.scenario.scenario import Scenario
from lab.settings import Settings
from lab.views import format as fmt

if TYPE_CHECKING:
    from lab.scenario.player import Player


_PAGE = """\
<!doctype html>
<html lang=en>
<head>
<meta charset=utf-8>
<meta name=viewport content="width=device-width, initial-scale=1">
<title>{name} - Service Lab</title>
<style>
{style}</style>
</head>
<body>
<main>
<h1>{name}</h1>
{body}
<footer>Made by Service Lab {version}. It is a simulation; its documentation says what it leaves out.</footer>
</main>
</body>
</html>
"""


class Run(NamedTuple):
    """One run that is to be shown."""

    scenario: Scenario
    report: Report
    history: History


class Recorder:
    """Follows runs from before they begin, and writes the page about them in the end.

    Raises `LabError` at once when there is nothing to draw with, or the page could not be written.
    """

    def __init__(self, players: Sequence[Player], path: str) -> None:
        self._path = Path(path)
        self._players = players
        check_installed()
        self._write("", "a")
        names = [frozenset(client.name for client in player.clients) for player in players]
        self._histories = [History(player.engine, known) for player, known in zip(players, names, strict=True)]

    def write(self) -> None:
        """Write the page about the runs as they are now."""
        runs = [Run(p.scenario, p.report(), h) for p, h in zip(self._players, self._histories, strict=True)]
        self._write(html_page(runs))

    def _write(self, text: str, mode: str = "w") -> None:
        try:
            with self._path.open(mode, encoding="utf-8") as stream:
                stream.write(text)
        except OSError as error:
            raise LabError(f"{self._path}: cannot be written: {error.strerror}") from None


def html_page(runs: Sequence[Run]) -> str:
    """The page. Raises `LabError` when there is nothing to draw with."""
    first = runs[0]
    style = files("lab.scenario").joinpath("page.css").read_text(encoding="utf-8")
    parts = [f"<p class=about>{escape(first.scenario.about)}</p>"] if first.scenario.about else []
    if len(runs) > 1:
        parts.append(_comparison(compare(first.scenario.name, [(run.scenario.variant, run.report) for run in runs])))
    parts += [_run(run, alone=len(runs) == 1) for run in runs]
    name = escape(first.scenario.name)
    return _PAGE.format(name=name, style=style, body="\n".join(parts), version=escape(__version__))


def _comparison(compared: Comparison) -> str:
    columns, rows = comparison_rows(compared)
    return f"<section>\n<h2>Variants</h2>\n{_table(columns, rows, numbers=(1, 2, 3, 4, 5))}</section>"


def _run(run: Run, *, alone: bool) -> str:
    report = run.report
    title = "" if alone else f"<h2 id='{escape(run.scenario.variant)}'>{escape(run.scenario.variant)}</h2>\n"
    verdict = _verdict(report)
    sections = (
        ("What is expected", _checks(report)),
        ("Over time", _over_time(run)),
        ("Clients", _clients(report)),
        ("Requests per endpoint", _endpoints(report)),
        ("Why requests failed", _failures(report)),
        ("Worth knowing", _remarks(report)),
        ("What happened", _timeline(run.history)),
        ("Settings", _settings(run)),
    )
    body = "\n".join(f"<h3>{heading}</h3>\n{text}" for heading, text in sections if text)
    return f"<section class=run>\n{title}{verdict}\n{_tiles(report)}\n{body}\n</section>"


def _verdict(report: Report) -> str:
    broken = sum(check.passed is False for check in report.checks)
    if not report.checks:
        return "<p class=verdict>Nothing was expected of this run.</p>"
    if broken:
        return f"<p class='verdict bad'>✖ {broken} of {fmt.count(len(report.checks), 'expectation')} broken</p>"
    return f"<p class='verdict ok'>✓ {fmt.count(len(report.checks), 'expectation')} kept</p>"


def _tiles(report: Report) -> str:
    total = report.total
    asked = total.requests > 0
    tiles = (
        ("requests", f"{total.requests:,}"),
        ("answered well", fmt.percent(total.ok, total.requests) if asked else "-"),
        ("p50", fmt.latency(total.p50_s) if asked else "-"),
        ("p99", fmt.latency(total.p99_s) if asked else "-"),
        ("virtual time", clock_text(report.time_s)),
        ("seed", str(report.seed)),
    )
    cells = "".join(f"<div><b>{escape(value)}</b><span>{name}</span></div>" for name, value in tiles)
    return f"<div class=tiles>{cells}</div>"


def _checks(report: Report) -> str:
    words = {True: "✓ holds", False: "✖ does not hold", None: "○ not judged"}
    rows = [(words[check.passed], check.name, check.message) for check in report.checks]
    return _table(("", "Expectation", "Measured"), rows, bad=[check.passed is False for check in report.checks])


def _over_time(run: Run) -> str:
    figures = "".join(
        f"<figure><figcaption>{escape(title)}</figcaption>{svg}</figure>"
        for title, svg in plots(run.history, run.report.time_s)
    )
    notes = "".join(f"<li>{clock_text(mark.time_s)} {escape(mark.text)}</li>" for mark in drawn(run.history.marks))
    return f"{figures}<ol class=marks>{notes}</ol>" if notes else figures


def _clients(report: Report) -> str:
    columns = ("Clients", "Requests", "Success", "p50", "p95", "p99", "Longest", "Not answered well")
    rows = [_client(group) for group in report.groups]
    return _table(columns, rows, numbers=range(1, 7))


def _client(group: Group) -> tuple[str, ...]:
    if not group.requests:
        return (group.name, "0", *["-"] * 6)
    latencies = (group.p50_s, group.p95_s, group.p99_s, group.max_s)
    success = fmt.percent(group.ok, group.requests)
    return (group.name, f"{group.requests:,}", success, *map(fmt.latency, latencies), outcome_text(group))


def _endpoints(report: Report) -> str:
    most = max((each.share for each in report.endpoints), default=0.0) or 1.0
    rows = "".join(
        f"<tr><td>{escape(each.service)}<td>{escape(each.pod) or '(none reached)'}<td>{escape(each.node) or '-'}"
        f"<td class=n>{each.requests:,}<td class=n>{each.share:.1%}"
        f"<td class=bar><i style='width:{100 * each.share / most:.0f}%'></i>\n"
        for each in report.endpoints
    )
    heads = "<th>Service<th>Pod<th>Node<th class=n>Requests<th class=n>Share<th>"
    return f"<table><thead><tr>{heads}</thead><tbody>\n{rows}</tbody></table>" if rows else ""


def _failures(report: Report) -> str:
    rows = [(each.reason, f"{each.requests:,}", each.meaning) for each in report.failures]
    return _table(("Reason", "Requests", "Meaning"), rows, numbers=(1,))


def _remarks(report: Report) -> str:
    rows = [(remark.title, text) for remark in remarks(report) for text in remark.lines]
    return _table(("", ""), rows)


def _timeline(history: History) -> str:
    rows = [(clock_text(mark.time_s), mark.kind, mark.text) for mark in history.marks]
    more = f"<p>and {history.more_marks:,} more</p>" if history.more_marks else ""
    return _table(("Time", "", "What"), rows, bad=[mark.bad for mark in history.marks]) + more


def _settings(run: Run) -> str:
    settings, usual = run.scenario.cluster.settings, Settings()
    rows = [(name, str(value)) for name, value in msgspec.structs.asdict(settings).items()]
    changed = [row for row in rows if row[1] != str(getattr(usual, row[0]))]
    cluster = run.scenario.cluster
    facts = [
        ("nodes", str(len(cluster.nodes))),
        ("kube-proxy", cluster.proxy),
        ("Kubernetes", cluster.kubernetes),
        ("load balancer", cluster.load_balancer),
        ("journal", run.report.journal),
        ("events", f"{run.report.events:,}"),
    ]
    everything = f"<details><summary>all {len(rows)} settings</summary>{_table(('Setting', 'Value'), rows)}</details>"
    return _table(("", ""), [*facts, *changed]) + everything


def _table(
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    numbers: Iterable[int] = (),
    bad: Sequence[bool] | None = None,
) -> str:
    """A table; `numbers` are the columns that are set to the right, `bad` marks rows."""
    if not rows:
        return ""
    right = set(numbers)

    def cells(row: Sequence[str], tag: str) -> str:
        return "".join(f"<{tag}{' class=n' if index in right else ''}>{escape(text)}" for index, text in enumerate(row))

    marked = bad or [False] * len(rows)
    body = "\n".join(
        f"<tr{' class=bad' if wrong else ''}>{cells(row, 'td')}" for row, wrong in zip(rows, marked, strict=True)
    )
    head = f"<thead><tr>{cells(columns, 'th')}</thead>" if any(columns) else ""
    return f"<table>{head}<tbody>\n{body}</tbody></table>"
