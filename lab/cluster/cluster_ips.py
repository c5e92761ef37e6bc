"""The cluster IPs that Services may have: one pool for each network, several networks a family (KEP-1880).

The first network that the cluster is set up with gives the default family.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from copy import copy

from lab.cluster.addresses import AddressPool, PoolError
from lab.kube.ip import family_of


class ClusterIPs:
    """Every pool. An address that two networks hold is taken in both."""

    def __init__(self, cidrs: Iterable[str], seed: int = 0) -> None:
        self._seed = seed
        self._pools: dict[str, AddressPool] = {}
        self._closed: dict[str, None] = {}
        for cidr in cidrs:
            self.add(cidr.strip())
        self.families = tuple(dict.fromkeys(pool.family for pool in self._pools.values()))

    @property
    def default_family(self) -> str:
        """The family of a Service that does not say."""
        return self.families[0]

    def add(self, cidr: str, in_use: Iterable[str] = ()) -> None:
        """Open a network for Services (again); `in_use` are addresses that somebody has already."""
        self._closed.pop(cidr, None)
        if cidr in self._pools:
            return
        pool = AddressPool(cidr, random.Random(f"{self._seed}/cluster-ips/{cidr}"))
        self._pools[cidr] = pool
        for address in in_use:
            if address in pool:
                pool.take(address)

    def close(self, cidr: str) -> None:
        """Give out nothing more of a network; what is given out stays."""
        if cidr in self._pools:
            self._closed[cidr] = None

    def remove(self, cidr: str) -> None:
        """Forget a network."""
        self._pools.pop(cidr, None)
        self._closed.pop(cidr, None)

    def take(self, address: str) -> None:
        """Give out this very address; raises PoolError."""
        homes = self._homes(address)
        if not any(cidr not in self._closed for cidr, _ in homes):
            ranges = ", ".join(cidr for cidr in self._open(family_of(address)))
            raise PoolError(
                f"failed to allocate IP {address}: the provided network does not match the current range {ranges}"
            )
        if any(pool.in_use(address) for _, pool in homes):
            raise PoolError(f"failed to allocate IP {address}: provided IP is already allocated")
        for _, pool in homes:
            pool.take(address)

    def pick(self, family: str) -> str:
        """Give out any free address of a family, from the first network that has one; raises PoolError."""
        for cidr in self._open(family):
            pool = self._pools[cidr]
            if pool.free:
                address = pool.pick()
                for other in self._pools.values():
                    if other is not pool and address in other:
                        other.take(address)
                return address
        raise PoolError("failed to allocate a serviceIP: range is full")

    def leave(self, count: int) -> None:
        """Let all but so many addresses of each family be taken, as if by somebody whom nobody sees.

        A network that is opened later has all of its own.
        """
        for family in self.families:
            left = count
            for pool in self._pools.values():
                if pool.family == family:
                    left -= pool.leave(left)

    def give_back(self) -> None:
        """Undo `leave`."""
        for pool in self._pools.values():
            pool.give_back()

    @property
    def withheld(self) -> int:
        """How many addresses `leave` has taken."""
        return sum(pool.withheld for pool in self._pools.values())

    def release(self, address: str) -> None:
        """Take an address back."""
        for _, pool in self._homes(address):
            pool.release(address)

    def in_use(self, address: str) -> bool:
        """Whether somebody has an address."""
        return any(pool.in_use(address) for pool in self._pools.values())

    def holds(self, address: str) -> bool:
        """Whether any network has this address."""
        return bool(self._homes(address))

    def __len__(self) -> int:
        return sum(map(len, self._pools.values()))

    def remember(self) -> Callable[[], None]:
        """A way back to what will be picked next, for picks that are only tried."""
        ways_back = [pool.remember() for pool in self._pools.values()]

        def go_back() -> None:
            for way_back in ways_back:
                way_back()

        return go_back

    def fork(self) -> ClusterIPs:
        """The same networks and addresses, without these noticing what is taken."""
        twin = copy(self)
        twin._pools = {cidr: pool.fork() for cidr, pool in self._pools.items()}
        twin._closed = dict(self._closed)
        return twin

    def _open(self, family: str) -> list[str]:
        return [cidr for cidr, pool in self._pools.items() if pool.family == family and cidr not in self._closed]

    def _homes(self, address: str) -> list[tuple[str, AddressPool]]:
        return [(cidr, pool) for cidr, pool in self._pools.items() if address in pool]
