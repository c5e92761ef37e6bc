"""Patches: what is different, merged into what an object says.

https://kubernetes.io/docs/tasks/manage-kubernetes-objects/update-api-object-kubectl-patch/
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

MERGE_KEYS: dict[str, tuple[str, ...]] = {
    "containers": ("name",),
    "initContainers": ("name",),
    "ephemeralContainers": ("name",),
    "volumes": ("name",),
    "env": ("name",),
    "imagePullSecrets": ("name",),
    "ports": ("containerPort", "port"),
    "volumeMounts": ("mountPath",),
    "volumeDevices": ("devicePath",),
    "hostAliases": ("ip",),
    "topologySpreadConstraints": ("topologyKey",),
    "conditions": ("type",),
    "ownerReferences": ("uid",),
}
"""Lists whose items a strategic patch tells apart by a key (`patchMergeKey` in the API's types); any other list is
replaced whole."""
_DIRECTIVE = "$patch"


def merge_patch(value: Any, change: Any) -> Any:
    """JSON Merge Patch, RFC 7386: null takes a field away, a list replaces a list."""
    if not isinstance(change, Mapping):
        return change
    merged = dict(value) if isinstance(value, Mapping) else {}
    for key, item in change.items():
        if item is None:
            merged.pop(key, None)
        else:
            merged[key] = merge_patch(merged.get(key), item)
    return merged


def strategic_patch(value: Any, change: Any, field: str = "") -> Any:
    """Strategic Merge Patch: like a merge patch, but lists of containers, ports and so on are merged item by item.

    `$patch: replace` puts a mapping in the place of what was there, `$patch: delete` in an item of a list takes
    that item away.
    """
    if isinstance(change, Mapping):
        return _patched_mapping(value, change)
    if isinstance(change, Sequence) and not isinstance(change, str) and field in MERGE_KEYS:
        return _patched_list(value if isinstance(value, Sequence) else [], change, MERGE_KEYS[field])
    return change


def _patched_mapping(value: Any, change: Mapping[str, Any]) -> dict[str, Any]:
    replaces = change.get(_DIRECTIVE) == "replace"
    merged = dict(value) if isinstance(value, Mapping) and not replaces else {}
    for key, item in change.items():
        if item is None:
            merged.pop(key, None)
        elif not key.startswith("$"):
            merged[key] = strategic_patch(merged.get(key), item, key)
    return merged


def _patched_list(value: Sequence[Any], change: Sequence[Any], keys: tuple[str, ...]) -> list[Any]:
    merged = list(value)
    for item in change:
        key = next((key for key in keys if isinstance(item, Mapping) and key in item), None)
        if key is None:
            return list(change)
        at = _index_of(merged, key, item[key])
        if item.get(_DIRECTIVE) == "delete":
            merged = [there for i, there in enumerate(merged) if i != at]
        elif at < 0:
            merged.append(_patched_mapping({}, item))
        else:
            merged[at] = _patched_mapping(merged[at], item)
    return merged


def _index_of(items: Sequence[Any], key: str, value: Any) -> int:
    return next((i for i, item in enumerate(items) if isinstance(item, Mapping) and item.get(key) == value), -1)
