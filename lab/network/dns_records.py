"""What DNS servers and resolvers tell each other: records, replies and their times to live.

Names are written without the last dot, in small letters. Record types: A, AAAA, CNAME, PTR and SRV (RFC 1035, RFC
3596, RFC 2782).
"""

from __future__ import annotations

import ipaddress
from typing import NamedTuple

A, AAAA, CNAME, PTR, SRV = "A", "AAAA", "CNAME", "PTR", "SRV"
TYPES = (A, AAAA, SRV, PTR, CNAME)
NOERROR, NXDOMAIN, SERVFAIL = "NOERROR", "NXDOMAIN", "SERVFAIL"
REVERSE_V4, REVERSE_V6 = "in-addr.arpa", "ip6.arpa"


class Record(NamedTuple):
    """One line of an answer."""

    name: str
    type: str
    data: str
    """An address, a name, or `PRIORITY WEIGHT PORT TARGET` for SRV."""
    ttl_s: float


class Reply(NamedTuple):
    """What a server says to one question. NOERROR without records is "no data": a name without such a record."""

    rcode: str
    records: tuple[Record, ...] = ()
    extra: tuple[Record, ...] = ()
    """The addresses of the targets of SRV records."""
    ttl_s: float = 0.0
    """How long it may be remembered; for a denial the smallest TTL in the zone's SOA record (RFC 2308)."""

    @property
    def denial(self) -> bool:
        """Whether it says that there is nothing: no such name, or no record of that type."""
        return self.rcode == NXDOMAIN or (self.rcode == NOERROR and not self.records)

    def aged(self, seconds: float) -> Reply:
        """The same reply some seconds later, as a cache gives it out: every TTL counts down."""
        return Reply(
            self.rcode, _aged(self.records, seconds), _aged(self.extra, seconds), max(0.0, self.ttl_s - seconds)
        )

    def addresses(self) -> tuple[str, ...]:
        """What its A and AAAA records say, in their order."""
        return tuple(record.data for record in self.records if record.type in (A, AAAA))


def positive(records: list[Record], extra: list[Record] | None = None) -> Reply:
    """A reply with records, which may be remembered as long as the one that lives shortest."""
    return Reply(NOERROR, tuple(records), tuple(extra or ()), min(record.ttl_s for record in records))


MAX_LABEL, MAX_NAME = 63, 253
"""Octets of a label and of a whole name, written without the last dot (RFC 1035, 2.3.4)."""


def name_fault(name: str) -> str:
    """What keeps a name from being asked for: a label or the whole of it is too long, or a label is empty."""
    plain = name.removesuffix(".")
    labels = [label.encode() for label in plain.split(".")]
    if plain and not all(labels):
        return "empty label"
    if any(len(label) > MAX_LABEL for label in labels):
        return f"label too long: more than {MAX_LABEL} octets"
    if len(plain.encode()) > MAX_NAME:
        return f"name too long: more than {MAX_NAME} octets"
    return ""


def address_type(ip: str) -> str:
    """The type of record that holds an address."""
    return AAAA if ":" in ip else A


def reverse_name(ip: str) -> str:
    """The name that stands for an address: `12.0.96.10.in-addr.arpa`. Raises ValueError for what is no address."""
    return ipaddress.ip_address(ip).reverse_pointer


def reversed_address(name: str) -> str:
    """The address that a reverse name stands for; empty when it stands for none."""
    for suffix, separator, length in ((REVERSE_V4, ".", 4), (REVERSE_V6, "", 32)):
        labels = name.removesuffix(f".{suffix}").split(".")
        if name.endswith(f".{suffix}") and len(labels) == length:
            text = separator.join(reversed(labels))
            if length == 32:
                text = ":".join(text[at : at + 4] for at in range(0, 32, 4))
            try:
                return str(ipaddress.ip_address(text))
            except ValueError:
                return ""
    return ""


def _aged(records: tuple[Record, ...], seconds: float) -> tuple[Record, ...]:
    return tuple(record._replace(ttl_s=max(0.0, record.ttl_s - seconds)) for record in records)
