"""ServiceCIDR and IPAddress: networks and addresses in canonical form (KEP-1880)."""

from __future__ import annotations

from lab.cluster.errors import FieldError, invalid, required
from lab.cluster.validation.ips import canonical_network_errors
from lab.cluster.validation.metadata import IMMUTABLE
from lab.cluster.validation.names import Errors
from lab.kube.ip import read_address, read_network
from lab.kube.kinds.ipaddress import IPAddress
from lab.kube.kinds.servicecidr import ServiceCIDR

IPV6_SHORTEST_PREFIX = 64
"""The allocator of IPAddress objects takes no IPv6 network that is larger."""


def service_cidr_errors(new: ServiceCIDR, old: ServiceCIDR | None) -> Errors:
    """One or two networks, one a family, that never change."""
    cidrs, path = new.spec.cidrs, "spec.cidrs"
    if old is not None:
        if cidrs != old.spec.cidrs:
            yield invalid(path, list(cidrs), IMMUTABLE)
        return
    if not cidrs:
        yield required(path, "at least one CIDR required")
    elif len(cidrs) > 2:
        yield FieldError(path, "Too many", len(cidrs), "must have at most 2 items")
    for index, text in enumerate(cidrs):
        yield from canonical_network_errors(f"{path}[{index}]", text)
    families = [network.version for text in cidrs if (network := read_network(text).value) is not None]
    if len(families) == 2 and families[0] == families[1]:
        yield invalid(path, list(cidrs), "may specify no more than one IP for each IP family, i.e 192.168.0.0/24")


def ip_address_name_faults(name: str) -> tuple[str, ...]:
    """An IPAddress is named by the address, in canonical form."""
    value = read_address(name).value
    if value is None:
        return ("must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)",)
    return () if str(value) == name else (f'must be in canonical form ("{value}")',)


def ip_address_errors(new: IPAddress, old: IPAddress | None) -> Errors:
    """Whose address it is must be said, once."""
    path, parent = "spec.parentRef", new.spec.parent_ref
    if old is not None:
        if parent != old.spec.parent_ref:
            yield invalid(path, "", IMMUTABLE)
    elif parent is None:
        yield required(path)
    else:
        if not parent.resource:
            yield required(f"{path}.resource")
        if not parent.name:
            yield required(f"{path}.name")
