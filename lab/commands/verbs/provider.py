"""`lab provider`: the API of whoever provides the cluster's load balancers."""

from __future__ import annotations

from lab.commands.call import Call
from lab.commands.fault import fault, mended
from lab.commands.registry import Parameter, Place
from lab.commands.values import choice
from lab.faults import provider

DOWN, UP = "down", "up"
STATE = choice("STATE", DOWN, UP)


@fault(
    "lab provider",
    "Break or mend the load balancers' provider: down, it makes and changes none, while those there are go on.",
    Parameter("state", STATE),
    undo="lab provider up",
    broken=lambda engine: () if engine.control_plane.provider.up else ("",),
    places=(Place("", "The provider of load balancers does not answer", "The provider answers again", "", DOWN),),
    examples=("lab provider down", "lab provider down --for=10m", "lab provider up"),
)
def change_provider(call: Call) -> str | None:
    """Change it."""
    state: str = call.values["state"]
    changed = provider.set_provider(call.engine, state == UP)
    call.say(f"provider of load balancers {state}" if changed else f"provider of load balancers is {state} already")
    if state != UP:
        return ""
    mended(call.engine, "lab provider", UP)
    return None
