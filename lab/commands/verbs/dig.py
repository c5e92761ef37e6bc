"""`dig`: resolve a name as a party would, and show what was asked and answered."""

from __future__ import annotations

from lab.commands.call import Call
from lab.commands.flags import IN_NAMESPACE
from lab.commands.registry import Flag, Parameter, command
from lab.commands.values import HOST, OUTSIDE, SOURCE
from lab.network.dns import DnsAnswer
from lab.network.flow import Source
from lab.views.table import table

STATUS = {"ok": "NOERROR", "nxdomain": "NXDOMAIN", "servfail": "SERVFAIL"}
"""What dig calls an outcome; a timeout has none, since nobody answered."""


@command(
    "dig",
    "Resolve a name, from the internet or from inside, and see which full names were tried.",
    Parameter("name", HOST),
    flags=(Flag("--from", "who asks; internet when it is left out", SOURCE), IN_NAMESPACE),
    examples=("dig web --from pod/client", "dig web.default.svc.cluster.local --from pod/client", "dig web"),
)
def dig(call: Call) -> None:
    """Ask; the answer comes on the clock."""
    source: Source = call.get("from") or call.engine.traffic.sources.find(OUTSIDE)
    host: str = call.values["name"]
    call.running = True
    tried = names_of(call, source, host)

    def answered(answer: DnsAnswer) -> None:
        call.say(*answer_lines(source, host, tried, answer))
        call.execution.finish()

    call.engine.network.resolve(source, host, answered)


def names_of(call: Call, source: Source, host: str) -> list[str]:
    """The full names that this source's resolver tries, in order."""
    dns = call.engine.network.dns
    return dns.search_names(source, host) if dns.uses_cluster_dns(source) else [host.rstrip(".")]


def answer_lines(source: Source, host: str, names: list[str], answer: DnsAnswer) -> list[str]:
    """What dig prints: question, answer, status, and the names of the search path that were tried."""
    found = answer.outcome == "ok"
    tried = names[: names.index(answer.name) + 1] if found and answer.name in names else names
    lines = [f"; <<>> dig <<>> {host}   from {source.name}"]
    if answer.outcome in STATUS:
        lines.append(f";; status: {STATUS[answer.outcome]}, ANSWER: {len(answer.addresses)}")
    else:
        lines.append(";; connection timed out; no servers could be reached")
    lines += ["", ";; QUESTION SECTION:", f";{tried[-1]}.   IN   A"]
    if answer.addresses:
        rows = [(f"{answer.name}.", f"{answer.ttl_s:.0f}", "IN", "A", address) for address in answer.addresses]
        lines += ["", ";; ANSWER SECTION:", *table(("",) * 5, rows, headers=False)]
    asked = f"{answer.queries} queries" if answer.queries != 1 else "1 query"
    cached = "from the client's cache" if not answer.queries else asked
    lines += ["", f";; Query time: {answer.took_s * 1000:.0f} msec, {cached}"]
    return [*lines, f";; Names tried: {', '.join(f'{name}.' for name in tried)}"]
