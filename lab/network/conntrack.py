"""What one node's kernel remembers of connections: conntrack entries, and ClientIP session affinity.

An entry is made with the first packet and decides about all others, so an established connection stays on its
endpoint whatever the rules say later. It is kept on the node whose rules decided. Packets that are dropped or
refused by a rule leave none; packets that get lost behind the node leave one that waits for a reply. Entries end by
themselves: how soon depends on the state (nf_conntrack_proto_tcp.c, _udp.c and _sctp.c).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from heapq import heappop, heappush
from math import inf

from lab.clock import Clock
from lab.network import reasons
from lab.network.flow import Flow
from lab.network.node_facts import NodeFacts
from lab.network.packet import SCTP, TCP, UDP, Packet
from lab.network.service_rules import ServicePortRule
from lab.settings import Settings

SYN_SENT, ESTABLISHED, FIN_WAIT, CLOSE_WAIT, TIME_WAIT, CLOSE, CLOSED = (
    "SYN_SENT",
    "ESTABLISHED",
    "FIN_WAIT",
    "CLOSE_WAIT",
    "TIME_WAIT",
    "CLOSE",
    "CLOSED",
)
STREAM = "STREAM"
"""The lab's word for a UDP flow that was answered and is used again; the kernel has none but [ASSURED]."""
UDP_STREAM_AFTER_S = 2.0
"""How long after its first packet it must be used again for that (nf_conntrack_proto_udp.c)."""

_ANSWERS = ("ok", "error")
_LOOK_EVERY_S = 1.0
"""How often ended entries are looked for: one that stays a little longer harms nobody while there is room."""
_SWEEP_AFFINITY_EVERY = 4096
_LOST = (
    reasons.ENDPOINT_GONE,
    reasons.ENDPOINT_UNKNOWN,
    reasons.LINK_DOWN,
    reasons.NODE_DOWN,
    reasons.NODE_FROZEN,
    reasons.UNKNOWN_ADDRESS,
    reasons.UNALLOCATED,
    reasons.WRONG_PORT_PASSED,
)


class _Ended:
    """The flows that have ended in one state; all wait equally long, so they go in their order."""

    __slots__ = ("flows", "state", "wait_s")

    def __init__(self, state: str, wait_s: float) -> None:
        self.state = state
        self.wait_s = wait_s
        self.flows: deque[Flow] = deque()

    def until_s(self, flow: Flow) -> float:
        """When the entry of such a flow ends."""
        return flow.active_s + self.wait_s


