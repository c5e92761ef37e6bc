"""`patches:` of a scenario: what is different in an object of its manifests, as `kubectl patch` would say it.

So a variant can be "with the fix" without a second copy of the manifests.
"""

from __future__ import annotations

from collections.abc import Sequence

from lab.kube.applied import remember, remembered
from lab.kube.decode import Decoder
from lab.kube.encode import encode
from lab.kube.errors import nearest
from lab.kube.kinds import find_kind
from lab.kube.meta import KubeObject
from lab.kube.patch import strategic_patch
from lab.kube.yaml_tree import Node, from_plain
from lab.scenario.decode import Reading
from lab.scenario.parties import in_namespace


def patched(objects: Sequence[KubeObject], patches: Sequence[Node], reading: Reading) -> list[KubeObject]:
    """The objects with all patches merged in; a patch that fits none of them is a fault."""
    result = list(objects)
    for index, patch in enumerate(patches):
        at = _find(result, patch, f"patches[{index}]", reading)
        if at is not None:
            result[at] = _merged(result[at], patch, reading) or result[at]
    return result


def _find(objects: Sequence[KubeObject], patch: Node, path: str, reading: Reading) -> int | None:
    said = patch.plain()
    meta = said.get("metadata") if isinstance(said, dict) else None
    if not isinstance(meta, dict) or not isinstance(said.get("kind"), str) or not isinstance(meta.get("name"), str):
        reading.problem(patch, path, "expected a kind and a metadata.name, and what is different in that object")
        return None
    kind = find_kind(said["kind"])
    wanted = kind.name if kind is not None else said["kind"]
    namespace, name = meta.get("namespace", "default"), meta["name"]
    same_kind = [in_namespace(obj) for obj in objects if obj.kind == wanted]
    for index, obj in enumerate(objects):
        if obj.kind == wanted and obj.name == name and in_namespace(obj).namespace in (namespace, ""):
            return index
    hint = nearest(name, (obj.name for obj in same_kind)) or f" in namespace {namespace}"
    reading.problem(patch, path, f'there is no {wanted} "{name}" in the manifests{hint}')
    return None


def _merged(obj: KubeObject, patch: Node, reading: Reading) -> KubeObject | None:
    """The object read anew, so that a wrong value in a patch is a fault like one in a manifest."""
    change = {key: value for key, value in patch.plain().items() if key not in ("apiVersion", "kind")}
    said = strategic_patch(remembered(obj) or encode(obj), change)
    decoder = Decoder(patch.file or reading.file)
    found = decoder.object(from_plain(said, patch.line, patch.file))
    reading.problems.extend(decoder.problems)
    return remember(found, said) if found is not None else None
