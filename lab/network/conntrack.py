"""What one node's kernel remembers of connections: conntrack entries, and ClientIP session affinity.

An entry is made with the first packet and decides about all others, so an established connection stays on its
endpoint whatever the rules say later. Entries end by themselves: TIME_WAIT after a TCP close, an idle time for UDP.
"""

from __future__ import annotations

from collections import deque
from heapq import heappop, heappush

from lab.clock import Clock
from lab.network.flow import Flow
from lab.network.packet import UDP, Packet
from lab.network.service_rules import ServicePortRule
from lab.settings import Settings

_SWEEP_AFFINITY_EVERY = 4096


class Conntrack:
    """One node's table of flows, at most `conntrack_max` of them."""

    __slots__ = ("_closing", "_max", "_time_wait_s", "_udp", "_udp_stream_s", "_udp_unreplied_s", "flows", "full")

    def __init__(self, settings: Settings) -> None:
        self.flows: dict[Packet, Flow] = {}
        """By the first packet, as the client sent it."""
        self.full = 0
        """How often a new connection found no room."""
        self._closing: deque[Flow] = deque()
        self._udp: list[tuple[float, int, Flow]] = []
        """A heap of (when to look at it again, its decision's number, the flow)."""
        self._max = settings.conntrack_max
        self._time_wait_s = settings.conntrack_tcp_time_wait_s
        self._udp_unreplied_s = settings.conntrack_udp_unreplied_s
        self._udp_stream_s = settings.conntrack_udp_stream_s

    def __len__(self) -> int:
        return len(self.flows)

    def has_room(self, now_s: float) -> bool:
        """Whether another entry fits, after those that have ended are gone."""
        if self._closing and self._closing[0].expires_s <= now_s:
            self._expire_closing(now_s)
        if self._udp and self._udp[0][0] <= now_s:
            self._expire_udp(now_s)
        if len(self.flows) < self._max:
            return True
        self.full += 1
        return False

    def opened(self, flow: Flow, now_s: float) -> None:
        """Remember a flow; one that is closing on the same five-tuple gives way to it."""
        self.flows[flow.packet] = flow
        if flow.protocol == UDP:
            flow.expires_s = now_s + self._udp_unreplied_s
            heappush(self._udp, (flow.expires_s, flow.decision.id, flow))

    def closed(self, flow: Flow, now_s: float) -> None:
        """A TCP connection ended: its entry stays in TIME_WAIT. A UDP entry just runs out."""
        if flow.protocol != UDP:
            flow.expires_s = now_s + self._time_wait_s
            self._closing.append(flow)

    @property
    def has_udp(self) -> bool:
        """Whether there is any UDP entry."""
        return bool(self._udp)

    def udp_flow(self, packet: Packet, now_s: float) -> Flow | None:
        """The flow to which another datagram of the same five-tuple belongs; it is a stream from now on."""
        flow = self.flows.get(packet)
        if flow is None or flow.expires_s <= now_s:
            return None
        flow.expires_s = now_s + self._udp_stream_s
        return flow

    def flush_udp(self, usable: dict[str, None], services: dict[str, None]) -> int:
        """Forget UDP flows of these Services whose endpoint (`IP:PORT`) is not usable any more; how many there were."""
        stale = [
            flow
            for _, _, flow in self._udp
            if flow.decision.service in services and flow.decision.endpoint not in usable and self._is_current(flow)
        ]
        for flow in stale:
            del self.flows[flow.packet]
        return len(stale)

    def clear(self) -> None:
        """The node lost power."""
        self.flows.clear()
        self._closing.clear()
        self._udp.clear()

    def _is_current(self, flow: Flow) -> bool:
        return self.flows.get(flow.packet) is flow

    def _expire_closing(self, now_s: float) -> None:
        # They all wait equally long, so they end in the order in which they were closed.
        closing = self._closing
        while closing and closing[0].expires_s <= now_s:
            flow = closing.popleft()
            if self._is_current(flow):
                del self.flows[flow.packet]

    def _expire_udp(self, now_s: float) -> None:
        # Streams live on with every datagram; one that is due only by an earlier reckoning is looked at again later.
        udp = self._udp
        while udp and udp[0][0] <= now_s:
            _, number, flow = heappop(udp)
            if not self._is_current(flow):
                continue
            if flow.expires_s <= now_s:
                del self.flows[flow.packet]
            else:
                heappush(udp, (flow.expires_s, number, flow))


class AffinityTable:
    """Which endpoint each client had, by Service port: what `recent` (iptables) or a timed set (nftables) keeps.

    It belongs to one node, and its key is the source address that this node sees before its own masquerade.
    """

    __slots__ = ("_clock", "_table", "_writes")

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._table: dict[tuple[str, str], tuple[str, float]] = {}
        self._writes = 0

    def __len__(self) -> int:
        return len(self._table)

    def __call__(self, rule: ServicePortRule, source_ip: str) -> str:
        """The address of the endpoint that a client had; empty when there is none or its time is over."""
        found = self._table.get((rule.id, source_ip))
        return found[0] if found is not None and found[1] > self._clock.time() else ""

    def remember(self, rule: ServicePortRule, source_ip: str, address: str) -> None:
        """Keep it for the rule's timeout, counted from now: the time slides with every new connection."""
        now_s = self._clock.time()
        self._writes += 1
        if self._writes % _SWEEP_AFFINITY_EVERY == 0:
            self._table = {key: entry for key, entry in self._table.items() if entry[1] > now_s}
        self._table[rule.id, source_ip] = (address, now_s + rule.affinity_s)

    def clear(self) -> None:
        """The node lost power."""
        self._table.clear()
