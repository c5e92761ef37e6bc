"""What became of a packet at the end of its journey, and what each node on it decided by."""

from __future__ import annotations

import msgspec

from lab.network.node_facts import NodeFacts
from lab.network.packet import DROP, Packet
from lab.network.reasons import CONNTRACK_FULL
from lab.network.rule_table import RuleTable
from lab.network.way import Way

_replace = msgspec.structs.replace


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
