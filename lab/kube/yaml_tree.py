"""YAML text to a tree of values that remember their line, bounded against YAML bombs.

Built from PyYAML's events, without recursion: a document that is nested too deeply, or that aliases blow up,
is refused before it costs anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from lab.kube.errors import ManifestError
from lab.kube.yaml_scalars import Scalar, ScalarError, key_text, tagged

MAX_BYTES = 32 * 1024 * 1024
MAX_DEPTH = 100
MAX_VALUES = 2_000_000
"""How many values one document may hold once its aliases are written out."""

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_COLLECTION_TAGS = (None, "!", "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")


class Node:
    """A value of a document with its file and the line it stands on (from 1; 0 when it came from no file)."""

    __slots__ = ("file", "line", "size", "value", "written")

    def __init__(
        self, value: Scalar | list[Node] | dict[str, Node], line: int, file: str = "", written: str = ""
    ) -> None:
        self.value = value
        self.written = written
        """How a scalar that is not text was written, such as `1.30` for the number 1.3; empty for everything else."""
        self.line = line
        self.file = file
        self.size = 1

    def plain(self) -> Any:
        """The value without its lines: new dicts, lists and scalars."""
        value = self.value
        if isinstance(value, dict):
            return {key: node.plain() for key, node in value.items()}
        if isinstance(value, list):
            return [node.plain() for node in value]
        return value


def as_text(node: Node) -> str:
    """A scalar where text is wanted: a number with a point as it is written, so that 1.30 is not 1.3."""
    if isinstance(node.value, bool):
        return "true" if node.value else "false"
    return node.written if isinstance(node.value, float) and node.written else str(node.value)


def from_plain(value: Any, line: int = 0, file: str = "") -> Node:
    """A tree of Python dicts, lists and scalars as nodes that all stand on one line."""
    if isinstance(value, Mapping):
        return Node({str(key): from_plain(item, line, file) for key, item in value.items()}, line, file)
    if isinstance(value, (list, tuple)):
        return Node([from_plain(item, line, file) for item in value], line, file)
    return Node(value, line, file)


def depth_of(value: Any) -> int:
    """How many lists and mappings stand inside one another; 0 for a scalar. Without recursion."""
    depth, level = 0, [value]
    while level:
        level = [each for each in level if isinstance(each, (dict, list))]
        depth += bool(level)
        level = [child for each in level for child in (each.values() if isinstance(each, dict) else each)]
    return depth


def parse_documents(text: str, file: str, lines_above: int = 0) -> Iterator[Node]:
    """Every document of a YAML or JSON text; empty ones are left out. Raises `ManifestError` with file and line.

    `lines_above` is how many lines of the file come before the text.
    """
    if len(text) > MAX_BYTES:
        raise ManifestError(f"{file}: larger than {MAX_BYTES // (1024 * 1024)} MiB")
    if text.lstrip("\ufeff \t\r\n").startswith("{"):
        text = text.replace("\t", " ")  # JSON allows tabs where YAML does not
    builder = _Builder(file, lines_above)
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            document = builder.take(event)
            if document is not None and document.value is not None:
                yield document
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{file}:{mark.line + 1 + lines_above}" if mark else file
        raise ManifestError(f"{place}: this is not valid YAML: {_problem(error, text)}") from None
    except yaml.reader.ReaderError as error:
        line = text.encode()[: error.position].count(b"\n") + 1 + lines_above
        said = f"the character U+{error.character:04X} is not allowed"
        raise ManifestError(f"{file}:{line}: this is not valid YAML: {said}") from None
    except UnicodeEncodeError:
        raise ManifestError(f"{file}: this is not UTF-8 text") from None


def _problem(error: yaml.MarkedYAMLError, text: str) -> str:
    """What PyYAML says, and in plainer words what it means where a character is in the wrong place."""
    mark, problem = error.problem_mark, error.problem or error.context or ""
    if mark is None or "cannot start any token" not in problem:
        return problem
    character = text.splitlines()[mark.line][mark.column]
    return "a tab cannot indent: use spaces" if character == "\t" else f"nothing can begin with {character}: use quotes"


class _Frame:
    """A list or mapping that is being read."""

    __slots__ = ("anchor", "key", "merges", "node")

    def __init__(self, node: Node, anchor: str | None) -> None:
        self.node = node
        self.anchor = anchor
        self.key: str | None = None
        self.merges: list[Node] = []


_MERGE = "<<"
_MERGE_KEY = "\0<<"  # no key in YAML can hold a NUL, so this cannot be one of the document's own


class _Builder:
    """Takes PyYAML's events one by one and gives back each document when it is complete."""

    def __init__(self, file: str, lines_above: int) -> None:
        self.file = file
        self.first_line = lines_above + 1
        self.frames: list[_Frame] = []
        self.anchors: dict[str, Node | None] = {}

    def take(self, event: Any) -> Node | None:
        """Add one event; the document's root when this completes it."""
        if isinstance(event, yaml.DocumentStartEvent):
            self.anchors = {}
        elif isinstance(event, yaml.AliasEvent):
            return self._place(self._resolve(event), event)
        elif isinstance(event, yaml.ScalarEvent):
            return self._scalar(event)
        elif isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            self._open(event)
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            return self._close(event)
        return None

    def _fail(self, event: Any, message: str) -> ManifestError:
        return ManifestError(f"{self.file}:{self._line(event)}: {message}")

    def _line(self, event: Any) -> int:
        return int(event.start_mark.line) + self.first_line

    def _resolve(self, event: Any) -> Node:
        if event.anchor not in self.anchors:
            raise self._fail(event, f'the alias "*{event.anchor}" has no anchor before it')
        node = self.anchors[event.anchor]
        if node is None:
            raise self._fail(event, f'the alias "*{event.anchor}" stands inside what it refers to')
        return node

    def _scalar(self, event: Any) -> Node | None:
        unquoted = event.implicit[0]
        if self._awaits_key() and unquoted and event.value == _MERGE:
            self.frames[-1].key = _MERGE_KEY
            return None
        try:
            value = tagged(event.value, event.tag, unquoted=unquoted)
        except ScalarError as error:
            raise self._fail(event, str(error)) from None
        node = Node(value, self._line(event), self.file, "" if isinstance(value, str) else event.value)
        if event.anchor:
            self.anchors[event.anchor] = node
        return self._place(node, event)

    def _open(self, event: Any) -> None:
        if event.tag not in _COLLECTION_TAGS:
            raise self._fail(event, f'the tag "{event.tag.replace("tag:yaml.org,2002:", "!!")}" is not allowed')
        if self._awaits_key():
            raise self._fail(event, "a key must be text, not a list or an object")
        if len(self.frames) >= MAX_DEPTH:
            raise self._fail(event, f"nested more than {MAX_DEPTH} levels deep")
        empty: dict[str, Node] | list[Node] = {} if isinstance(event, yaml.MappingStartEvent) else []
        self.frames.append(_Frame(Node(empty, self._line(event), self.file), event.anchor))
        if event.anchor:
            self.anchors[event.anchor] = None

    def _close(self, event: Any) -> Node | None:
        frame = self.frames.pop()
        for source in frame.merges:
            self._merge(frame.node, source, event)
        if frame.anchor:
            self.anchors[frame.anchor] = frame.node
        return self._place(frame.node, event)

    def _awaits_key(self) -> bool:
        return bool(self.frames) and isinstance(self.frames[-1].node.value, dict) and self.frames[-1].key is None

    def _place(self, node: Node, event: Any) -> Node | None:
        if not self.frames:
            return node
        frame = self.frames[-1]
        parent = frame.node.value
        if isinstance(parent, list):
            parent.append(node)
        elif isinstance(parent, dict):
            if frame.key is None:
                self._take_key(frame, parent, node, event)
                return None
            if frame.key == _MERGE_KEY:
                frame.merges.append(node)
            else:
                parent[frame.key] = node
            frame.key = None
        self._grow(frame.node, node.size, event)
        return None

    def _take_key(self, frame: _Frame, parent: dict[str, Node], node: Node, event: Any) -> None:
        if isinstance(node.value, (list, dict)):
            raise self._fail(event, "a key must be text, not a list or an object")
        key = key_text(node.value)
        if key in parent:
            raise self._fail(event, f'the key "{key}" is set twice, first on line {parent[key].line}')
        frame.key = key

    def _grow(self, node: Node, size: int, event: Any) -> None:
        node.size += size
        if node.size > MAX_VALUES:
            raise self._fail(event, f"more than {MAX_VALUES} values once its aliases are written out")

    def _merge(self, target: Node, source: Node, event: Any) -> None:
        """`<<: *base`: keys that the mapping does not set itself; of several sources the first one wins."""
        sources = source.value if isinstance(source.value, list) else [source]
        for each in sources:
            if not isinstance(each.value, dict) or not isinstance(target.value, dict):
                raise self._fail(event, '"<<" merges objects, not lists or scalars')
            for key, node in each.value.items():
                if key not in target.value:
                    target.value[key] = node
                    self._grow(target, node.size, event)
