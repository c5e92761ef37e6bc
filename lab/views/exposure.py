"""What is open to the outside: every address and port that somebody on the internet can reach now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lab.views import format as fmt
from lab.views.spans import Line, columns, line, wrap

if TYPE_CHECKING:
    from lab.network.exposure import Exposure

_NOTHING = "Nothing is open to the outside: no Service of type NodePort or LoadBalancer has an address."
_MEANING = (
    "Each of these answers anybody who can reach the address. A node port is open on every node, also on nodes "
    "without a Pod of the Service; loadBalancerSourceRanges guard the load balancer's address, never the node port."
)


def exposure_lines(open_ports: Sequence[Exposure], size: int) -> list[Line]:
    """One line an open port, Service by Service, and what that means."""
    if not open_ports:
        return wrap(_NOTHING, size)
    rows = [("ADDRESS", "KIND", "NODE", "SERVICE", "POLICY", "FROM"), *map(_row, open_ports)]
    head, *rest = columns(rows)
    places = len(dict.fromkeys(each.address for each in open_ports))
    total = f"{fmt.count(len(open_ports), 'open port')} on {fmt.count(places, 'address', 'addresses')}"
    lines = [line((total, "strong")), (), line((head, "dim"))]
    lines.extend(line((text, "")) for text in rest)
    return [*lines, (), *wrap(_MEANING, size, "dim")]


def _row(each: Exposure) -> tuple[str, ...]:
    service = each.service.removeprefix("default/")
    return (str(each), each.kind, each.node or "-", service, each.policy, ", ".join(each.sources) or "anywhere")
