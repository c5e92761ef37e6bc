"""A node of the kernel's own: run by itself in a new network namespace, it loads rules and says where packets go.

Everything but the node is at the other end of one tun device: what the kernel sends out there is read back, and what
is written there comes in from outside. What the node sends itself leaves by raw sockets, and raw sockets hear what it
takes in. stdin has a `Task` as JSON; stdout gets, for each packet, the set of its ends.
"""

from __future__ import annotations

import contextlib
import fcntl
import ipaddress
import json
import os
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from typing import Any, NamedTuple, TypedDict

PROTOCOLS = {"TCP": 6, "UDP": 17, "SCTP": 132}
ICMP, ICMP6 = 1, 58
PORT_UNREACHABLE = {ICMP: (3, 3), ICMP6: (1, 4)}
DEVICE = "t0"
_TUNSETIFF, _IFF_TUN, _IFF_NO_PI = 0x400454CA, 1, 0x1000
_FIRST_PORT, _LAST_PORT = 10_000, 60_000
_SYSCTLS = {
    "ipv4/ip_forward": "1",
    "ipv4/conf/all/rp_filter": "0",
    "ipv4/conf/default/rp_filter": "0",
    "ipv4/conf/all/route_localnet": "1",
    "ipv4/icmp_ratemask": "0",
    "ipv6/conf/all/forwarding": "1",
    "ipv6/icmp/ratemask": "127",
}
"""It forwards, kube-proxy's own route_localnet is on, and it refuses everybody, however often they ask."""


class Sent(TypedDict):
    """A connection to try."""

    src: str
    dst: str
    port: int
    protocol: str
    wanted: int
    """How many different ends there should be: no more packets than it takes to see them all."""
    most: int
    """How many packets at most."""


class Task(TypedDict):
    """What to do."""

    load: list[str]
    """The command that reads the rules."""
    rules: str
    ips: list[str]
    packets: list[Sent]


class End(NamedTuple):
    """What became of a packet."""

    outcome: str
    """deliver, reject, drop or pass."""
    endpoint: str
    masquerade: bool


# -- packets ------------------------------------------------------------------------------------------------------


def made(src: str, src_port: int, sent: Sent, number: int) -> bytes:
    """An IP packet that opens a connection, with a number by which it is known again."""
    source, target = ipaddress.ip_address(src), ipaddress.ip_address(sent["dst"])
    protocol = PROTOCOLS[sent["protocol"]]
    segment = _segment(protocol, src_port, sent["port"], number)
    if protocol != PROTOCOLS["SCTP"]:
        pseudo = source.packed + target.packed + struct.pack("!II", len(segment), protocol)
        at = 16 if protocol == PROTOCOLS["TCP"] else 6
        segment = segment[:at] + struct.pack("!H", _sum(pseudo + segment)) + segment[at + 2 :]
    if source.version == 6:
        return struct.pack("!IHBB", 0x60000000, len(segment), protocol, 64) + source.packed + target.packed + segment
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(segment), number & 0xFFFF, 0, 64, protocol, 0)
    head += source.packed + target.packed
    return head[:10] + struct.pack("!H", _sum(head)) + head[12:] + segment


def _segment(protocol: int, src_port: int, dst_port: int, number: int) -> bytes:
    ports = struct.pack("!HH", src_port, dst_port)
    if protocol == PROTOCOLS["TCP"]:
        return ports + struct.pack("!IIBBHHH", number, 0, 0x50, 0x02, 64240, 0, 0)
    if protocol == PROTOCOLS["UDP"]:
        return ports + struct.pack("!HHI", 12, 0, number)
    init = struct.pack("!BBHIIHHI", 1, 0, 20, number, 65536, 1, 1, 1)
    return ports + struct.pack("!I", 0) + _crc32c(ports + bytes(8) + init) + init


