"""Traffic: the apps in the Pods, the clients that ask them, and what they measure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lab.clock import Clock
from lab.cluster.store import Store
from lab.journal import Journal
from lab.kube.errors import LabError, nearest
from lab.network.flow import Source
from lab.network.outside import families_of
from lab.settings import Settings
from lab.traffic.app import AppSpec, Distribution
from lab.traffic.client import Client, ClientSpec, Phase
from lab.traffic.exchange import Caller, Done
from lab.traffic.foresight import Foresight
from lab.traffic.measure import Measurements
from lab.traffic.request import RequestResult, parse_target
from lab.traffic.retries import RetryPolicy
from lab.traffic.servers import Servers
from lab.traffic.sources import Sources
from lab.traffic.wire import Wire

if TYPE_CHECKING:
    from lab.network.network import Network

__all__ = ["AppSpec", "Client", "ClientSpec", "Distribution", "Measurements", "Phase", "RequestResult", "Traffic"]


class Traffic:
    """All apps and clients of one run. Made before the cluster, which needs `servers`, then attached to it."""

    def __init__(
        self, clock: Clock, journal: Journal, settings: Settings, seed: int, apps: Sequence[AppSpec] = ()
    ) -> None:
        self.clients: dict[str, Client] = {}
        self.measure = Measurements()
        self.servers = Servers(clock, seed, apps)
        self.sources: Sources
        self.foresight: Foresight
        self._clock, self._journal, self._settings, self._seed = clock, journal, settings, seed
        self._wire: Wire
        self._callers: dict[tuple[float, int], Caller] = {}

    def attach(self, store: Store, network: Network) -> None:
        """Say which cluster and network this is; before anything runs."""
        self._wire = Wire(self._clock, self._journal, self._settings, self._seed, network, self.measure)
        self.servers.attach(store, network, self._wire)
        self.sources = Sources(store, self.servers, families_of(self._settings.pod_cidr))
        self.foresight = self.servers.foresight = Foresight(network, self._wire)
        network.dns.serving = self.servers.answering
        network.balancers.listens = self.servers.listens

    # -- clients --------------------------------------------------------------------------------------------

    def add_client(self, spec: ClientSpec) -> Client:
        """Start a group of clients. Raises LabError when its name is taken, or its URL or source make no sense."""
        if spec.name in self.clients:
            raise LabError(f'there is already traffic called "{spec.name}"')
        origin = self.sources.origin(spec.source, addresses=spec.addresses)
        client = self.clients[spec.name] = Client(self._wire, spec, origin, self._seed)
        return client

    def remove_client(self, name: str) -> None:
        """Stop a group of clients. Raises LabError when there is none of this name."""
        client = self.clients.pop(name, None)
        if client is None:
            raise LabError(f'there is no traffic called "{name}"{nearest(name, self.clients)}')
        client.stop()

    def request(
        self, source: Source, url: str, done: Done | None = None, *, timeout_s: float = 0.0, retries: int = 0
    ) -> None:
        """Send one request now, as `curl` does; `done` is called with its result when it has come or failed.

        `timeout_s` 0 waits as long as the kernel tries to connect. Raises LabError for a URL that makes no sense.
        """
        target = parse_target(url)
        caller = self._callers.get((timeout_s, retries))
        if caller is None:
            caller = self._callers[(timeout_s, retries)] = Caller(
                self._wire, timeout_s=timeout_s, retries=RetryPolicy(retries)
            )
        caller.send(source, target, self._clock.time(), done)

    # -- what happens to the apps ---------------------------------------------------------------------------

    def crash_pod(self, namespace: str, name: str) -> None:
        """End the processes of a Pod with an error. Raises LabError when none runs."""
        self.servers.crash(namespace, name)

    def hang_pod(self, namespace: str, name: str) -> None:
        """Make the processes of a Pod accept and never answer. Raises LabError when none runs."""
        self.servers.hang(namespace, name)

    def unhang_pod(self, namespace: str, name: str) -> None:
        """Let the processes of a Pod answer again. Raises LabError when none runs."""
        self.servers.hang(namespace, name, False)

    def node_freeze(self, name: str, on: bool) -> None:
        """Let everything that runs on a node stand still, or go on."""
        self.servers.freeze(name, on)

    def node_power(self, name: str, on: bool) -> None:
        """Take everything that runs on a node away without a word, or let it send again."""
        self.servers.power(name, on)
