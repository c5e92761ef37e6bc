"""Where the packets of a connection go: found once by a journey, and the same for all while nothing changes."""

from __future__ import annotations

import msgspec

from lab.network.policy import Ruling


class Way(msgspec.Struct, frozen=True, gc=False):
    """The end of a journey. It depends on the links, the nodes, the Pods' addresses and the NetworkPolicies alone."""

    verdict: str
    """deliver, reject, drop or pass."""
    reason: str
    """A code of `lab.network.reasons`; empty when the rules' own reason stands."""
    arrived: bool = False
    """Whether packets reach `ip`."""
    ip: str = ""
    """The final address; empty when the packet never got that far."""
    port: int = 0
    socket: str = ""
    """`IP:PORT/PROTOCOL` of both; empty like `ip`."""
    node: str = ""
    """Where the final address is; empty when nobody has it."""
    pod: str = ""
    """`NAMESPACE/NAME` of the Pod that has the final address."""
    waypoints: tuple[str, ...] = ()
    """The vertices of the topology that packets pass, from one end to the other."""
    hops: tuple[str, ...] = ()
    """The parties on it, as decisions name them."""
    pod_links: int = 0
    """How many of its two ends are Pods."""
    latency_s: float = 0.0
    """One way, from the client to the server."""
    loss: float = 0.0
    """The probability that a packet is lost on it, 0 to 1."""
    rulings: tuple[Ruling, ...] = ()
    """What the NetworkPolicies of its ends said: egress, then ingress; empty in a cluster without any."""
    policy: str = ""
    """`NAMESPACE/NAME` of those that decided, with commas."""

    def over(self, latency_s: float, loss: float) -> Way:
        """The same way while its links are as fast and as lossy as this."""
        if (latency_s, loss) == (self.latency_s, self.loss):
            return self
        return msgspec.structs.replace(self, latency_s=latency_s, loss=loss)
