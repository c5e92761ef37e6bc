"""Reading manifests one document at a time: what is wrong with one does not hide the others.

Each document keeps its tree, so that a field path leads back to a line, and the unknown fields that look like typos.
"""

from __future__ import annotations

import difflib
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from lab.kube.decode import Decoder, Fault
from lab.kube.errors import ManifestError
from lab.kube.manifest import files, items_of, read
from lab.kube.meta import KubeObject
from lab.kube.yaml_tree import Node, parse_documents

ALIKE = 0.8
"""How similar an unknown field must be to a known one to be taken for a typo of it (difflib's ratio)."""
_REPAIRS = 4
"""How often what is at fault is taken out before a document is given up."""
_STEP = re.compile(r'\["([^"]*)"\]|\[([^\]]*)\]|([^.\[\]]+)')
_SEPARATOR = re.compile(r"^---(?=\s|$)", re.MULTILINE)


@dataclass(frozen=True)
class Typo:
    """A field that Kubernetes does not know, and the one that was probably meant."""

    line: int
    path: str
    meant: str


@dataclass
class Document:
    """One object of a manifest; `object` is None when `faults` kept it from being read.

    `partial` is then the object without the values at fault, so that the rest can be looked at.
    """

    file: str
    node: Node
    object: KubeObject | None = None
    partial: KubeObject | None = None
    faults: list[Fault] = field(default_factory=list)
    typos: list[Typo] = field(default_factory=list)

    @property
    def readable(self) -> KubeObject | None:
        """The object, or as much of it as could be read."""
        return self.object if self.object is not None else self.partial

    def line_of(self, path: str) -> int:
        """The line of a field such as `spec.ports[0].nodePort`; of what is above it where there is no such field."""
        return _follow(self.node, path).line

    def names(self) -> tuple[str, str, str]:
        """Kind, namespace and name as far as the document says them."""
        return _text(self.node, "kind"), _text(self.node, "metadata", "namespace"), _text(self.node, "metadata", "name")


def read_documents(sources: Iterable[str]) -> tuple[list[Document], list[Fault]]:
    """Every document of files, folders and `-` (stdin), and what could not be read at all."""
    found: list[Document] = []
    faults: list[Fault] = []
    for source in sources:
        try:
            texts = [(sys.stdin.read(), "stdin")] if source == "-" else _texts(source)
        except ManifestError as error:
            faults.append(Fault(source, 0, "", str(error).removeprefix(f"{source}: ")))
            continue
        for text, file in texts:
            _read_text(text, file, found, faults)
    return found, faults


def _texts(source: str) -> list[tuple[str, str]]:
    return [(read(path, shown), shown) for path, shown in files(source, Path())]


def _read_text(text: str, file: str, found: list[Document], faults: list[Fault]) -> None:
    whole: list[Document] = []
    try:
        for node in parse_documents(text, file):
            whole.extend(_decoded(node, file))
        found.extend(whole)
        return
    except ManifestError:
        pass
    for part in _parts(text):  # one document that is no YAML must not hide the others
        try:
            for node in parse_documents(part, file):
                found.extend(_decoded(node, file))
        except ManifestError as error:
            decoder = Decoder(file)
            decoder.unreadable(error)
            faults.extend(decoder.faults)


def _parts(text: str) -> Iterator[str]:
    """The documents of a text as texts, each with as many empty lines before it as keep its line numbers."""
    starts = [0, *(match.start() for match in _SEPARATOR.finditer(text)), len(text)]
    for begin, end in pairwise(starts):
        if text[begin:end].strip():
            yield "\n" * text.count("\n", 0, begin) + text[begin:end]


def _decoded(node: Node, file: str) -> Iterator[Document]:
    items = items_of(node)
    if items is not None:
        for item in items:
            yield from _decoded(item, file)
        return
    decoder = _Reader(file)
    obj = decoder.object(node)
    partial = _without_faults(node, decoder.faults, file) if obj is None else None
    yield Document(file, node, obj, partial, decoder.faults, decoder.typos)


def _without_faults(node: Node, faults: list[Fault], file: str) -> KubeObject | None:
    """The object without the values at fault, or with a stand-in where one must be; None when that is too much."""
    node = _copy(node)
    for _ in range(_REPAIRS):
        for fault in faults:
            _repair(node, fault)
        decoder = Decoder(file)
        obj = decoder.object(node)
        if obj is not None:
            return obj
        faults = decoder.faults
    return None


def _repair(node: Node, fault: Fault) -> None:
    steps = [quoted or name or index for quoted, index, name in _STEP.findall(fault.path)]
    for step in steps[:-1]:
        below = _below(node, step)
        if below is None:
            return
        node = below
    body, last = node.value, steps[-1] if steps else ""
    if isinstance(body, dict) and last:
        if fault.message.startswith("is missing"):
            body[last] = Node("unnamed" if last == "name" else 1, node.line)
        else:
            body.pop(last, None)
    elif isinstance(body, list) and last.isdigit() and int(last) < len(body):
        body[int(last)] = Node({} if "an object" in fault.message else "", node.line)


def _copy(node: Node) -> Node:
    value = node.value
    if isinstance(value, dict):
        return Node({key: _copy(each) for key, each in value.items()}, node.line)
    if isinstance(value, list):
        return Node([_copy(each) for each in value], node.line)
    return Node(value, node.line)


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


def _follow(node: Node, path: str) -> Node:
    for quoted, index, name in _STEP.findall(path):
        below = _below(node, quoted or name or index)
        if below is None:
            return node
        node = below
    return node


def _below(node: Node, step: str) -> Node | None:
    value = node.value
    if isinstance(value, list):
        return value[int(step)] if step.isdigit() and int(step) < len(value) else None
    if not isinstance(value, dict):
        return None
    if step in value:
        return value[step]
    return next((each for key, each in value.items() if key.lower() == step.lower()), None)


def _text(node: Node, *path: str) -> str:
    for step in path:
        below = _below(node, step)
        if below is None:
            return ""
        node = below
    return node.value if isinstance(node.value, str) else ""