class Conntrack:
    """One node's table of flows, at most `conntrack_max` of them."""

    __slots__ = (
        "_all_ended",
        "_closed",
        "_ends",
        "_idle",
        "_look_s",
        "_max",
        "_next_end_s",
        "_next_sweep_s",
        "_settings",
        "_time_wait",
        "flows",
        "full",
    )

    def __init__(self, settings: Settings) -> None:
        self.flows: dict[Packet, Flow] = {}
        """By the first packet, as the client sent it."""
        self.full = 0
        """How often a new connection found no room."""
        self._settings = settings
        self._max = settings.conntrack_max
        self._time_wait = _Ended(TIME_WAIT, settings.conntrack_tcp_time_wait_s)
        """TCP flows that ended by the FIN of both sides."""
        reset = _Ended(CLOSE, settings.conntrack_tcp_close_s)
        unheard = _Ended(FIN_WAIT, settings.conntrack_tcp_fin_wait_s)
        self._ends = {"refused": reset, "reset": reset, "timeout": unheard}
        """By the outcome of their request, those that ended by a RST, or by a FIN that nobody answered."""
        self._closed = _Ended(CLOSED, settings.conntrack_sctp_closed_s)
        """SCTP flows."""
        self._all_ended = (self._time_wait, reset, unheard, self._closed)
        self._next_end_s = inf
        """When to look at the flows that have ended."""
        self._idle: list[tuple[float, int, Flow]] = []
        """Flows whose time is over when nobody uses them: UDP, and what waits for the first reply.

        A heap of (when to look at it again, its decision's number, the flow).
        """
        self._look_s = inf
        """When to look at those or at these."""
        self._next_sweep_s = 0.0

    def __len__(self) -> int:
        return len(self.flows)

    @property
    def withheld(self) -> int:
        """How many entries somebody else's connections take up."""
        return self._settings.conntrack_max - self._max

    def leave(self, count: int) -> None:
        """Let all but so many of the free entries be taken by somebody else's connections."""
        self._max = min(self._settings.conntrack_max, len(self.flows) + count)

    def give_back(self) -> None:
        """Undo `leave`."""
        self._max = self._settings.conntrack_max

    def has_room(self, now_s: float) -> bool:
        """Whether another entry fits; those that have ended go now and then, and in time when the table is full."""
        self._expire(now_s)
        if len(self.flows) < self._max:
            return True
        self._expire_ended(now_s)
        self._expire_established(now_s)
        if len(self.flows) < self._max:
            return True
        self.full += 1
        return False

    # -- the life of an entry -----------------------------------------------------------------------------------

    def opened(self, flow: Flow, now_s: float) -> bool:
        """Remember a flow if there is room; one that is closing on the same five-tuple gives way to it."""
        if (self._look_s <= now_s or len(self.flows) >= self._max) and not self.has_room(now_s):
            return False
        self.flows[flow.packet] = flow
        if flow.packet.protocol == UDP:
            self._runs_out(flow, now_s + self._settings.conntrack_udp_unreplied_s)
        elif not flow.open:
            self._runs_out(flow, self._syn_expiry_s(flow, inf))
        return True

    def _runs_out(self, flow: Flow, expires_s: float) -> None:
        """Let a flow's time be over then, unless it is used."""
        flow.expires_s = expires_s
        heappush(self._idle, (expires_s, flow.decision.id, flow))
        self._look_s = min(self._look_s, expires_s)

    def used(self, flow: Flow, now_s: float) -> None:
        """Another packet of a flow from the client: the entry's time begins anew."""
        flow.active_s = now_s
        if flow.packet.protocol == UDP:
            settings = self._settings
            timeout_s = settings.conntrack_udp_unreplied_s
            if flow.replied and now_s - flow.decision.time > UDP_STREAM_AFTER_S:
                timeout_s = settings.conntrack_udp_stream_s
                flow.state = STREAM
            flow.expires_s = now_s + timeout_s

    def closed(self, flow: Flow, now_s: float, outcome: str = "ok") -> None:
        """What the client wanted of a flow is over, with the outcome of its request.

        A TCP or SCTP entry stays for a while in the state that this leaves it in. A UDP entry has perhaps seen an
        answer, and just runs out: a datagram socket is not connected, so its flow stays open.
        """
        protocol = flow.packet.protocol
        if protocol == UDP:
            if outcome in _ANSWERS:
                self.used(flow, now_s)
                flow.replied = True
            return
        ended = self._ends.get(outcome, self._time_wait) if protocol == TCP else self._closed
        flow.open, flow.state, flow.active_s = False, ended.state, now_s
        if not ended.flows:
            self._next_end_s = min(self._next_end_s, ended.until_s(flow))
            self._look_s = min(self._look_s, self._next_end_s)
        ended.flows.append(flow)

    def closed_until_s(self, flow: Flow) -> float:
        """When the entry of a flow that was closed ends."""
        return next(ended.until_s(flow) for ended in self._all_ended if ended.state == flow.state)

    def gave_up(self, flow: Flow, now_s: float) -> None:
        """The client of a flow that never had a reply sends no more SYNs."""
        if flow.packet.protocol != UDP and self.flows.get(flow.packet) is flow:
            flow.expires_s = self._syn_expiry_s(flow, now_s)

    def known(self, packet: Packet, now_s: float) -> Flow | None:
        """The flow to which another packet of the same five-tuple belongs, which it keeps alive; None for none.

        A SYN makes a new flow, unless an entry still waits for the reply to an earlier one.
        """
        flow = self.flows.get(packet)
        if flow is None or (flow.packet.protocol != UDP and (flow.open or flow.state)) or flow.expires_s <= now_s:
            return None
        if flow.packet.protocol == UDP:
            self.used(flow, now_s)
        else:
            flow.active_s = now_s
            flow.expires_s = now_s + self._settings.conntrack_tcp_syn_sent_s
        return flow

    @property
    def has_udp(self) -> bool:
        """Whether there may be any UDP entry."""
        return bool(self._idle)

    def delete_udp(self, is_stale: Callable[[Flow], bool]) -> int:
        """Forget UDP flows, as kube-proxy does; how many there were."""
        current = (flow for _, _, flow in self._idle if flow.packet.protocol == UDP and self._is_current(flow))
        return self._forget([flow for flow in current if is_stale(flow)])

    def delete(self, is_wanted: Callable[[Flow], bool]) -> int:
        """Forget flows of any protocol, as `conntrack -D` does; how many there were."""
        return self._forget([flow for flow in self.flows.values() if is_wanted(flow)])

    def _forget(self, flows: list[Flow]) -> int:
        for flow in flows:
            del self.flows[flow.packet]
            flow.seen = -1
        return len(flows)

    def clear(self) -> None:
        """The node lost power."""
        self.give_back()
        self.flows.clear()
        self._idle.clear()
        for ended in self._all_ended:
            ended.flows.clear()
        self._next_end_s = self._look_s = inf

    # -- the end of an entry ------------------------------------------------------------------------------------

    def _syn_expiry_s(self, flow: Flow, until_s: float) -> float:
        """When a SYN_SENT entry ends whose client repeats its SYN after 1, 3, 7 ... s, but not after `until_s`."""
        return last_syn_s(flow, self._settings, until_s) + self._settings.conntrack_tcp_syn_sent_s

    def _is_current(self, flow: Flow) -> bool:
        return self.flows.get(flow.packet) is flow

    def _expire(self, now_s: float) -> None:
        if self._next_end_s <= now_s:
            self._expire_ended(now_s)
        self._expire_idle(now_s)
        self._look_s = min(self._next_end_s, self._idle[0][0] if self._idle else inf)

    def _expire_ended(self, now_s: float) -> None:
        flows, soonest_s = self.flows, inf
        for ended in self._all_ended:
            waiting = ended.flows
            while waiting and ended.until_s(waiting[0]) <= now_s:
                flow = waiting.popleft()
                if flows.get(flow.packet) is flow:
                    del flows[flow.packet]
            if waiting:
                soonest_s = min(soonest_s, ended.until_s(waiting[0]))
        self._next_end_s = max(soonest_s, now_s + _LOOK_EVERY_S)

    def _expire_idle(self, now_s: float) -> None:
        # These live on with every packet; one that is due only by an earlier reckoning is looked at again later.
        idle = self._idle
        while idle and idle[0][0] <= now_s:
            _, number, flow = heappop(idle)
            if not self._is_current(flow):
                continue
            if flow.expires_s <= now_s:
                del self.flows[flow.packet]
            else:
                heappush(idle, (flow.expires_s, number, flow))

    def _expire_established(self, now_s: float) -> None:
        """Nothing tells of a connection whose ends are gone without a word: look at all, once a second at most."""
        if now_s < self._next_sweep_s:
            return
        self._next_sweep_s = now_s + 1.0
        for key, flow in list(self.flows.items()):
            if flow.open and flow.packet.protocol != UDP and established_until_s(flow, self._settings) <= now_s:
                del self.flows[key]


