"""The API server's store: every object, its versions, who watches, and what must hold for a write.

Objects are immutable values; a write puts a new one in place of the old, gives it the next
resourceVersion, journals it and tells those who are interested. All times are virtual seconds.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar, cast

import immutables
import msgspec

from lab.clock import Clock
from lab.cluster.errors import AlreadyExists, Conflict, Invalid, NotFound, ServerDown, StoreError
from lab.cluster.garbage import GarbageCollector
from lab.cluster.indexes import Key, NodeIndex, OwnerIndex, Shelf
from lab.cluster.watch import Callback, Change, Dispatcher, Watch
from lab.gate import Gate
from lab.journal import Journal, Noted, ObjectChanged
from lab.kube.builtin import group_of
from lab.kube.kinds import BY_NAME
from lab.kube.kinds.node import Node
from lab.kube.kinds.pod import Pod
from lab.kube.meta import KeptObject, KubeObject, LabelSelector
from lab.settings import Settings

__all__ = [
    "AlreadyExists",
    "Change",
    "Conflict",
    "Invalid",
    "NotFound",
    "Snapshot",
    "Store",
    "StoreError",
    "Watch",
    "kept_kind",
]

T = TypeVar("T", bound=KubeObject)
Listing = list
"""The builtin, whose name the store's own `list` takes inside the class."""

Admission = Callable[[KubeObject, KubeObject | None], KubeObject]

SUFFIX_LETTERS = "bcdfghjklmnpqrstvwxz2456789"
"""What generated names end in: no vowels and no look-alikes (apimachinery's rand)."""

_replace = msgspec.structs.replace


class Snapshot(Mapping[tuple[str, str, str], KubeObject]):
    """The whole cluster at one moment, by (kind, namespace, name); holding one costs nothing and it never changes."""

    __slots__ = ("_map", "version")

    def __init__(self, content: Any, version: int) -> None:
        self._map = content
        self.version = version

    def __getitem__(self, key: tuple[str, str, str]) -> KubeObject:
        return cast(KubeObject, self._map[key])

    def __len__(self) -> int:
        return len(self._map)

    def __iter__(self) -> Iterator[tuple[str, str, str]]:
        # The map's own order follows the hashes of strings, which differ from process to process.
        return iter(sorted(self._map))


