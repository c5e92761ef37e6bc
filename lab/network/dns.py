"""The resolver of every client: /etc/hosts, search path and ndots, its cache, CoreDNS or the public resolver.

A Pod asks CoreDNS through the `kube-dns` Service, so its query is a UDP packet that goes through the rules of its
own node like any other: no ready CoreDNS Pod, a dead link or stale rules, and names time out (resolv.conf(5): 5 s,
two attempts). A node and the internet ask a public resolver.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple, Protocol

from lab.clock import Clock
from lab.cluster.store import Store
from lab.kube.kinds.pod import Pod
from lab.network.addresses import normalize
from lab.network.cluster_dns import MAX_ALIASES, ClusterZone
from lab.network.flow import Flow, Source
from lab.network.packet import UDP
from lab.network.public_dns import PublicNames
from lab.settings import Settings

DNS_PORT = 53
OK, NXDOMAIN, TIMEOUT, SERVFAIL = "ok", "nxdomain", "timeout", "servfail"
_CACHED_NAMES = 100_000


class DnsAnswer(NamedTuple):
    """What a client learned about a name."""

    addresses: tuple[str, ...]
    outcome: str
    """ok, nxdomain, timeout or servfail."""
    name: str
    """The full name that matched; the name asked for when none did."""
    took_s: float
    ttl_s: float
    queries: int
    """How many were sent; 0 when the answer was cached."""


Done = Callable[[DnsAnswer], None]


class Connector(Protocol):
    """What the resolver needs of the network."""

    def connect(self, source: Source, host: str, ip: str, port: int, protocol: str = ..., src_port: int = ...) -> Flow:
        """Send the first packet of a flow."""


class _Cached:
    __slots__ = ("answer", "turn", "until_s")

    def __init__(self, answer: DnsAnswer, until_s: float) -> None:
        self.answer = answer._replace(took_s=0.0, queries=0)
        self.until_s = until_s
        self.turn = 0

    def next(self) -> DnsAnswer:
        """The answer; with several addresses, a different one comes first each time."""
        answer = self.answer
        count = len(answer.addresses)
        if count < 2:
            return answer
        self.turn = turn = (self.turn + 1) % count
        return answer._replace(addresses=answer.addresses[turn:] + answer.addresses[:turn])


class _Lookup:
    """One name being looked up for one source, and everybody who waits for it."""

    __slots__ = ("attempt", "host", "names", "queries", "source", "started_s", "waiting")

    def __init__(self, source: Source, host: str, names: list[str], started_s: float) -> None:
        self.source = source
        self.host = host
        self.names = names
        """The full names still to try."""
        self.started_s = started_s
        self.attempt = 1
        self.queries = 0
        self.waiting: list[Done] = []


class Dns:
    """All resolvers and their caches."""

    def __init__(self, clock: Clock, settings: Settings, seed: int, store: Store, network: Connector) -> None:
        self.serving: Callable[[str], bool] = self._is_running
        """Whether the CoreDNS Pod `NAMESPACE/NAME` answers; the traffic's servers know best and may replace it."""
        self.public = PublicNames(store)
        self.zone = ClusterZone(store, settings.cluster_domain)
        self._clock = clock
        self._settings = settings
        self._random = random.Random(f"{seed}/dns")
        self._store = store
        self._network = network
        self._cache: dict[tuple[str, str], _Cached] = {}
        self._lookups: dict[tuple[str, str], _Lookup] = {}

    def resolve(self, source: Source, host: str, done: Done) -> None:
        """Look a name up for a source and call `done` on the clock, or at once when the answer is at hand."""
        key = (source.name, host)
        cached = self._cache.get(key)
        if cached is not None and cached.until_s > self._clock.time():
            done(cached.next())
            return
        known = _literal(host) or self._from_hosts_file(source, host)
        if known:
            done(DnsAnswer((known,), OK, host, 0.0, math.inf, 0))
            return
        lookup = self._lookups.get(key)
        if lookup is not None:
            lookup.waiting.append(done)
            return
        lookup = self._lookups[key] = _Lookup(source, host, [], self._clock.time())
        lookup.waiting.append(done)
        if self.uses_cluster_dns(source):
            lookup.names = self.search_names(source, host)
            self._ask_cluster(lookup)
        else:
            lookup.queries = 1
            self._clock.after(2 * self._settings.link_internet_s, self._public_answered, lookup)

    def search_names(self, source: Source, host: str) -> list[str]:
        """The full names to try, in order: a name with fewer dots than ndots goes through the search path first."""
        if host.endswith("."):
            return [host[:-1]]
        domain = self._settings.cluster_domain
        searched = [f"{host}.{suffix}" for suffix in (f"{source.namespace}.svc.{domain}", f"svc.{domain}", domain)]
        return [host, *searched] if host.count(".") >= self._settings.dns_ndots else [*searched, host]

    def uses_cluster_dns(self, source: Source) -> bool:
        """Whether the source's resolv.conf names CoreDNS: Pods, unless dnsPolicy or hostNetwork say otherwise."""
        pod = self._pod(source)
        if pod is None:
            return source.name.startswith("pod/")
        policy = pod.spec.dns_policy
        return policy == "ClusterFirstWithHostNet" or (policy == "ClusterFirst" and not pod.spec.host_network)

    # -- CoreDNS ----------------------------------------------------------------------------------------------

    def _ask_cluster(self, lookup: _Lookup) -> None:
        """Send one query to the cluster's DNS Service; it arrives like any packet, or does not."""
        settings = self._settings
        lookup.queries += 1
        name = lookup.names[0]
        flow = self._network.connect(lookup.source, name, settings.cluster_dns_ip, DNS_PORT, UDP)
        arrives = flow.open and flow.pod != "" and self.serving(flow.pod)
        if not arrives or (flow.loss and self._random.random() < 1.0 - (1.0 - flow.loss) ** 2):
            self._clock.after(settings.dns_timeout_s, self._timed_out, lookup)
            return
        took_s = 2 * flow.latency_s + settings.dns_service_time_s
        if not self.zone.holds(name):
            took_s += 2 * settings.link_internet_s
        self._clock.after(took_s, self._cluster_answered, lookup)

    def _cluster_answered(self, lookup: _Lookup) -> None:
        name = lookup.names[0]
        addresses = self._cluster_addresses(name)
        if addresses:
            self._finish(lookup, OK, name, addresses)
            return
        del lookup.names[0]
        lookup.attempt = 1
        if lookup.names:
            self._ask_cluster(lookup)
        else:
            self._finish(lookup, NXDOMAIN, lookup.host)

    def _timed_out(self, lookup: _Lookup) -> None:
        # After the last attempt the whole lookup ends; the rest of the search path is not tried.
        if lookup.attempt < self._settings.dns_attempts:
            lookup.attempt += 1
            self._ask_cluster(lookup)
        else:
            self._finish(lookup, TIMEOUT, lookup.host)

    def _cluster_addresses(self, name: str) -> tuple[str, ...]:
        """The addresses of a full name, aliases followed; names of the internet have none here."""
        for _ in range(MAX_ALIASES):
            records = self.zone.lookup(name) if self.zone.holds(name) else None
            if records is None:
                return ()
            if not records.alias:
                return records.addresses
            name = records.alias
        return ()

    def _is_running(self, pod: str) -> bool:
        namespace, _, name = pod.partition("/")
        found = self._store.find(Pod, name, namespace)
        return found is not None and found.status.phase == "Running"

    # -- the public resolver ----------------------------------------------------------------------------------

    def _public_answered(self, lookup: _Lookup) -> None:
        name = lookup.host.rstrip(".")
        addresses = self.public.lookup(name, lookup.source.namespace)
        self._finish(lookup, OK if addresses else NXDOMAIN, name, addresses or ())

    # -- answers ----------------------------------------------------------------------------------------------

    def _finish(self, lookup: _Lookup, outcome: str, name: str, addresses: tuple[str, ...] = ()) -> None:
        settings = self._settings
        now = self._clock.time()
        ttl_s = {OK: settings.dns_ttl_s, NXDOMAIN: settings.dns_negative_ttl_s}.get(outcome, 0.0)
        answer = DnsAnswer(addresses, outcome, name, now - lookup.started_s, ttl_s, lookup.queries)
        key = (lookup.source.name, lookup.host)
        if ttl_s:
            if len(self._cache) >= _CACHED_NAMES:
                self._cache.clear()
            self._cache[key] = _Cached(answer, now + ttl_s)
        del self._lookups[key]
        for done in lookup.waiting:
            done(answer)

    def _from_hosts_file(self, source: Source, host: str) -> str:
        """The address in the Pod's /etc/hosts (hostAliases), which beats every name server; empty for none."""
        if host == "localhost":
            return "127.0.0.1"
        pod = self._pod(source)
        aliases = pod.spec.host_aliases if pod is not None else ()
        return next((alias.ip for alias in aliases if host in alias.hostnames), "")

    def _pod(self, source: Source) -> Pod | None:
        kind, _, rest = source.name.partition("/")
        namespace, _, name = rest.partition("/")
        return self._store.find(Pod, name, namespace) if kind == "pod" else None


@lru_cache(maxsize=4096)
def _literal(host: str) -> str:
    """The host itself when it is an address; empty when it is a name."""
    return normalize(host.strip("[]"))
