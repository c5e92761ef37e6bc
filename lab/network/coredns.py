"""CoreDNS as each of its Pods runs it: the cluster's zone, a cache of its own, and an upstream for the rest.

The Corefile is kubeadm's: `kubernetes` (ttl 30), `cache 30`, `forward . /etc/resolv.conf`, `loadbalance`, no
`autopath`. Two replicas keep two caches, so for a while they may give two different answers to the same question.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from typing import NamedTuple

from lab.clock import Clock
from lab.cluster.store import Store
from lab.kube.kinds.pod import Pod
from lab.network.cluster_dns import ClusterZone
from lab.network.dns_records import AAAA, SERVFAIL, A, Record, Reply
from lab.network.public_dns import PublicNames
from lab.network.topology import INTERNET, Topology
from lab.settings import Settings

UP, DOWN = "up", "down"
UPSTREAM_STATES = (UP, DOWN, "servfail")
_CACHED_REPLIES = 9984
"""How many replies CoreDNS keeps (the default of the cache plugin)."""


class Served(NamedTuple):
    """A reply, and how it came about."""

    reply: Reply
    took_s: float
    """From the arrival of the question to the departure of the reply."""
    cached: bool = False
    """Whether the CoreDNS Pod had it in its cache."""


class _Kept(NamedTuple):
    reply: Reply
    since_s: float
    until_s: float


class _Process:
    """What one CoreDNS container remembers; another container of the same Pod begins anew."""

    def __init__(self) -> None:
        self.cache: dict[tuple[str, str], _Kept] = {}
        self.silent_since_s: float | None = None
        """When it first waited for the upstream in vain; None while the upstream answers."""

    def copy(self) -> _Process:
        """Another one that remembers the same."""
        other = _Process()
        other.cache, other.silent_since_s = dict(self.cache), self.silent_since_s
        return other


class CoreDns:
    """The servers behind the `kube-dns` Service, told apart by their Pods."""

    def __init__(self, clock: Clock, settings: Settings, seed: int, store: Store, topology: Topology) -> None:
        self.zone = ClusterZone(store, settings.cluster_domain, settings.dns_ttl_s)
        self.public = PublicNames(store, settings.cluster_domain, settings.dns_ttl_s)
        self.upstream = settings.dns_upstream
        """up, down (it does not answer) or servfail (it answers that it cannot)."""
        self.silent = False
        """Whether no server answers any question; their readiness does not show it, as /ready is on another port."""
        self.slow_s = 0.0
        """How much longer each reply takes than it should."""
        self._clock = clock
        self._settings = settings
        self._store = store
        self._topology = topology
        self._shuffle: Callable[[list[Record]], None] = random.Random(f"{seed}/dns/loadbalance").shuffle
        self._processes: dict[str, tuple[tuple[str, int], _Process]] = {}

    def twin(self, clock: Clock) -> CoreDns:
        """The same servers as they are now, with copies of their caches: for a lookup that must change nothing."""
        other = copy.copy(self)
        other._clock = clock
        other._shuffle = lambda records: None
        other._processes = {pod: (identity, process.copy()) for pod, (identity, process) in self._processes.items()}
        return other

    def set_upstream(self, state: str) -> None:
        """Break or mend the resolver outside; once it answers again, health checks find out within their interval."""
        self.upstream = state
        for _, process in self._processes.values():
            process.silent_since_s = None

    def serve(self, pod: str, node: str, name: str, type: str) -> Served:
        """The reply of a Pod (`NAMESPACE/NAME`, on a node) to a question that reaches it now."""
        now = self._clock.time()
        process = self._process(pod)
        kept = process.cache.get((name, type))
        if kept is not None and kept.until_s > now:
            return Served(self._balanced(kept.reply.aged(now - kept.since_s)), self._service_time_s, True)
        waited_s = 0.0

        def elsewhere(other: str, wanted: str) -> Reply:
            nonlocal waited_s
            reply, took_s = self._forward(process, node, other, wanted)
            waited_s += took_s
            return reply

        if self.zone.holds(name):
            reply = self.zone.answer(name, type, elsewhere)
        else:
            reply = self.zone.reverse(name, type) or elsewhere(name, type)
        self._keep(process, name, type, reply, now + waited_s)
        return Served(self._balanced(reply), self._service_time_s + waited_s)

    @property
    def _service_time_s(self) -> float:
        return self._settings.dns_service_time_s + self.slow_s

    def ask_upstream(self, vertex: str, name: str, type: str, namespace: str = "default") -> Served | None:
        """The reply of the resolver outside to a question from a vertex of the topology; None when it is silent."""
        path = self._topology.path(vertex, INTERNET) if vertex != INTERNET else None
        if vertex != INTERNET and (path is None or self.upstream == DOWN):
            return None
        took_s = 2.0 * (path.latency_s if path is not None else self._settings.link_internet_s)
        if vertex != INTERNET and self.upstream != UP:
            return Served(Reply(SERVFAIL), took_s)
        return Served(self.public.answer(name, type, namespace), took_s)

    # -- the parts of a process -----------------------------------------------------------------------------------

    def _process(self, pod: str) -> _Process:
        """What the Pod's present container remembers."""
        namespace, _, name = pod.partition("/")
        found = self._store.find(Pod, name, namespace)
        restarts = sum(status.restart_count for status in found.status.container_statuses) if found else 0
        identity = (found.metadata.uid if found else "", restarts)
        held = self._processes.get(pod)
        if held is None or held[0] != identity:
            held = self._processes[pod] = (identity, _Process())
        return held[1]

    def _forward(self, process: _Process, node: str, name: str, type: str) -> tuple[Reply, float]:
        """Ask the upstream, and say how long that took.

        While `forward` believes in its only upstream it tries again and again until its deadline; once its health
        checks have failed it tries once more each time, and answers SERVFAIL after one read timeout.
        """
        settings, now = self._settings, self._clock.time()
        served = self.ask_upstream(f"node/{node}", name, type)
        if served is not None:
            process.silent_since_s = None
            return served.reply, served.took_s
        if process.silent_since_s is None:
            process.silent_since_s = now
        # The first failed read starts the health checks: each waits for its own timeout, then for the next turn.
        checks_s = settings.dns_forward_max_fails * (settings.dns_health_timeout_s + settings.dns_health_interval_s)
        read_s = settings.dns_forward_read_timeout_s
        if now >= process.silent_since_s + read_s + checks_s:
            return Reply(SERVFAIL), read_s
        tries = -(-settings.dns_forward_deadline_s // read_s)
        return Reply(SERVFAIL), read_s * tries

    def _keep(self, process: _Process, name: str, type: str, reply: Reply, now: float) -> None:
        """What the cache plugin does with a reply: it keeps each as long as its TTL says, within its own bounds."""
        settings = self._settings
        if reply.rcode == SERVFAIL:
            # Where nobody answered, there is no reply that could be kept.
            most_s = settings.dns_cache_servfail_s if self.upstream not in (UP, DOWN) else 0.0
            until_s = now + most_s
        else:
            if self.zone.holds(name) and not settings.dns_cache_cluster_zone:
                return
            most_s = settings.dns_cache_denial_s if reply.denial else settings.dns_cache_success_s
            until_s = now + min(max(reply.ttl_s, settings.dns_cache_min_s), most_s)
        if until_s > now:
            if len(process.cache) >= _CACHED_REPLIES:
                del process.cache[next(iter(process.cache))]
            process.cache[name, type] = _Kept(reply, now, until_s)

    def _balanced(self, reply: Reply) -> Reply:
        """The loadbalance plugin: addresses in an order drawn anew for each answer, aliases first."""
        addresses = [record for record in reply.records if record.type in (A, AAAA)]
        if len(addresses) < 2:
            return reply
        rest = [record for record in reply.records if record.type not in (A, AAAA)]
        self._shuffle(addresses)
        return reply._replace(records=(*rest, *addresses))
