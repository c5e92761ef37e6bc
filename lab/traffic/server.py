"""The app in one running container: its worker slots, its line of waiting requests, its answers and its end."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from lab.cluster.runtime import Usage
from lab.kube.kinds.pod import Container, Pod
from lab.traffic.ailment import Ailment
from lab.traffic.app import AppSpec
from lab.traffic.discover import Mention, mentions
from lab.traffic.environment import as_started
from lab.traffic.exchange import Exchange
from lab.traffic.failures import SERVER_ENDED, SERVER_OVERLOADED
from lab.traffic.request import RequestResult, Target
from lab.traffic.usage import cores_of_worker, memory_of
from lab.traffic.working_set import WorkingSet

if TYPE_CHECKING:
    from lab.network.flow import Source
    from lab.traffic.servers import Servers

MAX_DEPTH = 6
"""An app called through this many others answers without calling on, so that call cycles end."""

STARTING, RUNNING, DRAINING, ENDED = range(4)


class Server:
    """One container from start to exit; a restart makes a new one."""

    __slots__ = (
        "_backlog",
        "_busy",
        "_calls",
        "_calls_version",
        "_draw",
        "_exited",
        "_inflight",
        "_memory",
        "_rng",
        "_stalled",
        "_worked",
        "_worked_s",
        "_working",
        "answered",
        "app",
        "arrive",
        "closed",
        "container",
        "driving",
        "ended_s",
        "frozen",
        "hung",
        "mentions",
        "parent",
        "pod",
        "ports",
        "restarts",
        "silent",
        "source",
        "spec",
        "started_s",
        "state",
    )

    def __init__(
        self,
        parent: Servers,
        pod: Pod,
        container: Container,
        spec: AppSpec,
        source: Source,
        restarts: int,
        exited: Callable[[int, str], None],
    ) -> None:
        self.parent = parent
        self.pod = pod
        self.container = container
        self.app = spec
        """What its image does by itself."""
        self.spec = spec
        """What it does, with what ails it."""
        self.source = source
        self.restarts = restarts
        self.state = STARTING
        self.hung = False
        self.frozen = False
        """Whether its machine stands still."""
        self.driving = False
        """Whether it calls others by itself, again and again."""
        self.closed = False
        """Whether it listens nowhere, whatever it should."""
        self.silent = False
        """Whether it ended without a word, because its node lost power."""
        self.ended_s = 0.0
        self.ports: dict[tuple[str, int], None] = {}
        """(protocol, port) pairs it listens on now."""
        self.mentions: tuple[Mention, ...] = ()
        if spec.calls is None:
            self.mentions = mentions(as_started(container, pod, parent.store))
        self.answered = 0
        """Requests that it has answered, well or not."""
        self.started_s = parent.clock.now
        # Bound once: the clock is handed them for every request.
        self.arrive = self._take
        self._worked = self._work
        self._exited = exited
        self._busy = 0
        self._working = 0
        self._worked_s = 0.0
        """The sum of the moments at which work ended, less those at which it began: with what is being worked on
        ending now, the seconds that workers have worked."""
        self._backlog: deque[Exchange] = deque()
        self._inflight: dict[int, Exchange] = {}
        self._stalled: list[Exchange] = []
        self._calls: tuple[Target, ...] = ()
        self._calls_version = -1
        self._rng: random.Random | None = None
        self._draw: Callable[[], float] = self._first_draw
        self._memory: WorkingSet | None = None
        if spec.memory_bytes is not None or spec.memory_growth:
            self._follow_memory()

    @property
    def busy(self) -> int:
        """Requests being worked on."""
        return self._busy

    @property
    def waiting(self) -> int:
        """Requests in line."""
        return len(self._backlog)

    @property
    def answers(self) -> bool:
        """Whether it is up and not hung."""
        return self.moves and self.state in (RUNNING, DRAINING)

    @property
    def moves(self) -> bool:
        """Whether its processes do anything at all."""
        return not self.hung and not self.frozen

    @property
    def slower_s(self) -> float:
        """How much longer it takes for a request than its app would, on average."""
        return self.spec.service_time.mean_s - self.app.service_time.mean_s

    @property
    def expected_wait_s(self) -> float:
        """How long a request that came now would wait for a worker, roughly."""
        if self._busy < self.spec.workers:
            return 0.0
        return (len(self._backlog) + 1) / self.spec.workers * self.spec.service_time.mean_s

    def _first_draw(self) -> float:
        # A generator of its own takes 2.5 kB, so only a container that is asked something gets one.
        self._draw = self.spec.service_time.sampler(self.rng)
        self.parent.has_worked(self)
        return self._draw()

    @property
    def rng(self) -> random.Random:
        """What this container draws from."""
        if self._rng is None:
            name = f"server/{self.source.name}/{self.container.name}/{self.restarts}"
            self._rng = random.Random(f"{self.parent.seed}/{name}")
        return self._rng

    @property
    def usage(self) -> Usage:
        """What it has used since it started."""
        worked_s = self._worked_s + self._working * self.parent.clock.now
        cpu_s = max(worked_s, 0.0) * cores_of_worker(self.spec, self.container)
        memory = self._memory.bytes if self._memory is not None else memory_of(self.spec, self.container)
        return Usage(self.started_s, cpu_s, memory, self.answered)

    def _follow_memory(self) -> None:
        """It holds more and more, or might hold too much, from now on."""
        if self._memory is None:
            self._memory = WorkingSet(self)
        self._memory.settle()
        if self.spec.memory_growth:
            self.parent.has_worked(self)  # what it used before is no longer what it uses now

    # -- one request ----------------------------------------------------------------------------------------

    def _take(self, exchange: Exchange) -> None:
        """A request has reached the container: work on it, put it in line, or turn it away."""
        if exchange.finished:
            return
        spec = self.spec
        if self.state == ENDED:
            self._reset(exchange)
        elif self._busy < spec.workers:
            self._busy += 1
            self._inflight[exchange.serial] = exchange
            draw, clock = self._draw, self.parent.clock
            self._working += 1
            self._worked_s -= clock.now
            clock.after(draw(), self._worked, exchange)
        elif len(self._backlog) < spec.backlog:
            self._inflight[exchange.serial] = exchange
            self._backlog.append(exchange)
        elif exchange.target.http:
            self._reply(exchange, 503)
        else:
            self._reset(exchange)

    def _work(self, exchange: Exchange) -> None:
        """The time that a request takes is over: answer it, or first call others."""
        if self.state == ENDED:
            return
        self._working -= 1
        self._worked_s += self.parent.clock.now
        if self.hung or self.frozen:
            self._stalled.append(exchange)
            return
        if self._calls_version != self.parent.services.version:
            self._find_calls()
        if self._calls and exchange.depth < MAX_DEPTH:
            CallChain(self, exchange, self._calls).next()
            return
        rate = self.spec.error_rate
        self.complete(exchange, 500 if rate and self.rng.random() < rate else 200)

    def complete(self, exchange: Exchange, status: int) -> None:
        """Answer, and let the next one in line have the worker."""
        if self._inflight.pop(exchange.serial, None) is None:
            return
        self.answered += 1
        if self._backlog:
            self._working += 1
            self._worked_s -= self.parent.clock.now
            self.parent.clock.after(self._draw(), self._worked, self._backlog.popleft())
        else:
            self._busy -= 1
        self._reply(exchange, status)
        if self.state == DRAINING and not self._inflight:
            self._drained()

    def _reply(self, exchange: Exchange, status: int) -> None:
        flow = exchange.flow
        if exchange.finished or flow is None:
            return
        if not self.parent.network.carries(flow):
            exchange.caller.reset_by_balancer(exchange, flow)
            return
        delay_s = self.parent.wire.travels_s(flow.way.quality, self.parent.answer_bytes)
        self.parent.clock.after(delay_s, exchange.caller.end, exchange, status)

    def _reset(self, exchange: Exchange) -> None:
        flow = exchange.flow
        if self.silent or flow is None:
            return
        reason = SERVER_ENDED if self.state == ENDED else SERVER_OVERLOADED
        self.parent.clock.after(flow.latency_s, exchange.caller.end, exchange, 0, "reset", reason)

    def said_goodbye(self, latency_s: float) -> bool:
        """Whether a client that is `latency_s` away has heard by now that its connections here are closed."""
        if self.state == RUNNING or self.silent:
            return False
        return self.state == DRAINING or self.parent.clock.time() >= self.ended_s + latency_s

    # -- whom it calls --------------------------------------------------------------------------------------

    @property
    def calls(self) -> tuple[Target, ...]:
        """Whom it calls for each request; looked up again when Services have come."""
        if self._calls_version != self.parent.services.version:
            self._find_calls()
        return self._calls

    def _find_calls(self) -> None:
        self._calls_version = self.parent.services.version
        self._calls = self.parent.services.calls_of(self)

    # -- its life -------------------------------------------------------------------------------------------

    def behave(self, ailment: Ailment) -> None:
        """From now on do what the app does that has this ailment."""
        self.spec = ailment.of(self.app)
        if self._draw != self._first_draw:
            self._draw = self.spec.service_time.sampler(self.rng)
        if self._memory is not None or self.spec.memory_growth:
            self._follow_memory()
        if self.closed != ailment.closed:
            self.closed = ailment.closed
            self.parent.open_ports(self)

    def hang(self, hung: bool) -> None:
        """Stop answering, or come back and finish what has piled up."""
        self.hung = hung
        self._go_on()

    def freeze(self, on: bool) -> None:
        """Stand still with its machine, or go on with it."""
        self.frozen = on
        self._go_on()

    def _go_on(self) -> None:
        if self._memory is not None:
            self._memory.settle()
        if self.moves:
            stalled, self._stalled = self._stalled, []
            for exchange in stalled:  # Their work is done: taken up again, it takes no time.
                self._working += 1
                self._worked_s -= self.parent.clock.now
                self._worked(exchange)

    def terminate(self) -> None:
        """SIGTERM: end at once, or refuse what is new and finish what is in progress."""
        if self.hung or self.state in (DRAINING, ENDED):
            return
        if self.spec.shutdown == "abrupt" or self.state == STARTING:
            # The default action of SIGTERM ends the process with 128 + 15; images with a handler exit with 0.
            self.end(143, "Error")
            return
        self.parent.close_ports(self)
        self.state = DRAINING
        if not self._inflight:
            self._drained()

    def _drained(self) -> None:
        self.parent.clock.after(self.spec.shutdown_s, self.end, 0, "Completed")

    def end(self, code: int, reason: str) -> None:
        """The process is gone: what was open is reset, and the kubelet hears the exit code."""
        if self.state == ENDED:
            return
        self._stop()
        for exchange in self._inflight.values():
            self._abort(exchange)
        self._inflight.clear()
        self._exited(code, reason)

    def power_off(self) -> None:
        """The node is gone: nobody hears anything."""
        self.silent = True
        self._stop()
        self._inflight.clear()

    def _abort(self, exchange: Exchange) -> None:
        flow = exchange.flow
        # The node answers for a Pod that is gone: only a way back is needed.
        if flow is not None and self.parent.wire.way_s(flow) is not None:
            self._reset(exchange)

    def _stop(self) -> None:
        self.state = ENDED
        self.ended_s = self.parent.clock.time()
        self._backlog.clear()
        self._stalled.clear()
        self.parent.forget(self)


class CallChain:
    """The calls that an app makes for one request, one after the other; the first that fails ends it."""

    __slots__ = ("_calls", "_exchange", "_position", "_server")

    def __init__(self, server: Server, exchange: Exchange, calls: tuple[Target, ...]) -> None:
        self._server = server
        self._exchange = exchange
        self._calls = calls
        self._position = 0

    def next(self, result: RequestResult | None = None) -> None:
        """Make the next call, or answer: 200 after the last one, 503 after one that failed."""
        server, exchange = self._server, self._exchange
        if server.state == ENDED:
            return
        if result is not None and not result.ok:
            server.complete(exchange, 503)
            return
        if self._position == len(self._calls):
            rate = server.spec.error_rate
            server.complete(exchange, 500 if rate and server.rng.random() < rate else 200)
            return
        target = self._calls[self._position]
        self._position += 1
        parent = server.parent
        parent.caller.send(server.source, target, parent.clock.time(), self.next, exchange.depth + 1)
