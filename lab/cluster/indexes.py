"""Where the store finds objects quickly: by name, namespace, label, node and owner.

Every index is made of dicts, so whatever is read from one comes in creation order and never in the
order of a hash.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import copy
from typing import Any, TypeVar

from lab.kube.kinds import BY_NAME
from lab.kube.kinds.pod import Pod
from lab.kube.meta import KubeObject, LabelSelector
from lab.kube.selector import matches

Key = tuple[str, str]
"""(namespace, name) within a kind."""
F = TypeVar("F", bound="_Forking")

_NOTHING: dict[Any, Any] = {}
_NO_KEYS: dict[Key, None] = {}


class _Forking:
    """Made of dicts, which a fork shares until it is written to; the original must not change in the meantime."""

    def __init__(self) -> None:
        self._borrowed = False

    def fork(self: F) -> F:
        """The same content, to be written to without the original noticing."""
        twin = copy(self)
        twin._borrowed = True
        return twin

    def _own(self) -> None:
        for name, value in list(vars(self).items()):
            if isinstance(value, dict):
                setattr(self, name, _copied(value))
        self._borrowed = False


class Shelf(_Forking):
    """All objects of one kind, with an index by namespace and one by (namespace, label key, label value)."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        known = BY_NAME.get(kind)
        self.namespaced = known is None or known.namespaced
        self.objects: dict[Key, KubeObject] = {}
        self.order: dict[Key, int] = {}
        self._created = 0
        self._namespaces: dict[str, dict[Key, None]] = {}
        self._labels: dict[str, dict[str, dict[str, dict[Key, None]]]] = {}

    def add(self, key: Key, obj: KubeObject) -> None:
        """Put in an object that was not there."""
        if self._borrowed:
            self._own()
        self._created += 1
        self.order[key] = self._created
        self.objects[key] = obj
        self._namespaces.setdefault(key[0], {})[key] = None
        self._label(key, obj.metadata.labels)

    def replace(self, key: Key, old: KubeObject, new: KubeObject) -> None:
        """Put `new` where `old` is."""
        if self._borrowed:
            self._own()
        self.objects[key] = new
        before, after = old.metadata.labels, new.metadata.labels
        if before is not after and before != after:
            self._unlabel(key, before)
            self._label(key, after)

    def remove(self, key: Key) -> None:
        """Take an object out."""
        if self._borrowed:
            self._own()
        obj = self.objects.pop(key)
        del self.order[key]
        _discard(self._namespaces, key[0], key)
        self._unlabel(key, obj.metadata.labels)

    def namespaces(self) -> list[str]:
        """The namespaces that hold objects of this kind."""
        return list(self._namespaces)

    def in_namespace(self, namespace: str) -> list[KubeObject]:
        """Everything in a namespace, oldest first."""
        objects = self.objects
        return [objects[key] for key in self._namespaces.get(namespace, _NO_KEYS)]

    def select(self, namespace: str | None, selector: LabelSelector | Mapping[str, str]) -> list[KubeObject]:
        """What a label selector matches, oldest first; reads the smallest bucket of the label index that will do."""
        spaces = self._namespaces if namespace is None else (namespace,)
        found: list[Key] = []
        for space in spaces:
            found.extend(self._matching(space, selector))
        return self.pick(found)

    def pick(self, keys: Iterable[Key]) -> list[KubeObject]:
        """The objects of these names, oldest first."""
        objects = self.objects
        return [objects[key] for key in sorted(keys, key=self.order.__getitem__)]

    def _matching(self, namespace: str, selector: LabelSelector | Mapping[str, str]) -> Iterable[Key]:
        wanted = selector.match_labels if isinstance(selector, LabelSelector) else selector
        index = self._labels.get(namespace, _NOTHING)
        buckets = [index.get(key, _NOTHING).get(value, _NO_KEYS) for key, value in wanted.items()]
        found: Iterable[Key] = self._namespaces.get(namespace, _NO_KEYS)
        if buckets:
            buckets.sort(key=len)
            found = buckets[0]
            for bucket in buckets[1:]:
                found = bucket.keys() & found  # A set: whoever reads it must put it in order.
        if not isinstance(selector, LabelSelector) or not selector.match_expressions:
            return found
        objects = self.objects
        return [key for key in found if matches(selector, objects[key].metadata.labels)]

    def _label(self, key: Key, labels: dict[str, str]) -> None:
        if not labels:
            return
        index = self._labels.setdefault(key[0], {})
        for label, value in labels.items():
            index.setdefault(label, {}).setdefault(value, {})[key] = None

    def _unlabel(self, key: Key, labels: dict[str, str]) -> None:
        if not labels:
            return
        index = self._labels[key[0]]
        for label, value in labels.items():
            values = index[label]
            _discard(values, value, key)
            if not values:
                del index[label]
        if not index:
            del self._labels[key[0]]


class NodeIndex(_Forking):
    """Which Pods are bound to which node."""

    def __init__(self) -> None:
        super().__init__()
        self._pods: dict[str, dict[Key, None]] = {}

    def change(self, key: Key, old: KubeObject | None, new: KubeObject | None) -> None:
        """Follow one write of a Pod."""
        before, after = _node_of(old), _node_of(new)
        if before == after:
            return
        if self._borrowed:
            self._own()
        if before:
            _discard(self._pods, before, key)
        if after:
            self._pods.setdefault(after, {})[key] = None

    def nodes(self) -> list[str]:
        """The names of all nodes that Pods are bound to, whether or not there is such a node."""
        return list(self._pods)

    def keys(self, node: str) -> Iterable[Key]:
        """The Pods on a node, in the order they were bound."""
        return self._pods.get(node, _NO_KEYS)


class OwnerIndex(_Forking):
    """Which objects name which owner, by the owner's uid and their own kind."""

    def __init__(self) -> None:
        super().__init__()
        self._owned: dict[str, dict[str, dict[Key, None]]] = {}

    def change(self, kind: str, key: Key, old: KubeObject | None, new: KubeObject | None) -> None:
        """Follow one write of an object."""
        before = old.metadata.owner_references if old is not None else ()
        after = new.metadata.owner_references if new is not None else ()
        if before is after or before == after:
            return
        if self._borrowed:
            self._own()
        for owner in before:
            _discard(self._owned[owner.uid], kind, key)
            if not self._owned[owner.uid]:
                del self._owned[owner.uid]
        for owner in after:
            self._owned.setdefault(owner.uid, {}).setdefault(kind, {})[key] = None

    def kinds(self, uid: str) -> list[str]:
        """The kinds of which the owner has something."""
        return list(self._owned.get(uid, _NOTHING))

    def keys(self, uid: str, kind: str) -> Iterable[Key]:
        """What the owner has of a kind, in the order it got it."""
        kinds = self._owned.get(uid)
        return kinds.get(kind, _NO_KEYS) if kinds is not None else _NO_KEYS


def _node_of(obj: KubeObject | None) -> str:
    return obj.spec.node_name if isinstance(obj, Pod) else ""


def _copied(index: dict[Any, Any]) -> dict[Any, Any]:
    return {key: _copied(value) if isinstance(value, dict) else value for key, value in index.items()}


def _discard(index: dict[Any, dict[Key, None]], at: object, key: Key) -> None:
    bucket = index.get(at)
    if bucket is not None:
        bucket.pop(key, None)
        if not bucket:
            del index[at]
