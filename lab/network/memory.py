"""What a node remembers of packets, for those that must fare the same.

Connections of one sort differ in their source port and in what the router draws, and only the draw decides anything:
it takes one of the eligible endpoints. So for each of them the way is found once, by the router and the whole journey,
and taken again until a link, an address, the power of a node, or the node's own rules change.
"""

from __future__ import annotations

from lab.network.arrival import Arrival
from lab.network.packet import Packet
from lab.network.router import choose
from lab.network.rule_table import RuleTable

_KNOWN_SORTS = 65_536

Sort = tuple[str, str, str, int, str]
"""(source, its IP, destination IP, port, protocol): what a node can tell connections apart by, but for their port."""


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
