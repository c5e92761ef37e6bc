"""The life of a request, seen from the one who sends it: resolve, connect, send, and wait for the answer.

One request costs four events on the clock: it is due, it reaches the server, the server is done, the answer is
back. Deadlines cost none: a `Caller` gives all its requests the same timeout, so their deadlines come in the
order in which they were sent, and one sweep that waits for the oldest serves them all.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from lab.journal import RequestFinished
from lab.network.packet import UDP
from lab.network.reasons import NO_ANSWER, NOTHING_LISTENS
from lab.traffic.channel import ROUND_ROBIN, Channel, Connection
from lab.traffic.failures import DNS_TIMEOUT, of_lookup
from lab.traffic.request import RequestResult, Target, refusal
from lab.traffic.retries import RetryBudget, RetryPolicy
from lab.traffic.wire import RETRANSMISSION_S, SYN_RETRY_S, Wire

if TYPE_CHECKING:
    from lab.network.dns import DnsAnswer
    from lab.network.flow import Flow, Source
    from lab.traffic.server import Server

Done = Callable[[RequestResult], object]


class Exchange(msgspec.Struct, gc=False, eq=False):
    """One attempt of one request."""

    caller: Caller
    id: int
    """The same for all attempts of a request."""
    serial: int
    source: Source
    target: Target
    intended_s: float
    """When the request was meant to be sent: its latency counts from here."""
    deadline_s: float
    done: Done | None
    depth: int
    """How many apps called one another before this request."""
    attempt: int
    flow: Flow | None = None
    server: Server | None = None
    answer: DnsAnswer | None = None
    finished: bool = False

    def resolved(self, answer: DnsAnswer) -> None:
        """Go on with the addresses of the name, or give up without any."""
        self.answer = answer
        if self.finished:
            return
        if answer.addresses:
            self.caller.learned(self, answer)
            self.caller.go_on(self, answer.addresses)
        else:
            reason = of_lookup(answer.outcome)
            self.caller.end(self, 0, "timeout" if reason == DNS_TIMEOUT else "nxdomain", reason)


Idle = tuple["Flow", "Server", "DnsAnswer | None"]
"""A connection that is kept open, who is at its other end, and how its name resolved."""


NO_RETRIES = RetryPolicy()


class Caller:
    """Someone who sends requests with the same habits: timeout, retries, connections kept or not."""

    def __init__(
        self,
        wire: Wire,
        *,
        group: str = "",
        timeout_s: float = 0.0,
        retries: RetryPolicy = NO_RETRIES,
        keep_alive: bool = False,
        balance: str = "",
        dns_cache_s: float | None = None,
        finished: Callable[[Exchange, str], object] | None = None,
    ) -> None:
        self.wire = wire
        self.group = group
        """The client that its requests are counted under; empty for the source's own name."""
        self.timeout_s = timeout_s if timeout_s > 0.0 else wire.give_up_s
        self.retries = RetryBudget(retries)
        self.keep_alive = keep_alive
        self.balance = balance
        """How it chooses among connections that carry many requests at once; empty for one that has none."""
        self._channels: dict[tuple[str, str], Channel] = {}
        self._dns_cache_s = dns_cache_s
        """How long it keeps the addresses of a name; None for what their TTL says."""
        self._names: dict[tuple[str, str], tuple[float, DnsAnswer]] = {}
        self.end = self._end  # bound once: the clock is handed it for every request
        self._finished = finished
        self._sent: deque[Exchange] = deque()
        """What is under way, and what was sent after the oldest that is."""
        self._pausing: dict[int, Exchange] = {}
        """What is tried again after a pause, by its id."""
        self._sweeping = False
        self._idle: dict[tuple[str, str], list[Idle]] = {}
        self._sockets: dict[tuple[str, str], int] = {}
        """The source ports of the UDP sockets that are kept open."""

    # -- the way there --------------------------------------------------------------------------------------

    def send(
        self,
        source: Source,
        target: Target,
        intended_s: float,
        done: Done | None = None,
        depth: int = 0,
        attempt: int = 1,
        id: int = 0,
    ) -> None:
        """Send a request now; `done` is called with its result, once, on the clock or at once."""
        wire = self.wire
        wire.serial = serial = wire.serial + 1
        deadline_s = wire.clock.now + self.timeout_s
        exchange = Exchange(self, id or serial, serial, source, target, intended_s, deadline_s, done, depth, attempt)
        self._sent.append(exchange)
        if attempt == 1:
            self.retries.asked(wire.clock.now)
        if not self._sweeping:
            self._sweeping = True
            wire.clock.at(deadline_s, self._sweep)
        if self.keep_alive and self._reuse(exchange):
            return
        if self.balance and self._on_channel(exchange):
            return
        if target.literal:
            self.go_on(exchange, (target.host,))
            return
        answer = self._known(source, target.host)
        if answer is not None and answer.addresses:
            exchange.answer = answer
            self.go_on(exchange, answer.addresses)
        else:
            wire.network.resolve(source, target.host, exchange.resolved)

    def _known(self, source: Source, host: str) -> DnsAnswer | None:
        """How a name resolves, without asking anybody; None when somebody must be asked."""
        if self._dns_cache_s is None:
            return self.wire.network.dns.at_hand(source, host)
        until_s, answer = self._names.get((source.name, host), (-math.inf, None))
        if until_s > self.wire.clock.now:
            return answer
        self.wire.network.dns.forget(source, host)
        return None

    def learned(self, exchange: Exchange, answer: DnsAnswer) -> None:
        """A name has resolved: keep that for as long as it is this client's habit."""
        if self._dns_cache_s:
            key = (exchange.source.name, exchange.target.host)
            self._names[key] = (self.wire.clock.now + self._dns_cache_s, answer)

    def go_on(self, exchange: Exchange, addresses: tuple[str, ...]) -> None:
        """The name has these addresses."""
        if not self.balance:
            self.connect(exchange, addresses[0])
            return
        channel = self._channel(exchange)
        channel.answer = exchange.answer
        channel.addresses = known = addresses if self.balance == ROUND_ROBIN else addresses[:1]
        while not self._on_channel(exchange):  # the connection to the first of them has ended just now
            channel.addresses = known

    def _channel(self, exchange: Exchange) -> Channel:
        return self._channels.setdefault((exchange.source.name, exchange.target.url), Channel())

    def _on_channel(self, exchange: Exchange) -> bool:
        """Send on a connection that carries others too, or open one; False when the addresses are not known."""
        channel, wire = self._channel(exchange), self.wire
        if not channel.addresses:
            return False
        address = channel.next_address()
        connection = channel.usable(address, wire.clock.now, wire.network)
        if connection is None and not channel.addresses:
            return False  # one has ended just now
        if connection is None:
            exchange.answer = channel.answer
            self.connect(exchange, address)
            if exchange.server is not None and exchange.flow is not None:
                channel.add(address, Connection(exchange.flow, exchange.server, wire.clock.now, 1))
            return True
        connection.streams += 1
        exchange.answer = channel.answer
        flow = exchange.flow = connection.flow
        exchange.server = connection.server
        if wire.network.carries(flow):
            wire.clock.after(wire.travels_s(flow.way.quality), connection.server.arrive, exchange)
        else:
            self.reset_by_balancer(exchange, flow)
        return True

    def connect(self, exchange: Exchange, ip: str) -> None:
        """Open a connection and send the request on it; what goes wrong is told when the sender would know."""
        wire, target = self.wire, exchange.target
        if self.keep_alive and target.protocol == UDP:
            flow = self._from_socket(exchange, ip)
        else:
            flow = wire.network.connect(exchange.source, target.host, ip, target.port, target.protocol)
        exchange.flow = flow
        if not flow.open:
            way_s = wire.way_s(flow) if flow.verdict == "reject" else None
            if way_s is not None:
                wire.clock.after(2.0 * way_s, self.end, exchange, 0, refusal(flow.reason), flow.reason)
            return
        way = flow.way
        server = wire.listeners.get(way.socket)
        if server is None:
            self._without_app(exchange, flow)
            return
        exchange.server = server
        quality, trips = way.quality, target.first_trips
        delay_s, loss = quality.latency_s * trips, quality.loss
        if loss:
            delay_s += wire.lost_time_s(1.0 - (1.0 - loss) ** 2, SYN_RETRY_S) + wire.lost_time_s(loss, RETRANSMISSION_S)
        if quality.jitter_s:
            delay_s += wire.jitter_s(quality.jitter_s, trips)
        wire.clock.after(delay_s, server.arrive, exchange)

    def _from_socket(self, exchange: Exchange, ip: str) -> Flow:
        """Send from the UDP socket that is kept open to a target, so always from the same port."""
        target, key = exchange.target, (exchange.source.name, exchange.target.url)
        port = self._sockets.get(key, 0)
        flow = self.wire.network.connect(exchange.source, target.host, ip, target.port, UDP, port)
        self._sockets[key] = flow.decision.src_port
        return flow

    def _without_app(self, exchange: Exchange, flow: Flow) -> None:
        """No app listens at the end of the flow: kube-proxy's own health checks may, else it is refused."""
        health = self.wire.network.answer(flow)
        if health is None:
            self.wire.clock.after(2.0 * flow.latency_s, self.end, exchange, 0, "refused", NOTHING_LISTENS)
        else:
            trips = exchange.target.first_trips + 1
            self.wire.clock.after(trips * flow.latency_s, self.end, exchange, health.status)

    def _reuse(self, exchange: Exchange) -> bool:
        """Send on a connection that is kept open; False when there is none."""
        idle = self._idle.get((exchange.source.name, exchange.target.url))
        while idle:
            flow, server, answer = idle.pop()
            if server.said_goodbye(flow.latency_s):
                self.wire.network.close(flow)
                continue
            exchange.flow, exchange.server, exchange.answer = flow, server, answer
            if self.wire.network.carries(flow):
                self.wire.clock.after(self.wire.travels_s(flow.way.quality), server.arrive, exchange)
            else:
                self.reset_by_balancer(exchange, flow)
            return True
        return False

    def reset_by_balancer(self, exchange: Exchange, flow: Flow) -> None:
        """Packets of a connection do not get through: a load balancer may say so with RST, others are silent."""
        reason = self.wire.network.reset_by_balancer(flow)
        if reason:
            self.wire.clock.after(2.0 * flow.latency_s, self.end, exchange, 0, "reset", reason)

    # -- the way back ---------------------------------------------------------------------------------------

    def _sweep(self) -> None:
        """Give up on what is due, and come back for the next deadline."""
        sent, now_s = self._sent, self.wire.clock.now
        while sent:
            oldest = sent[0]
            if oldest.deadline_s > now_s:
                self.wire.clock.at(oldest.deadline_s, self._sweep)
                return
            self.end(oldest, 0, "timeout", _why_silent(oldest))
        self._sweeping = False

    def _end(self, exchange: Exchange, status: int, outcome: str = "", reason: str = "") -> None:
        """End an attempt that has not ended: with the status of its answer, or without any and why.

        It is tried again if there is an attempt left, else counted, and who asked is told.
        """
        if exchange.finished:
            return
        if status:
            outcome, reason = ("ok", "") if status < 400 else ("error", f"status-{status}")
        exchange.finished = True
        sent = self._sent
        while sent and sent[0].finished:
            sent.popleft()
        flow, wire = exchange.flow, self.wire
        if flow is not None and self.balance:
            self._channel(exchange).ended(flow, wire.network, answered=bool(status))
        elif flow is not None:
            if status and self.keep_alive and exchange.server is not None and exchange.target.protocol != UDP:
                self._keep(exchange, flow, exchange.server)
            else:
                wire.network.close(flow, outcome)
        if outcome != "ok":
            pause_s = self.retries.pause_s(exchange.attempt, wire.clock.now)
            if pause_s is not None:
                self._again(exchange, pause_s)
                return
        self._record(exchange, flow, outcome, status, reason)

    def _again(self, last: Exchange, pause_s: float) -> None:
        if pause_s > 0.0:
            self._pausing[last.id] = last
            self.wire.clock.after(pause_s, self._again, last, 0.0)
        else:
            self._pausing.pop(last.id, None)
            self.send(last.source, last.target, last.intended_s, last.done, last.depth, last.attempt + 1, last.id)

    def _keep(self, exchange: Exchange, flow: Flow, server: Server) -> None:
        key = (exchange.source.name, exchange.target.url)
        idle = self._idle.get(key)
        if idle is None:
            self._idle[key] = [(flow, server, exchange.answer)]
        else:
            idle.append((flow, server, exchange.answer))

    def _record(self, exchange: Exchange, flow: Flow | None, outcome: str, status: int, reason: str) -> None:
        wire = self.wire
        now_s = wire.clock.now
        latency_s = now_s - exchange.intended_s
        client = self.group or exchange.source.name
        number, service, pod = 0, "", ""
        if flow is not None:
            decision = flow.decision
            number, service, pod = decision.id, decision.service, decision.pod
        if not service and exchange.answer is not None:
            service = _service_named(exchange.answer.name, wire.settings.cluster_domain)
        wire.journal.append(
            RequestFinished(
                now_s, exchange.id, number, client, service, pod, status, outcome, latency_s, exchange.attempt
            )
        )
        tally = wire.measure.leaves.get((client, service, pod)) or wire.measure.tally(client, service, pod)
        tally.record(now_s, latency_s, outcome, reason)
        if exchange.done is not None:
            exchange.done(self._result(exchange, outcome, status, reason, latency_s, service))
        if self._finished is not None:
            self._finished(exchange, outcome)

    @staticmethod
    def _result(
        exchange: Exchange, outcome: str, status: int, reason: str, latency_s: float, service: str
    ) -> RequestResult:
        flow, answer = exchange.flow, exchange.answer
        decision = flow.decision if flow is not None else None
        return RequestResult(
            outcome=outcome,
            reason=reason,
            status=status,
            latency_s=latency_s,
            decision=decision.id if decision is not None else 0,
            service=service,
            pod=flow.pod if flow is not None else "",
            address=f"{decision.dst_ip}:{decision.dst_port}" if decision is not None else "",
            attempts=exchange.attempt,
            dns=answer.outcome if answer is not None else "",
            dns_name=answer.name if answer is not None else "",
        )

    def unanswered(self) -> list[Exchange]:
        """The requests that are under way or about to be tried again."""
        return [*self._pausing.values(), *(exchange for exchange in self._sent if not exchange.finished)]

    def close(self) -> None:
        """Close the connections that are kept open, and keep no more."""
        self.keep_alive = False
        for idle in self._idle.values():
            for flow, _, _ in idle:
                self.wire.network.close(flow)
        self._idle.clear()
        for channel in self._channels.values():
            channel.close(self.wire.network)
        self._channels.clear()


def _why_silent(exchange: Exchange) -> str:
    if exchange.flow is None:
        return DNS_TIMEOUT
    return exchange.flow.reason if exchange.server is None else NO_ANSWER


def _service_named(name: str, domain: str) -> str:
    """`NAMESPACE/NAME` of the Service that a full name belongs to: no rule tells it of a headless one."""
    labels = name.removesuffix(f".svc.{domain}").split(".") if name.endswith(f".svc.{domain}") else []
    return f"{labels[-1]}/{labels[-2]}" if len(labels) >= 2 else ""
