"""`patches:` of a scenario: what is different in an object of its manifests, as `kubectl patch` would say it.

So a variant can be "with the fix" without a second copy of the manifests.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

from lab.cluster.apply import in_namespace
from lab.kube.documents import Document, document_in
from lab.kube.errors import nearest
from lab.kube.kinds import find_kind
from lab.kube.patch import strategic_patch
from lab.kube.yaml_tree import Node, from_plain
from lab.scenario.decode import Reading


def patched(documents: Sequence[Document], patches: Sequence[Node], reading: Reading) -> list[Document]:
    """The documents with all patches merged in; a patch that fits none of them is a fault.

    What a patch says keeps its own file and line, so that a wrong value in it is a fault like one in a manifest.
    """
    result = list(documents)
    for index, patch in enumerate(patches):
        at = _find(result, patch, f"patches[{index}]", reading)
        if at is not None:
            result[at] = _merged(result[at], patch, reading)
    return result


def _find(documents: Sequence[Document], patch: Node, path: str, reading: Reading) -> int | None:
    said = patch.plain()
    meta = said.get("metadata") if isinstance(said, dict) else None
    if not isinstance(meta, dict) or not isinstance(said.get("kind"), str) or not isinstance(meta.get("name"), str):
        reading.problem(patch, path, "expected a kind and a metadata.name, and what is different in that object")
        return None
    kind = find_kind(said["kind"])
    wanted = kind.name if kind is not None else said["kind"]
    namespace, name = meta.get("namespace", "default"), meta["name"]
    readable = [(index, obj) for index, each in enumerate(documents) if (obj := each.readable) is not None]
    same_kind = [(index, in_namespace(obj)) for index, obj in readable if obj.kind == wanted]
    for index, obj in same_kind:
        if obj.name == name and obj.namespace in (namespace, ""):
            return index
    hint = nearest(name, (obj.name for _, obj in same_kind)) or f" in namespace {namespace}"
    reading.problem(patch, path, f'there is no {wanted} "{name}" in the manifests{hint}')
    return None


def _merged(document: Document, patch: Node, reading: Reading) -> Document:
    """The document read anew, as if the patch had been written in it."""
    change = {key: value for key, value in patch.plain().items() if key not in ("apiVersion", "kind")}
    said = strategic_patch(document.node.plain(), change)
    return document_in(_with_places(said, document.node, patch, patch), patch.file or reading.file)


def _with_places(value: object, before: Node | None, patch: Node | None, near: Node) -> Node:
    """A value as a tree: what was there keeps its place, what is new has that of the patch, or of what is `near`."""
    if before is not None and before.plain() == value:
        return before
    near = patch or near
    if before is not None and isinstance(value, dict) and isinstance(before.value, dict):
        said = patch.value if patch is not None and isinstance(patch.value, dict) else {}
        there = before.value
        body = {key: _with_places(each, there.get(key), said.get(key), near) for key, each in value.items()}
        return Node(body, before.line, before.file)
    if before is not None and isinstance(value, list) and isinstance(before.value, list):
        pairs = zip_longest(value, before.value[: len(value)])
        return Node([_with_places(each, there, None, near) for each, there in pairs], before.line, before.file)
    return from_plain(value, near.line, near.file)
