"""The closing report of a run: what clients saw, who answered, what failed and why, which expectations hold."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from typing import TYPE_CHECKING

import msgspec

from lab.kube.kinds.pod import Pod
from lab.kube.time import clock_text
from lab.scenario.remarks import Pending, Unresolved, pending, remarks, unresolved
from lab.traffic.failures import UNFINISHED, UNSENT, explained
from lab.traffic.measure import Measurements, Summary, Tallies
from lab.views import format as fmt
from lab.views.table import table
from lab.views.unready import Unready

if TYPE_CHECKING:
    from lab.scenario.player import Player


_WIDTH = 120
"""Where no terminal says how wide it is."""
_LEAST_WIDTH = 30


class Group(msgspec.Struct, frozen=True):
    """What one group of clients saw; latencies in seconds, failed requests included."""

    name: str
    requests: int
    ok: int
    success: float | None
    """None when nothing was asked."""
    rps: float
    p50_s: float
    p95_s: float
    p99_s: float
    max_s: float
    outcomes: dict[str, int]
    """How many had each outcome other than ok."""
    unsent: int = 0
    """How many of them were due while their sender was not there."""
    unfinished: int = 0
    """How many of them had no answer and no timeout when the story was over."""
    retries: int = 0
    """Attempts beyond the first, of all its requests."""
    held_back: int = 0
    """Retries for which its budget had no room."""


class EndpointShare(msgspec.Struct, frozen=True):
    """How many requests to a Service one Pod was given."""

    service: str
    pod: str
    """`NAMESPACE/NAME`; empty for requests that reached none."""
    node: str
    """Empty when the Pod is gone."""
    requests: int
    share: float


class Failure(msgspec.Struct, frozen=True):
    """Why requests failed."""

    reason: str
    requests: int
    meaning: str = ""


class CheckResult(msgspec.Struct, frozen=True):
    """An expectation, and whether it holds; None when the run ended before it could be judged."""

    name: str
    passed: bool | None
    message: str
    place: str = ""
    value: float | None = None
    """What was measured, when it is a number."""


class Report(msgspec.Struct, frozen=True, tag_field="type", tag="report"):
    """Everything that is worth knowing of a run when it is over."""

    scenario: str
    seed: int
    time_s: float
    drained_s: float
    """How long the story's last requests went on after its end."""
    total: Group
    groups: list[Group]
    endpoints: list[EndpointShare]
    failures: list[Failure]
    checks: list[CheckResult]
    kept: list[str]
    """What the manifests set and the lab does not simulate."""
    not_ready: list[Unready]
    """Pods that were not Ready when the story began, by workload and reason."""
    events: int
    journal: str
    """SHA-256 over every event; equal for equal runs."""
    passed: bool
    pending: list[Pending] = []
    """LoadBalancer Services without an EXTERNAL-IP at the end, and why."""
    unresolved: list[Unresolved] = []
    """Hosts that clients have asked for and that never had an address."""
    made: list[str] = []
    """Pods that were made for the traffic, as `pod/NAMESPACE/NAME`."""


class Baseline(msgspec.Struct, frozen=True):
    """What had been counted when the story began."""

    total: Summary
    endpoints: dict[tuple[str, str], int]
    """Requests by (Service, Pod)."""


def take_baseline(measure: Measurements) -> Baseline:
    """What has been counted up to now."""
    return Baseline(measure.total.summary(), {key: tallies.requests for key, tallies in measure.endpoints.items()})


def make_report(player: Player) -> Report:
    """The report of a run up to now."""
    engine, scenario = player.engine, player.scenario
    measure, now = engine.traffic.measure, min(engine.now, scenario.duration_s)
    named = [client.name for client in player.clients]
    never = {name: _never(player, name) for name in named}
    groups = [
        _retried(player, _group(name, measure.clients.get(name, Tallies()).summary(), now, never[name]))
        for name in named
    ]
    total = measure.total.summary().since(player.before.total)
    return Report(
        scenario=scenario.title,
        seed=player.seed,
        time_s=now,
        drained_s=player.aftermath.took_s,
        total=_group("all", total, now, _added(never.values())),
        groups=groups,
        endpoints=_endpoints(player),
        failures=_failures(total.reasons | _added(never.values())),
        checks=[CheckResult(c.name, c.passed, c.message, c.place, c.value) for c in player.checks],
        kept=[kept.what for kept in scenario.kept],
        not_ready=player.not_ready,
        pending=pending(engine),
        unresolved=unresolved(engine, player.clients),
        made=list(scenario.made),
        events=len(engine.journal),
        journal=engine.journal.digest,
        passed=player.passed,
    )


def _never(player: Player, name: str) -> dict[str, int]:
    """How many requests of a client never ended, by outcome; what is under way counts when the story is over."""
    client = player.engine.traffic.clients.get(name)
    if client is None:
        return {UNSENT: 0, UNFINISHED: 0}
    return {UNSENT: client.unsent, UNFINISHED: client.unanswered if player.finished else 0}


def _retried(player: Player, group: Group) -> Group:
    client = player.engine.traffic.clients.get(group.name)
    if client is None:
        return group
    return msgspec.structs.replace(group, retries=client.retries.sent, held_back=client.retries.held_back)


