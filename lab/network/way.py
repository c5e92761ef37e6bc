"""Where the packets of a connection go: found once by a journey, and the same for all while nothing changes."""

from __future__ import annotations

import msgspec

from lab.network.policy import Ruling
from lab.network.quality import PERFECT, Quality


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
    quality: Quality = PERFECT
    """One way, from the client to the server; the way back is the same."""
    rulings: tuple[Ruling, ...] = ()
    """What the NetworkPolicies of its ends said: egress, then ingress; empty in a cluster without any."""
    policy: str = ""
    """`NAMESPACE/NAME` of those that decided, with commas."""
    balanced: str = ""
    """How a load balancer on it chose, in words; empty when there was none."""

    @property
    def latency_s(self) -> float:
        """How long a packet takes, without jitter."""
        return self.quality.latency_s

    @property
    def loss(self) -> float:
        """The probability that a packet is lost on it, 0 to 1."""
        return self.quality.loss

    def over(self, quality: Quality) -> Way:
        """The same way while its links are as good as this."""
        return self if quality == self.quality else msgspec.structs.replace(self, quality=quality)
