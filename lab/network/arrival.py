"""What became of a packet, and what a node remembers of it for the packets that must fare the same.

Connections of one sort differ in their source port and in what the router draws, and only the draw decides anything:
it takes one of the eligible endpoints. So for each of them the way is found once, by the router and the whole journey,
and taken again until a link, an address, the power of a node, or the node's own rules change.
"""

from __future__ import annotations

import msgspec

from lab.network.node_facts import NodeFacts
from lab.network.packet import DROP, Packet
from lab.network.reasons import CONNTRACK_FULL
from lab.network.router import choose
from lab.network.rule_table import RuleTable
from lab.network.way import Way

_KNOWN_SORTS = 65_536
_replace = msgspec.structs.replace

Sort = tuple[str, str, str, int, str]
"""(source, its IP, destination IP, port, protocol): what a node can tell connections apart by, but for their port."""


class Leg(msgspec.Struct, frozen=True, gc=False):
    """One node's decision with all that it depended on: enough to decide again, and explain."""

    facts: NodeFacts
    table: RuleTable
    since_s: float
    packet: Packet
    draw: float
    remembered: str
    """The endpoint that this node's session affinity held for the source."""
    scheduled: bool = False
    """Whether `draw` is what the node's ipvs scheduler picked, for this packet alone."""

    def of(self, src_port: int) -> Leg:
        """The same for another packet of the same sort, whose own draw took the same place among the endpoints."""
        return _replace(self, packet=_replace(self.packet, src_port=src_port))


class Arrival(msgspec.Struct, frozen=True, gc=False):
    """The end of a packet's journey: all of a decision that does not belong to one connection alone."""

    way: Way
    legs: tuple[Leg, ...]
    node: str
    """The node that decided last; empty when the packet reached none."""
    src_ip: str
    """The source address that the server sees."""
    verdict: str
    reason: str
    service: str = ""
    """`NAMESPACE/NAME` of the Service that matched; empty when none did."""
    endpoint: str = ""
    """`IP:PORT` that was chosen; empty when none was."""
    masquerade: bool = False
    table: int = 0
    """The version of the rules that decided last."""
    tracked: bool = False
    """Whether the node that decided last has an entry of the connection in its conntrack table."""

    def without_room(self) -> Arrival:
        """The same when that table is full: the node drops the packet."""
        way = _replace(self.way, arrived=False)
        return _replace(self, way=way, verdict=DROP, reason=CONNTRACK_FULL, tracked=False)


class Memory:
    """What one node's rules made of earlier packets."""

    __slots__ = ("_changes", "_sorts", "_table")

    def __init__(self) -> None:
        self._sorts: dict[Sort, list[Arrival | None]] = {}
        """For each sort, one place for each eligible endpoint, in the order in which the router chooses."""
        self._table: RuleTable | None = None
        self._changes = -1

    def recall(self, source: str, packet: Packet, draw: float, table: RuleTable, changes: int) -> Arrival | None:
        """What happened to a packet of the same sort whose draw meant the same endpoint; None when there was none."""
        if table is not self._table or changes != self._changes:
            self.forget()
            self._table, self._changes = table, changes
            return None
        known = self._sorts.get((source, packet.src_ip, packet.dst_ip, packet.dst_port, packet.protocol))
        return choose(known, draw) if known is not None else None

    def forget(self) -> None:
        """Let every way be found anew."""
        self._sorts.clear()

    def keep(self, source: str, packet: Packet, draw: float, among: int, arrival: Arrival) -> None:
        """Remember what the draw led to `among` so many eligible endpoints; it has just been asked for in vain."""
        if len(self._sorts) >= _KNOWN_SORTS:
            self._sorts.clear()
        sort = (source, packet.src_ip, packet.dst_ip, packet.dst_port, packet.protocol)
        places = range(max(among, 1))
        known = self._sorts.setdefault(sort, [None for _ in places])
        known[choose(places, draw)] = arrival
