"""Routing, live: one line a connection, from the client to what came of it."""

from __future__ import annotations

from lab.journal import Decision, RequestFinished
from lab.network import reasons
from lab.network.addresses import join
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


_REACHED = (reasons.DIRECT, reasons.NODE_PROCESS, reasons.HEALTH_CHECK_PORT)
"""Why a packet that no Service rule touched still got somewhere."""


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
        return (Span(fit_text("…", 7) + " " * 8, "dim"),)
    role = OUTCOME_ROLES.get(finished.outcome, "bad")
    word = str(finished.status) if finished.status else finished.outcome
    many = f"×{row.requests}" if row.requests > 1 else ""
    return line(
        (fit_text(word, 11 if cells(word) > 7 else 7), role),
        fit_text(fmt.latency(finished.latency_s), 7, "right"),
        (fit_text(many, 5, "right") if many else " ", "dim"),
    )


def _full(decision: Decision, size: int) -> Line:
    extra = size - FULL_WIDTH
    via = 17 if extra >= 14 else 0
    more = max(extra - via, 0)
    client, asked = 15 + min(more // 4, 9), 13 + min(more // 4, 11)
    name = decision.host or decision.dst_ip
    parts: list[Span | tuple[str, str] | str] = [
        (fmt.stamp(decision.time) + " ", "dim"),
        fit_text(_fit_party(_client(decision), client), client),
        (" → ", "frame"),
        (fit_text(fit_name(f"{name}:{decision.dst_port}", asked), asked), "accent"),
    ]
    if name != decision.dst_ip and more >= 40:
        parts.append((" " + fit_text(decision.dst_ip, 15), "dim"))
    if via:
        parts.append(_via(decision, via + min(more // 4, 7)))
    return line(*parts, *_target(decision, full=True))


def _short(decision: Decision, size: int) -> Line:
    clock = fmt.stamp(decision.time)
    clock = clock[-6:] if size < 72 else clock
    room = size - len(clock) - 24  # what client, name and Pod share
    client = min(max(room * 3 // 8, 8), 15)
    asked = min(max(room - client - 19, 8), 14)
    return line(
        (clock + " ", "dim"),
        fit_text(_fit_party(_client(decision), client), client),
        (" → ", "frame"),
        (fit_text(fit_name(_asked(decision, asked), asked), asked), "accent"),
        *_target(decision, full=False, room=room - client - asked),
    )


def _client(decision: Decision) -> str:
    return fmt.party(decision.client).removeprefix("internet/")


def _fit_party(name: str, size: int) -> str:
    """A name in `size` cells; where there is no room, the namespace goes first."""
    return fit_name(name if cells(name) <= size else name.rpartition("/")[2], size)


def _asked(decision: Decision, size: int) -> str:
    """What the client asked for: the name, or only the Service's own where the whole does not fit, or the address."""
    name = decision.host or f"{decision.dst_ip}:{decision.dst_port}"
    service = decision.service.partition("/")[2]
    return service if service and cells(name) > size and name.startswith(f"{service}.") else name


def _via(decision: Decision, size: int) -> Span:
    """The load balancer and nodes on the way, and whether the source address was rewritten."""
    hops = [hop.removeprefix("node/") for hop in decision.hops if hop.startswith(("lb/", "node/"))]
    words = list(dict.fromkeys("LB" if hop.startswith("lb/") else hop for hop in hops))
    tail = " SNAT" if decision.masquerade else ""
    while len(words) > 1 and cells("→".join(words)) + len(tail) >= size:
        words.pop()
    return Span(" " + fit_text(fit_name("→".join(words), size - 1 - len(tail)) + tail, size - 1), "dim")


def _target(decision: Decision, *, full: bool, room: int = 40) -> list[Span | tuple[str, str] | str]:
    arrow = (" → ", "frame")
    pod = fmt.party(f"pod/{decision.pod}") if decision.pod else ""
    if decision.verdict == "deliver":
        address = decision.endpoint if full or not pod else ""
        return [arrow, address, " " if address and pod else "", (_fit_party(pod, room), "strong")]
    if decision.verdict == "pass" and decision.reason in _REACHED:
        address = join(decision.dst_ip, decision.dst_port) if full or not pod else ""
        direct = (" direct", "dim") if full else ""
        return [arrow, address, " " if address and pod else "", (_fit_party(pod, room), "strong"), direct]
    role = "warn" if decision.verdict == "pass" else "bad"
    return [(f" ✖ {decision.verdict.upper()} {decision.reason}", role)]


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