def _sum(data: bytes) -> int:
    """The checksum of IP, TCP and UDP (RFC 1071)."""
    total = sum(struct.unpack(f"!{(len(data) + 1) // 2}H", data + bytes(len(data) % 2)))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def _crc32c(data: bytes) -> bytes:
    """That of SCTP (RFC 9260, appendix A)."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return struct.pack("<I", crc ^ 0xFFFFFFFF)


class Seen(NamedTuple):
    """What was read of a packet."""

    number: int
    """The number of a packet that opens a connection; 0 for an ICMP message."""
    src: tuple[str, int]
    dst: tuple[str, int]
    refused_port: int = 0
    """The source port of the packet that an ICMP message says was refused."""


def read(packet: bytes) -> Seen | None:
    """What an IP packet is; None for what nobody here has sent."""
    if packet[0] >> 4 == 6:
        src, dst = socket.inet_ntop(socket.AF_INET6, packet[8:24]), socket.inet_ntop(socket.AF_INET6, packet[24:40])
        return read_segment(packet[6], src, dst, packet[40:])
    src, dst = socket.inet_ntoa(packet[12:16]), socket.inet_ntoa(packet[16:20])
    return read_segment(packet[9], src, dst, packet[(packet[0] & 15) * 4 :])


def read_segment(protocol: int, src: str, dst: str, data: bytes) -> Seen | None:
    """The same without its IP header."""
    if protocol in PORT_UNREACHABLE:
        if (data[0], data[1]) != PORT_UNREACHABLE[protocol]:
            return None
        inner = data[8:]
        at = 40 if inner[0] >> 4 == 6 else (inner[0] & 15) * 4
        return Seen(0, (src, 0), (dst, 0), struct.unpack_from("!H", inner, at)[0])
    if protocol not in PROTOCOLS.values():
        return None
    ports = struct.unpack_from("!HH", data)
    if protocol == PROTOCOLS["TCP"] and data[13] != 0x02:
        return None
    at = {6: 4, 17: 8, 132: 16}[protocol]
    return Seen(struct.unpack_from("!I", data, at)[0], (src, ports[0]), (dst, ports[1]))


# -- the node -----------------------------------------------------------------------------------------------------


class Node:
    """The namespace that this process is in, made a node."""

    def __init__(self, ips: list[str]) -> None:
        self.tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(self.tun, _TUNSETIFF, struct.pack("16sH", DEVICE.encode(), _IFF_TUN | _IFF_NO_PI))
        for name, value in _SYSCTLS.items():
            with open(f"/proc/sys/net/{name}", "w", encoding="ascii") as file:
                file.write(value)
        _run("ip", "link", "set", "lo", "up")
        _run("ip", "link", "set", DEVICE, "up", "txqueuelen", "10000")
        for ip in ips:
            _run("ip", "addr", "add", f"{ip}/{128 if ':' in ip else 32}", "dev", DEVICE, *["nodad"] * (":" in ip))
        _run("ip", "route", "add", "default", "dev", DEVICE)
        _run("ip", "-6", "route", "add", "default", "dev", DEVICE)
        self.ips = dict.fromkeys(str(ipaddress.ip_address(ip)) for ip in ips)
        self._out = {
            4: socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW),
            6: socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW),
        }
        self._heard = [(protocol, _listen(4, protocol)) for protocol in (*PROTOCOLS.values(), ICMP)]
        self._heard6 = [(protocol, _listen(6, protocol)) for protocol in (*PROTOCOLS.values(), ICMP6)]
        self._number = 0x10000

    def ends(self, sent: Sent) -> set[End]:
        """Send packets until as many ends as expected have been seen, and as many again without another one."""
        ends: set[End] = set()
        for count in range(1, sent["most"] + 1):
            ends.add(self._end(sent))
            if sent["src"] in self.ips:
                # Masquerade leaves the node's own address, and a random port is now and then the one that it was.
                ends -= {end._replace(masquerade=False) for end in ends if end.masquerade}
            if len(ends) >= sent["wanted"] and count >= 4 * sent["wanted"]:
                break
        return ends

    def _end(self, sent: Sent) -> End:
        self._number += 1
        src_port = _FIRST_PORT + self._number % (_LAST_PORT - _FIRST_PORT)
        self._send(sent["src"], made(sent["src"], src_port, sent, self._number), sent["dst"])
        refused = False
        for seen in self._read():
            if seen.number == self._number:
                if seen.dst == (sent["dst"], sent["port"]):
                    return End("pass", "", False)
                ip, port = seen.dst
                address = f"[{ip}]:{port}" if ":" in ip else f"{ip}:{port}"
                return End("deliver", address, seen.src != (sent["src"], src_port))
            refused |= seen.refused_port == src_port
        return End("reject" if refused else "drop", "", False)

    def _send(self, src: str, packet: bytes, dst: str) -> None:
        address = ipaddress.ip_address(src)
        if src in self.ips or address.is_loopback:
            # EPERM says that a rule dropped or refused it.
            with contextlib.suppress(PermissionError, ConnectionRefusedError):
                self._out[address.version].sendto(packet, (dst, 0))
        else:
            os.write(self.tun, packet)

    def _read(self) -> Iterator[Seen]:
        """Everything that has left the node or come in at it; what has come in is told first."""
        for protocol, heard in (*self._heard, *self._heard6):
            with contextlib.suppress(BlockingIOError):
                while True:
                    data, more, _, address = heard.recvmsg(2048, 256)
                    seen = read_segment(protocol, address[0], _to(more), data) if more else read(data)
                    if seen is not None:
                        yield seen
        with contextlib.suppress(BlockingIOError):
            while True:
                seen = read(os.read(self.tun, 2048))
                if seen is not None:
                    yield seen


def _to(more: list[tuple[int, int, bytes]]) -> str:
    return next(socket.inet_ntop(socket.AF_INET6, data[:16]) for _, _, data in more)


def _listen(version: int, protocol: int) -> socket.socket:
    heard = socket.socket(socket.AF_INET6 if version == 6 else socket.AF_INET, socket.SOCK_RAW, protocol)
    heard.setblocking(False)
    if version == 6:
        heard.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
    return heard


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, timeout=30)


def main() -> None:
    """Do the task on stdin."""
    # One processor: what a packet sets off there is over when the call that sent it returns.
    os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])
    task: Task = json.load(sys.stdin)
    node = Node(task["ips"])
    if task["load"]:
        subprocess.run(task["load"], input=task["rules"], check=True, text=True, timeout=30)
    found: list[Any] = [sorted(node.ends(sent)) for sent in task["packets"]]
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
