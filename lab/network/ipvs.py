"""How the kernel's ipvs picks a real server: the schedulers rr, lc and sh (net/netfilter/ipvs/ip_vs_*.c).

iptables and nftables throw dice, and `route` gets them as one number, `draw`. Here the number says what the scheduler
has picked, so that `route` stays a pure function and an explanation repeats the same choice.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from functools import lru_cache
from typing import Protocol

from lab.kube.errors import LabError, nearest
from lab.network.conntrack import Conntrack
from lab.network.endpoints import EndpointInfo
from lab.network.flow import Flow
from lab.network.packet import Packet
from lab.network.router import Verdict
from lab.settings import Settings

RR, LC, SH = "rr", "lc", "sh"
SCHEDULERS = {
    RR: "the next real server in turn",
    LC: "the real server with the fewest connections",
    SH: "the real server that the source address hashes to",
}
"""Each scheduler, and what it picks."""

_GOLDEN_RATIO = 0x61C88647
_ACTIVE, _INACTIVE = 256, 1
"""What a connection weighs for lc: one that is not established any more counts for a 256th."""


class Scheduler(Protocol):
    """Picks one of the real servers of a virtual server on one node."""

    name: str
    stateless: bool
    """Whether it picks the same for the same packet, whatever came before."""

    def pick(self, service: str, packet: Packet, servers: Sequence[EndpointInfo]) -> int:
        """The index of the real server for a new connection to the packet's destination."""

    def clear(self) -> None:
        """The node lost power."""


def draw_of(scheduler: Scheduler, verdict: Verdict, packet: Packet) -> float:
    """The number in [0, 1) with which `route` takes what the scheduler picks of a verdict's eligible endpoints."""
    servers = verdict.eligible
    service = verdict.rule.service if verdict.rule is not None else ""
    return (scheduler.pick(service, packet, servers) + 0.5) / len(servers)


class RoundRobin:
    """Each real server in turn, for each virtual server (address and port) on its own."""

    name, stateless = RR, False

    def __init__(self) -> None:
        self._last: dict[tuple[str, int, str], str] = {}

    def pick(self, service: str, packet: Packet, servers: Sequence[EndpointInfo]) -> int:
        """The one after the last one; servers stand in the order of their addresses."""
        key = (packet.dst_ip, packet.dst_port, packet.protocol)
        last = self._last.get(key, "")
        index = next((index for index, server in enumerate(servers) if server.address > last), 0)
        self._last[key] = servers[index].address
        return index

    def clear(self) -> None:
        """The turns begin anew."""
        self._last.clear()


class LeastConnections:
    """The real server with the fewest connections; of equal ones the first."""

    name, stateless = LC, False

    def __init__(self, conntrack: CountingConntrack) -> None:
        self._conntrack = conntrack

    def pick(self, service: str, packet: Packet, servers: Sequence[EndpointInfo]) -> int:
        """An established connection weighs as much as 256 that are over."""
        loads = [self._conntrack.load(service, server.address) for server in servers]
        return loads.index(min(loads))

    def clear(self) -> None:
        """The connections are forgotten where they are counted."""


class SourceHash:
    """The same real server for the same source address, as long as the list of servers stays the same."""

    name, stateless = SH, True

    def pick(self, service: str, packet: Packet, servers: Sequence[EndpointInfo]) -> int:
        """256 buckets, dealt to the servers in turn."""
        return source_bucket(packet.src_ip) % len(servers)

    def clear(self) -> None:
        """There is nothing to forget."""


@lru_cache(maxsize=65536)
def source_bucket(ip: str) -> int:
    """The bucket of a source address, 0 to 255: the kernel's hash_32 over it, its four words folded with IPv6."""
    address = ipaddress.ip_address(ip)
    number, folded = int(address), 0
    while number:
        folded, number = folded ^ (number & 0xFFFFFFFF), number >> 32
    return (folded * _GOLDEN_RATIO & 0xFFFFFFFF) >> 24


class CountingConntrack(Conntrack):
    """A table that knows at any moment how many connections each real server has."""

    __slots__ = ("_loads",)

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._loads = _Loads()
        self.flows = self._loads

    def load(self, service: str, address: str) -> int:
        """What the connections to a real server weigh together."""
        return self._loads.by_server.get((service, address), 0)

    def closed(self, flow: Flow, now_s: float, outcome: str = "ok") -> None:
        """As always; the entry that stays is inactive."""
        super().closed(flow, now_s, outcome)
        if flow.state and self.flows.get(flow.packet) is flow:
            self._loads.weigh(flow, _INACTIVE)


class _Loads(dict[Packet, Flow]):
    """The entries of a table, and the sum of their weights by (Service, endpoint)."""

    def __init__(self) -> None:
        super().__init__()
        self.by_server: dict[tuple[str, str], int] = {}
        self._weights: dict[int, int] = {}

    def __setitem__(self, packet: Packet, flow: Flow) -> None:
        before = self.get(packet)
        if before is not None:
            self.weigh(before, 0)
        super().__setitem__(packet, flow)
        self.weigh(flow, _ACTIVE if flow.open else _INACTIVE)

    def __delitem__(self, packet: Packet) -> None:
        self.weigh(self[packet], 0)
        super().__delitem__(packet)

    def clear(self) -> None:
        super().clear()
        self.by_server.clear()
        self._weights.clear()

    def weigh(self, flow: Flow, weight: int) -> None:
        """Let a flow's entry count so much from now on; 0 when it is gone."""
        decision = flow.decision
        server = (decision.service, decision.endpoint)
        more = weight - self._weights.pop(decision.id, 0)
        if weight:
            self._weights[decision.id] = weight
        load = self.by_server.pop(server, 0) + more
        if load:
            self.by_server[server] = load


def check_scheduler(name: str) -> None:
    """Raise LabError for a scheduler that the lab does not have."""
    if name not in SCHEDULERS:
        close = nearest(name, SCHEDULERS)
        raise LabError(f'there is no ipvs scheduler "{name}" here: expected {", ".join(SCHEDULERS)}{close}')


def machinery(settings: Settings) -> tuple[Conntrack, Scheduler]:
    """The connection table of a node with ipvs, and the scheduler that the settings name. Raises LabError."""
    check_scheduler(settings.ipvs_scheduler)
    if settings.ipvs_scheduler == LC:
        counting = CountingConntrack(settings)
        return counting, LeastConnections(counting)
    return Conntrack(settings), RoundRobin() if settings.ipvs_scheduler == RR else SourceHash()
