"""`kubectl api-resources`: every kind that there is, by all its names."""

from __future__ import annotations

from lab.commands.call import Call
from lab.commands.registry import command
from lab.commands.resources import resources
from lab.views.table import table


@command(
    "kubectl api-resources",
    "Every kind that there is, with its short names, and whether the lab simulates it or only keeps it.",
    examples=("kubectl api-resources",),
)
def api_resources(call: Call) -> None:
    """A line a kind, by group and name."""
    found = sorted(resources(call.store), key=lambda one: (one.group, one.plural))
    rows = [
        (
            one.plural,
            ",".join(one.short),
            one.group,
            str(one.namespaced).lower(),
            one.kind,
            "simulated" if one.struct is not None else "kept",
        )
        for one in found
    ]
    call.say(*table(("NAME", "SHORTNAMES", "APIGROUP", "NAMESPACED", "KIND", "HERE"), rows))
