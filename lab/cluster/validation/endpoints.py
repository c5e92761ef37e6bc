"""The legacy Endpoints object: addresses and ports of each subset."""

from __future__ import annotations

from lab.cluster.errors import required
from lab.cluster.validation.ips import special_address_errors
from lab.cluster.validation.names import Errors, faulty, label_faults, subdomain_faults
from lab.cluster.validation.service_ports import port_number_errors, protocol_errors
from lab.kube.kinds.endpoints import EndpointAddress, Endpoints, EndpointSubset


def endpoints_errors(new: Endpoints, old: Endpoints | None) -> Errors:
    """What is wrong with its subsets, where they are not those of `old`."""
    before = old.subsets if old is not None else ()
    for index, subset in enumerate(new.subsets):
        if index >= len(before) or subset is not before[index]:
            yield from _subset(subset, f"subsets[{index}]")


def _subset(subset: EndpointSubset, path: str) -> Errors:
    if not subset.addresses and not subset.not_ready_addresses:
        yield required(path, "must specify `addresses` or `notReadyAddresses`")
    for field, addresses in (("addresses", subset.addresses), ("notReadyAddresses", subset.not_ready_addresses)):
        for index, address in enumerate(addresses):
            yield from _address(address, f"{path}.{field}[{index}]")
    for index, port in enumerate(subset.ports):
        where = f"{path}.ports[{index}]"
        if port.name:
            yield from faulty(f"{where}.name", port.name, label_faults(port.name))
        elif len(subset.ports) > 1:
            yield required(f"{where}.name")
        yield from port_number_errors(f"{where}.port", port.port)
        yield from protocol_errors(f"{where}.protocol", port.protocol)


def _address(address: EndpointAddress, path: str) -> Errors:
    yield from special_address_errors(f"{path}.ip", address.ip)
    if address.hostname:
        yield from faulty(f"{path}.hostname", address.hostname, label_faults(address.hostname))
    if address.node_name:
        yield from faulty(f"{path}.nodeName", address.node_name, subdomain_faults(address.node_name))
