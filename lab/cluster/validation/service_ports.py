"""The ports of a Service: names, numbers, protocols, and that no two are the same."""

from __future__ import annotations

from lab.cluster.errors import duplicate, forbidden, invalid, required, unsupported
from lab.cluster.validation.names import Errors, faulty, label_faults, port_name_faults, qualified_name_faults
from lab.kube.kinds.service import ServicePort, ServiceSpec
from lab.kube.struct import IntOrString

PROTOCOLS = ("SCTP", "TCP", "UDP")
KUBELET_PORT = 10250
_PORT_RANGE = "must be between 1 and 65535, inclusive"


def port_errors(spec: ServiceSpec) -> Errors:
    """Each port by itself, then the node ports and ports together."""
    if spec.type == "LoadBalancer":
        yield from _kubelet_port(spec)
    names: dict[str, None] = {}
    for index, port in enumerate(spec.ports):
        yield from _port(port, f"spec.ports[{index}]", names, needs_name=len(spec.ports) > 1)
    yield from _node_ports(spec)
    seen: dict[tuple[str, int], None] = {}
    for index, port in enumerate(spec.ports):
        key = (port.protocol, port.port)
        if key in seen:
            yield duplicate(f"spec.ports[{index}]", {"protocol": port.protocol, "port": port.port})
        seen[key] = None


def port_number_errors(path: str, number: int) -> Errors:
    """A number that is no port."""
    if not 1 <= number <= 65535:
        yield invalid(path, number, _PORT_RANGE)


def port_number_or_name_errors(path: str, target: IntOrString | None) -> Errors:
    """A targetPort, or the port of a probe: a number, or the name of a container's port."""
    if isinstance(target, int):
        yield from port_number_errors(path, target)
    elif target is not None:
        yield from faulty(path, target, port_name_faults(target))


def protocol_errors(path: str, protocol: str) -> Errors:
    """A protocol that Services do not know."""
    if not protocol:
        yield required(path)
    elif protocol not in PROTOCOLS:
        yield unsupported(path, protocol, PROTOCOLS)


def _port(port: ServicePort, path: str, names: dict[str, None], *, needs_name: bool) -> Errors:
    if port.name:
        yield from faulty(f"{path}.name", port.name, label_faults(port.name))
        if port.name in names:
            yield duplicate(f"{path}.name", port.name)
        names[port.name] = None
    elif needs_name:
        yield required(f"{path}.name")
    yield from port_number_errors(f"{path}.port", port.port)
    yield from protocol_errors(f"{path}.protocol", port.protocol)
    yield from port_number_or_name_errors(f"{path}.targetPort", port.target_port)
    if port.app_protocol is not None:
        yield from faulty(f"{path}.appProtocol", port.app_protocol, qualified_name_faults(port.app_protocol))


def _kubelet_port(spec: ServiceSpec) -> Errors:
    for index, port in enumerate(spec.ports):
        if port.port == KUBELET_PORT:
            detail = f"may not expose port {KUBELET_PORT} externally since it is used by kubelet"
            yield invalid(f"spec.ports[{index}]", port.port, detail)


def _node_ports(spec: ServiceSpec) -> Errors:
    seen: dict[tuple[str, int], None] = {}
    for index, port in enumerate(spec.ports):
        if not port.node_port:
            continue
        path = f"spec.ports[{index}].nodePort"
        if spec.type == "ClusterIP":
            yield forbidden(path, "may not be used when `type` is 'ClusterIP'")
        key = (port.protocol, port.node_port)
        if key in seen:
            yield duplicate(path, port.node_port)
        seen[key] = None
