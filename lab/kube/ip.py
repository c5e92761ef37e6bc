"""IP addresses and networks as the API server reads them: leniently, and what its stricter rules would say.

Fields that are older than KEP-4858 take leading zeros (read as decimal), IPv4-mapped IPv6 addresses (which count as
IPv4) and networks with bits beyond their prefix.
"""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from typing import NamedTuple

_PLAIN_IPV4 = re.compile(r"(?:(?:0|[1-9][0-9]{0,2})\.){3}(?:0|[1-9][0-9]{0,2})")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class AddressReading(NamedTuple):
    """What a text means (None: no address), and why strict rules refuse it (empty: they do not)."""

    value: Address | None
    strict: tuple[str, ...] = ()


class NetworkReading(NamedTuple):
    """What a text means (None: no network), and why strict rules refuse it (empty: they do not)."""

    value: Network | None
    strict: tuple[str, ...] = ()


@lru_cache(maxsize=65536)
def read_address(text: str) -> AddressReading:
    """An address; `strict` says what is unusual about its form."""
    value = _lenient(text)
    if value is None or _PLAIN_IPV4.fullmatch(text):
        return AddressReading(value)
    faults = []
    if _has_leading_zeros(text):
        faults.append("must not have leading 0s")
    if ":" in text and value.version == 4:
        faults.append("must not be an IPv4-mapped IPv6 address")
    return AddressReading(value, tuple(faults))


@lru_cache(maxsize=65536)
def read_network(text: str) -> NetworkReading:
    """A network such as 10.0.0.0/8; `strict` says what is unusual about its form."""
    head, slash, length = text.partition("/")
    address = _lenient(head)
    if address is None or not slash or not (length.isascii() and length.isdigit()):
        return NetworkReading(None)
    mapped = ":" in head and address.version == 4
    bits = int(length) - 96 if mapped else int(length)
    if not 0 <= bits <= address.max_prefixlen:
        return NetworkReading(None)
    network = ipaddress.ip_network((address, bits), strict=False)
    faults = []
    if _has_leading_zeros(head):
        faults.append("must not have leading 0s in IP")
    if mapped:
        faults.append("must not have an IPv4-mapped IPv6 address")
    if len(length) > 1 and length.startswith("0"):
        faults.append("must not have leading 0s in prefix length")
    if network.network_address != address:
        faults.append("must not have bits set beyond the prefix length")
    return NetworkReading(network, tuple(faults))


def family_of(text: str) -> str:
    """`IPv4` or `IPv6`; what is no address counts as IPv4, as in the API server."""
    value = read_address(text).value
    return "IPv6" if value is not None and value.version == 6 else "IPv4"


def _lenient(text: str) -> Address | None:
    if _PLAIN_IPV4.fullmatch(text):
        try:
            return ipaddress.IPv4Address(text)
        except ValueError:
            return None
    if "%" in text or not text.isascii():
        return None
    head, colon, tail = text.rpartition(":")
    if "." in tail:
        tail = ".".join(_without_zeros(part) for part in tail.split("."))
    try:
        value = ipaddress.ip_address(head + colon + tail)
    except ValueError:
        return None
    mapped = value.ipv4_mapped if isinstance(value, ipaddress.IPv6Address) else None
    return mapped or value


def _without_zeros(part: str) -> str:
    return part.lstrip("0") or "0" if part.isdigit() else part


def _has_leading_zeros(text: str) -> bool:
    parts = text.rpartition(":")[2].split(".")
    return len(parts) == 4 and any(len(part) > 1 and part.startswith("0") for part in parts)
