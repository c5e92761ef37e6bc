"""Pod addresses of one node, out of its podCIDR, as the CNI's host-local plugin gives them."""

from __future__ import annotations

import heapq
import ipaddress

COOL_DOWN_S = 30.0
"""How long an address stays unused after its Pod has gone, so that stale rules do not reach a stranger."""


class NoAddressError(Exception):
    """Every address of the node's podCIDR is taken or cooling down."""


class PodAddresses:
    """The lowest free address of a podCIDR; the network, gateway and broadcast addresses are never given out."""

    __slots__ = ("_cooling", "_free", "_fresh", "_last", "cidr")

    def __init__(self, cidr: str) -> None:
        network = ipaddress.ip_network(cidr)
        self.cidr = cidr
        self._fresh = int(network.network_address) + 2
        self._last = int(network.broadcast_address) - 1
        self._free: list[int] = []
        self._cooling: list[tuple[float, int]] = []

    def has_free(self, now: float) -> bool:
        """Whether there is an address that nobody has had for 30 s."""
        while self._cooling and self._cooling[0][0] <= now:
            heapq.heappush(self._free, heapq.heappop(self._cooling)[1])
        return bool(self._free) or self._fresh <= self._last

    def take(self, now: float) -> str:
        """An address nobody has had for 30 s; raises `NoAddressError` when there is none."""
        if not self.has_free(now):
            raise NoAddressError(f"no free addresses in {self.cidr}")
        if self._free:
            return str(ipaddress.ip_address(heapq.heappop(self._free)))
        self._fresh += 1
        return str(ipaddress.ip_address(self._fresh - 1))

    def give_back(self, address: str, now: float) -> None:
        """Let an address be used again after the cool-down."""
        heapq.heappush(self._cooling, (now + COOL_DOWN_S, int(ipaddress.ip_address(address))))
