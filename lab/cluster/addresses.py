"""Pools of numbers that the API server gives out: cluster IPs and node ports.

Both keep a lower band for those who ask for a particular number, and pick at random from the upper band
as long as it lasts (KEP-3070 for addresses, KEP-3668 for ports), so that the two seldom meet.
"""

from __future__ import annotations

import ipaddress
import random
from collections.abc import Callable
from copy import copy

from lab.kube.errors import LabError
from lab.kube.ip import read_address


class PoolError(LabError):
    """A number cannot be given out; the text is the API server's."""


class Pool:
    """Numbers from `first` to `last`, each given out once; automatic picks leave the lowest `reserved` for last.

    It is empty when `last` is below `first`.
    """

    def __init__(self, first: int, last: int, reserved: int, rng: random.Random) -> None:
        self.first, self.last = first, last
        self._boundary = first + reserved
        self._random = rng
        self.withheld = 0
        """How many besides are taken, as if by somebody whom nobody sees."""
        self._used: set[int] = set()  # only ever asked for membership
        self._used_above = 0

    def __contains__(self, number: int) -> bool:
        return self.first <= number <= self.last

    def __len__(self) -> int:
        return len(self._used)

    @property
    def free(self) -> int:
        """How many numbers nobody has."""
        return max(0, self.last - self.first + 1 - len(self._used) - self.withheld)

    def leave(self, count: int) -> int:
        """Withhold all but so many of the free numbers; how many are left, which may be fewer."""
        self.withheld = 0
        self.withheld = max(0, self.free - count)
        return self.free

    def in_use(self, number: int) -> bool:
        """Whether a number has been given out."""
        return number in self._used

    def take(self, number: int) -> bool:
        """Give out this very number; False when somebody has it."""
        if number in self._used or not self.free:
            return False
        self._used.add(number)
        self._used_above += number >= self._boundary
        return True

    def pick(self) -> int | None:
        """Give out any free number, from the upper band while there is one; None when all are gone."""
        if not self.free:
            return None
        if self._used_above < self.last - self._boundary + 1:
            number = self._free_between(self._boundary, self.last)
        else:
            number = self._free_between(self.first, self._boundary - 1)
        self.take(number)
        return number

    def release(self, number: int) -> None:
        """Take a number back."""
        if number in self._used:
            self._used.remove(number)
            self._used_above -= number >= self._boundary

    def remember(self) -> Callable[[], None]:
        """A way back to what will be picked next, for picks that are only tried."""
        state = self._random.getstate()
        return lambda: self._random.setstate(state)

    def fork(self) -> Pool:
        """The same numbers given out, and the same picks to come, without this pool noticing."""
        twin = copy(self)
        twin._used = set(self._used)
        twin._random = random.Random()
        twin._random.setstate(self._random.getstate())
        return twin

    def _free_between(self, low: int, high: int) -> int:
        number = self._random.randint(low, high)
        while number in self._used:
            number = number + 1 if number < high else low
        return number


def band(size: int, *, divisor: int, most: int) -> int:
    """How many of `size` numbers are kept for those who choose: min(max(16, size / divisor), most), 0 if few."""
    return 0 if size <= 16 else min(max(16, size // divisor), most)


def port_range(text: str) -> tuple[int, int]:
    """The first and the last port of `30000-32767`; raises LabError."""
    low, _, high = text.partition("-")
    if not (text.isascii() and low.isdigit() and high.isdigit() and 0 < int(low) <= int(high) <= 65535):
        raise LabError(f'"{text}" is not a range of ports such as "30000-32767"')
    return int(low), int(high)


def node_port_pool(node_port_range: str, rng: random.Random) -> Pool:
    """The pool of `30000-32767` (KEP-3668); raises LabError."""
    try:
        first, last = port_range(node_port_range)
    except LabError as error:
        raise LabError(f"node_port_range {error}") from None
    return Pool(first, last, band(last - first + 1, divisor=32, most=128), rng)


class AddressPool:
    """The cluster IPs of one CIDR, as text. The network address is never given out, nor IPv4's broadcast (KEP-3070)."""

    def __init__(self, cidr: str, rng: random.Random) -> None:
        try:
            self.network = ipaddress.ip_network(cidr.strip())
        except ValueError as error:
            raise LabError(f'service_cidr "{cidr}" is not a network such as "10.96.0.0/12": {error}') from error
        self.family = f"IPv{self.network.version}"
        size = self.network.num_addresses
        first = int(self.network.network_address) + 1
        last = int(self.network.broadcast_address) - (self.network.version == 4)
        self._pool = Pool(first, last, band(size, divisor=16, most=256), rng)
        self._given: dict[str, int] = {}

    def __contains__(self, address: str) -> bool:
        return self._number(address) is not None

    def __len__(self) -> int:
        return len(self._pool)

    @property
    def free(self) -> int:
        """How many addresses nobody has."""
        return self._pool.free

    @property
    def withheld(self) -> int:
        """How many addresses are taken by nobody in particular."""
        return self._pool.withheld

    def leave(self, count: int) -> int:
        """Withhold all but so many of the free addresses; how many are left."""
        return self._pool.leave(count)

    def give_back(self) -> None:
        """Withhold none."""
        self._pool.withheld = 0

    def in_use(self, address: str) -> bool:
        """Whether an address has been given out."""
        number = self._number(address)
        return number is not None and self._pool.in_use(number)

    def remember(self) -> Callable[[], None]:
        """A way back to what will be picked next, for picks that are only tried."""
        return self._pool.remember()

    def fork(self) -> AddressPool:
        """The same addresses given out, and the same picks to come, without this pool noticing."""
        twin = copy(self)
        twin._pool, twin._given = self._pool.fork(), dict(self._given)
        return twin

    def take(self, address: str) -> None:
        """Give out this very address; raises PoolError."""
        number = self._number(address)
        if number is None:
            raise PoolError(
                f"failed to allocate IP {address}: the provided network does not match the current range {self.network}"
            )
        if not self._pool.take(number):
            raise PoolError(f"failed to allocate IP {address}: provided IP is already allocated")
        self._given[address] = number

    def pick(self) -> str:
        """Give out any free address; raises PoolError when all are gone."""
        number = self._pool.pick()
        if number is None:
            raise PoolError("failed to allocate a serviceIP: range is full")
        address = str(ipaddress.IPv4Address(number) if self.family == "IPv4" else ipaddress.IPv6Address(number))
        self._given[address] = number
        return address

    def release(self, address: str) -> None:
        """Take an address back."""
        number = self._number(address)
        if number is not None:
            self._pool.release(number)
            self._given.pop(address, None)

    def _number(self, address: str) -> int | None:
        number = self._given.get(address)
        if number is not None:
            return number
        parsed = read_address(address).value
        if parsed is None or parsed.version != self.network.version or int(parsed) not in self._pool:
            return None
        return int(parsed)
