"""Who hears of a write: subscribers in the same moment, watches and followers a little later, all in order.

A write costs as much as there are parties interested in it: a Pod's change reaches those who follow all Pods
and the one kubelet whose node it is bound to, however many nodes there are.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from typing import NamedTuple

from lab.gate import Timer
from lab.kube.kinds.node import Node
from lab.kube.kinds.pod import Pod
from lab.kube.meta import KubeObject


class Change(NamedTuple):
    """One write: ADDED (no old), MODIFIED, or DELETED (no new)."""

    type: str
    old: KubeObject | None
    new: KubeObject | None

    @property
    def object(self) -> KubeObject:
        """The object as it now is, or as it last was."""
        found = self.new if self.new is not None else self.old
        assert found is not None
        return found


Callback = Callable[[Change], object]


class Follower:
    """One party that hears of changes `latency_s` after they were written, until it is closed."""

    __slots__ = ("active", "callback")

    def __init__(self, callback: Callback) -> None:
        self.callback = callback
        self.active = True


class Watch:
    """An async iterator over changes; first comes an ADDED for everything that exists."""

    def __init__(self) -> None:
        self._queue: deque[Change] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._closed = False
        self._stop: Callable[[], None] | None = None

    def attach(self, stop: Callable[[], None]) -> None:
        """Tell the watch what ends its supply."""
        self._stop = stop

    def put(self, change: Change) -> None:
        """Add a change and wake whoever waits for one."""
        self._queue.append(change)
        self._wake()

    def close(self) -> None:
        """Hear of nothing more; an iteration over it ends after what has already arrived."""
        self._closed = True
        if self._stop is not None:
            self._stop()
        self._wake()

    def __aiter__(self) -> Watch:
        return self

    async def __anext__(self) -> Change:
        while not self._queue:
            if self._closed:
                raise StopAsyncIteration
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        return self._queue.popleft()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class Dispatcher:
    """Brings each change to those who asked for its kind, or for its node."""

    def __init__(self, clock: Timer, latency_s: float) -> None:
        self._clock = clock
        self._latency_s = latency_s
        # By kind and node; the node is empty for those who follow the kind everywhere.
        self._followers: dict[tuple[str, str], tuple[Follower, ...]] = {}
        self._subscribers: dict[str, tuple[Callback, ...]] = {}
        self._waiting: deque[tuple[str, Change]] = deque()
        self._telling = False

    # -- in the same moment ---------------------------------------------------------------------------------

    def subscribe(self, callback: Callback, kinds: Iterable[str]) -> Callable[[], None]:
        """Call `callback` synchronously with every change of these kinds; returns what ends it."""
        names = tuple(kinds)
        for kind in names:
            self._subscribers[kind] = (*self._subscribers.get(kind, ()), callback)

        def stop() -> None:
            for kind in names:
                self._subscribers[kind] = tuple(c for c in self._subscribers[kind] if c is not callback)

        return stop

    def publish(self, kind: str, change: Change) -> None:
        """Tell subscribers now and followers later; a write made by a subscriber is told after this one."""
        self._schedule(kind, change)
        if kind not in self._subscribers:
            return
        self._waiting.append((kind, change))
        if self._telling:
            return
        self._telling = True
        try:
            while self._waiting:
                told, happened = self._waiting.popleft()
                for callback in self._subscribers.get(told, ()):
                    callback(happened)
        finally:
            self._telling = False
            self._waiting.clear()

    # -- later ------------------------------------------------------------------------------------------------

    def follow(
        self, callback: Callback, kinds: Iterable[str], node: str | None, existing: list[KubeObject]
    ) -> Callable[[], None]:
        """Call `callback` with ADDED for what exists and then every change, each `latency_s` after the write."""
        follower = Follower(callback)
        places = [(kind, node if node and kind in _BY_NODE else "") for kind in kinds]
        for place in places:
            self._followers[place] = (*self._followers.get(place, ()), follower)
        if existing:
            self._clock.after(self._latency_s, _tell_existing, follower, existing)

        def stop() -> None:
            follower.active = False
            for place in places:
                left = tuple(f for f in self._followers.get(place, ()) if f is not follower)
                if left:
                    self._followers[place] = left
                else:
                    self._followers.pop(place, None)

        return stop

    def _schedule(self, kind: str, change: Change) -> None:
        everywhere = self._followers.get((kind, ""))
        if everywhere:
            self._clock.after(self._latency_s, _tell, everywhere, change)
        if kind in _BY_NODE:
            node = _BY_NODE[kind](change.object)
            nearby = self._followers.get((kind, node)) if node else None
            if nearby:
                arrived = change.old is not None and _BY_NODE[kind](change.old) != node
                seen = Change("ADDED", None, change.new) if arrived else change
                self._clock.after(self._latency_s, _tell, nearby, seen)


def _node_of_pod(obj: KubeObject) -> str:
    return obj.spec.node_name if isinstance(obj, Pod) else ""


def _name_of_node(obj: KubeObject) -> str:
    return obj.metadata.name


_BY_NODE: dict[str, Callable[[KubeObject], str]] = {Pod.__name__: _node_of_pod, Node.__name__: _name_of_node}
"""Kinds of which a follower with `node=` hears only what belongs to that node, and how to tell."""


def _tell(followers: tuple[Follower, ...], change: Change) -> None:
    for follower in followers:
        if follower.active:
            follower.callback(change)


def _tell_existing(follower: Follower, existing: list[KubeObject]) -> None:
    for obj in existing:
        if follower.active:
            follower.callback(Change("ADDED", None, obj))