class Store:
    """Every object of the cluster. Writes raise a `StoreError` that says what the API server would.

    While the API server is down each raises `ServerDown`; reading is for the lab itself, which sees everything.
    """

    def __init__(self, clock: Clock, journal: Journal, settings: Settings, seed: int = 0) -> None:
        self.version = 0
        self.admission: list[Admission] = []
        self.deletion: list[Callable[[KubeObject], None]] = []
        self.released: list[Callable[[KubeObject], None]] = []
        self._clock = clock
        self._journal = journal
        self._settings = settings
        self._uids = random.Random(f"{seed}/store/uids")
        self._suffixes = random.Random(f"{seed}/store/names")
        self._shelves: dict[str, Shelf] = {}
        self._by_uid: dict[str, tuple[str, Key]] = {}
        self._nodes = NodeIndex()
        self._owners = OwnerIndex()
        self._map: Any = immutables.Map()
        self.gate = Gate(clock)
        """Closed while the API server is down: nobody hears of anything, and nothing can be written."""
        self._dispatcher = Dispatcher(self.gate, settings.watch_latency_s)
        self._garbage = GarbageCollector(self, self.gate, settings.watch_latency_s)

    @property
    def down(self) -> bool:
        """Whether the API server is down."""
        return self.gate.closed

    # -- reading ----------------------------------------------------------------------------------------------

    def find(self, kind: type[T], name: str, namespace: str = "default") -> T | None:
        """The object of this name, or None."""
        shelf = self._shelf(kind.__name__)
        return cast("T | None", shelf.objects.get((namespace if shelf.namespaced else "", name)))

    def get(self, kind: type[T], name: str, namespace: str = "default") -> T:
        """The object of this name; raises NotFound."""
        found = self.find(kind, name, namespace)
        if found is None:
            raise NotFound(kind.__name__, name)
        return found

    def list(
        self,
        kind: type[T],
        namespace: str | None = None,
        selector: LabelSelector | Mapping[str, str] | None = None,
    ) -> Listing[T]:
        """All objects of a kind, oldest first: everywhere or in a namespace, and with labels when asked."""
        shelf = self._shelf(kind.__name__)
        space = namespace if shelf.namespaced else None
        if selector is not None:
            return cast("Listing[T]", shelf.select(space, selector))
        if space is not None:
            return cast("Listing[T]", shelf.in_namespace(space))
        return cast("Listing[T]", list(shelf.objects.values()))

    def named(self, kind: type[T], names: Iterable[str], namespace: str = "default") -> Listing[T]:
        """Those of these names that there are, oldest first."""
        shelf = self._shelf(kind.__name__)
        space = namespace if shelf.namespaced else ""
        keys = [(space, name) for name in names if (space, name) in shelf.objects]
        return cast("Listing[T]", shelf.pick(keys))

    def count(self, kind: type[KubeObject]) -> int:
        """How many objects of a kind there are."""
        return len(self._shelf(kind.__name__).objects)

    def pods_on(self, node: str) -> Listing[Pod]:
        """The Pods bound to a node, oldest first."""
        return cast("Listing[Pod]", self._shelf("Pod").pick(self._nodes.keys(node)))

    def nodes_with_pods(self) -> Listing[str]:
        """The names of all nodes that Pods are bound to, whether or not there is such a node."""
        return self._nodes.nodes()

    def owned_by(self, uid: str, kind: type[T]) -> Listing[T]:
        """What names the object with this uid as an owner, oldest first."""
        name = kind.__name__
        return cast("Listing[T]", self._shelf(name).pick(self._owners.keys(uid, name)))

    def find_kept(self, kind: str, name: str, namespace: str = "default") -> KeptObject | None:
        """An object that is kept but not simulated, by its kind (`Ingress`, or `Ingress.networking.k8s.io`)."""
        for shelf in self._kept_shelves(kind):
            found = shelf.objects.get((namespace, name)) or shelf.objects.get(("", name))
            if found is not None:
                return cast(KeptObject, found)
        return None

    def kept(self, kind: str | None = None, namespace: str | None = None) -> Listing[KeptObject]:
        """Everything that is kept but not simulated, by kind in the order the kinds came, then oldest first."""
        found = [obj for shelf in self._kept_shelves(kind) for obj in shelf.objects.values()]
        return [cast(KeptObject, obj) for obj in found if namespace in (None, obj.metadata.namespace)]

    def snapshot(self) -> Snapshot:
        """The whole cluster as it is now, at no cost."""
        return Snapshot(self._map, self.version)

    def fork(self) -> Store:
        """A store of its own to try writes on: it begins with what this one holds, nothing admits and nobody hears.

        Its clock stands still. This one must not be written to while the fork is in use.
        """
        twin = Store(Clock(self._clock.time()), Journal(kept=1), self._settings)
        twin.version = self.version
        twin._uids.setstate(self._uids.getstate())
        twin._suffixes.setstate(self._suffixes.getstate())
        twin._shelves = {kind: shelf.fork() for kind, shelf in self._shelves.items()}
        twin._by_uid = dict(self._by_uid)
        twin._nodes, twin._owners = self._nodes.fork(), self._owners.fork()
        twin._map = self._map
        return twin

    # -- hearing of writes --------------------------------------------------------------------------------------

    def watch(self, *kinds: type[KubeObject], node: str | None = None) -> Watch:
        """An async iterator of changes, `watch_latency_s` after each write; begins with ADDED for what exists.

        With `node`, of Pods only those bound to it and of Nodes only that one.
        """
        watch = Watch()
        watch.attach(self.follow(watch.put, *kinds, node=node))
        return watch

    def follow(self, callback: Callback, *kinds: type[KubeObject], node: str | None = None) -> Callable[[], None]:
        """The same as `watch`, but calls back on the clock, which costs no task; returns what ends it."""
        existing = [obj for kind in kinds for obj in self._existing(kind, node)]
        return self._dispatcher.follow(callback, [kind.__name__ for kind in kinds], node, existing)

    def subscribe(self, callback: Callback, *kinds: type[KubeObject]) -> Callable[[], None]:
        """Call `callback` in the very moment of each write of these kinds; returns what ends it."""
        return self._dispatcher.subscribe(callback, [kind.__name__ for kind in kinds])

    def note(self, obj: KubeObject, reason: str, message: str, *, type: str = "Normal", component: str = "") -> None:
        """Journal what a component has to say about an object, as `kubectl get events` would show it."""
        meta = obj.metadata
        now = self._clock.time()
        self._journal.append(Noted(now, type, reason, obj.kind, meta.namespace, meta.name, message, component))

    # -- writing ------------------------------------------------------------------------------------------------

    def create(self, obj: T) -> T:
        """Put in a new object and give it a uid, a version and a name if it has only a generateName.

        Raises AlreadyExists, or Invalid from an admission hook.
        """
        self._must_be_up()
        kind = _shelf_name(obj)
        shelf = self._shelf(kind)
        key = self._new_key(kind, shelf, obj)
        meta = _replace(
            obj.metadata,
            name=key[1],
            namespace=key[0],
            uid=self._new_uid(),
            resource_version=0,
            generation=1,
            creation_timestamp=self._clock.time(),
            deletion_timestamp=None,
            deletion_grace_period_seconds=None,
        )
        admitted = self._admit(_replace(obj, metadata=meta), None)
        return cast(T, self._put(kind, shelf, key, None, admitted))

    def update(self, obj: T) -> T:
        """Write a new version of an object; one that says nothing new changes nothing.

        Raises NotFound, Conflict when `resource_version` is not the newest, or Invalid from an admission hook.
        """
        self._must_be_up()
        kind = _shelf_name(obj)
        shelf = self._shelf(kind)
        meta = obj.metadata
        key = (meta.namespace if shelf.namespaced else "", meta.name)
        old = shelf.objects.get(key)
        if old is None:
            raise NotFound(kind, meta.name)
        if old.metadata.resource_version != meta.resource_version:
            raise Conflict(kind, meta.name)
        return cast(T, self._update(kind, shelf, key, old, obj))

    def mutate(self, kind: type[T], name: str, namespace: str, change: Callable[[T], T]) -> T | None:
        """Take the newest version through `change` and write it; None when the object is gone."""
        self._must_be_up()
        shelf = self._shelf(kind.__name__)
        key = (namespace if shelf.namespaced else "", name)
        old = cast("T | None", shelf.objects.get(key))
        if old is None:
            return None
        return cast(T, self._update(kind.__name__, shelf, key, old, change(old)))

    def delete(
        self, kind: type[KubeObject], name: str, namespace: str = "default", grace_s: float | None = None
    ) -> None:
        """Delete an object; raises NotFound, or Forbidden from a hook of `deletion`.

        A Pod that is bound to a node first gets a deletionTimestamp and its grace period (`grace_s`, or its own)
        and goes when its kubelet says so; finalizers keep an object until they are taken away; everything else
        goes at once, and what it owned follows.
        """
        self._must_be_up()
        found = self.get(kind, name, namespace)
        for ask in self.deletion:
            ask(found)
        self._delete(found, grace_s)

    def delete_kept(self, obj: KeptObject) -> None:
        """Delete an object that is kept but not simulated; raises NotFound."""
        found = self._shelf(_shelf_name(obj)).objects.get(obj.key)
        if found is None:
            raise NotFound(_shelf_name(obj), obj.metadata.name)
        self._delete(found, None)

    def remove(self, obj: KubeObject) -> None:
        """Delete at once, as a kubelet does in the end; leaves alone what merely has the same name as what is gone."""
        self._must_be_up()
        place = self._by_uid.get(obj.metadata.uid)
        if place is not None:
            self._delete(self._shelf(place[0]).objects[place[1]], 0)

    # -- what the garbage collector asks --------------------------------------------------------------------------

    def exists(self, uid: str) -> bool:
        """Whether an object with this uid is in the store."""
        return uid in self._by_uid

    def has_dependents(self, uid: str) -> bool:
        """Whether anything names the object with this uid as an owner."""
        return bool(self._owners.kinds(uid))

    def dependents(self, uid: str) -> Listing[KubeObject]:
        """Everything, of any kind, that names the object with this uid as an owner."""
        return [obj for kind in self._owners.kinds(uid) for obj in self._shelf(kind).pick(self._owners.keys(uid, kind))]

    def everything_in(self, namespace: str) -> Listing[KubeObject]:
        """Every object of every kind in a namespace."""
        return [obj for shelf in self._shelves.values() if shelf.namespaced for obj in shelf.in_namespace(namespace)]

    def discard(self, obj: KubeObject) -> None:
        """Delete an object the ordinary way unless it has gone already."""
        place = self._by_uid.get(obj.metadata.uid)
        if place is not None:
            self._delete(self._shelf(place[0]).objects[place[1]], None)

    # -- how a write happens --------------------------------------------------------------------------------------

    def _must_be_up(self) -> None:
        if self.gate.closed:
            raise ServerDown

    def _update(self, kind: str, shelf: Shelf, key: Key, old: KubeObject, new: KubeObject) -> KubeObject:
        if new is old:
            return old
        for hook in self.admission:
            new = hook(new, old)
        before, meta = old.metadata, new.metadata
        changed = meta is not before and meta != before
        if not changed and new == old:
            return old
        generation = before.generation + _wants_otherwise(old, new)
        if changed:
            meta = _replace(meta, uid=before.uid, creation_timestamp=before.creation_timestamp, generation=generation)
        elif generation != before.generation:
            meta = _replace(before, generation=generation)
        new = _replace(new, metadata=meta)
        if meta.deletion_timestamp is not None and not meta.finalizers and meta.deletion_grace_period_seconds == 0:
            self._drop(kind, shelf, key, old)
            return new
        return self._put(kind, shelf, key, old, new)

    def _admit(self, obj: KubeObject, old: KubeObject | None) -> KubeObject:
        for hook in self.admission:
            obj = hook(obj, old)
        return obj

    def _put(self, kind: str, shelf: Shelf, key: Key, old: KubeObject | None, new: KubeObject) -> KubeObject:
        self.version = version = self.version + 1
        new = _replace(new, metadata=_replace(new.metadata, resource_version=version))
        if old is None:
            shelf.add(key, new)
            self._by_uid[new.metadata.uid] = (kind, key)
        else:
            shelf.replace(key, old, new)
        self._map = self._map.set((kind, *key), new)
        self._published("ADDED" if old is None else "MODIFIED", kind, key, old, new)
        return new

    def _drop(self, kind: str, shelf: Shelf, key: Key, obj: KubeObject) -> None:
        self.version += 1
        shelf.remove(key)
        del self._by_uid[obj.metadata.uid]
        self._map = self._map.delete((kind, *key))
        for hook in self.released:
            hook(obj)
        self._published("DELETED", kind, key, obj, None)
        self._garbage.gone(obj)

    def _published(self, type: str, kind: str, key: Key, old: KubeObject | None, new: KubeObject | None) -> None:
        if kind == "Pod":
            self._nodes.change(key, old, new)
        self._owners.change(kind, key, old, new)
        obj = new if new is not None else old
        assert obj is not None
        self._journal.append(ObjectChanged(self._clock.time(), type, obj.kind, key[0], key[1], self.version))
        self._dispatcher.publish(obj.__class__.__name__, Change(type, old, new))

    def _delete(self, obj: KubeObject, grace_s: float | None) -> None:
        kind = _shelf_name(obj)
        shelf = self._shelf(kind)
        meta = obj.metadata
        key = meta.namespace, meta.name
        grace = self._grace_of(obj, grace_s)
        if grace <= 0 and not meta.finalizers:
            self._drop(kind, shelf, key, obj)
            return
        left_s = meta.deletion_grace_period_seconds
        if meta.deletion_timestamp is not None and (grace_s is None or left_s is None or grace >= left_s):
            return  # A second delete can only make the end come sooner.
        ending = _replace(
            meta,
            deletion_timestamp=self._clock.time() + grace,
            deletion_grace_period_seconds=grace,
            generation=meta.generation + 1,
        )
        self._put(kind, shelf, key, obj, _replace(obj, metadata=ending))

    def _grace_of(self, obj: KubeObject, grace_s: float | None) -> float:
        if not isinstance(obj, Pod) or not obj.spec.node_name or obj.finished:
            return 0.0
        if grace_s is not None:
            return grace_s
        own = obj.spec.termination_grace_period_seconds
        return own if own is not None else self._settings.termination_grace_period_s

    # -- names and places -------------------------------------------------------------------------------------------

    def _shelf(self, kind: str) -> Shelf:
        shelf = self._shelves.get(kind)
        if shelf is None:
            shelf = self._shelves[kind] = Shelf(kind)
        return shelf

    def _kept_shelves(self, kind: str | None) -> Listing[Shelf]:
        return [
            shelf
            for name, shelf in self._shelves.items()
            if name not in BY_NAME and (kind is None or kind in (name, name.partition(".")[0]))
        ]

    def _existing(self, kind: type[KubeObject], node: str | None) -> Listing[KubeObject]:
        if kind is KeptObject:
            return [*self.kept()]
        if node and kind is Pod:
            return [*self.pods_on(node)]
        if node and kind is Node:
            return [found for found in (self.find(Node, node),) if found is not None]
        return [*self.list(kind)]

    def _new_key(self, kind: str, shelf: Shelf, obj: KubeObject) -> Key:
        meta = obj.metadata
        namespace = meta.namespace
        if kind in BY_NAME:
            namespace = (namespace or "default") if shelf.namespaced else ""
        if meta.name:
            if (namespace, meta.name) in shelf.objects:
                raise AlreadyExists(kind, meta.name)
            return namespace, meta.name
        while True:
            name = meta.generate_name + "".join(self._suffixes.choices(SUFFIX_LETTERS, k=5))
            if (namespace, name) not in shelf.objects:
                return namespace, name

    def _new_uid(self) -> str:
        digits = f"{self._uids.getrandbits(128):032x}"
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


def kept_kind(obj: KubeObject) -> str:
    """`Ingress.networking.k8s.io`: the kind of an object that is kept but not simulated, as `find_kept` takes it."""
    group = group_of(obj.api_version)
    return f"{obj.kind}.{group}" if group or obj.kind in BY_NAME else obj.kind


def _shelf_name(obj: KubeObject) -> str:
    return kept_kind(obj) if isinstance(obj, KeptObject) else obj.__class__.__name__


def _wants_otherwise(old: KubeObject, new: KubeObject) -> bool:
    before, after = getattr(old, "spec", None), getattr(new, "spec", None)
    return before is not after and before != after
