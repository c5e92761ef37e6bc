"""A node's conntrack table as `conntrack -L` shows it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from lab.network.conntrack import (
    CLOSE_WAIT,
    ESTABLISHED,
    STREAM,
    SYN_SENT,
    Conntrack,
    established_until_s,
    last_syn_s,
)
from lab.network.conntrack_cleanup import destination_of
from lab.network.flow import Flow
from lab.network.packet import SCTP, TCP, UDP
from lab.settings import Settings

PROTOCOL_NUMBERS = {TCP: 6, UDP: 17, SCTP: 132}


class Direction(NamedTuple):
    """One direction of a flow."""

    src_ip: str
    src_port: int
    dst_ip: str
    dst_port: int

    def __str__(self) -> str:
        return f"src={self.src_ip} dst={self.dst_ip} sport={self.src_port} dport={self.dst_port}"


class Entry(NamedTuple):
    """One flow as the kernel remembers it."""

    protocol: str
    state: str
    """The kernel's name; empty for UDP, which has none."""
    left_s: float
    """Seconds until it is forgotten, if no more packets come."""
    original: Direction
    reply: Direction
    """How answers come in: from the endpoint, to the client or to the node when it masquerades."""
    unreplied: bool
    assured: bool
    """Whether it has seen traffic in both directions, so that a full table does not throw it out."""
    service: str
    decision: int

    def __str__(self) -> str:
        head = f"{self.protocol.lower():8} {PROTOCOL_NUMBERS[self.protocol]} {int(self.left_s)}"
        words = (
            head,
            self.state,
            str(self.original),
            "[UNREPLIED]" if self.unreplied else "",
            str(self.reply),
            "[ASSURED]" if self.assured else "",
            "mark=0 use=1",
        )
        return " ".join(word for word in words if word)


Ended = Callable[[Flow], float | None]
"""When the server's side of an open connection was closed; None while it is not."""


def entries(
    conntrack: Conntrack, settings: Settings, now_s: float, ended: Ended, rewritten: Mapping[str, str]
) -> list[Entry]:
    """Every entry that has not ended, oldest first; `rewritten` are destinations that the node saw as others."""
    made = (_entry(conntrack, flow, settings, now_s, ended, rewritten) for flow in conntrack.flows.values())
    return [entry for entry in made if entry.left_s > 0.0]


def _entry(
    conntrack: Conntrack, flow: Flow, settings: Settings, now_s: float, ended: Ended, rewritten: Mapping[str, str]
) -> Entry:
    """The entry of one flow at a moment."""
    state, until_s, unreplied, assured = _state(conntrack, flow, settings, now_s, ended)
    packet = flow.packet
    return Entry(
        packet.protocol,
        state,
        until_s - now_s,
        Direction(packet.src_ip, packet.src_port, rewritten.get(packet.dst_ip, packet.dst_ip), packet.dst_port),
        Direction(destination_of(flow), flow.way.port or packet.dst_port, flow.src_ip, packet.src_port),
        unreplied,
        assured,
        flow.decision.service,
        flow.decision.id,
    )


def _state(
    conntrack: Conntrack, flow: Flow, settings: Settings, now_s: float, ended: Ended
) -> tuple[str, float, bool, bool]:
    """State, when it ends, and whether it is unreplied and assured."""
    if flow.protocol == UDP:
        return "", flow.expires_s, not flow.replied, flow.state == STREAM
    if flow.state:
        return flow.state, conntrack.closed_until_s(flow), False, True
    if not flow.open and flow.protocol == TCP:
        # It ends when the client has given up; until then, the time begins anew with each SYN.
        until_s = last_syn_s(flow, settings, now_s) + settings.conntrack_tcp_syn_sent_s
        return SYN_SENT, min(until_s, flow.expires_s), True, False
    if not flow.open:
        return "COOKIE_WAIT", flow.expires_s, True, False
    if now_s < flow.decision.time + 2.0 * flow.latency_s:
        timeout_s = settings.conntrack_tcp_syn_sent_s if flow.protocol == TCP else 3.0
        return SYN_SENT if flow.protocol == TCP else "COOKIE_WAIT", flow.decision.time + timeout_s, True, False
    closed_s = ended(flow) if flow.protocol == TCP else None
    if closed_s is not None:
        return CLOSE_WAIT, closed_s + settings.conntrack_tcp_close_wait_s, False, True
    return ESTABLISHED, established_until_s(flow, settings), False, True
