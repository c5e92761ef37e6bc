"""IP addresses and CIDRs as kube-proxy reads them: leniently, and each family on its own."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

IPV4 = "IPv4"
IPV6 = "IPv6"


def family(ip: str) -> str:
    """The address family of an IP or CIDR, by its look."""
    return IPV6 if ":" in ip else IPV4


def is_loopback(ip: str) -> bool:
    """Whether it is the node talking to itself: 127.0.0.0/8 or ::1."""
    return ip.startswith("127.") or ip == "::1"


def join(ip: str, port: int) -> str:
    """`IP:PORT`, with brackets around IPv6."""
    return f"[{ip}]:{port}" if ":" in ip else f"{ip}:{port}"


def socket_of(ip: str, port: int, protocol: str) -> str:
    """`IP:PORT/PROTOCOL`, with brackets around IPv6."""
    return f"{join(ip, port)}/{protocol}"


@lru_cache(maxsize=65536)
def normalize(ip: str) -> str:
    """One spelling of an address: no surrounding space, no leading zeros (read as decimal), IPv6 compressed.

    Kubernetes still accepts `010.020.030.041` in old objects (KEP-4858). What is no address comes back as "".
    """
    text = ip.strip()
    if "." in text and ":" not in text:
        parts = text.split(".")
        if all(part.isdecimal() for part in parts):
            text = ".".join(str(int(part)) for part in parts)
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return ""


@lru_cache(maxsize=65536)
def number(ip: str) -> int:
    """An address as an integer. Raises ValueError for what is no address."""
    return int(ipaddress.ip_address(ip))


class Cidr(NamedTuple):
    """A block of addresses of one family."""

    family: str
    network: int
    mask: int
    text: str

    def holds(self, ip: str) -> bool:
        """Whether an address lies in the block; addresses of the other family never do."""
        return (":" in ip) == (self.family == IPV6) and number(ip) & self.mask == self.network


def parse_cidr(text: str) -> Cidr | None:
    """A CIDR, or a bare address as a block of one; None for what is neither."""
    ip, slash, prefix = text.strip().partition("/")
    ip = normalize(ip)
    if not ip or (slash and not prefix.isdecimal()):
        return None
    try:
        network = ipaddress.ip_network(f"{ip}/{int(prefix)}" if slash else ip, strict=False)
    except ValueError:
        return None
    return Cidr(family(ip), int(network.network_address), int(network.netmask), str(network))


def parse_cidrs(texts: Iterable[str]) -> tuple[Cidr, ...]:
    """Every CIDR among the texts, in their order."""
    return tuple(cidr for cidr in map(parse_cidr, texts) if cidr is not None)


def any_holds(cidrs: Iterable[Cidr], ip: str) -> bool:
    """Whether one of the blocks holds the address."""
    return any(cidr.holds(ip) for cidr in cidrs)
