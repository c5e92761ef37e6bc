"""Pod addresses: the lowest free one of the node's podCIDR, not reused for 30 s."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from lab.cluster.kubelet.pod_ips import NoAddressError, PodAddresses


def test_the_lowest_address_comes_first() -> None:
    addresses = PodAddresses("10.244.3.0/24")
    assert [addresses.take(0.0) for _ in range(3)] == ["10.244.3.2", "10.244.3.3", "10.244.3.4"]


def test_an_address_cools_down_for_30_s() -> None:
    addresses = PodAddresses("10.244.0.0/24")
    addresses.give_back(addresses.take(0.0), 0.0)
    assert addresses.take(29.9) == "10.244.0.3"
    assert addresses.take(30.0) == "10.244.0.2"


def test_a_full_network_says_so() -> None:
    addresses = PodAddresses("10.244.0.0/30")
    addresses.take(0.0)
    with pytest.raises(NoAddressError, match=r"no free addresses in 10\.244\.0\.0/30"):
        addresses.take(0.0)


@given(some.lists(some.tuples(some.booleans(), some.floats(0, 20)), max_size=60))
@settings(max_examples=50, deadline=None)
def test_no_address_is_held_twice_or_given_out_within_30_s(steps: list[tuple[bool, float]]) -> None:
    addresses, now = PodAddresses("10.244.0.0/24"), 0.0
    held: dict[str, None] = {}
    returned: dict[str, float] = {}
    for take, pause_s in steps:
        now += pause_s
        if take or not held:
            address = addresses.take(now)
            assert address not in held
            assert now - returned.get(address, -30.0) >= 30.0
            held[address] = None
        else:
            address, _ = held.popitem()
            addresses.give_back(address, now)
            returned[address] = now
