"""What every controller is: it follows kinds, queues the keys that a change concerns, and reconciles them one by one.

https://kubernetes.io/docs/concepts/architecture/controller/
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable

from lab.cluster.controllers.queue import WorkQueue
from lab.cluster.errors import StoreError
from lab.cluster.indexes import Key
from lab.cluster.store import Store
from lab.cluster.watch import Change
from lab.gate import Timer
from lab.kube.meta import KubeObject, OwnerReference
from lab.settings import Settings

__all__ = ["Controller", "Key", "WorkQueue", "own_key", "owner_keys", "reference_to"]

KeysOf = Callable[[Change], Iterable[Key]]


class Controller:
    """A control loop. Subclasses set `name`, say in `connect` what they follow, and write `reconcile`."""

    name = ""

    def __init__(self, store: Store, clock: Timer, settings: Settings, seed: int) -> None:
        self.store = store
        self.clock = clock
        self.settings = settings
        self.random = random.Random(f"{seed}/{self.name}")
        self.queue = WorkQueue(clock, settings.controller_retry_initial_s, settings.controller_retry_max_s)

    def connect(self) -> None:
        """Follow what concerns this controller; called once when it starts."""

    def resume(self) -> None:
        """The control plane was down, and is up again; called before anything else goes on."""

    async def reconcile(self, key: Key) -> None:
        """Bring the world one step closer to what the object `key` asks for.

        A StoreError that leaves it is retried with back-off.
        """

    def follow(self, kind: type[KubeObject], keys_of: KeysOf | None = None) -> None:
        """Queue `keys_of(change)` for each change of a kind; without it, the changed object itself."""
        find_keys = keys_of or own_key

        def on_change(change: Change) -> None:
            for key in find_keys(change):
                self.queue.add(key)

        self.store.follow(on_change, kind)

    async def run(self) -> None:
        """Work until cancelled."""
        self.connect()
        while True:
            key = await self.queue.get()
            try:
                await self.reconcile(key)
            except StoreError:
                self.queue.retry(key)
            else:
                self.queue.forget(key)

    def note(self, obj: KubeObject, reason: str, message: str, *, type: str = "Normal") -> None:
        """Say something about an object, as this component."""
        self.store.note(obj, reason, message, type=type, component=self.name)


def own_key(change: Change) -> tuple[Key]:
    """The key of the changed object itself."""
    return (change.object.key,)


def owner_keys(kind: str) -> KeysOf:
    """A rule that finds the keys of the controlling owners of `kind` that a change had before and has now."""

    def keys_of(change: Change) -> list[Key]:
        keys: list[Key] = []
        for obj in (change.old, change.new):
            owner = obj.metadata.controller if obj is not None else None
            if obj is not None and owner is not None and owner.kind == kind:
                key = (obj.metadata.namespace, owner.name)
                if key not in keys:
                    keys.append(key)
        return keys

    return keys_of


def reference_to(owner: KubeObject) -> OwnerReference:
    """The ownerReference by which `owner` controls an object."""
    return OwnerReference(
        api_version=owner.api_version,
        kind=owner.kind,
        name=owner.metadata.name,
        uid=owner.metadata.uid,
        controller=True,
        block_owner_deletion=True,
    )
