"""Who sends, and one connection."""

from __future__ import annotations

import msgspec

from lab.journal import Decision
from lab.network.arrival import Arrival
from lab.network.packet import Packet
from lab.network.way import Way


class Source(msgspec.Struct, frozen=True):
    """Who opens connections: a Pod, a node, or a host on the internet."""

    name: str
    """`pod/NAMESPACE/NAME`, `node/NAME` or `internet/NAME`."""
    ip: str
    node: str = ""
    """Where it runs; empty for the internet."""
    zone: str = ""
    namespace: str = "default"
    """Where its short DNS names are looked up."""
    other_ip: str = ""
    """A host's address of the other family; those of Pods and nodes are looked up. Empty when it has none."""


class Flow(msgspec.Struct, gc=False):
    """A connection: where its packets go from the first one on, whatever the rules say later."""

    decision: Decision
    packet: Packet
    """The first one, as the client sent it; its conntrack entry has the same five-tuple."""
    arrival: Arrival
    """What became of it, perhaps found for an earlier packet of its sort."""
    way: Way
    """How packets go to the other end now."""
    open: bool
    """Whether they arrive at `ip`; a flow that is neither open nor rejected just hangs."""
    seen: int = -1
    """How many changes the network had seen when it was last found whole."""
    expires_s: float = 0.0
    """When its conntrack entry ends, unless more packets come; of no meaning once a TCP connection is open."""
    state: str = ""
    """What conntrack calls it since it has ended: TIME_WAIT, FIN_WAIT or CLOSE; STREAM for UDP that is one."""
    replied: bool = False
    """Whether a UDP flow has had an answer."""
    active_s: float = 0.0
    """When it was last used, or closed; 0 when it never was after its first packet."""

    @property
    def src_ip(self) -> str:
        """The source address that the server sees."""
        return self.arrival.src_ip

    @property
    def latency_s(self) -> float:
        """One way, from the client to the server."""
        return self.way.latency_s

    @property
    def loss(self) -> float:
        """The probability that a packet is lost on the way, 0 to 1."""
        return self.way.loss

    @property
    def verdict(self) -> str:
        """deliver, reject, drop or pass; `pass` and `open` is a connection without a Service."""
        return self.decision.verdict

    @property
    def reason(self) -> str:
        """Why: one of `lab.network.reasons`."""
        return self.decision.reason

    @property
    def protocol(self) -> str:
        """TCP, UDP or SCTP."""
        return self.packet.protocol

    @property
    def ip(self) -> str:
        """The address of its other end; empty when it has none."""
        return self.way.ip

    @property
    def port(self) -> int:
        """The port at its other end."""
        return self.way.port

    @property
    def pod(self) -> str:
        """`NAMESPACE/NAME` of the Pod that has `ip`; empty when none has."""
        return self.way.pod

    @property
    def node(self) -> str:
        """Where `ip` is."""
        return self.way.node

    @property
    def via(self) -> str:
        """The node whose rules decided, and which keeps the conntrack entry."""
        return self.decision.node

    @property
    def hops(self) -> tuple[str, ...]:
        """The parties on its way, as in the decision."""
        return self.way.hops

    @property
    def waypoints(self) -> tuple[str, ...]:
        """The vertices of the topology that its packets pass, from one end to the other."""
        return self.way.waypoints


def flow_of(
    arrival: Arrival, source: Source, host: str, packet: Packet, now_s: float, number: int, seen: int = -1
) -> Flow:
    """The connection that a packet opens, with its decision; `host` is the name that the client used."""
    way = arrival.way
    decision = Decision(
        now_s,
        number,
        source.name,
        arrival.node,
        packet.src_ip,
        packet.src_port,
        packet.dst_ip,
        packet.dst_port,
        packet.protocol,
        host,
        arrival.service,
        arrival.endpoint,
        way.pod,
        arrival.verdict,
        arrival.reason,
        way.hops,
        arrival.masquerade,
        arrival.table,
        way.policy,
    )
    return Flow(decision, packet, arrival, way, way.arrived, seen)
