"""The resolver of every client: /etc/hosts, its own cache, then the servers of its resolv.conf.

A Pod asks CoreDNS through the `kube-dns` Service, so its query is a UDP packet that goes through the rules of its
own node like any other. A dead link, stale rules or a CoreDNS Pod that hangs means time-outs (resolv.conf(5): 5 s,
two attempts); a Service without endpoints means that the node refuses the query, which the resolver hears at once.
A node, a Pod with dnsPolicy Default and the internet ask a resolver outside.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

from lab.clock import Clock
from lab.cluster.store import Store
from lab.kube.kinds.pod import Pod
from lab.network.addresses import family, normalize
from lab.network.coredns import DOWN, UP, CoreDns
from lab.network.dns_lookup import (
    DNS_PORT,
    NODATA,
    NXDOMAIN,
    OK,
    REFUSED,
    SERVFAIL,
    TIMEOUT,
    Asked,
    Connector,
    DnsAnswer,
    Done,
    Lookup,
    StubResolver,
)
from lab.network.dns_records import AAAA, address_type
from lab.network.flow import Source
from lab.network.resolv_conf import (
    UPSTREAM,
    ResolvConf,
    cluster_resolv_conf,
    node_resolv_conf,
    pod_resolv_conf,
)
from lab.settings import Settings

__all__ = [
    "DNS_PORT",
    "NODATA",
    "NXDOMAIN",
    "OK",
    "REFUSED",
    "SERVFAIL",
    "TIMEOUT",
    "Asked",
    "Dns",
    "DnsAnswer",
    "Done",
]

_CACHED_NAMES = 100_000


class _Cached:
    __slots__ = ("answer", "by_family", "several", "turn", "until_s")

    def __init__(self, answer: DnsAnswer, until_s: float) -> None:
        self.answer = answer._replace(took_s=0.0, queries=0, asked=())
        self.until_s = until_s
        families = dict.fromkeys(map(family, answer.addresses))
        self.by_family = [tuple(ip for ip in answer.addresses if family(ip) == one) for one in families]
        self.several = any(len(some) > 1 for some in self.by_family)
        self.turn = 0

    def next(self) -> DnsAnswer:
        """The answer with another one of its several addresses first each time.

        The families keep their order, as getaddrinfo(3) sorts by them (RFC 6724) whatever order the server gave.
        """
        self.turn += 1
        addresses: tuple[str, ...] = ()
        for some in self.by_family:
            turn = self.turn % len(some)
            addresses += some[turn:] + some[:turn]
        return self.answer._replace(addresses=addresses)


class Dns:
    """All resolvers and their caches."""

    def __init__(self, clock: Clock, settings: Settings, seed: int, store: Store, network: Connector) -> None:
        self.serving: Callable[[str], bool] = self._is_running
        """Whether the CoreDNS Pod `NAMESPACE/NAME` answers; the traffic's servers know best and may replace it."""
        self.server = CoreDns(clock, settings, seed, store, network.topology)
        self._clock = clock
        self._settings = settings
        self._store = store
        self._stub = StubResolver(clock, settings, seed, self.server, network, lambda pod: self.serving(pod))
        self._cache: dict[tuple[str, str], _Cached] = {}
        self._lookups: dict[tuple[str, str], list[Done]] = {}

    # -- asking -----------------------------------------------------------------------------------------------

    def resolve(self, source: Source, host: str, done: Done) -> None:
        """Find the addresses of a name for a source, as getaddrinfo(3) does; `done` is called on the clock, or at
        once when the answer is at hand."""
        answer = self.at_hand(source, host)
        if answer is not None:
            done(answer)
            return
        known = _literal(host) or self.hosts_entry(source, host)
        if known:
            done(DnsAnswer((known,), OK, host, 0.0, math.inf, 0))
            return
        key = (source.name, host)
        waiting = self._lookups.get(key)
        if waiting is not None:
            waiting.append(done)
            return
        self._lookups[key] = [done]
        types = self.types_of(source)
        self._stub.start(Lookup(source, host, self.resolv_conf(source), types, self._remember))

    def at_hand(self, source: Source, host: str) -> DnsAnswer | None:
        """The answer that a source still has in its cache, which `resolve` would give; None when it has to ask."""
        cached = self._cache.get((source.name, host))
        if cached is None or cached.until_s <= self._clock.now:
            return None
        return cached.next() if cached.several else cached.answer

    def forget(self, source: Source, host: str) -> None:
        """Let a source ask for a name again, whatever it has in its cache."""
        self._cache.pop((source.name, host), None)

    def query(self, source: Source, host: str, type: str, done: Done, *, search: bool = True) -> None:
        """Ask for one type of record as dig does: no /etc/hosts, and nothing from the client's own cache."""
        conf = self.resolv_conf(source)
        if not search:
            conf = conf._replace(search=())

        def finished(lookup: Lookup, answer: DnsAnswer) -> None:
            done(answer)

        self._stub.start(Lookup(source, host, conf, (type,), finished, stops_at_no_data=True))

    def foresee(self, source: Source, host: str, network: Connector) -> DnsAnswer:
        """What `resolve` would answer, without asking: the same resolver on a clock of its own, and nothing is kept.

        `network` carries its queries, and must not let anybody know of them.
        """
        remembered = self.remembered(source, host)
        if remembered is not None:
            return remembered[0]
        known = _literal(host) or self.hosts_entry(source, host)
        if known:
            return DnsAnswer((known,), OK, host, 0.0, math.inf, 0)
        clock = Clock(self._clock.time())
        stub = StubResolver(clock, self._settings, 0, self.server.twin(clock), network, lambda pod: self.serving(pod))
        answers: list[DnsAnswer] = []
        types = self.types_of(source)
        stub.start(Lookup(source, host, self.resolv_conf(source), types, lambda _, answer: answers.append(answer)))
        while not answers and clock.step():
            pass
        clock.close()
        return answers[0]

    # -- what a client goes by --------------------------------------------------------------------------------

    def resolv_conf(self, source: Source) -> ResolvConf:
        """The resolv.conf of a Pod or node; a host on the internet has one like a node's."""
        pod = self._pod(source)
        if pod is not None:
            return pod_resolv_conf(self._settings, pod)
        if source.name.startswith("pod/"):
            return cluster_resolv_conf(self._settings, source.namespace)
        return node_resolv_conf(self._settings)

    def search_names(self, source: Source, host: str) -> list[str]:
        """The full names that a source's resolver tries, in order."""
        return self.resolv_conf(source).names(host)

    def uses_cluster_dns(self, source: Source) -> bool:
        """Whether the source asks a server in the cluster: Pods, unless dnsPolicy or hostNetwork say otherwise."""
        return UPSTREAM not in self.resolv_conf(source).nameservers

    def types_of(self, source: Source) -> tuple[str, ...]:
        """The types of address that getaddrinfo(3) asks for: of each family of which the source has an address.

        The source's own family comes first (AI_ADDRCONFIG; a Pod's primary address stands first in podIPs).
        """
        pod = self._pod(source)
        others = tuple(one.ip for one in pod.status.pod_ips) if pod is not None else (source.other_ip,)
        return tuple(dict.fromkeys(address_type(ip) for ip in (source.ip, *others) if ip))

    def remembered(self, source: Source, host: str) -> tuple[DnsAnswer, float] | None:
        """What a client's own cache holds for a name, and for how many more seconds; None for nothing."""
        cached = self._cache.get((source.name, host))
        left_s = cached.until_s - self._clock.time() if cached is not None else 0.0
        return (cached.answer, left_s) if cached is not None and left_s > 0.0 else None

    def hosts_entry(self, source: Source, host: str) -> str:
        """The address in the source's /etc/hosts, which beats every name server; empty for none.

        The kubelet writes the Pod's own name there, and its hostAliases.
        """
        if host == "localhost":
            return "::1" if self.types_of(source) == (AAAA,) else "127.0.0.1"
        pod = self._pod(source)
        if pod is None:
            return ""
        if not pod.spec.host_network and host == (pod.spec.hostname or pod.name):
            return source.ip
        return next((alias.ip for alias in pod.spec.host_aliases if host in alias.hostnames), "")

    # -- a fault ----------------------------------------------------------------------------------------------

    @property
    def upstream_up(self) -> bool:
        """Whether the resolver outside answers the cluster; may be set."""
        return self.server.upstream == UP

    @upstream_up.setter
    def upstream_up(self, up: bool) -> None:
        self.server.set_upstream(UP if up else DOWN)

    # -- answers ----------------------------------------------------------------------------------------------

    def _remember(self, lookup: Lookup, answer: DnsAnswer) -> None:
        """Keep what may be kept, and tell everybody who waits for it."""
        key = (lookup.source.name, lookup.host)
        if answer.ttl_s > 0.0:
            if len(self._cache) >= _CACHED_NAMES:
                self._cache.clear()
            self._cache[key] = _Cached(answer, self._clock.time() + answer.ttl_s)
        for done in self._lookups.pop(key):
            done(answer)

    def _is_running(self, pod: str) -> bool:
        namespace, _, name = pod.partition("/")
        found = self._store.find(Pod, name, namespace)
        return found is not None and found.status.phase == "Running"

    def _pod(self, source: Source) -> Pod | None:
        kind, _, rest = source.name.partition("/")
        namespace, _, name = rest.partition("/")
        return self._store.find(Pod, name, namespace) if kind == "pod" else None


@lru_cache(maxsize=4096)
def _literal(host: str) -> str:
    """The host itself when it is an address; empty when it is a name."""
    return normalize(host.strip("[]"))
