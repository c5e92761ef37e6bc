"""Addresses and CIDRs, read as leniently as Kubernetes reads them."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.network.addresses import any_holds, is_loopback, join, normalize, parse_cidr, parse_cidrs


@pytest.mark.parametrize(
    ("text", "ip"),
    [
        (" 10.0.0.1 ", "10.0.0.1"),
        ("010.020.030.041", "10.20.30.41"),
        ("2001:DB8:0:0::1", "2001:db8::1"),
        ("web", ""),
        ("10.0.0.256", ""),
        ("10.0.0", ""),
        ("", ""),
        ("None", ""),
    ],
)
def test_an_address_has_one_spelling(text: str, ip: str) -> None:
    assert normalize(text) == ip


@pytest.mark.parametrize(
    ("text", "cidr"), [("10.1.2.3/8", "10.0.0.0/8"), (" 010.0.0.1 ", "10.0.0.1/32"), ("fd00::/64", "fd00::/64")]
)
def test_a_cidr_is_masked(text: str, cidr: str) -> None:
    found = parse_cidr(text)
    assert found is not None
    assert found.text == cidr


@pytest.mark.parametrize("text", ["", "web", "10.0.0.0/33", "10.0.0.0/x", "10.0.0.0/"])
def test_what_is_no_cidr_is_none(text: str) -> None:
    assert parse_cidr(text) is None
    assert parse_cidrs([text]) == ()


@settings(max_examples=50, deadline=None)
@given(st.ip_addresses(), st.ip_addresses(), st.integers(0, 32))
def test_holding_agrees_with_the_standard_library(address: object, base: object, prefix: int) -> None:
    network = ipaddress.ip_network(f"{base}/{prefix}", strict=False)
    cidr = parse_cidr(str(network))
    assert cidr is not None
    assert any_holds([cidr], str(address)) == (address in network)


def test_loopback_and_ports() -> None:
    assert is_loopback("127.1.2.3")
    assert is_loopback("::1")
    assert not is_loopback("12.7.0.1")
    assert (join("10.0.0.1", 80), join("::1", 80)) == ("10.0.0.1:80", "[::1]:80")