def _added(counts: Iterable[dict[str, int]]) -> dict[str, int]:
    total = {UNSENT: 0, UNFINISHED: 0}
    for each in counts:
        for outcome, number in each.items():
            total[outcome] += number
    return total


def _group(name: str, summary: Summary, now_s: float, never: dict[str, int]) -> Group:
    requests = summary.requests + sum(never.values())
    return Group(
        name=name,
        requests=requests,
        ok=summary.ok,
        success=summary.ok / requests if requests else None,
        rps=summary.requests / now_s if now_s > 0 else 0.0,
        p50_s=summary.percentile(50),
        p95_s=summary.percentile(95),
        p99_s=summary.percentile(99),
        max_s=summary.percentile(100),
        outcomes=summary.outcomes | {outcome: number for outcome, number in never.items() if number},
        unsent=never[UNSENT],
        unfinished=never[UNFINISHED],
    )


def _endpoints(player: Player) -> list[EndpointShare]:
    before, store = player.before.endpoints, player.engine.store
    counted = {
        key: tallies.requests - before.get(key, 0)
        for key, tallies in sorted(player.engine.traffic.measure.endpoints.items())
    }
    totals: dict[str, int] = {}
    for (service, _), requests in counted.items():
        totals[service] = totals.get(service, 0) + requests
    found = []
    for (service, pod), requests in counted.items():
        namespace, _, name = pod.partition("/")
        live = store.find(Pod, name, namespace) if pod else None
        node = live.spec.node_name if live else ""
        if requests:
            found.append(EndpointShare(service, pod, node, requests, requests / totals[service]))
    return found


def _failures(reasons: dict[str, int]) -> list[Failure]:
    ordered = sorted(reasons.items(), key=lambda pair: (-pair[1], pair[0]))
    return [Failure(code, number, explained(code).meaning) for code, number in ordered if number]


# -- as text --------------------------------------------------------------------------------------------------------


def to_text(report: Report, width: int = _WIDTH) -> list[str]:
    """The lines that a headless run ends with; sentences are folded into `width` cells."""
    lines = [f"{report.scenario}: {clock_text(report.time_s)} of virtual time, seed {report.seed}{_drained(report)}"]
    for text in (
        _groups_text(report),
        _endpoints_text(report),
        _failures_text(report, width),
        _remarks_text(report, width),
        _checks_text(report),
    ):
        lines += ["", *text] if text else []
    return [*lines, "", f"journal {report.journal}  {report.events} events"]


def _drained(report: Report) -> str:
    return f"; its last requests drained in {report.drained_s:.1f} s" if report.drained_s >= 0.05 else ""


def _endpoints_text(report: Report) -> list[str]:
    columns = ("SERVICE", "POD", "NODE", "REQUESTS", "SHARE")
    rows = [
        (each.service, each.pod or "(none reached)", each.node or "-", str(each.requests), f"{each.share:.1%}")
        for each in report.endpoints
    ]
    return table(columns, rows) if rows else []


def _failures_text(report: Report, width: int) -> list[str]:
    columns = ("WHY REQUESTS FAILED", "REQUESTS", "MEANING")
    rows: list[tuple[str, ...]] = []
    longest = max(map(len, (columns[0], *(failure.reason for failure in report.failures))))
    room = width - len(f"{'':{longest}}   {columns[1]}   ")
    for failure in report.failures:
        first, *others = textwrap.wrap(failure.meaning, max(room, _LEAST_WIDTH))
        rows += [(failure.reason, str(failure.requests), first), *(("", "", text) for text in others)]
    return table(columns, rows) if rows else []


def _checks_text(report: Report) -> list[str]:
    words = {True: "ok", False: "FAILED", None: "not judged"}
    rows = [(words[each.passed], each.name, each.message, "" if each.passed else each.place) for each in report.checks]
    return table(("CHECK", "EXPECTATION", "MEASURED", ""), rows) if rows else []


def _groups_text(report: Report) -> list[str]:
    columns = ("CLIENTS", "REQUESTS", "SUCCESS", "RPS", "P50", "P95", "P99", "MAX", "NOT OK")
    alone = len(report.groups) == 1 and report.groups[0].requests == report.total.requests
    return table(columns, [_group_row(group) for group in [*report.groups, *([] if alone else [report.total])]])


def _group_row(group: Group) -> tuple[str, ...]:
    if not group.requests:
        return (group.name, "0", *["-"] * 7)
    latencies = (group.p50_s, group.p95_s, group.p99_s, group.max_s)
    success = fmt.percent(group.ok, group.requests)
    figures = (success, f"{group.rps:.1f}", *map(fmt.latency, latencies))
    return (group.name, str(group.requests), *figures, outcome_text(group))


def outcome_text(group: Group) -> str:
    """How many requests had each outcome other than ok: `refused 3, timeout 1`."""
    return ", ".join(f"{outcome} {number}" for outcome, number in group.outcomes.items())


def _remarks_text(report: Report, width: int) -> list[str]:
    lines: list[str] = []
    for title, said in remarks(report):
        folded = (textwrap.wrap(each, max(width - 2, _LEAST_WIDTH), subsequent_indent="  ") for each in said)
        lines += [f"{title}:", *(f"  {text}" for texts in folded for text in texts)]
    return lines
