"""Why a connection went where it went: hop by hop, rule by rule, candidate by candidate, and what to try next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lab.journal import Decision, RequestFinished
from lab.views import format as fmt
from lab.views.decisions import OUTCOME_ROLES
from lab.views.spans import Line, Span, columns, fit_text, line, plain, wrap

if TYPE_CHECKING:
    from lab.network.explanation import Candidate, Elsewhere, Explanation

VERDICT_ROLES = {"deliver": "ok", "reject": "bad", "drop": "bad", "pass": "warn"}
_STAGE = 12
_SHOWN_CANDIDATES = 40


def explanation_lines(explanation: Explanation, size: int, finished: RequestFinished | None = None) -> list[Line]:
    """The whole account as lines of at most `size` cells."""
    decision = explanation.decision
    lines = [*_summary(explanation, finished, size), (), _title("The way"), *_way(explanation)]
    if explanation.steps:
        lines += [(), _title("What the rules did"), *_steps(explanation, size)]
    if explanation.before is not None and explanation.after is not None:
        lines += [(), _title("The packet's header"), *_headers(explanation)]
    if explanation.candidates:
        lines += [(), _title("Candidates"), *_candidates(explanation.candidates, decision.endpoint, size)]
    if explanation.table:
        lines += [(), _title("The table that decided"), *_table(explanation, size)]
    if explanation.rules:
        lines += [(), _title("Rules passed"), *_rules(explanation, size)]
    return lines


def forgotten_lines(decision: Decision | None, finished: RequestFinished | None, size: int) -> list[Line]:
    """What can still be said without an account: of an old decision, or of a request that made none."""
    if decision is not None:
        return wrap("This decision was made too long ago: its tables are no longer kept.", size, "warn")
    lines = [line(("No connection was made.", "warn")), ()]
    if finished is not None:
        lines += [line((fit_text("client", _STAGE), "dim"), fmt.party(finished.client))]
        lines += [line((fit_text("outcome", _STAGE), "dim"), (finished.outcome, "bad"))]
        lines += [line((fit_text("after", _STAGE), "dim"), fmt.latency(finished.latency_s))]
        if finished.outcome == "nxdomain":
            lines += [(), *wrap("The name does not resolve. Try: dig NAME --from " + finished.client, size)]
    return lines


def _title(text: str) -> Line:
    return line((text, "strong"))


def _summary(explanation: Explanation, finished: RequestFinished | None, size: int) -> list[Line]:
    decision = explanation.decision
    role = VERDICT_ROLES.get(decision.verdict, "bad")
    asked = decision.host if decision.host and decision.host != decision.dst_ip else decision.dst_ip
    lines = [
        line(
            (f"#{decision.id}  ", "dim"),
            (fmt.stamp(decision.time), "dim"),
            f"  {decision.client}",
            (" → ", "frame"),
            (f"{asked}:{decision.dst_port}/{decision.protocol}", "accent"),
            (f"  = {decision.dst_ip}" if asked != decision.dst_ip else "", "dim"),
        ),
        line((decision.verdict.upper(), role), ("  " + decision.reason, role), *_outcome(finished)),
        *wrap(explanation.meaning, size),
    ]
    if decision.policy:
        lines += [line(("NetworkPolicy ", "key"), decision.policy.replace(",", ", "))]
    if explanation.advice:
        lines += [line(("Try next", "key")), *[line("  ", *each) for each in wrap(explanation.advice, size - 2)]]
    return lines


def _outcome(finished: RequestFinished | None) -> list[Span]:
    if finished is None:
        return []
    word = f"{finished.outcome} {finished.status}" if finished.status else finished.outcome
    return [
        Span("   the request: ", "dim"),
        Span(word, OUTCOME_ROLES.get(finished.outcome, "bad")),
        Span(f" after {fmt.latency(finished.latency_s)}"),
    ]


def _way(explanation: Explanation) -> list[Line]:
    hops = explanation.hops or explanation.decision.hops
    decision = explanation.decision
    lines = []
    for i, hop in enumerate(hops):
        branch = "  " if i == 0 else "  " + "   " * (i - 1) + "└─ "
        note = "  decides here" if hop == f"node/{decision.node}" else ""
        lines.append(line((branch, "frame"), hop, (note, "accent")))
    if decision.verdict != "deliver":
        lines.append(line(("  " + "   " * max(len(hops) - 1, 0) + "└─ ", "frame"), ("✖ ends here", "bad")))
    return lines


def _steps(explanation: Explanation, size: int) -> list[Line]:
    lines: list[Line] = []
    for i, step in enumerate(explanation.steps, 1):
        role = VERDICT_ROLES.get(explanation.decision.verdict, "bad") if step.stage == "verdict" else ""
        first, *rest = wrap(step.text, size - _STAGE - 5, role) or [()]
        lines.append(line((f"  {i:>2} ", "dim"), (fit_text(step.stage, _STAGE), "accent"), *first))
        lines.extend(line(" " * (_STAGE + 5), *each) for each in rest)
    return lines


def _headers(explanation: Explanation) -> list[Line]:
    before, after = explanation.before, explanation.after
    assert before is not None
    assert after is not None
    rows = [("", "SOURCE", "DESTINATION"), ("before", *before), ("after", *after)]
    head, old, new = columns(rows)
    changed = [
        word
        for word, same in (("SNAT", before.source == after.source), ("DNAT", before.destination == after.destination))
        if not same
    ]
    return [
        line(("  " + head, "dim")),
        line("  " + old),
        line("  ", (new, "strong"), ("   " + " ".join(changed), "accent")),
    ]


def _candidates(candidates: Sequence[Candidate], chosen: str, size: int) -> list[Line]:
    shown = sorted(candidates, key=lambda each: (each.address != chosen, not each.eligible))[:_SHOWN_CANDIDATES]
    rows = [(each.address, each.pod.removeprefix("default/") or "-", each.node or "-", each.why) for each in shown]
    lines: list[Line] = []
    for each, text in zip(shown, columns(rows), strict=True):
        picked = each.address == chosen
        glyph, role = ("▶", "ok") if picked else ("●", "ok") if each.eligible else ("✖", "bad")
        lines.append(line((f"  {glyph} ", role), (text, "strong" if picked else "" if each.eligible else "dim")))
    hidden = len(candidates) - len(shown)
    if hidden:
        lines.append(line((f"    and {hidden:,} more", "dim")))
    return lines


def _table(explanation: Explanation, size: int) -> list[Line]:
    held = f"  {explanation.decision.node} held version {explanation.table} {fmt.since(explanation.learned_s)}"
    if explanation.table >= explanation.newest:
        fresh: Line = line(held, ", ", ("the newest there was", "ok"))
    else:
        fresh = line(held, ", ", (f"while others already had {explanation.newest}", "warn"))
    others = [each for each in explanation.elsewhere if _differs(each, explanation)]
    if not explanation.elsewhere:
        return [fresh]
    if not others:
        same = f"  The other nodes ({len(explanation.elsewhere)}) would have done the same."
        return [fresh, line((same, "dim"))]
    return [fresh, *(_other(each) for each in others)]


def _differs(each: Elsewhere, explanation: Explanation) -> bool:
    same = (each.verdict, each.reason) == (explanation.decision.verdict, explanation.decision.reason)
    return not same or each.table != explanation.table


def _other(each: Elsewhere) -> Line:
    role = VERDICT_ROLES.get(each.verdict, "bad")
    return line(
        f"  on {each.node} ",
        (f"(version {each.table}) ", "dim"),
        (f"{each.verdict} ", role),
        f"{each.reason}, among {fmt.count(each.eligible, 'endpoint')}",
    )


def _rules(explanation: Explanation, size: int) -> list[Line]:
    """The lines of the node's rules that matched, in the order of the packet."""
    lines: list[Line] = []
    for number, rule in enumerate(explanation.rules, 1):
        first, *rest = [plain(each) for each in wrap(rule, size - 6)] or [""]
        lines.append(line((f"  {number:>2} ", "dim"), first))
        lines.extend(line("      " + more) for more in rest)
    lines.append(line((f"  lab rules --node {explanation.decision.node} prints all of them", "dim")))
    return lines
