"""One lookup by a stub resolver: the names of the search path one after another, and for each the attempts.

It behaves as glibc's (res_search, res_send): all questions about a name leave one socket together, and a repeated
one leaves it, too, so conntrack leads it to the same CoreDNS Pod. NXDOMAIN and "no data" lead to the next name of
the search path; SERVFAIL is asked again at once and then leads there; a time-out or a refusal ends the lookup.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import NamedTuple, Protocol

from lab.clock import Clock
from lab.network.addresses import any_holds, parse_cidrs
from lab.network.coredns import CoreDns, Served
from lab.network.dns_records import NOERROR, Record, Reply
from lab.network.dns_records import NXDOMAIN as NO_SUCH_NAME
from lab.network.dns_records import SERVFAIL as SERVER_FAILED
from lab.network.flow import Flow, Source
from lab.network.packet import REJECT, UDP
from lab.network.resolv_conf import UPSTREAM, ResolvConf
from lab.network.topology import INTERNET, Topology
from lab.settings import Settings

DNS_PORT = 53
OK, NXDOMAIN, NODATA, TIMEOUT, SERVFAIL, REFUSED = "ok", "nxdomain", "nodata", "timeout", "servfail", "refused"


class Asked(NamedTuple):
    """One question that was sent, and what came of it."""

    name: str
    type: str
    server: str
    """The CoreDNS Pod, `upstream`, or the address that did not answer."""
    result: str
    """NOERROR, NXDOMAIN, SERVFAIL, timeout or refused."""
    cached: bool = False
    """Whether the server had the answer in its cache."""


class DnsAnswer(NamedTuple):
    """What a client learned about a name."""

    addresses: tuple[str, ...]
    outcome: str
    """ok, nxdomain, nodata (the name exists, without such a record), timeout, servfail or refused."""
    name: str
    """The full name that matched; the name asked for when none did."""
    took_s: float
    ttl_s: float
    queries: int
    """How many were sent; 0 when the client had the answer itself."""
    records: tuple[Record, ...] = ()
    extra: tuple[Record, ...] = ()
    asked: tuple[Asked, ...] = ()


Done = Callable[[DnsAnswer], None]


class Connector(Protocol):
    """What the resolver needs of the network."""

    topology: Topology

    def connect(self, source: Source, host: str, ip: str, port: int, protocol: str = ..., src_port: int = ...) -> Flow:
        """Send a packet of a flow, the first one or another."""

    def carries(self, flow: Flow) -> bool:
        """Whether packets of a flow that exists get through."""

    def close(self, flow: Flow) -> None:
        """An answer has come back on a flow."""


class Lookup:
    """One name being looked up for one source."""

    __slots__ = (
        "asked",
        "attempt",
        "conf",
        "denial_ttl_s",
        "finished",
        "host",
        "names",
        "no_data",
        "port",
        "queries",
        "replies",
        "sent_s",
        "servfail",
        "source",
        "started_s",
        "stops_at_no_data",
        "turn",
        "types",
        "waits",
    )

    def __init__(
        self,
        source: Source,
        host: str,
        conf: ResolvConf,
        types: tuple[str, ...],
        finished: Callable[[Lookup, DnsAnswer], None],
        *,
        stops_at_no_data: bool = False,
    ) -> None:
        self.source = source
        self.host = host
        self.conf = conf
        self.types = types
        self.finished = finished
        self.stops_at_no_data = stops_at_no_data
        """dig goes on only after NXDOMAIN, getaddrinfo(3) also when a name has no address."""
        self.names = conf.names(host.lower())
        """The full names still to try."""
        self.turn = 0
        """Grows with each name, so that what comes late for an earlier one is ignored."""
        self.attempt = 0
        self.waits = -1
        """The attempt for which a time-out is due."""
        self.port = 0
        self.sent_s = 0.0
        self.started_s = 0.0
        self.queries = 0
        self.replies: dict[str, Reply] = {}
        self.asked: list[Asked] = []
        self.no_data = self.servfail = False
        self.denial_ttl_s = 0.0

    @property
    def nameserver(self) -> str:
        """Whom this attempt asks: all name servers in turn, then all over again."""
        return self.conf.nameservers[self.attempt % len(self.conf.nameservers)]

    @property
    def last_attempt(self) -> bool:
        """Whether every name server has been asked as often as `attempts` says."""
        return self.attempt + 1 >= self.conf.attempts * len(self.conf.nameservers)


class StubResolver:
    """Carries lookups out, on the clock."""

    def __init__(
        self,
        clock: Clock,
        settings: Settings,
        seed: int,
        server: CoreDns,
        network: Connector,
        serving: Callable[[str], bool],
    ) -> None:
        self._clock = clock
        self._negative_ttl_s = settings.dns_negative_ttl_s
        self._inside = parse_cidrs((*settings.service_cidr.split(","), *settings.pod_cidr.split(",")))
        self._random = random.Random(f"{seed}/dns")
        self._server = server
        self._network = network
        self._serving = serving

    def start(self, lookup: Lookup) -> None:
        """Begin with the first name; `lookup.finished` is called on the clock."""
        lookup.started_s = self._clock.time()
        if lookup.conf.nameservers:
            self._attempt(lookup)
        else:
            # Without any name server the resolver asks 127.0.0.1, where nobody listens.
            self._clock.after(0.0, self._finish, lookup, REFUSED)

    # -- one attempt at one name --------------------------------------------------------------------------------

    def _attempt(self, lookup: Lookup) -> None:
        """Send every question about the name that has no reply yet."""
        lookup.sent_s = self._clock.time()
        turn, attempt = lookup.turn, lookup.attempt
        for type in lookup.types:
            if type not in lookup.replies and (lookup.turn, lookup.attempt) == (turn, attempt):
                lookup.queries += 1
                if lookup.nameserver == UPSTREAM or not any_holds(self._inside, lookup.nameserver):
                    self._ask_outside(lookup, type)
                else:
                    self._ask_inside(lookup, type)

    def _ask_outside(self, lookup: Lookup, type: str) -> None:
        source = lookup.source
        vertex = f"node/{source.node}" if source.node else INTERNET
        served = self._server.ask_upstream(vertex, lookup.names[0], type, source.namespace)
        if served is None:
            self._expect_timeout(lookup)
        else:
            self._clock.after(served.took_s, self._answered, lookup, lookup.turn, type, UPSTREAM, served)

    def _ask_inside(self, lookup: Lookup, type: str) -> None:
        """A packet to a server in the cluster; it arrives like any packet, or does not."""
        known_port = lookup.port
        flow = self._network.connect(
            lookup.source, lookup.names[0], lookup.nameserver, DNS_PORT, UDP, src_port=known_port
        )
        lookup.port = flow.decision.src_port
        if flow.verdict == REJECT:
            self._clock.after(2.0 * flow.latency_s, self._refused, lookup, lookup.turn, lookup.attempt, type)
            return
        arrives = flow.open and flow.pod != "" and (not known_port or self._network.carries(flow))
        if not arrives or (flow.loss and self._random.random() < 1.0 - (1.0 - flow.loss) ** 2):
            self._expect_timeout(lookup)
        else:
            self._clock.after(flow.latency_s, self._arrived, lookup, lookup.turn, type, flow)

    def _arrived(self, lookup: Lookup, turn: int, type: str, flow: Flow) -> None:
        """A question has reached a Pod; CoreDNS there answers, or nobody does."""
        if turn != lookup.turn or type in lookup.replies:
            return
        if self._server.silent or not self._serving(flow.pod):
            self._expect_timeout(lookup)
            return
        served = self._server.serve(flow.pod, flow.node, lookup.names[0], type)
        back_s = served.took_s + flow.latency_s
        if self._clock.time() + back_s >= lookup.sent_s + lookup.conf.timeout_s:
            self._expect_timeout(lookup)
        self._clock.after(back_s, self._replied, flow, lookup, turn, type, served)

    def _expect_timeout(self, lookup: Lookup) -> None:
        """Be there when the attempt's time is over."""
        if lookup.waits != lookup.attempt:
            lookup.waits = lookup.attempt
            due_s = lookup.sent_s + lookup.conf.timeout_s
            self._clock.at(due_s, self._timed_out, lookup, lookup.turn, lookup.attempt)

    # -- what came of it ----------------------------------------------------------------------------------------

    def _replied(self, flow: Flow, lookup: Lookup, turn: int, type: str, served: Served) -> None:
        self._network.close(flow)
        self._answered(lookup, turn, type, flow.pod, served)

    def _answered(self, lookup: Lookup, turn: int, type: str, server: str, served: Served) -> None:
        if turn != lookup.turn or type in lookup.replies:
            return
        reply = served.reply
        lookup.asked.append(Asked(lookup.names[0], type, server, reply.rcode, served.cached))
        if reply.rcode == SERVER_FAILED and not lookup.last_attempt:
            self._again(lookup)
            return
        lookup.replies[type] = reply
        if len(lookup.replies) == len(lookup.types):
            self._judge(lookup)

    def _refused(self, lookup: Lookup, turn: int, attempt: int, type: str) -> None:
        """ICMP says that the port is closed: the resolver turns to the next server at once (ECONNREFUSED)."""
        if (turn, attempt) == (lookup.turn, lookup.attempt):
            lookup.asked.append(Asked(lookup.names[0], type, lookup.nameserver, REFUSED))
            self._again(lookup) if not lookup.last_attempt else self._finish(lookup, REFUSED)

    def _timed_out(self, lookup: Lookup, turn: int, attempt: int) -> None:
        # After the last attempt the whole lookup ends; the rest of the search path is not tried.
        if (turn, attempt) == (lookup.turn, lookup.attempt):
            for type in lookup.types:
                if type not in lookup.replies:
                    lookup.asked.append(Asked(lookup.names[0], type, lookup.nameserver, TIMEOUT))
            self._again(lookup) if not lookup.last_attempt else self._finish(lookup, TIMEOUT)

    def _again(self, lookup: Lookup) -> None:
        several = len(lookup.conf.nameservers) > 1
        lookup.attempt += 1
        if several:
            lookup.port = 0
        self._attempt(lookup)

    def _judge(self, lookup: Lookup) -> None:
        """All replies about a name are in: it is found, or the next one is tried."""
        replies = [lookup.replies[type] for type in lookup.types]
        if any(record.type in lookup.types for reply in replies for record in reply.records):
            self._finish(lookup, OK)
            return
        exists = any(reply.rcode == NOERROR for reply in replies)
        failed = any(reply.rcode == SERVER_FAILED for reply in replies)
        lookup.no_data |= exists
        lookup.servfail |= failed
        denials = [reply.ttl_s for reply in replies if reply.rcode in (NOERROR, NO_SUCH_NAME)]
        lookup.denial_ttl_s = min(denials, default=0.0)
        if len(lookup.names) == 1 or (exists and lookup.stops_at_no_data):
            self._finish(lookup, NODATA if lookup.no_data else SERVFAIL if lookup.servfail else NXDOMAIN)
            return
        del lookup.names[0]
        lookup.turn += 1
        lookup.attempt, lookup.waits, lookup.port = 0, -1, 0
        lookup.replies.clear()
        self._attempt(lookup)

    def _finish(self, lookup: Lookup, outcome: str) -> None:
        replies = [lookup.replies[type] for type in lookup.types if type in lookup.replies]
        ttl_s = 0.0
        if outcome == OK:
            ttl_s = min(reply.ttl_s for reply in replies if reply.records)
        elif outcome in (NXDOMAIN, NODATA):
            ttl_s = min(self._negative_ttl_s, lookup.denial_ttl_s)
        took_s = self._clock.time() - lookup.started_s
        lookup.turn += 1
        lookup.finished(
            lookup,
            DnsAnswer(
                tuple(ip for reply in replies for ip in reply.addresses()) if outcome == OK else (),
                outcome,
                lookup.names[0] if outcome == OK else lookup.host,
                took_s,
                ttl_s,
                lookup.queries,
                tuple(record for reply in replies for record in reply.records),
                tuple(record for reply in replies for record in reply.extra),
                tuple(lookup.asked),
            ),
        )
