"""Routing, live: one line a connection, from the client to what came of it."""

from __future__ import annotations

from lab.journal import Decision, RequestFinished
from lab.views import format as fmt
from lab.views.spans import Line, Span, cells, fit_name, fit_text, line, plain, spread

FULL_WIDTH = 96
"""From this width on the address, the nodes on the way and the endpoint are shown; below, who and to whom."""

OUTCOME_ROLES = {
    "ok": "ok",
    "error": "bad",
    "refused": "bad",
    "timeout": "bad",
    "reset": "bad",
    "unreachable": "bad",
    "nxdomain": "warn",
}


class Row:
    """A connection's decision and the newest request on it; either may still be missing."""

    __slots__ = ("_drawn", "decision", "finished", "requests", "time")

    def __init__(self, decision: Decision | None, finished: RequestFinished | None = None) -> None:
        self.decision = decision
        self.finished = finished
        self.requests = 1 if finished is not None else 0
        self.time = decision.time if decision is not None else finished.time if finished is not None else 0.0
        self._drawn: tuple[int, Line] | None = None

    def finish(self, finished: RequestFinished) -> None:
        """A request on this connection has ended."""
        self.finished = finished
        self.requests += 1
        self._drawn = None

    def line(self, size: int) -> Line:
        """The row in `size` cells; kept until something changes."""
        if self._drawn is None or self._drawn[0] != size:
            self._drawn = (size, decision_line(self, size))
        return self._drawn[1]

    @property
    def text(self) -> str:
        """Everything one may search for, in lower case."""
        decision, finished = self.decision, self.finished
        parts = [plain(decision_line(self, 200))]
        if decision is not None:
            parts += [decision.service, decision.pod, decision.node, decision.reason, decision.verdict]
        if finished is not None:
            parts += [finished.outcome, finished.client, finished.service]
        return " ".join(parts).lower()


def decision_line(row: Row, size: int) -> Line:
    """One row, its outcome at the right edge."""
    right = outcome(row)
    decision = row.decision
    if decision is None:
        left = _without_decision(row, size)
    elif size >= FULL_WIDTH:
        left = _full(decision, size)
    else:
        left = _short(decision, size)
    return spread(left, right, size)


def outcome(row: Row) -> Line:
    """What came of it: status and latency, the failure's name, or dots while it is under way."""
    finished = row.finished
    if finished is None:
        return (Span(fit_text("…", 7) + "         ", "dim"),)
    role = OUTCOME_ROLES.get(finished.outcome, "bad")
    word = str(finished.status) if finished.status else finished.outcome
    many = f"×{row.requests}" if row.requests > 1 else ""
    return line((fit_text(word, 11 if cells(word) > 7 else 7), role), fit_text(fmt.latency(finished.latency_s), 7, "right"), (fit_text(many, 5, "right") if many else " ", "dim"))  # fmt: skip


def _full(decision: Decision, size: int) -> Line:
    spare = size - FULL_WIDTH
    client = min(18 + spare // 4, 26)
    asked = min(16 + spare // 6, 24)
    name = decision.host or decision.dst_ip
    parts: list[Span | tuple[str, str] | str] = [
        (fmt.stamp(decision.time) + " ", "dim"),
        fit_text(fit_name(fmt.party(decision.client), client), client),
        (" → ", "frame"),
        (fit_text(fit_name(f"{name}:{decision.dst_port}", asked), asked), "accent"),
        " ",
    ]
    if name != decision.dst_ip and spare >= 24:
        parts.append((fit_text(decision.dst_ip, 16), "dim"))
    if spare >= 12:
        parts.append(_via(decision, 10 if spare < 40 else 26))
    return line(*parts, *_target(decision, full=spare >= 20))


def _short(decision: Decision, size: int) -> Line:
    room = max((size - 34) // 3, 8)
    name = decision.host or f"{decision.dst_ip}:{decision.dst_port}"
    return line(
        (fmt.stamp(decision.time)[-6 if size < 60 else -9 :] + " ", "dim"),
        fit_text(fit_name(fmt.party(decision.client).removeprefix("internet/"), room), room),
        (" → ", "frame"),
        (fit_name(name, room), "accent"),
        *_target(decision, full=False),
    )


def _via(decision: Decision, size: int) -> Span:
    """The load balancer and nodes on the way, and whether the source address was rewritten."""
    hops = [hop.removeprefix("node/") for hop in decision.hops if hop.startswith(("lb/", "node/"))]
    words = ["LB" if hop.startswith("lb/") else hop for hop in hops]
    if size < 20:
        words = words[:1]
    text = "→".join(words) + (" SNAT" if decision.masquerade else "")
    return Span(fit_text(text, size) + " ", "dim")


def _target(decision: Decision, *, full: bool) -> list[Span | tuple[str, str] | str]:
    arrow = (" → ", "frame")
    if decision.verdict == "deliver":
        pod = fmt.party(f"pod/{decision.pod}") if decision.pod else ""
        address = decision.endpoint if full or not pod else ""
        return [arrow, address, " " if address and pod else "", (pod, "strong")]
    role = "warn" if decision.verdict == "pass" else "bad"
    return [(" ✖ ", role), (decision.verdict.upper(), role), " ", (decision.reason.replace("_", " "), role)]


def _without_decision(row: Row, size: int) -> Line:
    finished = row.finished
    assert finished is not None
    why = "the name does not resolve" if finished.outcome == "nxdomain" else "no connection was made"
    return line(
        (fmt.stamp(finished.time) + " ", "dim"),
        fmt.party(finished.client),
        (" ✖ ", "warn"),
        (finished.service or "?", "accent"),
        " ",
        (why, "warn"),
    )
