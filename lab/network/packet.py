"""What a router looks at: the five-tuple of the first packet of a connection."""

from __future__ import annotations

import zlib

import msgspec

from lab.network.addresses import join

TCP = "TCP"
UDP = "UDP"
SCTP = "SCTP"

DELIVER = "deliver"
"""Rewritten to an endpoint of a Service."""
REJECT = "reject"
"""Refused at once: the client sees `connection refused`."""
DROP = "drop"
"""Thrown away in silence: the client hangs and sends its SYN again."""
PASS = "pass"
"""Not touched by any Service rule: it goes on to the address that it names."""


class Packet(msgspec.Struct, frozen=True, gc=False):
    """The first packet of a connection, as one node sees it."""

    src_ip: str
    src_port: int
    dst_ip: str
    dst_port: int
    protocol: str = TCP

    @property
    def hash(self) -> int:
        """CRC-32 of the five-tuple: equal for every packet of a connection, in every process."""
        return zlib.crc32(f"{self.src_ip} {self.src_port} {self.dst_ip} {self.dst_port} {self.protocol}".encode())

    def __str__(self) -> str:
        return f"{join(self.src_ip, self.src_port)} > {join(self.dst_ip, self.dst_port)}/{self.protocol}"
