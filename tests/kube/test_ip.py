"""Addresses as the API server reads them, and what its stricter rules say."""

from __future__ import annotations

import pytest

from lab.kube.ip import family_of, read_address, read_network


@pytest.mark.parametrize(
    ("text", "value", "faults"),
    [
        ("10.0.0.1", "10.0.0.1", ()),
        ("010.020.030.041", "10.20.30.41", ("must not have leading 0s",)),
        ("::ffff:1.2.3.4", "1.2.3.4", ("must not be an IPv4-mapped IPv6 address",)),
        ("2001:DB8:0::1", "2001:db8::1", ()),
        ("10.0.0.256", "None", ()),
        ("fe80::1%eth0", "None", ()),
        ("10.0.0", "None", ()),
        ("", "None", ()),
        ("None", "None", ()),
    ],
)
def test_addresses(text: str, value: str, faults: tuple[str, ...]) -> None:
    found = read_address(text)
    assert (str(found.value), found.strict) == (value, faults)


@pytest.mark.parametrize(
    ("text", "value", "faults"),
    [
        ("10.0.0.0/8", "10.0.0.0/8", ()),
        ("10.1.2.3/8", "10.0.0.0/8", ("must not have bits set beyond the prefix length",)),
        ("010.0.0.0/8", "10.0.0.0/8", ("must not have leading 0s in IP",)),
        ("10.0.0.0/08", "10.0.0.0/8", ("must not have leading 0s in prefix length",)),
        ("::ffff:10.0.0.0/104", "10.0.0.0/8", ("must not have an IPv4-mapped IPv6 address",)),
        ("10.0.0.0", "None", ()),
        ("10.0.0.0/33", "None", ()),
        ("10.0.0.0/-1", "None", ()),
    ],
)
def test_networks(text: str, value: str, faults: tuple[str, ...]) -> None:
    found = read_network(text)
    assert (str(found.value), found.strict) == (value, faults)


def test_a_mapped_address_counts_as_ipv4() -> None:
    assert [family_of(text) for text in ("10.0.0.1", "::ffff:10.0.0.1", "fd00::1")] == ["IPv4", "IPv4", "IPv6"]
