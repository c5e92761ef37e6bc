"""The ranges that a cluster is set up with: of cluster IPs, of Pods, of node ports; and what is wrong with them.

kube-apiserver and kube-controller-manager refuse to start with wrong ones.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from lab.cluster.addresses import port_range
from lab.kube.errors import LabError
from lab.kube.ip import read_address
from lab.settings import Settings

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_EXAMPLES = {"service_cidr": "10.96.0.0/12", "pod_cidr": "10.244.0.0/16"}
NODES = (ipaddress.IPv4Network("172.18.0.0/16"), ipaddress.IPv6Network("fd00:172:18::/64"))
"""Where nodes have their internal addresses."""
FIRST_INTERNAL: dict[str, Address] = {"IPv4": NODES[0][10], "IPv6": NODES[1][16]}
FIRST_EXTERNAL: dict[str, Address] = {
    "IPv4": ipaddress.ip_address("192.0.2.10"),
    "IPv6": ipaddress.ip_address("2001:db8:2::10"),
}
"""Before the first node's addresses, by family."""
_LEAST = 11
"""How many addresses the first network of Services has at least: kubeadm gives the tenth to the cluster's DNS."""


def networks(text: str) -> list[Network]:
    """One network, or one of each family with a comma between them; raises LabError."""
    found = [_network(part.strip()) for part in text.split(",")]
    if len(found) > 2 or len({each.version for each in found}) < len(found):
        raise LabError(f'"{text}": expected one network, or one of each family with a comma between them')
    return found


def network_faults(settings: Settings) -> Iterator[tuple[str, str]]:
    """The name of each setting of addresses and ports that is wrong, and a message that begins with its value."""
    ranges: dict[str, list[Network]] = {}
    for name, example in _EXAMPLES.items():
        try:
            ranges[name] = networks(getattr(settings, name))
        except LabError as error:
            yield name, f"{error} (such as {example})"
    yield from _overlaps(ranges)
    if "service_cidr" in ranges:
        yield from _dns(settings, ranges["service_cidr"])
    try:
        port_range(settings.node_port_range)
    except LabError as error:
        yield "node_port_range", str(error)


def _network(text: str) -> Network:
    try:
        return ipaddress.ip_network(text)
    except ValueError as error:
        about = f": {error}" if "host bits" in str(error) else ""
        raise LabError(f'"{text}" is not a network{about}') from None


def _overlaps(ranges: dict[str, list[Network]]) -> Iterator[tuple[str, str]]:
    taken = [(network, "nodes") for network in NODES]
    for name in ("pod_cidr", "service_cidr"):
        for network in ranges.get(name, ()):
            for other, whose in taken:
                if network.version == other.version and network.overlaps(other):
                    yield name, f'"{network}" overlaps {other}, the range of {whose}'
        taken += [(network, "Pods") for network in ranges.get(name, ())]


def _dns(settings: Settings, services: list[Network]) -> Iterator[tuple[str, str]]:
    if services[0].num_addresses < _LEAST:
        yield "service_cidr", f'"{services[0]}" is too small: the tenth address of it is that of the cluster\'s DNS'
        return
    address = read_address(settings.cluster_dns_ip).value
    if address is None or not any(address in network for network in services if network.version == address.version):
        yield "cluster_dns_ip", f'"{settings.cluster_dns_ip}" is no address of {settings.service_cidr}'
