"""`lab conntrack`: which connections a node's kernel remembers, as `conntrack -L` shows them."""

from __future__ import annotations

from lab.commands.call import Call
from lab.commands.flags import IN_NAMESPACE
from lab.commands.machines import MACHINE
from lab.commands.registry import Flag, command
from lab.commands.values import choice
from lab.commands.verbs.rules import SERVICE
from lab.network.conntrack_entries import PROTOCOL_NUMBERS, Entry

_PROTOCOLS = tuple(name.lower() for name in PROTOCOL_NUMBERS)


@command(
    "lab conntrack",
    "The connections that a node's kernel remembers now: state, seconds left, both directions, as conntrack -L has it.",
    flags=(
        Flag("--node", "whose table", MACHINE, required=True),
        Flag("--service", "only connections to this Service", SERVICE),
        Flag("--proto", "only this protocol", choice("PROTOCOL", *_PROTOCOLS), "-p"),
        Flag("--delete", "forget them, as conntrack -D does", short="-D"),
        IN_NAMESPACE,
    ),
    examples=(
        "lab conntrack --node worker-1",
        "lab conntrack --node worker-1 --service web",
        "lab conntrack --node worker-2 -p udp --service statsd --delete",
    ),
)
def conntrack(call: Call) -> None:
    """A line an entry, and how full the table is."""
    node: str = call.values["node"]
    network = call.engine.network
    wanted = [entry for entry in network.conntrack(node) if _fits(entry, call)]
    call.say(*map(str, wanted))
    shown = f"{len(wanted)} flow {'entry has' if len(wanted) == 1 else 'entries have'} been"
    if call.get("delete", False):
        network.forget_entries(node, [entry.decision for entry in wanted])
        call.say(f"# conntrack: {shown} deleted on {node}")
        return
    table = network.hosts[node].conntrack
    limit = call.engine.spec.settings.conntrack_max
    full = f"; the table was full {table.full} times" if table.full else ""
    call.say(f"# conntrack: {shown} shown; {node} holds {len(network.conntrack(node))} of at most {limit}{full}")


def _fits(entry: Entry, call: Call) -> bool:
    service, protocol = call.get("service"), call.get("proto")
    return service in (None, entry.service) and protocol in (None, entry.protocol.lower())
