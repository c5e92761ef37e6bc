"""A scenario as plain data that msgpack takes, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from lab.kube.decode import Kept, decode
from lab.kube.documents import Document
from lab.kube.encode import encode
from lab.kube.errors import LabError, ManifestError
from lab.kube.yaml_tree import Node
from lab.scenario.scenario import Scenario


def pack_scenario(scenario: Scenario) -> dict[str, Any]:
    """Everything of a scenario that a run follows from."""
    bare = replace(scenario, documents=(), folder=Path())
    said: dict[str, Any] = msgspec.to_builtins(bare, enc_hook=_path_text)
    return {**said, "documents": [_pack_document(document) for document in scenario.documents]}


def unpack_scenario(said: Mapping[str, Any]) -> Scenario:
    """The scenario again. Raises `LabError` for what another version of the lab has written differently."""
    try:
        documents = tuple(map(_unpack_document, said["documents"]))
        bare = msgspec.convert({**said, "documents": ()}, Scenario, dec_hook=_path)
    except (KeyError, TypeError) as error:
        raise LabError(f"the manifests of the recording cannot be read: {error}") from None
    except msgspec.ValidationError as error:
        raise LabError(f"the scenario of the recording cannot be read: {error}") from None
    return replace(bare, documents=documents)


def _pack_document(document: Document) -> dict[str, Any]:
    """The object as a manifest would say it, where it was written, and what of it is not simulated."""
    assert document.object is not None
    kept = msgspec.to_builtins(document.kept)
    return {"file": document.file, "line": document.node.line, "object": encode(document.object), "kept": kept}


def _unpack_document(said: Mapping[str, Any]) -> Document:
    try:
        obj = decode(said["object"], "recording")
    except ManifestError as error:
        raise LabError(f"an object of the recording cannot be read: {error}") from None
    kept = msgspec.convert(said["kept"], tuple[Kept, ...])
    return Document(said["file"], Node({}, said["line"]), obj, kept=kept)


def _path_text(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    raise NotImplementedError


def _path(kind: type, value: Any) -> Any:
    if kind is Path:
        return Path(value)
    raise NotImplementedError
