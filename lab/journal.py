"""What happened: typed events in the order they happened, their hash, and who listens.

The journal is the only thing screens, checks, reports and recordings read of a run. It keeps the newest
events as objects, a running SHA-256 over all of them in msgpack, and gives every event to its listeners.
Nothing is dropped silently: `read` says how many of the events asked for have left memory.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Iterator
from itertools import islice
from typing import NamedTuple, Protocol

import msgspec


class Event(msgspec.Struct, frozen=True, gc=False, tag_field="event", omit_defaults=True):
    """Something that happened at a moment of virtual time, in seconds."""

    time: float


class ObjectChanged(Event, frozen=True, gc=False, tag="object"):
    """A Kubernetes object was ADDED, MODIFIED or DELETED in the store."""

    change: str
    kind: str
    namespace: str
    name: str
    version: int


class Noted(Event, frozen=True, gc=False, tag="noted"):
    """What `kubectl get events` shows: a component says something about an object."""

    type: str
    """Normal or Warning."""
    reason: str
    kind: str
    namespace: str
    name: str
    message: str
    component: str = ""


class Decision(Event, frozen=True, gc=False, tag="decision"):
    """Where one new connection was sent, by which node's rules, and why."""

    id: int
    client: str
    """Who opened it: `pod/NAMESPACE/NAME`, `node/NAME` or `internet/NAME`."""
    node: str
    """The node whose rules decided; empty when none was reached."""
    src_ip: str
    src_port: int
    dst_ip: str
    dst_port: int
    protocol: str
    host: str
    """The name that the client asked for, or the address when it used none."""
    service: str
    """`NAMESPACE/NAME` of the Service that matched; empty when none did."""
    endpoint: str
    """`IP:PORT` that was chosen; empty when none was."""
    pod: str
    """`NAMESPACE/NAME` of the Pod behind the endpoint."""
    verdict: str
    """deliver, reject, drop or pass."""
    reason: str
    """One of `lab.network.reasons`."""
    hops: tuple[str, ...] = ()
    """`internet/x`, `lb/IP`, `node/NAME`, `pod/NAMESPACE/NAME`, in the order they were reached."""
    masquerade: bool = False
    table: int = 0
    """The version of the rule table that the node held."""
    policy: str = ""
    """`NAMESPACE/NAME` of the NetworkPolicies that allowed or denied it, with commas; empty when none was concerned."""


class RequestFinished(Event, frozen=True, gc=False, tag="request"):
    """A client has its answer, or has given up."""

    id: int
    decision: int
    """The decision of the connection that carried it; 0 when none was made (a name that did not resolve)."""
    client: str
    service: str
    pod: str
    status: int
    """The HTTP status, or 0 when there was no answer."""
    outcome: str
    """ok, error, refused, timeout, reset, nxdomain, unreachable."""
    latency_s: float
    """From the moment the request was meant to be sent, so that waiting counts."""
    attempt: int = 1


class Probed(Event, frozen=True, gc=False, tag="probe"):
    """A kubelet's probe changed its verdict."""

    namespace: str
    pod: str
    container: str
    probe: str
    success: bool
    message: str = ""


class ProxySynced(Event, frozen=True, gc=False, tag="sync"):
    """A node's kube-proxy has programmed a newer rule table."""

    node: str
    table: int
    changed: tuple[str, ...] = ()
    """The Services whose rules differ from the table before."""


class NetworkChanged(Event, frozen=True, gc=False, tag="network"):
    """A link, a node's power or a kube-proxy went up, down or slow."""

    what: str
    state: str


class HealthChecked(Event, frozen=True, gc=False, tag="health"):
    """A load balancer changed its mind about a target."""

    balancer: str
    service: str
    node: str
    """The target: a node, or `pod/NAMESPACE/NAME`."""
    healthy: bool
    message: str = ""


class CommandGiven(Event, frozen=True, gc=False, tag="command"):
    """Somebody, or the timeline, gave a command; what it does comes after it."""

    text: str
    by: str


