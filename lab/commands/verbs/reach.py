"""`lab reach`: who reaches what, and what is open to the outside."""

from __future__ import annotations

import json

from lab.commands.call import Call
from lab.commands.registry import Flag, command
from lab.commands.verbs.trace import FORM
from lab.traffic.reachability import reachability
from lab.views.reach import reach_lines
from lab.views.reach_json import reach_json
from lab.views.spans import text_of


@command(
    "lab reach",
    "Whether each workload, each node and the internet gets to each Service port, and what is open to the outside.",
    flags=(Flag("--pods", "the ports of every Pod, too"), FORM),
    examples=("lab reach", "lab reach --pods", "lab reach -o json"),
)
def reach(call: Call) -> None:
    """Try every pair without sending anything."""
    engine = call.engine
    found = reachability(engine.store, engine.network, engine.traffic, pods=bool(call.get("pods")))
    if call.get("output") == "json":
        call.say(json.dumps(reach_json(found, engine.now), indent=2))
    else:
        call.say(text_of(reach_lines(found, call.width)))
