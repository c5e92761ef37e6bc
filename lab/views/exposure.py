"""What is open to the outside: every address and port that somebody on the internet can reach now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lab.views.spans import Line, line, wrap

if TYPE_CHECKING:
    from lab.network.network import Exposure


def exposure_lines(open_ports: Sequence[Exposure], size: int) -> list[Line]:
    """One line an open port, grouped as they come: load balancers, node ports, health checks."""
    if not open_ports:
        return wrap("Nothing is open to the outside: no Service of type NodePort or LoadBalancer has an address.", size)
    return [line(str(port)) for port in open_ports]
