"""What is asked for and what came of it: URLs as targets, and the result of a request."""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import urlsplit

import msgspec

from lab.kube.errors import LabError, nearest
from lab.network.reasons import OTHER_FAMILY


def refusal(reason: str) -> str:
    """The outcome of a packet that is refused for a reason: unreachable when not even the client's kernel sends it."""
    return "unreachable" if reason == OTHER_FAMILY else "refused"


class Scheme(NamedTuple):
    """How a kind of URL travels."""

    protocol: str
    default_port: int
    first_trips: int
    """One-way trips until the first request reaches the server: 3 for TCP's handshake, 5 with TLS 1.3 on top."""
    http: bool
    shared: bool = False
    """Whether one connection carries many requests at once."""


SCHEMES: dict[str, Scheme] = {
    "http": Scheme("TCP", 80, 3, True),
    "https": Scheme("TCP", 443, 5, True),
    "h2": Scheme("TCP", 80, 3, True, True),
    "grpc": Scheme("TCP", 80, 3, True, True),
    "tcp": Scheme("TCP", 0, 3, False),
    "udp": Scheme("UDP", 0, 1, False),
    "sctp": Scheme("SCTP", 0, 3, False),
}


class Target(msgspec.Struct, frozen=True):
    """Where a request goes: a parsed URL."""

    url: str
    scheme: str
    host: str
    port: int
    path: str
    protocol: str
    first_trips: int
    http: bool
    literal: bool
    """Whether `host` is an IP address, so that nothing has to be resolved."""


class RequestResult(msgspec.Struct, frozen=True):
    """What the one who asked sees."""

    outcome: str
    """ok, error, refused, timeout, reset, nxdomain or unreachable."""
    reason: str
    """Why, in a word or two of `lab.network.reasons` or of the server; empty when all is well."""
    status: int
    """The HTTP status; 200 for an answer of another protocol; 0 without an answer."""
    latency_s: float
    decision: int
    """The id of the last connection's Decision; 0 when none was made."""
    service: str
    pod: str
    address: str
    """`IP:PORT` that the client connected to; empty when the name did not resolve."""
    attempts: int
    dns: str = ""
    """How the name resolved: ok, nxdomain, timeout, servfail; empty for an IP address."""
    dns_name: str = ""
    """The full name that matched."""

    @property
    def ok(self) -> bool:
        """Whether it was answered without an error."""
        return self.outcome == "ok"


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


@lru_cache(maxsize=4096)
def parse_target(url: str) -> Target:
    """Read `http://host[:port]/path`, `https`, `h2`, `grpc`, `tcp`, `udp` or `sctp`; a bare host means http.

    Raises LabError that says which part is wrong.
    """
    text = url if "://" in url else f"http://{url}"
    parts = urlsplit(text)
    scheme = SCHEMES.get(parts.scheme)
    if scheme is None:
        raise LabError(f'"{url}": unknown scheme "{parts.scheme}"{nearest(parts.scheme, SCHEMES)}')
    host = parts.hostname or ""
    if not host:
        raise LabError(f'"{url}": there is no host in it; write for example http://web/')
    try:
        port = parts.port or scheme.default_port
    except ValueError:
        raise LabError(f'"{url}": the port must be a number from 1 to 65535') from None
    if not port:
        raise LabError(f'"{url}": {parts.scheme} has no default port; write {parts.scheme}://{host}:PORT')
    return Target(
        url=text,
        scheme=parts.scheme,
        host=host,
        port=port,
        path=parts.path or "/",
        protocol=scheme.protocol,
        first_trips=scheme.first_trips,
        http=scheme.http,
        literal=_is_address(host),
    )
