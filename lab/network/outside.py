"""Hosts on the internet: documentation addresses (RFC 5737, RFC 3849), of the families that the cluster has.

In a dual-stack cluster every such host has an address of both; the one at the same place of the other block is its own.
"""

from __future__ import annotations

import ipaddress

from lab.kube.errors import LabError
from lab.network.addresses import IPV4, family, normalize
from lab.network.flow import Source

_FIRST = {
    "IPv4": ipaddress.ip_address("198.51.100.1"),
    "IPv6": ipaddress.ip_address("2001:db8:100::1"),
}
_HOSTS = 254
_ASKER = 249
"""Which host the prompt and questions speak for; nobody else is it."""


def families_of(pod_cidr: str) -> tuple[str, ...]:
    """The families of a cluster, the first one first: those of its Pods' networks."""
    return tuple(dict.fromkeys(family(cidr) for cidr in pod_cidr.split(",")))


def internet_host(number: int, families: tuple[str, ...] = (IPV4,)) -> Source:
    """The host with a number from 0."""
    return _host(*(str(_FIRST[each] + number) for each in families))


def asker(families: tuple[str, ...] = (IPV4,)) -> Source:
    """The host that commands and questions come from: always the same, so that affinity can be seen."""
    return internet_host(_ASKER, families)


def host_at(address: str, families: tuple[str, ...] = (IPV4,)) -> Source:
    """The host that has an address, with its other one if it is known. Raises LabError for what is no address."""
    ip = normalize(address)
    if not ip:
        raise LabError(
            f'"{address}" is not an IP address: expected internet/IP, such as internet/{_FIRST[families[0]]}'
        )
    own = family(ip)
    number = int(ipaddress.ip_address(ip)) - int(_FIRST[own])
    if not 0 <= number < _HOSTS:
        return _host(ip)
    return _host(ip, *(str(_FIRST[each] + number) for each in families if each != own))


def _host(ip: str, other_ip: str = "") -> Source:
    return Source(name=f"internet/{ip}", ip=ip, other_ip=other_ip)
