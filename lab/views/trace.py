"""The whole way of a request that nobody sends: names, rules, endpoints, links, and what the client sees."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from lab.network.addresses import join
from lab.network.reasons import LB_TARGET, NOTHING_LISTENS, REASONS
from lab.views import format as fmt
from lab.views.spans import Line, cells, columns, fit_name, fit_text, line, plain, wrap
from lab.views.trace_words import ROLES, aliases, outcomes, sight_words

if TYPE_CHECKING:
    from lab.network.dns import DnsAnswer
    from lab.network.trace import Account, Balanced, LegAccount, Link, Option
    from lab.traffic.foresight import Forecast, Lead, Sight

VERDICT_ROLES = {"deliver": "ok", "reject": "bad", "drop": "bad", "pass": "warn"}
_STAGE = 12
_SHOWN_OPTIONS = 40
_POD, _SHORTEST_POD = 2, 9
"""Which column of the endpoints has the Pods, and how short they may get."""


class Trace(msgspec.Struct, frozen=True):
    """What was foreseen, and the way of it that is told in full."""

    now_s: float
    asked: str
    """The destination as it was written."""
    forecast: Forecast
    followed: Sight
    account: Account | None
    """None when the name did not resolve, so that no connection was made."""
    leads: tuple[Lead, ...] = ()
    """Where each address of the name leads to."""


def trace_lines(trace: Trace, size: int) -> list[Line]:
    """Every hop in the order of the packet, as lines of about `size` cells."""
    sections = [_head(trace, size)]
    if trace.forecast.name is not None:
        sections.append(_name(trace, trace.forecast.name, size))
    account = trace.account
    if account is not None:
        sections += _edge(account)
        if account.balancer is not None:
            sections.append(_balancer(account, account.balancer, size))
        for number, leg in enumerate(account.legs):
            last = number == len(account.legs) - 1
            sections.append(_leg(leg, trace.forecast.sights if last else (), account.attempt.arrival.endpoint, size))
        if account.links or account.attempt.arrival.way.arrived:
            sections.append(_links(account))
        sections.append(_end(trace, account, size))
    sections.append(_client(trace, size))
    lines = sections[0]
    for section in sections[1:]:
        lines = [*lines, (), *section]
    return lines


def _head(trace: Trace, size: int) -> list[Line]:
    forecast = trace.forecast
    target = forecast.target
    return [
        line(
            (forecast.source.name, "strong"),
            (" → ", "frame"),
            (f"{join(target.host, target.port)}/{target.protocol}", "accent"),
            (f"   {trace.asked}" if trace.asked != f"{target.host}:{target.port}" else "", "dim"),
            (f"   at {fmt.moment(trace.now_s)}", "dim"),
        ),
        *_answer_lines(forecast),
    ]


def _answer_lines(forecast: Forecast) -> list[Line]:
    """What the client sees, likeliest first; one line when it is always the same."""
    found = outcomes(forecast)
    if len(found) == 1:
        return [line((found[0].words, ROLES[found[0].outcome]))]
    return [line((f"{share(each.probability):>6}  ", "dim"), (each.words, ROLES[each.outcome])) for each in found]


def share(probability: float) -> str:
    """A probability as people read it: `100%`, `33.3%`, `0%`."""
    return f"{probability * 100:.1f}".removesuffix(".0") + "%"


def _title(text: str, about: str = "") -> Line:
    return line((text, "strong"), (f"   {about}" if about else "", "dim"))


def _long_title(text: str, about: str, size: int) -> list[Line]:
    """The title with what there is to say about it, on lines of its own where it is too long."""
    if len(text) + 3 + len(about) <= size:
        return [_title(text, about)]
    return [_title(text), *(line("  ", *each) for each in wrap(about, size - 2, "dim"))]


# -- the name -------------------------------------------------------------------------------------------------------


def _name(trace: Trace, answer: DnsAnswer, size: int) -> list[Line]:
    host = trace.forecast.target.host
    if not answer.asked and answer.outcome == "ok":
        where = "from the client's own cache" if answer.ttl_s != float("inf") else "from /etc/hosts"
        return [_title("Name", host), *_addresses(trace, answer, where, size)]
    rows = [(f"{each.name}.", each.type, each.result, _who(each.server, each.cached)) for each in answer.asked]
    lines = [_title("Name", host)]
    for each, text in zip(answer.asked, columns(rows), strict=True):
        lines.append(line("  ", (text, "" if each.result == "NOERROR" else "dim")))
    for owner, target in aliases(answer):
        lines.append(line(f"  {owner}. is an alias of ", (f"{target}.", "accent"), ("   CNAME", "dim")))
    took = f"{fmt.count(answer.queries, 'query', 'queries')}, {fmt.latency(answer.took_s)}"
    if answer.addresses:
        return [*lines, *_addresses(trace, answer, took, size)]
    return [*lines, line("  ", (f"no address: {answer.outcome}", "bad"), (f"   {took}", "dim"))]


def _addresses(trace: Trace, answer: DnsAnswer, where: str, size: int) -> list[Line]:
    """What the name stands for; of several addresses, where each leads to and which one is followed."""
    if len(answer.addresses) == 1 or not trace.leads:
        return [line("  = ", (", ".join(answer.addresses), "accent"), (f"   {where}", "dim"))]
    followed = trace.followed.attempt.packet.dst_ip if trace.followed.attempt is not None else ""
    shown = sorted(trace.leads, key=lambda each: each.address != followed)[:_SHOWN_OPTIONS]
    rows: list[tuple[str, ...]] = [("", "ADDRESS", "USED", "LEADS TO", "THE CLIENT SEES")]
    rows += [_lead(lead, lead.address == followed) for lead in shown]
    head, *texts = _narrowed(rows, size - 2, column=3)
    lines = [line(f"  = {fmt.count(len(answer.addresses), 'address', 'addresses')}", (f"   {where}", "dim"))]
    lines.append(line(("  " + head, "dim")))
    for lead, text in zip(shown, texts, strict=True):
        role = "strong" if lead.address == followed else "" if lead.probability else "dim"
        lines.append(line("  ", (text, role)))
    hidden = len(trace.leads) - len(shown)
    return [*lines, line((f"    and {hidden:,} more", "dim"))] if hidden else lines


def _lead(lead: Lead, followed: bool) -> tuple[str, ...]:
    glyph = "▶" if followed else "●" if lead.probability else "○"
    return glyph, lead.address, share(lead.probability), _led_to(lead), _seen_of(lead.forecast)


def _seen_of(forecast: Forecast) -> str:
    """What the client sees on one line, with shares where it is not always the same."""
    found = outcomes(forecast)
    return "; ".join(each.words if len(found) == 1 else f"{share(each.probability)} {each.words}" for each in found)


def _led_to(lead: Lead) -> str:
    """The Service with its endpoints, or whoever has the address."""
    arrivals = [sight.attempt.arrival for sight in lead.forecast.sights if sight.attempt is not None]
    first = arrivals[0]
    if first.service:
        endpoints = dict.fromkeys(arrival.endpoint for arrival in arrivals if arrival.endpoint)
        return f"service/{_short(first.service)}, {fmt.count(len(endpoints), 'endpoint')}"
    if first.way.pod:
        return f"pod/{_short(first.way.pod)} on {first.way.node}"
    return f"node/{first.way.node}" if first.way.node else "nobody"


def _who(server: str, cached: bool) -> str:
    who = "the resolver outside" if server == "upstream" else server.removeprefix("kube-system/")
    return f"{who}, cached" if cached else who


# -- balancer and nodes ---------------------------------------------------------------------------------------------


def _edge(account: Account) -> list[list[Line]]:
    """The cloud's 1:1 NAT, by which a node's ExternalIP is reached: the node itself knows its InternalIP only."""
    packet, legs = account.attempt.packet, account.attempt.arrival.legs
    if account.balancer is not None or not legs or legs[0].packet.dst_ip == packet.dst_ip:
        return []
    return [[_title("Edge of the cloud", f"1:1 NAT: {packet.dst_ip} is {legs[0].packet.dst_ip} inside")]]


def _balancer(account: Account, balanced: Balanced, size: int) -> list[Line]:
    lines = [_title(f"Load balancer {balanced.address}", f"Service {_short(balanced.service)}")]
    if balanced.node:
        arrival = account.attempt.arrival
        target = f"pod/{arrival.way.pod} on {balanced.node}" if arrival.reason == LB_TARGET else balanced.node
        text = f"sends to {target}, healthy: {', '.join(balanced.healthy) or 'none'}"
        lines += [line("  ", *each) for each in wrap(text, size - 2)]
    if balanced.how:
        lines += [line("  ", *each) for each in wrap(balanced.how, size - 2, "dim")]
    if balanced.proxies:
        lines.append(line("  the connection ends here and begins anew, from the balancer's own address"))
    for target, message in balanced.unhealthy:
        lines.append(line(("  ✖ ", "bad"), f"{target} is not healthy: ", (message, "dim")))
    return lines


def _leg(leg: LegAccount, sights: Sequence[Sight], chosen: str, size: int) -> list[Line]:
    since = f"{leg.mode}, table {leg.table} {fmt.since(leg.since_s)}" if leg.table else f"{leg.mode}, no rules"
    lines = [_title(f"Node {leg.node}", since)]
    if leg.table and not leg.proxy_runs:
        lines.append(line("  ", ("its kube-proxy does not run: these rules stay as they are", "warn")))
    for step in leg.steps:
        role = VERDICT_ROLES.get(leg.verdict, "bad") if step.stage == "verdict" else ""
        first, *rest = wrap(step.text, size - _STAGE - 2, role) or [()]
        lines.append(line("  ", (fit_text(step.stage, _STAGE), "accent"), *first))
        lines.extend(line(" " * (_STAGE + 2), *each) for each in rest)
    if leg.options:
        lines += _options(leg, sights, chosen, size)
    lines += _headers(leg)
    lines += _rules(leg, size)
    return lines


def _options(leg: LegAccount, sights: Sequence[Sight], chosen: str, size: int) -> list[Line]:
    """The endpoints: how likely each is picked, why it is in or out, and what the client sees of it."""
    seen: dict[str, Sight] = {}
    for sight in sights:
        arrival = sight.attempt.arrival if sight.attempt is not None else None
        if arrival is not None and arrival.node == leg.node:
            seen.setdefault(arrival.endpoint, sight)
    shown = sorted(leg.options, key=lambda each: (not each.eligible, each.address))[:_SHOWN_OPTIONS]
    rows: list[tuple[str, ...]] = [("", "ENDPOINT", "POD", "NODE", "PICKED", "WHY", "THE CLIENT SEES")]
    rows += [_option(each, seen.get(each.address), each.address == chosen) for each in shown]
    head, *texts = _narrowed(rows, size - 2)
    lines = [line(("  " + head, "dim"))]
    for each, text in zip(shown, texts, strict=True):
        role = "dim" if not each.eligible else "strong" if each.address == chosen else ""
        lines.append(line("  ", (text, role)))
    hidden = len(leg.options) - len(shown)
    return [*lines, line((f"    and {hidden:,} more", "dim"))] if hidden else lines


def _narrowed(rows: Sequence[tuple[str, ...]], size: int, column: int = _POD) -> list[str]:
    """The rows as aligned text; where they are too wide, the names in a column lose their middle."""
    texts = list(columns(rows))
    over = max(map(cells, texts)) - size
    if over <= 0:
        return texts
    room = max(max(cells(row[column]) for row in rows) - over, _SHORTEST_POD)
    return list(columns((*row[:column], fit_name(row[column], room), *row[column + 1 :]) for row in rows))


def _option(each: Option, sight: Sight | None, chosen: bool) -> tuple[str, ...]:
    glyph = "▶" if chosen else "●" if each.eligible else "✖"
    pod = _short(each.pod) if each.pod else "-"
    words = sight_words(sight, short=True) if sight is not None and each.probability else "-"
    return glyph, each.address, pod, each.node or "-", share(each.probability), each.why, words


def _headers(leg: LegAccount) -> list[Line]:
    if leg.before is None:
        return []
    rows = [("", "SOURCE", "DESTINATION"), ("before", *leg.before)]
    marks: list[str] = []
    if leg.after is not None:
        rows.append(("after", *leg.after))
        marks += ["DNAT"] if leg.after.destination != leg.before.destination else []
        marks += ["SNAT"] if leg.after.source != leg.before.source else []
    head, *texts = columns(rows)
    lines = [line(("  " + head, "dim")), *(line("  " + text) for text in texts)]
    if marks:
        lines[-1] = line(*lines[-1], ("   " + " ".join(marks), "accent"))
    return lines


def _rules(leg: LegAccount, size: int) -> list[Line]:
    return [*_listed("rules tried that did not match", leg.missed, size), *_listed("rules passed", leg.rules, size)]


def _listed(title: str, rules: Sequence[str], size: int) -> list[Line]:
    lines = [line((f"  {title}", "dim"))] if rules else []
    for number, rule in enumerate(rules, 1):
        first, *rest = [plain(each) for each in wrap(rule, size - 6)] or [""]
        lines.append(line((f"  {number:>2}  ", "dim"), first))
        lines.extend(line("      " + more) for more in rest)
    return lines


# -- links and the other end ----------------------------------------------------------------------------------------


def _links(account: Account) -> list[Line]:
    way = account.attempt.arrival.way
    loss = f", {share(way.loss)} of the packets get lost" if way.loss else ""
    lines = [_title("Links", f"{fmt.latency(way.latency_s)} one way{loss}")]
    rows = [(link.start, "→", link.end, fmt.latency(link.latency_s), _loss(link)) for link in account.links]
    lines += [line("  " + text) for text in columns(rows)]
    if not rows and not account.legs:
        lines.append(line(("  it never leaves the Pod", "dim")))
    elif way.pod_links and not rows:
        lines.append(line((f"  all on {way.node}", "dim")))
    elif way.pod_links:
        ends = "the Pod's own link" if way.pod_links == 1 else "the links of the two Pods"
        lines.append(line((f"  and {ends}", "dim")))
    return lines


def _loss(link: Link) -> str:
    return f"loses {share(link.loss)}" if link.loss else ""


def _end(trace: Trace, account: Account, size: int) -> list[Line]:
    """Who is there at the end of the way, or why nobody is."""
    arrival = account.attempt.arrival
    way = arrival.way
    lines: list[Line] = []
    if not way.arrived:
        lines += [_title("Ends here"), line("  ", (f"{arrival.verdict} ({arrival.reason})", "bad"))]
        lines += [line("  ", *each) for each in wrap(account.meaning, size - 2)]
        return lines
    if account.tracking is not None:
        used = f"{account.tracking.entries:,} of {account.tracking.limit:,} entries in use"
        lines += [_title("Conntrack", f"{account.tracking.node} keeps the connection; {used}"), ()]
    where = f"pod/{way.pod}" if way.pod else f"node/{way.node}"
    about = f"{join(way.ip, way.port)} on {way.node}, sees the client as {arrival.src_ip}"
    return [*lines, *_long_title(where, about, size), *_listener(trace, size)]


def _listener(trace: Trace, size: int) -> list[Line]:
    followed = trace.followed
    server = followed.server
    if server is None and followed.status:
        return [line(f"  kube-proxy answers {followed.status}")]
    if server is None:
        return [line(("  nothing listens on this port", "bad"))]
    spec = server.spec
    about = f"container {server.container.name} ({server.container.image}) listens"
    if server.hung:
        return [line(f"  {about}, ", ("and hangs", "bad"))]
    about += f"; takes {fmt.latency(spec.service_time.mean_s)} on average"
    lines = [line("  ", *each) for each in wrap(about, size - 2)]
    for call in followed.calls:
        found = outcomes(call)
        role = ROLES[found[0].outcome] if len(found) == 1 else "warn"
        lines.append(line(("  first asks ", "dim"), call.target.url, ("   " + _seen_of(call), role)))
    return lines


def _client(trace: Trace, size: int) -> list[Line]:
    lines = [_title("The client sees"), *(line("  ", *each) for each in _answer_lines(trace.forecast))]
    advice = _advice(trace)
    if advice:
        lines.append(line(("Try next", "key")))
        lines += [line("  ", *each) for each in wrap(advice, size - 2)]
    return lines


def _advice(trace: Trace) -> str:
    """What to try next; nothing when all is well."""
    followed = trace.followed
    if followed.outcome == "ok":
        return ""
    if followed.attempt is not None and followed.reason == NOTHING_LISTENS and followed.attempt.arrival.way.pod:
        return "Compare the Service's targetPort with the ports on which the containers of the Pod listen."
    if trace.account is None and not trace.forecast.source.node:
        inside = "names of Services are known inside the cluster only"
        return f"Outside, {inside}: write --to service/NAME:PORT for the way in that a Service has."
    if trace.account is None:
        return f"Look at the name again: dig {trace.forecast.target.host} --from {trace.forecast.source.name}"
    return REASONS[followed.reason].advice if followed.reason in REASONS else ""


def _short(name: str) -> str:
    return name.removeprefix("default/")
