"""`kubectl apply`: a three-way merge of what was applied last, what is wanted now and what is there.

Fields that the last manifest set and this one does not are removed; fields that others set (a scaled
replica count, an allocated address) stay. See the Kubernetes documentation, "Declarative Management of
Kubernetes Objects Using Configuration Files". Containers, ports and the like are told apart by their key, as in a
strategic merge patch; all other lists, and all lists of kinds that are only kept, are replaced whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from lab.cluster.errors import NotFound
from lab.cluster.store import Store, kept_kind
from lab.cluster.strategy import for_create, for_update
from lab.kube.applied import remember, remembered
from lab.kube.builtin import group_of
from lab.kube.decode import decode
from lab.kube.encode import encode
from lab.kube.kinds import is_namespaced
from lab.kube.kinds.namespace import Namespace
from lab.kube.meta import KeptObject, KubeObject
from lab.kube.patch import MERGE_KEYS


def apply_object(store: Store, wanted: KubeObject) -> str:
    """Create or change one object; says `deployment.apps/web created`, `configured` or `unchanged`.

    Raises a StoreError when the namespace is missing or the object is refused.
    """
    wanted = in_namespace(wanted)
    if wanted.namespace and store.find(Namespace, wanted.namespace) is None:
        raise NotFound("Namespace", wanted.namespace)
    return write_object(store, wanted)


def write_object(store: Store, wanted: KubeObject) -> str:
    """The same for an object that names its namespace, whether that is there or not."""
    live = find_live(store, wanted)
    wanted = for_create(wanted)
    said = _with_namespace(remembered(wanted) or encode(wanted), wanted.namespace)
    if live is None:
        return f"{resource_name(store.create(remember(wanted, said)))} created"
    keyed = not isinstance(live, KeptObject)
    merged = decode(three_way(remembered(live) or {}, said, encode(live), keyed=keyed))
    changed = remember(for_update(merged, live), said)
    if encode(changed) == encode(live):
        return f"{resource_name(wanted)} unchanged"
    return f"{resource_name(wanted)} {'unchanged' if store.update(changed) is live else 'configured'}"


def _with_namespace(said: dict[str, Any], namespace: str) -> dict[str, Any]:
    """What a manifest says with its namespace, as kubectl remembers it: leaving `default` out later changes nothing."""
    return {**said, "metadata": {**said.get("metadata", {}), "namespace": namespace}} if namespace else said


def in_namespace(obj: KubeObject) -> KubeObject:
    """The object in the namespace `default`, when its kind has one and its manifest names none."""
    if obj.namespace or not is_namespaced(obj):
        return obj
    return msgspec.structs.replace(obj, metadata=msgspec.structs.replace(obj.metadata, namespace="default"))


def find_live(store: Store, obj: KubeObject) -> KubeObject | None:
    """What the store holds under the kind, namespace and name of `obj`."""
    if isinstance(obj, KeptObject):
        return store.find_kept(kept_kind(obj), obj.name, obj.namespace)
    return store.find(type(obj), obj.name, obj.namespace)


def resource_name(obj: KubeObject) -> str:
    """`deployment.apps/web`, as kubectl names what it has changed."""
    group = group_of(obj.api_version)
    return f"{obj.kind.lower()}{'.' + group if group else ''}/{obj.name}"


def three_way(
    last: Mapping[str, Any], wanted: Mapping[str, Any], live: Mapping[str, Any], *, keyed: bool = False
) -> dict[str, Any]:
    """`live` with the fields of `wanted`, without those that only `last` had; with `keyed`, also within lists."""
    merged = {key: value for key, value in live.items() if key in wanted or key not in last}
    for key, value in wanted.items():
        before, there = last.get(key), live.get(key)
        if isinstance(value, Mapping) and isinstance(there, Mapping):
            merged[key] = three_way(before if isinstance(before, Mapping) else {}, value, there, keyed=keyed)
        elif keyed and key in MERGE_KEYS and isinstance(value, list) and isinstance(there, list):
            merged[key] = _three_way_list(before if isinstance(before, list) else [], value, there, MERGE_KEYS[key])
        else:
            merged[key] = value
    return merged


def _three_way_list(last: list[Any], wanted: list[Any], live: list[Any], keys: tuple[str, ...]) -> list[Any]:
    """The items of `wanted` in their order, then those that others added; replaced whole where keys are not enough."""
    earlier, mine, there = ({_identity(item, keys): item for item in some} for some in (last, wanted, live))
    if None in mine or None in there or len(mine) < len(wanted) or len(there) < len(live):
        return wanted
    merged = [three_way(earlier.get(name) or {}, mine[name], there.get(name) or {}, keyed=True) for name in mine]
    return merged + [item for name, item in there.items() if name not in mine and name not in earlier]


def _identity(item: Any, keys: tuple[str, ...]) -> tuple[Any, str] | None:
    """What tells an item apart from the others: its key, and of ports the protocol, too; None without one."""
    key = next((key for key in keys if key in item), None) if isinstance(item, Mapping) else None
    return (item[key], item.get("protocol", "TCP")) if key is not None else None
