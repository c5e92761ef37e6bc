from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.cluster.addresses import AddressPool, Pool, PoolError, band, node_port_pool
from lab.kube.errors import LabError


@pytest.mark.parametrize(("size", "expected"), [(16, 0), (256, 16), (4096, 256), (1 << 20, 256), (64, 16)])
def test_the_static_band_of_addresses(size: int, expected: int) -> None:
    """KEP-3070: min(max(16, size / 16), 256), and none for 16 addresses or fewer."""
    assert band(size, divisor=16, most=256) == expected


def test_the_static_band_of_node_ports_is_30000_to_30085() -> None:
    pool = node_port_pool("30000-32767", random.Random(1))
    picked = [pool.pick() for _ in range(2768 - 86)]
    assert min(number for number in picked if number is not None) == 30086
    assert pool.pick() in range(30000, 30086)


def test_addresses_are_picked_above_the_band_until_there_are_none_left() -> None:
    pool = AddressPool("10.96.0.0/24", random.Random(1))
    picked = [int(pool.pick().rpartition(".")[2]) for _ in range(254)]
    assert sorted(picked[:238]) == list(range(17, 255))
    assert sorted(picked[238:]) == list(range(1, 17))
    with pytest.raises(PoolError, match="range is full"):
        pool.pick()


def test_an_address_can_be_asked_for_once() -> None:
    pool = AddressPool("10.96.0.0/12", random.Random(1))
    pool.take("10.96.0.10")
    with pytest.raises(PoolError, match=r"failed to allocate IP 10.96.0.10: provided IP is already allocated"):
        pool.take("10.96.0.10")
    pool.release("10.96.0.10")
    pool.take("10.96.0.10")


@pytest.mark.parametrize("address", ["10.112.0.1", "10.96.0.0", "10.111.255.255", "fd00::1"])
def test_an_address_must_be_in_the_network_and_not_its_first_or_last(address: str) -> None:
    with pytest.raises(PoolError, match="does not match the current range"):
        AddressPool("10.96.0.0/12", random.Random(1)).take(address)


def test_a_range_that_is_none_is_an_error_for_the_user() -> None:
    with pytest.raises(LabError, match='node_port_range "many" is not a range'):
        node_port_pool("many", random.Random(1))
    with pytest.raises(LabError, match=r'service_cidr "10.96.0.0/99" is not a network'):
        AddressPool("10.96.0.0/99", random.Random(1))


def test_what_is_given_back_above_the_band_is_picked_before_the_band() -> None:
    pool = Pool(0, 30, 8, random.Random(1))
    for _ in range(23):
        pool.pick()
    pool.release(20)
    assert pool.pick() == 20


@settings(max_examples=50, deadline=None)
@given(
    seed=st.integers(0, 99),
    steps=st.lists(st.one_of(st.just("pick"), st.integers(0, 30), st.integers(-31, -1)), max_size=120),
)
def test_no_number_is_ever_given_out_twice(seed: int, steps: list[str | int]) -> None:
    pool = Pool(0, 30, 8, random.Random(seed))
    out: dict[int, None] = {}
    for step in steps:
        if step == "pick":
            number = pool.pick()
            assert (number is None) == (len(out) == 31)
            assert number not in out
            if number is not None:
                assert number >= 8 or all(above in out for above in range(8, 31))
                out[number] = None
        elif isinstance(step, int) and step >= 0:
            assert pool.take(step) == (step not in out)
            out[step] = None
        elif isinstance(step, int):
            pool.release(-step - 1)
            out.pop(-step - 1, None)
        assert len(pool) == len(out)
