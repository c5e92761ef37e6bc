"""Services with their endpoints: type, addresses, ports, how many are ready, and each one's share of the traffic."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from lab.kube.kinds.endpointslice import Endpoint, EndpointSlice
from lab.kube.kinds.service import Service
from lab.views import format as fmt
from lab.views.page import Lines, Subject, Target
from lab.views.spans import Line, Span, bar, fit, fit_name, fit_text, line, spread
from lab.views.states import State, endpoint_state

BAR = 8
FOLD = 12
"""More endpoints than this are folded; the busiest and the ones in trouble stay."""
TABLE_WIDTH = 66
"""From this width on a Service takes one line of a table; below, two lines."""

ServiceRate = Callable[[str, str], float]
EndpointRate = Callable[[str, str, str], float]


class EndpointRow(NamedTuple):
    """One address behind a Service."""

    address: str
    pod: str
    namespace: str
    node: str
    state: State
    rate: float
    share: float
    """Of what the busiest endpoint of the Service gets, 0 to 1."""


class ServiceRow(NamedTuple):
    """One Service as the pane shows it."""

    service: Service
    rate: float
    endpoints: tuple[EndpointRow, ...]

    @property
    def ready(self) -> int:
        """How many endpoints are ready."""
        return sum(endpoint.state.role == "ok" for endpoint in self.endpoints)


def service_rows(
    services: Iterable[Service], slices: Iterable[EndpointSlice], rate: ServiceRate, endpoint_rate: EndpointRate
) -> list[ServiceRow]:
    """Join Services with their EndpointSlices and the rates of now; kube-system comes last."""
    by_service: dict[tuple[str, str], list[EndpointSlice]] = {}
    for each in slices:
        by_service.setdefault((each.namespace, each.service), []).append(each)
    ordered = sorted(services, key=lambda service: service.namespace == "kube-system")
    return [
        ServiceRow(
            service, rate(*service.key), tuple(_endpoints(service, by_service.get(service.key, ()), endpoint_rate))
        )
        for service in ordered
    ]


def _endpoints(service: Service, slices: Sequence[EndpointSlice], rate: EndpointRate) -> list[EndpointRow]:
    found: dict[str, tuple[Endpoint, int | None]] = {}
    for each in slices:
        port = each.ports[0].port if each.ports else None
        for endpoint in each.endpoints:
            if endpoint.addresses:
                found.setdefault(endpoint.addresses[0], (endpoint, port))
    names = [endpoint.target_ref.name if endpoint.target_ref else "" for endpoint, _ in found.values()]
    rates = [rate(service.namespace, service.name, name) if name else 0.0 for name in names]
    most = max(rates, default=0.0)
    return [
        EndpointRow(
            f"{ip}:{port}" if port else ip,
            name,
            service.namespace,
            endpoint.node_name,
            endpoint_state(endpoint.conditions),
            each,
            each / most if most else 0.0,
        )
        for (ip, (endpoint, port)), name, each in zip(found.items(), names, rates, strict=True)
    ]


def ports_text(service: Service) -> str:
    """`80:30080/TCP`, as `kubectl get service` prints PORT(S)."""
    return ",".join(
        f"{port.port}:{port.node_port}" if port.node_port else f"{port.port}" + _protocol(port.protocol)
        for port in service.spec.ports
    )


def _protocol(protocol: str) -> str:
    return "" if protocol == "TCP" else f"/{protocol}"


def external_text(service: Service) -> str:
    """EXTERNAL-IP: the addresses, `<pending>`, the external name, or nothing."""
    if service.spec.type == "ExternalName":
        return service.spec.external_name
    ingress = [each.ip or each.hostname for each in service.status.load_balancer.ingress]
    if service.spec.type == "LoadBalancer" and not ingress:
        return "<pending>"
    return ",".join([*ingress, *service.spec.external_ips])


def services_page(rows: Sequence[ServiceRow], size: int) -> Lines:
    """All Services and endpoints as lines of `size` cells."""
    lines: list[Line] = []
    targets: list[Target] = []
    if size >= TABLE_WIDTH and rows:
        lines.append(_header(size))
    for row in rows:
        subject = Subject("Service", *row.service.key)
        targets.append(Target(len(lines), 0, size, subject))
        lines.extend(_service_lines(row, size))
        shown, hidden = _fold(row.endpoints)
        for endpoint in shown:
            if endpoint.pod:
                targets.append(Target(len(lines), 0, size, Subject("Pod", endpoint.namespace, endpoint.pod)))
            lines.append(_endpoint_line(endpoint, size))
        if hidden:
            lines.append(fit(line((f"   and {fmt.count(hidden, 'more endpoint')}", "dim")), size))
    return Lines(lines or [fit((Span(" No Services yet.", "dim"),), size)], targets)


def _fold(endpoints: tuple[EndpointRow, ...]) -> tuple[Sequence[EndpointRow], int]:
    if len(endpoints) <= FOLD:
        return endpoints, 0
    order = sorted(range(len(endpoints)), key=lambda i: (endpoints[i].state.role == "ok", -endpoints[i].rate, i))
    kept = sorted(order[: FOLD - 1])
    return [endpoints[i] for i in kept], len(endpoints) - len(kept)


def _header(size: int) -> Line:
    return fit(line((_table_row("NAME", "TYPE", "CLUSTER-IP", "PORTS", "READY", "RPS", size), "dim")), size)


def _table_row(name: str, kind: str, address: str, ports: str, ready: str, rps: str, size: int) -> str:
    room = size - 55
    return (
        f" {fit_text(fit_name(name, room), room)} {fit_text(kind, 12)} {fit_text(address, 15)} "
        f"{fit_text(ports, 11)} {fit_text(ready, 5, 'right')} {fit_text(rps, 5, 'right')} "
    )


def _service_lines(row: ServiceRow, size: int) -> list[Line]:
    service = row.service
    label = service.name if service.namespace == "default" else f"{service.namespace}/{service.name}"
    ready = f"{row.ready}/{len(row.endpoints)}"
    health = _health(row)
    address = service.spec.cluster_ip or "-"
    external = external_text(service)
    if size >= TABLE_WIDTH:
        text = _table_row(label, service.spec.type, address, ports_text(service), "", "", size)
        head, tail = text[: size - 55 + 2], text[size - 55 + 2 : -12]
        figures = f" {fit_text(fmt.rate(row.rate), 5, 'right')} "
        first = line((head, "strong"), tail, (fit_text(ready, 5, "right"), health), figures)
        return [fit(first, size), *_external_line(external, size)]
    right = line((ready, health), f" {fit_text(fmt.rate(row.rate), 5, 'right')}/s ")
    first = spread(line(" ", (label, "strong"), " ", (service.spec.type, "dim")), right, size)
    second = line("   ", address, "  ", (ports_text(service), ""), *_external(external))
    return [first, fit(second, size)]


def _health(row: ServiceRow) -> str:
    if not row.endpoints:
        return "dim" if not row.service.spec.selector else "bad"
    if row.ready == len(row.endpoints):
        return "ok"
    return "warn" if row.ready else "bad"


def _external(text: str) -> list[Span]:
    if not text:
        return []
    return [Span("  external ", "dim"), Span(text, "warn" if text == "<pending>" else "accent")]


def _external_line(text: str, size: int) -> list[Line]:
    return [fit(line(" ", *_external(text)), size)] if text else []


def _endpoint_line(row: EndpointRow, size: int) -> Line:
    filled = bar(row.share, BAR)
    name_room = size - 44 if size >= TABLE_WIDTH + 10 else 0
    left = line(
        ("   " + row.state.glyph + " ", row.state.role),
        fit_text(row.address, 16),
        " ",
        (filled, "accent"),
        (" " * (BAR - len(filled)), ""),
        f" {fit_text(fmt.rate(row.rate), 5, 'right')}/s  ",
    )
    where = fit_name(row.pod, name_room - 12) + "  " if name_room > 24 and row.pod else ""
    word = (row.state.word, row.state.role) if row.state.role != "ok" else (row.node, "dim")
    return fit(line(*left, where, word), size)