class CommandRefused(Event, frozen=True, gc=False, tag="refused"):
    """The command just given was not understood, or could not be carried out."""

    text: str
    by: str
    error: str


class Narrated(Event, frozen=True, gc=False, tag="narrated"):
    """The lesson or scenario says something."""

    text: str


class Checked(Event, frozen=True, gc=False, tag="check"):
    """An expectation of the scenario was judged."""

    name: str
    passed: bool
    message: str = ""


AnyEvent = (
    ObjectChanged
    | Noted
    | Decision
    | RequestFinished
    | Probed
    | ProxySynced
    | NetworkChanged
    | HealthChecked
    | CommandGiven
    | CommandRefused
    | Narrated
    | Checked
)

_BATCH = 512
"""How many events are encoded and hashed at once."""

Listener = Callable[[Event], object]


class Sink(Protocol):
    """Where events are written to: an open file, or what is like one."""

    def write(self, data: bytes | memoryview, /) -> int:
        """Write some bytes."""

    def flush(self) -> object:
        """Let nothing wait."""


class Reading(NamedTuple):
    """Events read from a position on."""

    events: list[Event]
    position: int
    """Where to read on."""
    lost: int
    """How many events before these have left memory."""


class Journal:
    """Events of one run, in order. `kept` bounds how many of the newest stay in memory as objects."""

    def __init__(self, kept: int = 100_000) -> None:
        self._recent: deque[Event] = deque(maxlen=kept)
        self._pending: list[Event] = []
        self._count = 0
        self._hash = hashlib.sha256()
        self._encoder = msgspec.msgpack.Encoder()
        self._listeners: dict[type[Event], tuple[Listener, ...]] = {}
        self._sink: Sink | None = None

    def __len__(self) -> int:
        return self._count + len(self._pending)

    def append(self, event: Event) -> None:
        """Add an event and tell those who listen to its type."""
        pending = self._pending
        pending.append(event)
        if len(pending) >= _BATCH:
            self._settle()
        listeners = self._listeners.get(type(event))
        if listeners is not None:
            for listener in listeners:
                listener(event)

    def listen(self, listener: Listener, *types: type[Event]) -> Callable[[], None]:
        """Call `listener` with every event of `types` from now on; returns what ends it."""
        # A listener may start or stop listening while an event is being told: the lists are replaced, never changed.
        for kind in types:
            self._listeners[kind] = (*self._listeners.get(kind, ()), listener)

        def stop() -> None:
            for kind in types:
                self._listeners[kind] = tuple(each for each in self._listeners[kind] if each is not listener)

        return stop

    def read(self, position: int = 0) -> Reading:
        """Everything from `position` (a count of events) that is still in memory."""
        self._settle()
        first = self._count - len(self._recent)
        start = max(position, first)
        events = list(islice(reversed(self._recent), self._count - start))
        events.reverse()
        return Reading(events, self._count, start - position if start > position else 0)

    def tail(self) -> Iterator[Event]:
        """The events still in memory, newest first."""
        self._settle()
        return reversed(self._recent)

    def write_to(self, sink: Sink) -> None:
        """From now on, also write each event to `sink` as a stream of msgpack maps."""
        self._settle()
        self._sink = sink

    def close(self) -> None:
        """Write out what is pending."""
        self._settle()
        if self._sink is not None:
            self._sink.flush()

    @property
    def digest(self) -> str:
        """SHA-256, in hex, over every event so far; equal for equal runs."""
        self._settle()
        return self._hash.hexdigest()

    def _settle(self) -> None:
        # Encoding and hashing a batch at a time costs a fifth of doing it event by event. It is encoded as one array,
        # and the array's own header left out: 1 byte below 16 elements, 3 below 65,536 (the msgpack specification).
        pending = self._pending
        if not pending:
            return
        data = memoryview(self._encoder.encode(pending))[1 if len(pending) < 16 else 3 :]
        self._hash.update(data)
        if self._sink is not None:
            self._sink.write(data)
        self._recent.extend(pending)
        self._count += len(pending)
        pending.clear()
