"""Who reaches what, as a matrix in the manner of policy tools, with its reasons and what is open to the outside."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from lab.network.addresses import join
from lab.network.reasons import REASONS
from lab.views import format as fmt
from lab.views.spans import Line, Span, cells, columns, fit_name, fit_text, line, width, wrap

if TYPE_CHECKING:
    from lab.traffic.reachability import Opening, Reach, Reachability

MARKS = {"yes": ".", "no": "X", "denied": "#", "partly": "~", "nobody": "-"}
ROLES = {"yes": "ok", "no": "bad", "denied": "warn", "partly": "warn", "nobody": "dim"}
_MEANINGS = {
    "yes": "gets there",
    "no": "refused or dropped",
    "denied": "denied by a NetworkPolicy",
    "partly": "some connections get there",
    "nobody": "nothing runs there",
}
_BAND = 5
"""Columns without names stand in bands of this many."""
_LONGEST_PARTY = 40


def reach_lines(found: Reachability, size: int) -> list[Line]:
    """The matrix, the reasons, and what is open to the outside, in lines of about `size` cells."""
    if not found.goals:
        return [line("There is no Service that anybody could reach."), (), *opening_lines(found.openings, size)]
    return [
        *_matrix(found, size),
        (),
        *_legend(found, size),
        *_reasons(found, size),
        (),
        *opening_lines(found.openings, size),
    ]


# -- the matrix -----------------------------------------------------------------------------------------------------


def _matrix(found: Reachability, size: int) -> list[Line]:
    names = [_short(party.name) for party in found.parties]
    left = min(max(map(cells, (*names, "FROM"))), _LONGEST_PARTY) + 2
    goals = [_short(goal.name) for goal in found.goals]
    if left + sum(cells(goal) + 2 for goal in goals) <= size:
        return _named(found, names, goals, left)
    return _numbered(found, names, goals, left, size)


def _named(found: Reachability, names: list[str], goals: list[str], left: int) -> list[Line]:
    """Each column under the name of its goal."""
    head = line((fit_text("FROM", left), "dim"), ("  ".join(goals), "strong"))
    lines = [head]
    for name, row in zip(names, found.cells, strict=True):
        marks = (
            Span(fit_text(MARKS[cell.state], cells(goal) + 2), ROLES[cell.state])
            for cell, goal in zip(row, goals, strict=True)
        )
        lines.append(line(_label(name, left), *marks))
    return lines


def _numbered(found: Reachability, names: list[str], goals: list[str], left: int, size: int) -> list[Line]:
    """Columns with numbers, in as many blocks as are needed, and which number is what."""
    band = 1 if left + 2 * len(goals) <= size else _BAND
    room = max((size - left) // (band + 1) * band, _BAND)
    lines: list[Line] = []
    for start in range(0, len(goals), room):
        numbers = range(start, min(start + room, len(goals)))
        for digit in reversed(range(len(str(numbers[-1] + 1)))):
            title = "FROM" if digit == 0 else ""
            heads = [_digit(number + 1, digit) for number in numbers]
            lines.append(line((fit_text(title, left), "dim"), (_banded(heads, band), "dim")))
        for name, row in zip(names, found.cells, strict=True):
            lines.append(line(_label(name, left), *_marks([row[number] for number in numbers], band)))
        lines.append(())
    return [*lines, *_numbers(goals, size)]


def _digit(number: int, place: int) -> str:
    """One digit of a column's number, which is written from top to bottom."""
    text = str(number)
    return text[-1 - place] if place < len(text) else " "


def _banded(parts: Sequence[str], band: int) -> str:
    return " ".join("".join(parts[at : at + band]) for at in range(0, len(parts), band))


def _marks(row: Sequence[Reach], band: int) -> Iterator[Span]:
    for index, cell in enumerate(row):
        if index and not index % band:
            yield Span(" ")
        yield Span(MARKS[cell.state], ROLES[cell.state])


def _label(name: str, size: int) -> str:
    """A name of a source in exactly `size` cells, with a gap behind it."""
    return fit_text(fit_name(name, size - 2), size)