def is_lost(reason: str, node: NodeFacts) -> bool:
    """Whether a packet that did not arrive left the node, and was lost behind it.

    What a rule drops or refuses there gets no entry; nftables may have such a rule for cluster IPs that are not in use.
    """
    return reason in _LOST and not (reason == reasons.UNALLOCATED and node.drops_unallocated)


def last_syn_s(flow: Flow, settings: Settings, until_s: float) -> float:
    """When the client of a flow sent its last SYN up to a moment."""
    opened_s = flow.decision.time
    repeats = (2.0**number - 1.0 for number in range(settings.tcp_syn_retries + 1))
    return max(opened_s + max(after_s for after_s in repeats if after_s <= until_s - opened_s), flow.active_s)


def established_until_s(flow: Flow, settings: Settings) -> float:
    """When the entry of an open TCP or SCTP flow ends, if no more packets come."""
    last_s = max(flow.decision.time, flow.active_s)
    if flow.packet.protocol == SCTP:
        return last_s + settings.conntrack_sctp_established_s
    return last_s + settings.conntrack_tcp_established_s


class AffinityTable:
    """Which endpoint each client had, by Service port.

    It is what `recent` (iptables), a timed set (nftables) or persistence (ipvs) keeps. It belongs to one node, and its
    key is the source address that this node sees before its own masquerade.
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
