"""The podCIDRs of nodes: one part of each of the cluster's pod networks, as the node IPAM controller hands them out."""

from __future__ import annotations

from collections.abc import Iterator

from lab.cluster.networks import Network, networks
from lab.kube.errors import LabError

IPV4_BITS = 24
IPV6_BITS = 64
"""--node-cidr-mask-size-ipv4 and -ipv6 of kube-controller-manager."""
_SHARES = 8
"""An IPv6 network that is too small for several /64 is cut into 2 to the power of this many parts."""


class PodCIDRs:
    """Hands out parts of `pod_cidr`: one network, or one of each family with a comma between them."""

    def __init__(self, pod_cidr: str) -> None:
        self._networks = networks(pod_cidr)
        self._parts: list[Iterator[Network]] = [
            network.subnets(new_prefix=part_bits(network)) for network in self._networks
        ]
        self._given = 0

    @property
    def families(self) -> tuple[str, ...]:
        """`IPv4` and `IPv6` in the order of the networks."""
        return tuple(f"IPv{network.version}" for network in self._networks)

    def take(self) -> tuple[str, ...]:
        """The podCIDRs of one more node; raises LabError when a network has no part left."""
        self._given += 1
        found = []
        for network, parts in zip(self._networks, self._parts, strict=True):
            part = next(parts, None)
            if part is None:
                raise LabError(
                    f"pod_cidr {network} has no /{part_bits(network)} left for node {self._given}: "
                    "give cluster.settings.pod_cidr a shorter prefix, such as 10.128.0.0/9"
                )
            found.append(str(part))
        return tuple(found)


def part_bits(network: Network) -> int:
    """The prefix length of each node's part of a network."""
    if network.version == 4:
        return max(IPV4_BITS, network.prefixlen)
    few = network.prefixlen + _SHARES > IPV6_BITS
    return min(network.prefixlen + _SHARES, 120) if few else IPV6_BITS


def most_nodes(pod_cidr: str) -> int:
    """How many nodes the networks have room for."""
    return min(int(2 ** (part_bits(network) - network.prefixlen)) for network in networks(pod_cidr))
