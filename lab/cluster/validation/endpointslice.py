"""EndpointSlices: at most 1000 endpoints of one address type, and ports with unique names (KEP-752)."""

from __future__ import annotations

from functools import lru_cache

from lab.cluster.errors import FieldError, duplicate, invalid, required, unsupported
from lab.cluster.validation.ips import special_address_errors
from lab.cluster.validation.metadata import IMMUTABLE
from lab.cluster.validation.names import (
    Errors,
    faulty,
    label_faults,
    label_value_faults,
    qualified_name_faults,
    subdomain_faults,
)
from lab.cluster.validation.service_ports import port_number_errors, protocol_errors
from lab.kube.ip import read_address
from lab.kube.kinds.endpointslice import Endpoint, EndpointHints, EndpointSlice

ADDRESS_TYPES = ("FQDN", "IPv4", "IPv6")
MAX_ENDPOINTS, MAX_ADDRESSES, MAX_PORTS, MAX_HINTS = 1000, 100, 100, 8


def slice_errors(new: EndpointSlice, old: EndpointSlice | None) -> Errors:
    """What is wrong with a slice; endpoints that stand where they stood are not looked at again."""
    if new.address_type not in ADDRESS_TYPES:
        path = "addressType"
        yield unsupported(path, new.address_type, ADDRESS_TYPES) if new.address_type else required(path)
    elif old is not None and new.address_type != old.address_type:
        yield invalid("addressType", new.address_type, IMMUTABLE)
    yield from _too_many("endpoints", len(new.endpoints), MAX_ENDPOINTS)
    before = old.endpoints if old is not None else ()
    for index, endpoint in enumerate(new.endpoints):
        if index >= len(before) or endpoint is not before[index]:
            yield from _endpoint(endpoint, f"endpoints[{index}]", new.address_type)
    if old is None or new.ports != old.ports:
        yield from _ports(new)


def _too_many(path: str, count: int, most: int) -> Errors:
    if count > most:
        yield FieldError(path, "Too many", count, f"must have at most {most} items")


def _endpoint(endpoint: Endpoint, path: str, address_type: str) -> Errors:
    where = f"{path}.addresses"
    if not endpoint.addresses:
        yield required(where, "must contain at least 1 address")
    yield from _too_many(where, len(endpoint.addresses), MAX_ADDRESSES)
    for index, address in enumerate(endpoint.addresses):
        for detail in _address_faults(address, address_type):
            yield invalid(f"{where}[{index}]", address, detail)
    if endpoint.node_name:
        yield from faulty(f"{path}.nodeName", endpoint.node_name, subdomain_faults(endpoint.node_name))
    if endpoint.zone:
        yield from faulty(f"{path}.zone", endpoint.zone, label_value_faults(endpoint.zone))
    if endpoint.hostname:
        yield from faulty(f"{path}.hostname", endpoint.hostname, label_faults(endpoint.hostname))
    if endpoint.hints is not None:
        yield from _hints(endpoint.hints, f"{path}.hints")


@lru_cache(maxsize=262144)
def _address_faults(address: str, address_type: str) -> tuple[str, ...]:
    if address_type == "FQDN":
        return subdomain_faults(address)
    value = read_address(address).value
    if value is None or f"IPv{value.version}" != address_type:
        return (f"must be a valid {address_type} address",)
    return tuple(error.detail for error in special_address_errors("", address))


def _hints(hints: EndpointHints, path: str) -> Errors:
    for field, names in (
        ("forZones", [zone.name for zone in hints.for_zones]),
        ("forNodes", [node.name for node in hints.for_nodes]),
    ):
        yield from _too_many(f"{path}.{field}", len(names), MAX_HINTS)
        for index, name in enumerate(names):
            where = f"{path}.{field}[{index}].name"
            if not name:
                yield required(where)
            else:
                yield from faulty(where, name, label_value_faults(name))
            if name in names[:index]:
                yield duplicate(where, name)


def _ports(found: EndpointSlice) -> Errors:
    yield from _too_many("ports", len(found.ports), MAX_PORTS)
    names: dict[str, None] = {}
    for index, port in enumerate(found.ports):
        path = f"ports[{index}]"
        if port.name:
            yield from faulty(f"{path}.name", port.name, label_faults(port.name))
        if port.name in names:
            yield duplicate(f"{path}.name", port.name)
        names[port.name] = None
        yield from protocol_errors(f"{path}.protocol", port.protocol)
        if port.port is not None:
            yield from port_number_errors(f"{path}.port", port.port)
        if port.app_protocol is not None:
            yield from faulty(f"{path}.appProtocol", port.app_protocol, qualified_name_faults(port.app_protocol))
