"""How a Service is shown."""

from __future__ import annotations

from lab.kube.kinds.endpointslice import SERVICE_NAME_LABEL, Endpoint, EndpointSlice
from lab.kube.kinds.service import Service, ServicePort
from lab.views.kinds.base import Context, KindView
from lab.views.kinds.formatting import age, annotation_lines, pair_lines, pairs, shortened
from lab.views.kinds.workload import set_state
from lab.views.states import State
from lab.views.table import fields


def external_ip(service: Service) -> str:
    """The EXTERNAL-IP column: `<none>`, `<pending>` while a balancer has given nothing, or the addresses."""
    spec = service.spec
    if spec.type == "ExternalName":
        return spec.external_name
    balanced = [one.ip or one.hostname for one in service.status.load_balancer.ingress]
    addresses = [*balanced, *spec.external_ips]
    return ",".join(addresses) or ("<pending>" if spec.type == "LoadBalancer" else "<none>")


def ports(service: Service) -> str:
    """The PORT(S) column, such as `80:30080/TCP`."""
    return ",".join(_port(one) for one in service.spec.ports) or "<none>"


def _port(port: ServicePort) -> str:
    return f"{port.port}:{port.node_port}/{port.protocol}" if port.node_port else f"{port.port}/{port.protocol}"


def endpoints(service: Service, context: Context) -> list[Endpoint]:
    """Every endpoint of the Service's slices, in the order of the slices."""
    slices = context.store.list(EndpointSlice, service.namespace, {SERVICE_NAME_LABEL: service.name})
    return [endpoint for one in slices for endpoint in one.endpoints]


def is_ready(endpoint: Endpoint) -> bool:
    """Whether kube-proxy would use it in the first place; unset means ready (KEP-1672)."""
    return endpoint.conditions.ready is not False


def _row(service: Service, context: Context) -> tuple[str, ...]:
    return (
        service.name,
        service.spec.type,
        service.spec.cluster_ip or "<none>",
        external_ip(service),
        ports(service),
        age(service.metadata.creation_timestamp, context.now),
        pairs(service.spec.selector),
    )


def _state(service: Service, context: Context) -> State:
    if service.spec.type == "ExternalName":
        return State("○", "dim", "ExternalName")
    if external_ip(service) == "<pending>":
        return State("◌", "busy", "Pending")
    found = endpoints(service, context)
    ready = sum(is_ready(one) for one in found)
    if not found and not service.spec.selector:
        return State("○", "dim", "No selector")
    return set_state(max(len(found), 1), ready)


def _describe(service: Service, context: Context) -> list[str]:
    spec = service.spec
    balanced = [f"{one.ip or one.hostname} ({one.ip_mode or 'VIP'})" for one in service.status.load_balancer.ingress]
    lines: list[tuple[str, str | list[str]]] = [
        ("Name", service.name),
        ("Namespace", service.namespace),
        ("Labels", pair_lines(service.metadata.labels)),
        ("Annotations", annotation_lines(service.metadata.annotations)),
        ("Selector", pairs(spec.selector)),
        ("Type", spec.type),
        ("IP Family Policy", spec.ip_family_policy or "SingleStack"),
        ("IP Families", ",".join(spec.ip_families) or "IPv4"),
        ("IP", spec.cluster_ip or "<none>"),
        ("IPs", ",".join(spec.cluster_ips) or spec.cluster_ip or "<none>"),
    ]
    if spec.external_ips:
        lines.append(("External IPs", ",".join(spec.external_ips)))
    if spec.external_name:
        lines.append(("External Name", spec.external_name))
    if balanced:
        lines.append(("LoadBalancer Ingress", ", ".join(balanced)))
    for port in spec.ports:
        lines += _describe_port(service, port, context)
    return fields(lines + _policies(service))


def _describe_port(service: Service, port: ServicePort, context: Context) -> list[tuple[str, str | list[str]]]:
    name = port.name or "<unset>"
    target = port.target_port if port.target_port is not None else port.port
    lines: list[tuple[str, str | list[str]]] = [
        ("Port", f"{name} {port.port}/{port.protocol}"),
        ("TargetPort", str(target) if isinstance(target, str) else f"{target}/{port.protocol}"),
    ]
    if port.node_port:
        lines.append(("NodePort", f"{name} {port.node_port}/{port.protocol}"))
    lines.append(("Endpoints", shortened(_targets(service, port, context), empty="")))
    return lines


def _targets(service: Service, port: ServicePort, context: Context) -> list[str]:
    """`IP:PORT` of each ready endpoint for one port of the Service."""
    found: list[str] = []
    for one in context.store.list(EndpointSlice, service.namespace, {SERVICE_NAME_LABEL: service.name}):
        number = next((p.port for p in one.ports if p.name == port.name and p.protocol == port.protocol), None)
        ready = (e for e in one.endpoints if is_ready(e) or service.spec.publish_not_ready_addresses)
        if number is not None:
            found += [f"{address}:{number}" for endpoint in ready for address in endpoint.addresses[:1]]
    return found


def _policies(service: Service) -> list[tuple[str, str | list[str]]]:
    spec = service.spec
    lines: list[tuple[str, str | list[str]]] = [("Session Affinity", spec.session_affinity)]
    if spec.type in ("NodePort", "LoadBalancer") or spec.external_ips:
        lines.append(("External Traffic Policy", spec.external_traffic_policy or "Cluster"))
    if spec.health_check_node_port:
        lines.append(("HealthCheck NodePort", str(spec.health_check_node_port)))
    if spec.type != "ExternalName":
        lines.append(("Internal Traffic Policy", spec.internal_traffic_policy or "Cluster"))
    if spec.traffic_distribution:
        lines.append(("Traffic Distribution", spec.traffic_distribution))
    if spec.load_balancer_source_ranges:
        lines.append(("LoadBalancer Source Ranges", ",".join(spec.load_balancer_source_ranges)))
    return lines


VIEW = KindView(
    struct=Service,
    columns=("NAME", "TYPE", "CLUSTER-IP", "EXTERNAL-IP", "PORT(S)", "AGE"),
    wide=("SELECTOR",),
    row=_row,
    state=_state,
    describe=_describe,
)
