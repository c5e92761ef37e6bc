"""Connections that carry many requests at once, as HTTP/2 and gRPC have them.

All requests of a client go over one connection, to the one endpoint that was chosen when it was opened, until the
server says goodbye (GOAWAY), its maximum age is over, or it breaks. With the policy round_robin a client has one
connection to each address of the name, and takes them in turn; it asks for the addresses again when one has ended.
RFC 9113; https://grpc.io/docs/guides/custom-load-balancing/ and https://grpc.io/docs/guides/keepalive/
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from lab.network.dns import DnsAnswer
    from lab.network.flow import Flow
    from lab.network.network import Network
    from lab.traffic.server import Server

PICK_FIRST, ROUND_ROBIN = "pick_first", "round_robin"
MOST_STREAMS = 100
"""Requests that a connection carries at once; more open another one (SETTINGS_MAX_CONCURRENT_STREAMS as RFC 9113,
section 6.5.2, recommends it at least)."""


class Connection(msgspec.Struct, gc=False, eq=False):
    """One connection with the requests on it."""

    flow: Flow
    server: Server
    opened_s: float
    streams: int = 0
    """Requests that have no answer yet."""


class Channel:
    """What one source holds open to one target."""

    def __init__(self) -> None:
        self.addresses: tuple[str, ...] = ()
        """Those of the name, while they need not be asked for."""
        self.answer: DnsAnswer | None = None
        """How the name resolved last; None for an address."""
        self._turn = 0
        self._open: dict[str, list[Connection]] = {}
        self._leaving: list[Connection] = []
        """Those that take nothing new, and have requests to finish."""

    def next_address(self) -> str:
        """The address whose turn it is; there must be one."""
        self._turn += 1
        return self.addresses[self._turn % len(self.addresses)]

    def usable(self, address: str, now_s: float, network: Network) -> Connection | None:
        """A connection to an address that may take one more request; those whose server said goodbye are closed."""
        for connection in list(self._open.get(address, ())):
            if self._is_over(connection, now_s):
                self._drop(connection, network)
            elif connection.streams < MOST_STREAMS:
                return connection
        return None

    def add(self, address: str, connection: Connection) -> None:
        """A connection was opened."""
        self._open.setdefault(address, []).append(connection)

    def ended(self, flow: Flow, network: Network, *, answered: bool) -> None:
        """A request on a flow has ended; the connection goes on, unless it no longer carries anything."""
        connection = next((each for each in self._all() if each.flow is flow), None)
        if connection is None:
            network.close(flow)
            return
        connection.streams -= 1
        if connection in self._leaving:
            if not connection.streams:
                self._leaving.remove(connection)
                network.close(flow)
        elif not answered and not network.carries(flow):
            self._drop(connection, network)

    def _drop(self, connection: Connection, network: Network) -> None:
        """Use a connection no more, and ask for the addresses again; what is under way on it may come to its end."""
        self.addresses = ()
        for some in self._open.values():
            if connection in some:
                some.remove(connection)
        if connection.streams:
            self._leaving.append(connection)
        else:
            network.close(connection.flow)

    def close(self, network: Network) -> None:
        """Close all of them."""
        for connection in self._all():
            network.close(connection.flow)
        self._open.clear()
        self._leaving.clear()

    def _all(self) -> list[Connection]:
        return [*(each for some in self._open.values() for each in some), *self._leaving]

    @staticmethod
    def _is_over(connection: Connection, now_s: float) -> bool:
        server = connection.server
        age_s = server.spec.max_connection_age_s
        return server.said_goodbye(connection.flow.latency_s) or 0.0 < age_s <= now_s - connection.opened_s