def _numbers(goals: Sequence[str], size: int) -> Iterator[Line]:
    """`1 web:80`, in columns."""
    texts = [f"{number:>{len(str(len(goals)))}} {goal}" for number, goal in enumerate(goals, 1)]
    across = max(size // (max(map(cells, texts)) + 3), 1)
    down = -(-len(texts) // across)
    rows = [tuple(texts[at::down]) for at in range(down)]
    yield from (line((text, "")) for text in columns(rows, gap="   "))


def _legend(found: Reachability, size: int) -> list[Line]:
    present = dict.fromkeys(cell.state for row in found.cells for cell in row)
    lines: list[Line] = []
    used = 0
    for state, mark in MARKS.items():
        if state not in present and state not in ("yes", "no", "denied"):
            continue
        entry = line((mark, ROLES[state]), (f" {_MEANINGS[state]}   ", "dim"))
        if lines and used + width(entry) <= size + 3:
            lines[-1] = line(*lines[-1], *entry)
            used += width(entry)
        else:
            lines.append(entry)
            used = width(entry)
    return lines


# -- why ------------------------------------------------------------------------------------------------------------


def _reasons(found: Reachability, size: int) -> list[Line]:
    """For each reason its meaning, and which sources it keeps from which goals."""
    reasons: dict[tuple[str, str, str], dict[str, list[str]]] = {}
    for party, row in zip(found.parties, found.cells, strict=True):
        for goal, cell in zip(found.goals, row, strict=True):
            if cell.state not in ("yes", "nobody"):
                missing = reasons.setdefault((cell.state, cell.reason, cell.outcome), {})
                missing.setdefault(goal.name, []).append(party.name)
    lines: list[Line] = []
    told: dict[str, None] = {}
    for (state, reason, outcome), missing in reasons.items():
        seen = f"   the client sees: {outcome}"
        lines += [(), line((MARKS[state], ROLES[state]), (f" {reason}", "strong"), (seen, "dim"))]
        meaning = REASONS[reason].meaning if reason in REASONS and reason not in told else ""
        told[reason] = None
        lines += [line("  ", *each) for each in wrap(meaning, size - 2, "dim")] if meaning else []
        for sources, targets in _same_sources(missing).items():
            who = ", ".join(_who(sources, found))
            lines += _hanging(f"{who} → ", ", ".join(map(_short, targets)), size)
    return lines


def _who(sources: tuple[str, ...], found: Reachability) -> Iterator[str]:
    """The sources, with a word for all workloads or all nodes."""
    for kind, word in (("workload", "every workload"), ("node", "every node"), ("internet", "internet")):
        names = [party.name for party in found.parties if party.kind == kind and party.sources]
        meant = [name for name in names if name in sources]
        if meant and len(meant) == len(names):
            yield word
        else:
            yield from map(_short, meant)


def _same_sources(goals: dict[str, list[str]]) -> dict[tuple[str, ...], list[str]]:
    """Goals that the same sources miss, together."""
    found: dict[tuple[str, ...], list[str]] = {}
    for goal, sources in goals.items():
        found.setdefault(tuple(sources), []).append(goal)
    return found


def _hanging(head: str, text: str, size: int) -> list[Line]:
    first, *rest = wrap(head + text, size - 4) or [()]
    return [line("  ", *first), *(line("    ", *each) for each in rest)]


# -- open to the outside --------------------------------------------------------------------------------------------


def opening_lines(openings: Sequence[Opening], size: int) -> list[Line]:
    """One line for each address of a load balancer and each external IP, and one for a node port on all nodes."""
    if not openings:
        return [line(("Open to the outside: nothing", "strong"))]
    groups: dict[tuple[str, str, int, str, str, str], list[Opening]] = {}
    for each in openings:
        one = each.exposure
        place = "" if one.kind == "node port" else one.address
        key = (one.service, one.kind, one.port, one.protocol, place, f"{each.reach.state} {each.reach.reason}")
        groups.setdefault(key, []).append(each)
    rows = [_opening(group) for group in groups.values()]
    rows.insert(0, ("KIND", "ADDRESS", "SERVICE", "POLICY", "ANSWERS", "FROM"))
    guarded = any(each.exposure.sources for each in openings)
    rows = rows if guarded else [row[:-1] for row in rows]
    head, *texts = columns(rows)
    if max(map(cells, (head, *texts))) > size - 2:
        head, *texts = columns(rows, gap=" ")
    lines = [line(("Open to the outside", "strong")), line(("  " + head, "dim"))]
    for group, text in zip(groups.values(), texts, strict=True):
        state = group[0].reach.state
        lines.append(line("  ", (text, "" if state == "yes" else ROLES[state])))
    nodes = [each.exposure for each in openings if each.exposure.kind == "node port"]
    if nodes:
        places = dict.fromkeys(f"{each.node} {each.address}" for each in nodes)
        lines += [line("  ", *each) for each in wrap(f"nodes: {', '.join(places)}", size - 2, "dim")]
    return lines


def _opening(group: Sequence[Opening]) -> tuple[str, ...]:
    one, reach = group[0].exposure, group[0].reach
    where = join(one.address, one.port)
    if one.kind == "node port":
        names = dict.fromkeys(each.exposure.node for each in group)
        where = f":{one.port} on {next(iter(names)) if len(names) == 1 else fmt.count(len(names), 'node')}"
    answers = "yes" if reach.state == "yes" else f"{reach.outcome} ({reach.reason})"
    if reach.state == "partly":
        answers = f"{reach.share:.0%}, else {answers}"
    return (
        one.kind,
        where + ("" if one.protocol == "TCP" else f"/{one.protocol}"),
        _short(one.service),
        one.policy,
        answers,
        ", ".join(one.sources) or "anywhere",
    )


def _short(name: str) -> str:
    """Without the namespace `default`: `deployment/web`, `web:80`."""
    return name.replace("/default/", "/", 1).removeprefix("default/")
