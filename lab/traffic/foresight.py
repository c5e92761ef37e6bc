"""What a client would see of a request that it does not send: every way it could go, and how likely each is.

It reads what `lab.traffic.exchange` does off the same parts (the resolver, the ways, what listens), and takes mean
times where a run would draw.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from lab.network.addresses import family
from lab.network.flow import Source
from lab.network.packet import REJECT
from lab.network.reasons import NO_ANSWER, NOTHING_LISTENS
from lab.network.trace import Attempt
from lab.traffic.failures import DNS_TIMEOUT, STATUS_500, STATUS_503, of_lookup
from lab.traffic.request import refusal
from lab.traffic.server import MAX_DEPTH, Server

if TYPE_CHECKING:
    from lab.network.dns import DnsAnswer
    from lab.network.network import Network
    from lab.traffic.request import Target
    from lab.traffic.wire import Wire

OK, ERROR, REFUSED, TIMEOUT, NXDOMAIN = "ok", "error", "refused", "timeout", "nxdomain"
CALL_TIMEOUT_S = 5.0
"""How long an app waits for another one."""


class Sight(NamedTuple):
    """What the client sees when the request goes one way."""

    probability: float
    outcome: str
    """ok, error, refused, timeout, nxdomain or unreachable."""
    status: int
    """The HTTP status, 200 for an answer of another protocol; 0 without an answer."""
    latency_s: float
    """Until the client knows."""
    reason: str
    """A code of `lab.network.reasons`, or what went wrong before and after the connection."""
    attempt: Attempt | None = None
    """The way of the connection; None when there was none."""
    server: Server | None = None
    """Who took the connection."""
    calls: tuple[Forecast, ...] = ()
    """What that app asks others before it answers."""

    @property
    def reached(self) -> bool:
        """Whether the connection is made: somebody takes it, whatever the answer is."""
        return self.server is not None or self.status > 0


class Forecast(msgspec.Struct, frozen=True):
    """A request from one party to a target, with everything that may come of it."""

    source: Source
    target: Target
    name: DnsAnswer | None
    """How the host resolves; None for an address."""
    sights: tuple[Sight, ...]
    """Their probabilities add up to 1."""

    @property
    def succeeds(self) -> float:
        """How likely it is answered without an error."""
        return sum(sight.probability for sight in self.sights if sight.outcome == OK)

    @property
    def takes_s(self) -> float:
        """How long it takes on average when it succeeds; when it cannot, until that is known."""
        wanted = [sight for sight in self.sights if sight.outcome == OK] or list(self.sights)
        whole = sum(sight.probability for sight in wanted)
        return sum(sight.probability * sight.latency_s for sight in wanted) / whole if whole else 0.0


class Lead(NamedTuple):
    """One address of a name, and what comes of connecting to it."""

    address: str
    probability: float
    """How likely the client connects to this address; 0 when it prefers those of the other family."""
    forecast: Forecast
    """The same request to this address only."""


class Foresight:
    """Foresees requests; nothing that it does can be noticed by anybody else in the run."""

    def __init__(self, network: Network, wire: Wire) -> None:
        self._network = network
        self._wire = wire
        self._tracer = network.tracer

    def request(self, source: Source, target: Target) -> Forecast:
        """A request by name or address."""
        return self._request(source, target, 0, {})

    def leads(self, forecast: Forecast) -> tuple[Lead, ...]:
        """Where each address of the forecast's name leads to, whether or not the client comes to use it."""
        source, target, name = forecast.source, forecast.target, forecast.name
        if name is None:
            return ()
        used = _used(name)
        return tuple(
            Lead(
                ip,
                1.0 / len(used) if ip in used else 0.0,
                Forecast(source, target, name, tuple(self._to(source, target, ip, name.took_s, 0, {}))),
            )
            for ip in name.addresses
        )

    def connection(self, source: Source, ip: str, port: int, protocol: str) -> list[Sight]:
        """A bare connection to an address: only whether it is made matters, and nobody is called."""
        attempts = self._tracer.attempts(source, ip, port, protocol)
        return [self._answered(attempt, 0.0, self._listener(attempt)) for attempt in attempts]

    # -- by name ------------------------------------------------------------------------------------------------

    def _request(self, source: Source, target: Target, depth: int, known: dict[tuple[str, str], Forecast]) -> Forecast:
        key = (source.name, target.url)
        found = known.get(key)
        if found is None:
            found = known[key] = self._foresee(source, target, depth, known)
        return found

    def _foresee(self, source: Source, target: Target, depth: int, known: dict[tuple[str, str], Forecast]) -> Forecast:
        if target.literal:
            return Forecast(source, target, None, tuple(self._to(source, target, target.host, 0.0, depth, known)))
        answer = self._network.dns.foresee(source, target.host, self._tracer)
        if not answer.addresses:
            return Forecast(source, target, answer, (_unresolved(answer),))
        addresses = _used(answer)
        sights = [
            sight._replace(probability=sight.probability / len(addresses))
            for ip in addresses
            for sight in self._to(source, target, ip, answer.took_s, depth, known)
        ]
        return Forecast(source, target, answer, tuple(sights))

    def _to(
        self,
        source: Source,
        target: Target,
        ip: str,
        since_s: float,
        depth: int,
        known: dict[tuple[str, str], Forecast],
    ) -> Iterator[Sight]:
        """All sights of a request to one address, `since_s` after it began."""
        for attempt in self._tracer.attempts(source, ip, target.port, target.protocol):
            server = self._listener(attempt)
            if server is None or server.hung:
                yield self._answered(attempt, since_s, server, target.first_trips)
            else:
                yield from self._served(attempt, server, target, since_s, depth, known)

    # -- at the other end ---------------------------------------------------------------------------------------

    def _listener(self, attempt: Attempt) -> Server | None:
        way = attempt.arrival.way
        return self._wire.listeners.get(way.socket) if way.arrived else None

    def _answered(self, attempt: Attempt, since_s: float, server: Server | None, trips: int = 3) -> Sight:
        """What is seen of a connection without what its app does."""
        arrival, give_up_s = attempt.arrival, self._wire.give_up_s
        way, sight = arrival.way, Sight(attempt.probability, TIMEOUT, 0, give_up_s, arrival.reason, attempt, server)
        if not way.arrived:
            back_s = self._way_s(attempt) if arrival.verdict == REJECT else None
            outcome = refusal(arrival.reason)
            return sight if back_s is None else sight._replace(outcome=outcome, latency_s=since_s + 2.0 * back_s)
        if server is not None:
            # A process that hangs lets the kernel take the connection, and says nothing.
            hangs = sight._replace(reason=NO_ANSWER)
            return hangs if server.hung else sight._replace(outcome=OK, status=200, latency_s=since_s)
        health = self._network.answer(attempt.flow(Source("", attempt.packet.src_ip), ""))
        if health is None:
            refused_s = since_s + 2.0 * way.latency_s
            return sight._replace(outcome=REFUSED, latency_s=refused_s, reason=NOTHING_LISTENS)
        outcome = OK if health.status < 400 else ERROR
        return sight._replace(outcome=outcome, status=health.status, latency_s=since_s + (trips + 1) * way.latency_s)

    def _served(
        self,
        attempt: Attempt,
        server: Server,
        target: Target,
        since_s: float,
        depth: int,
        known: dict[tuple[str, str], Forecast],
    ) -> Iterator[Sight]:
        """What the app answers: an error of its own at times, or 503 when an app that it calls does not answer."""
        way, spec = attempt.arrival.way, server.spec
        calls = (
            tuple(self._request(server.source, call, depth + 1, known) for call in server.calls)
            if depth < MAX_DEPTH
            else ()
        )
        travels_s = since_s + (target.first_trips + 1) * way.latency_s
        works_s = server.expected_wait_s + spec.service_time.mean_s
        good = bad = attempt.probability
        waits_s = 0.0
        for call in calls:
            good *= call.succeeds
            waits_s += min(call.takes_s, CALL_TIMEOUT_S)
        bad -= good
        latency_s = travels_s + works_s + waits_s
        sight = Sight(attempt.probability, OK, 200, latency_s, attempt.arrival.reason, attempt, server, calls)
        own = good * spec.error_rate
        if good > own:
            yield sight._replace(probability=good - own)
        if own:
            yield sight._replace(probability=own, outcome=ERROR, status=500, reason=STATUS_500)
        if bad > 1e-9:
            yield sight._replace(probability=bad, outcome=ERROR, status=503, reason=STATUS_503)

    def _way_s(self, attempt: Attempt) -> float | None:
        """How long a packet takes to the node that refuses it; None when the way is cut."""
        total_s = 0.0
        for here, there in pairwise(attempt.arrival.way.waypoints):
            path = self._network.topology.path(here, there)
            if path is None:
                return None
            total_s += path.latency_s
        return total_s


def _used(answer: DnsAnswer) -> list[str]:
    """The addresses that the client may connect to: those of the first one's family, each of which comes first
    equally often."""
    first = family(answer.addresses[0]) if answer.addresses else ""
    return [ip for ip in answer.addresses if family(ip) == first]


def _unresolved(answer: DnsAnswer) -> Sight:
    reason = of_lookup(answer.outcome)
    return Sight(1.0, TIMEOUT if reason == DNS_TIMEOUT else NXDOMAIN, 0, answer.took_s, reason)
