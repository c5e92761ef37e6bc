"""Reading manifests as `kubectl apply -f` does: the objects, or every fault at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from lab.kube.decode import Kept
from lab.kube.documents import Documents, Place, documents_of, kept_in, read_documents
from lab.kube.meta import KubeObject


class Manifest(NamedTuple):
    """What was read: the objects in their order, the place of each, and what is kept but not simulated."""

    objects: tuple[KubeObject, ...]
    sources: tuple[Place, ...]
    kept: tuple[Kept, ...]


def load(sources: Iterable[str | Path | Mapping[str, Any]], base: Path | None = None) -> Manifest:
    """Read files, folders (not recursively), `-` for stdin, and inline objects; paths are relative to `base`.

    Raises `ManifestError` with every fault of every source.
    """
    return _manifest(read_documents(sources, base))


def loads(text: str, file: str = "inline") -> Manifest:
    """Read the documents of a YAML or JSON text; `file` is what faults call it."""
    return _manifest(documents_of(text, file))


def _manifest(documents: Documents) -> Manifest:
    found = documents.found
    return Manifest(documents.objects, tuple(document.place for document in found), kept_in(found))
