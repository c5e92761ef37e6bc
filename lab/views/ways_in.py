"""How the internet gets to a Service: a line for each load balancer, and one for each node port."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lab.kube.kinds.service import Service
from lab.views.spans import Line, Span, line

BalancerHealth = Callable[[Service], Sequence[tuple[str, bool]]]
"""What a Service's load balancer thinks of each node: (node, healthy)."""


def ways_in(services: Sequence[Service], health: BalancerHealth = lambda service: (), limit: int = 4) -> list[Line]:
    """One line a way in, load balancers first; the last one says how many more there are."""
    balanced = [_balancer(service, health) for service in services if service.spec.type == "LoadBalancer"]
    opened = [_node_port(service) for service in services if service.spec.type == "NodePort"]
    lines = balanced + opened
    hidden = len(lines) - limit
    return [*lines[: limit - 1], line(*lines[limit - 1], (f"  and {hidden} more", "dim"))] if hidden > 0 else lines


def _balancer(service: Service, health: BalancerHealth) -> Line:
    addresses = [i.ip or i.hostname for i in service.status.load_balancer.ingress]
    ports = ",".join(str(port.port) for port in service.spec.ports)
    if not addresses:
        return line(" internet ", ("─✗ ", "warn"), "LB ", ("<pending>", "warn"), _to(service), (service.name, "accent"))
    nodes = health(service)
    up = sum(ok for _, ok in nodes)
    checks = [Span("  nodes ", "dim")] + [Span("●", "ok") if ok else Span("✖", "bad") for _, ok in nodes]
    tally = [Span(f" {up}/{len(nodes)}", "ok" if up == len(nodes) else "bad")]
    return line(
        " internet ",
        ("─▶ ", "frame"),
        "LB ",
        (f"{addresses[0]}:{ports}", "strong"),
        _to(service),
        (service.name, "accent"),
        *(checks + tally if nodes else []),
    )


def _node_port(service: Service) -> Line:
    ports = ",".join(str(port.node_port) for port in service.spec.ports if port.node_port)
    return line(
        " internet ", ("─▶ ", "frame"), "any node ", (f":{ports}", "strong"), _to(service), (service.name, "accent")
    )


def _to(service: Service) -> Span:
    return Span(" ─▶ ", "frame")
