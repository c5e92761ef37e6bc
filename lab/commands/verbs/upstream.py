"""`lab upstream`: the resolver outside that CoreDNS and the nodes ask."""

from __future__ import annotations

from lab.commands.call import Call
from lab.commands.fault import fault, mended
from lab.commands.registry import Parameter, Place
from lab.commands.values import choice
from lab.faults import dns
from lab.network.coredns import UP, UPSTREAM_STATES

STATE = choice("STATE", *UPSTREAM_STATES)


@fault(
    "lab upstream",
    "Break or mend the resolver outside: down, it does not answer; servfail, it answers that it cannot; up again.",
    Parameter("state", STATE),
    undo="lab upstream up",
    broken=lambda engine: () if engine.network.dns.server.upstream == UP else ("",),
    places=(
        Place("", "The resolver outside does not answer", "The resolver outside answers again", "", "down"),
        Place("", "The resolver outside answers that it cannot", "The resolver outside answers again", "", "servfail"),
    ),
    examples=("lab upstream down", "lab upstream down --for=30s", "lab upstream up"),
)
def upstream(call: Call) -> str | None:
    """Change it."""
    state: str = call.values["state"]
    changed = dns.set_upstream(call.engine, state)
    call.say(f"upstream resolver {state}" if changed else f"upstream resolver is {state} already")
    if state != UP:
        return ""
    mended(call.engine, "lab upstream", UP)
    return None
