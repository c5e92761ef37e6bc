"""IP addresses and networks in fields: lenient or strict (KEP-4858), and addresses with a meaning of their own."""

from __future__ import annotations

from collections.abc import Collection

from lab.cluster.errors import invalid
from lab.cluster.validation.names import Errors
from lab.kube.ip import AddressReading, NetworkReading, read_address, read_network
from lab.kube.versions import Features

Reading = AddressReading | NetworkReading

_NO_ADDRESS = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
_NO_NETWORK = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"


def address_errors(path: str, text: str, features: Features, known: Collection[str] = ()) -> Errors:
    """An address in a field older than KEP-4858; what the old object says (`known`) stays allowed."""
    yield from _errors(path, text, read_address(text), _NO_ADDRESS, features, known)


def network_errors(path: str, text: str, features: Features, known: Collection[str] = ()) -> Errors:
    """A network in a field older than KEP-4858; what the old object says (`known`) stays allowed."""
    yield from _errors(path, text, read_network(text), _NO_NETWORK, features, known)


def canonical_address_errors(path: str, text: str) -> Errors:
    """An address in a newer field: in the one form that RFC 5952 writes."""
    reading = read_address(text)
    yield from _canonical(path, text, reading, _NO_ADDRESS, "must be in canonical form")


def canonical_network_errors(path: str, text: str) -> Errors:
    """A network in a newer field: in the one form that RFC 5952 writes."""
    reading = read_network(text)
    yield from _canonical(path, text, reading, _NO_NETWORK, "must be in canonical form")


def special_address_errors(path: str, text: str) -> Errors:
    """Addresses that no endpoint and no external IP can have."""
    value = read_address(text).value
    if value is None:
        yield invalid(path, text, "must be a valid IP address")
        return
    multicast = value.packed[:3] == b"\xe0\x00\x00" if value.version == 4 else value.packed[1] & 0x0F == 2
    checks = (
        (value.is_unspecified, "may not be unspecified (0.0.0.0 or ::)"),
        (value.is_loopback, "may not be in the loopback range (127.0.0.0/8, ::1/128)"),
        (value.is_link_local, "may not be in the link-local range (169.254.0.0/16, fe80::/10)"),
        (value.is_multicast and multicast, "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)"),
    )
    for special, detail in checks:
        if special:
            yield invalid(path, text, detail)


def _errors(
    path: str,
    text: str,
    reading: Reading,
    otherwise: str,
    features: Features,
    known: Collection[str],
) -> Errors:
    if text in known:
        return
    if reading.value is None:
        yield invalid(path, text, otherwise)
    elif features.strict_ip_cidr_validation:
        for fault in reading.strict:
            yield invalid(path, text, fault)


def _canonical(path: str, text: str, reading: Reading, otherwise: str, rule: str) -> Errors:
    if reading.value is None:
        yield invalid(path, text, otherwise)
    elif str(reading.value) != text:
        yield invalid(path, text, f'{rule} ("{reading.value}")')
