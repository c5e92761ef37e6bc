"""Reading manifests: files, folders, stdin and objects written inline, as `kubectl apply -f` takes them."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from lab.kube.applied import remember
from lab.kube.decode import Decoder, Kept
from lab.kube.errors import ManifestError
from lab.kube.meta import KubeObject
from lab.kube.yaml_tree import Node, from_plain, parse_documents

_URL = re.compile(r"[a-z]+://")
SUFFIXES = (".yaml", ".yml", ".json")


class Place(NamedTuple):
    """Where an object was written; line 0 when it came from no file."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


class Manifest(NamedTuple):
    """What was read: the objects in their order, the place of each, and what is kept but not simulated."""

    objects: tuple[KubeObject, ...]
    sources: tuple[Place, ...]
    kept: tuple[Kept, ...]


def load(sources: Iterable[str | Path | Mapping[str, Any]], base: Path | None = None) -> Manifest:
    """Read files, folders (not recursively), `-` for stdin, and inline objects; paths are relative to `base`.

    Raises `ManifestError` with every fault of every source, or with the first file that cannot be read.
    """
    reader = _ManifestReader()
    for source in sources:
        if isinstance(source, Mapping):
            reader.read_node(from_plain(source), reader.decoder("inline"))
        elif str(source) == "-":
            reader.read_text(sys.stdin.read(), "stdin")
        else:
            for path, shown in files(source, base or Path()):
                reader.read_text(read(path, shown), shown)
    return reader.manifest()


def loads(text: str, file: str = "inline") -> Manifest:
    """Read the documents of a YAML or JSON text; `file` is what faults call it."""
    reader = _ManifestReader()
    reader.read_text(text, file)
    return reader.manifest()


def files(named: str | Path, base: Path) -> list[tuple[Path, str]]:
    """The manifests that a path means, each with the name that faults call it by; raises `ManifestError`."""
    if _URL.match(str(named)):
        raise ManifestError(f"{named}: manifests are read from files; download it first: curl -LO {named}")
    source = Path(named)
    path = base / source
    if not path.exists():
        raise ManifestError(f"{source}: no such file or folder")
    if not path.is_dir():
        return [(path, str(source))]
    found = sorted(each for each in path.iterdir() if each.suffix in SUFFIXES and each.is_file())
    if not found:
        raise ManifestError(f"{source}: the folder has no manifest (*.yaml, *.yml or *.json)")
    return [(each, str(source / each.name)) for each in found]


def read(path: Path, shown: str) -> str:
    """The text of a file; raises `ManifestError`."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise ManifestError(f"{shown}: this is not UTF-8 text") from None
    except OSError as error:
        raise ManifestError(f"{shown}: cannot be read: {error.strerror}") from None


class _ManifestReader:
    """Gathers what several sources hold, and all their faults."""

    def __init__(self) -> None:
        self._objects: list[KubeObject] = []
        self._places: list[Place] = []
        self._decoders: list[Decoder] = []

    def decoder(self, file: str) -> Decoder:
        """A decoder whose faults and kept fields this reader reports."""
        self._decoders.append(Decoder(file))
        return self._decoders[-1]

    def read_text(self, text: str, file: str) -> None:
        """Read every document of a text."""
        decoder = self.decoder(file)
        try:
            for document in parse_documents(text, file):
                self.read_node(document, decoder)
        except ManifestError as error:
            decoder.unreadable(error)

    def read_node(self, node: Node, decoder: Decoder) -> None:
        """Read one document: an object, or a list of them."""
        items = items_of(node)
        if items is not None:
            for item in items:
                self.read_node(item, decoder)
            return
        found = decoder.object(node)
        if found is not None:
            said = node.plain()
            self._objects.append(remember(found, said) if isinstance(said, dict) else found)
            self._places.append(Place(decoder.file, node.line))

    def manifest(self) -> Manifest:
        """Everything that was read; raises `ManifestError` when there were faults."""
        problems = [problem for decoder in self._decoders for problem in decoder.problems]
        if problems:
            raise ManifestError(problems)
        kept: dict[str, Kept] = {}
        for decoder in self._decoders:
            kept = {**decoder.kept, **kept}
        return Manifest(tuple(self._objects), tuple(self._places), tuple(kept.values()))


def items_of(node: Node) -> list[Node] | None:
    """The items of a `kind: List` (or PodList and so on); None when the document is no list."""
    body = node.value
    if not isinstance(body, dict) or "kind" not in body or "items" not in body:
        return None
    kind, items = body["kind"].value, body["items"].value
    if isinstance(kind, str) and kind.endswith("List") and isinstance(items, list):
        return items
    return None
