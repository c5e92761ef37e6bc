"""`lab upstream`: the resolver outside that CoreDNS and the nodes ask."""

from __future__ import annotations

from lab.commands.call import Call
from lab.commands.registry import Parameter, command
from lab.commands.values import choice
from lab.network.coredns import UPSTREAM_STATES

STATE = choice("STATE", *UPSTREAM_STATES)


@command(
    "lab upstream",
    "Break or mend the resolver outside: down, it does not answer; servfail, it answers that it cannot; up again.",
    Parameter("state", STATE),
    examples=("lab upstream down", "lab upstream up"),
    danger=True,
)
def upstream(call: Call) -> None:
    """Change it."""
    state: str = call.values["state"]
    changed = call.engine.set_upstream(state)
    call.say(f"upstream resolver {state}" if changed else f"upstream resolver is {state} already")
