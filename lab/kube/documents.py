"""Reading manifests one document at a time: what is wrong with one does not hide the others.

Each document keeps its tree, so that a field path leads back to a file and a line, and the unknown fields that look
like typos.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from lab.kube.applied import remember
from lab.kube.decode import Decoder, Fault, Kept
from lab.kube.errors import ManifestError
from lab.kube.meta import KubeObject
from lab.kube.repair import without_faults
from lab.kube.sources import Source, sources_of
from lab.kube.tree_path import follow, text_at
from lab.kube.yaml_tree import MAX_BYTES, Node, from_plain, parse_documents

ALIKE = 0.8
"""How similar an unknown field must be to a known one to be taken for a typo of it (difflib's ratio)."""
_SEPARATOR = re.compile(r"^---(?=\s|$)", re.MULTILINE)


class Place(NamedTuple):
    """Where something was written: no line for a whole file, neither for what came from no file."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


@dataclass(frozen=True)
class Typo:
    """A field that Kubernetes does not know, and the one that was probably meant."""

    line: int
    path: str
    meant: str


@dataclass(frozen=True)
class Document:
    """One object of a manifest; `object` is None when `faults` kept it from being read.

    `partial` is then the object without the values at fault, so that the rest can be looked at.
    """

    file: str
    node: Node = field(compare=False)
    object: KubeObject | None = None
    """With what the manifest says remembered on it, as `kubectl apply` does."""
    partial: KubeObject | None = None
    faults: tuple[Fault, ...] = ()
    typos: tuple[Typo, ...] = ()
    kept: tuple[Kept, ...] = ()

    @property
    def readable(self) -> KubeObject | None:
        """The object, or as much of it as could be read."""
        return self.object if self.object is not None else self.partial

    @property
    def place(self) -> Place:
        """Where the document begins."""
        return self.place_of("")

    def place_of(self, path: str) -> Place:
        """The place of a field such as `spec.ports[0].nodePort`; of what is above it where there is no such field."""
        node = follow(self.node, path)
        return Place(node.file or self.file, node.line)

    def names(self) -> tuple[str, str, str]:
        """Kind, namespace and name as far as the document says them."""
        return (
            text_at(self.node, "kind"),
            text_at(self.node, "metadata", "namespace"),
            text_at(self.node, "metadata", "name"),
        )


@dataclass(frozen=True)
class Documents:
    """What was read: every document in its order, and what could not be read at all."""

    found: tuple[Document, ...] = ()
    unreadable: tuple[Fault, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether every document could be read without a fault."""
        return not self.unreadable and all(document.object is not None for document in self.found)

    @property
    def objects(self) -> tuple[KubeObject, ...]:
        """The object of each document; raises `ManifestError` with every fault of every document."""
        if not self.complete:
            faults = [*self.unreadable, *(fault for document in self.found for fault in document.faults)]
            raise ManifestError([str(fault) for fault in faults])
        return tuple(document.object for document in self.found if document.object is not None)

    def __add__(self, other: Documents) -> Documents:
        return Documents((*self.found, *other.found), (*self.unreadable, *other.unreadable))


def made(obj: KubeObject) -> Document:
    """An object that no manifest defines, as a document without a place."""
    return Document("", Node({}, 0), obj)


def kept_in(documents: Iterable[Document]) -> tuple[Kept, ...]:
    """What is kept but not simulated, each once with the first place it was seen."""
    found: dict[str, Kept] = {}
    for document in documents:
        for kept in document.kept:
            found.setdefault(kept.what, kept)
    return tuple(found.values())


def read_documents(sources: Iterable[str | Path | Mapping[str, Any]], base: Path | None = None) -> Documents:
    """Every document of files, folders (not recursively), `-` for stdin and inline objects.

    Paths are relative to `base`.
    """
    reader = _DocumentReader()
    for source in sources:
        if isinstance(source, Mapping):
            reader.read_node(from_plain(source), "inline")
        else:
            reader.read_path(source, base or Path())
    return reader.documents()


def documents_of(text: str, file: str) -> Documents:
    """The documents of a YAML or JSON text; `file` is what faults call it."""
    reader = _DocumentReader()
    reader.read_text(text, file)
    return reader.documents()


def documents_from(sources: Iterable[Source]) -> Documents:
    """The documents of several texts."""
    reader = _DocumentReader()
    for source in sources:
        reader.read_source(source)
    return reader.documents()


def documents_in(node: Node, file: str) -> Documents:
    """What a tree holds that was read before: an object, or a list of them."""
    reader = _DocumentReader()
    reader.read_node(node, file)
    return reader.documents()


class _DocumentReader:
    """Gathers what several sources hold, and what of them cannot be read."""

    def __init__(self) -> None:
        self._found: list[Document] = []
        self._unreadable: list[Fault] = []

    def documents(self) -> Documents:
        """Everything so far."""
        return Documents(tuple(self._found), tuple(self._unreadable))

    def read_path(self, path: str | Path, base: Path) -> None:
        """Read a file, a folder or stdin."""
        try:
            found = sources_of(path, base)
        except ManifestError as error:
            self._fail(str(path), error)
            return
        for source in found:
            self.read_source(source)

    def read_source(self, source: Source) -> None:
        """Read one text; one that cannot be read hides no other."""
        if source.error:
            self._unreadable.append(Fault(source.file, 0, "", source.error))
        else:
            self.read_text(source.text, source.file)

    def read_text(self, text: str, file: str) -> None:
        """Read every document of a text; one that is no YAML must not hide the others."""
        try:
            nodes = list(parse_documents(text, file))
        except ManifestError as error:
            if len(text) > MAX_BYTES:
                self._fail(file, error)
            else:
                self._read_parts(text, file)
            return
        for node in nodes:
            self.read_node(node, file)

    def read_node(self, node: Node, file: str) -> None:
        """Read one document: an object, or a list of them."""
        items = items_of(node)
        if items is None:
            self._found.append(document_in(node, file))
            return
        for item in items:
            self.read_node(item, file)

    def _read_parts(self, text: str, file: str) -> None:
        for part, lines_above in _parts(text):
            try:
                nodes = list(parse_documents(part, file, lines_above))
            except ManifestError as error:
                self._fail(file, error)
                continue
            for node in nodes:
                self.read_node(node, file)

    def _fail(self, file: str, error: ManifestError) -> None:
        decoder = Decoder(file)
        decoder.unreadable(error)
        self._unreadable += decoder.faults


def _parts(text: str) -> Iterator[tuple[str, int]]:
    """The documents of a text as texts, each with the number of lines above it."""
    starts = [0, *(match.start() for match in _SEPARATOR.finditer(text)), len(text)]
    lines_above = 0
    for begin, end in pairwise(starts):
        part = text[begin:end]
        if part.strip():
            yield part, lines_above
        lines_above += part.count("\n")


def document_in(node: Node, file: str) -> Document:
    """One object that is a tree already."""
    decoder = _Reader(file)
    obj = decoder.object(node)
    return Document(
        file,
        node,
        remember(obj, node.plain()) if obj is not None else None,
        without_faults(node, decoder.faults, file) if obj is None else None,
        tuple(decoder.faults),
        tuple(decoder.typos),
        tuple(decoder.kept.values()),
    )


def items_of(node: Node) -> list[Node] | None:
    """The items of a `kind: List` (or PodList and so on); None when the document is no list."""
    body = node.value
    if not isinstance(body, dict) or "kind" not in body or "items" not in body:
        return None
    kind, items = body["kind"].value, body["items"].value
    if isinstance(kind, str) and kind.endswith("List") and isinstance(items, list | None):
        return items or []
    return None


class _Reader(Decoder):
    """A decoder that looks twice at fields it does not know."""

    def __init__(self, file: str) -> None:
        super().__init__(file)
        self.typos: list[Typo] = []

    def unknown_field(self, node: Node, path: str, name: str, known: Iterable[str]) -> None:
        super().unknown_field(node, path, name, known)
        meant = nearest_field(name, known)
        if meant and not path.startswith("status"):
            self.typos.append(Typo(node.line, f"{path}.{name}" if path else name, meant))


def nearest_field(name: str, known: Iterable[str]) -> str:
    """The known field that a misspelt one means; empty when there is none."""
    by_lower = {each.lower(): each for each in known}
    close = difflib.get_close_matches(name.lower(), list(by_lower), n=1, cutoff=ALIKE)
    return by_lower[close[0]] if close else ""
