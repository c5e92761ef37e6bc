"""From a document's values to Kubernetes objects, with every fault named by file, line and field path.

What a struct has no field for is kept in its `extra` and reported once; a kind that the lab does not simulate
becomes a `KeptObject`. Neither is an error.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import msgspec

from lab.kube import quantity
from lab.kube.errors import LabError, ManifestError
from lab.kube.kinds import find_api
from lab.kube.meta import KeptObject, KubeObject, ObjectMeta
from lab.kube.shapes import SHAPES
from lab.kube.struct import KubeStruct, MicroTimestampMark, NumberAsTextMark, QuantityMark, TimestampMark
from lab.kube.time import from_rfc3339
from lab.kube.yaml_tree import Node, from_plain

_INT_MAX = 2**31 - 1
_OF_SCENARIOS = frozenset(("duration", "manifests", "traffic", "timeline", "lesson", "expect", "method", "extends"))
"""Keys by which a scenario is told from other YAML, for who mistakes it for a manifest."""
_INDEX = re.compile(r"\[[^\]]*\]")


@dataclass(frozen=True)
class Kept:
    """A kind or a field that a manifest sets and the lab does not simulate, with the first place it was seen."""

    what: str
    """`Ingress`, or `Deployment spec.template.spec.volumes`."""
    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.what}: kept, not simulated"


@dataclass(frozen=True)
class Fault:
    """One thing at a place in a file that keeps an object from being read."""

    file: str
    line: int
    path: str
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.path}: {self.message}" if self.path else f"{place}: {self.message}"


class _Bad:
    """Stands for a value that was reported as a fault."""


_BAD = _Bad()
_Reader = Callable[["Decoder", Node, str], Any]


def decode(value: Mapping[str, Any] | Node, file: str = "inline") -> KubeObject:
    """One object from a dict or a parsed document; raises `ManifestError` with all its faults."""
    decoder = Decoder(file)
    found = decoder.object(value if isinstance(value, Node) else from_plain(value))
    if found is None or decoder.problems:
        raise ManifestError(decoder.problems)
    return found


def _is_scenario(body: Mapping[str, Node]) -> bool:
    return "name" in body and not {"apiVersion", "kind"} & body.keys() and bool(_OF_SCENARIOS & body.keys())


class Decoder:
    """Decodes the documents of one file, gathering `faults` (as text: `problems`) and `kept` on the way."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.faults: list[Fault] = []
        self.kept: dict[str, Kept] = {}
        self._kind = ""

    @property
    def problems(self) -> list[str]:
        """The faults as a user reads them."""
        return [str(fault) for fault in self.faults]

    def unreadable(self, error: ManifestError) -> None:
        """Note what keeps the text of the file from being read as YAML."""
        for problem in error.problems:
            found = re.fullmatch(rf"{re.escape(self.file)}(?::(\d+))?: (.*)", problem, re.DOTALL)
            line, message = (int(found[1] or 0), found[2]) if found else (0, problem)
            self.faults.append(Fault(self.file, line, "", message))

    def object(self, node: Node) -> KubeObject | None:
        """The object that a document describes; None when faults kept it from being made.

        A list of objects is none (see `lab.kube.documents`).
        """
        body = node.value
        if not isinstance(body, dict):
            self._expect(node, "", "a Kubernetes object with apiVersion and kind")
            return None
        if _is_scenario(body):
            self.problem(node, "", f"this is a scenario, not a manifest; play it with: lab play {self.file}")
            return None
        faults = len(self.faults)
        api_version, kind = (self._text_at_top(node, body, name) for name in ("apiVersion", "kind"))
        if not api_version or not kind:
            return None
        self._kind = kind
        if kind == "List" or (kind.endswith("List") and "items" in body):
            if "items" in body:
                self._expect(body["items"], "items", "a list of objects")
            else:
                self.problem(node, "items", "is missing: a List has its objects there")
            return None
        known = find_api(api_version, kind)
        if known is None:
            found = self._kept_object(node, body, api_version, kind)
        else:
            convert = known.conversions.get(api_version)
            current = convert(body) if convert is not None else body
            version = Node(known.api_version, body["apiVersion"].line, body["apiVersion"].file)
            current = {**current, "apiVersion": version}
            found = _struct_reader(known.struct)(self, Node(current, node.line, node.file), "")
        self._require_name(node, body)
        return found if isinstance(found, KubeObject) and len(self.faults) == faults else None

    def problem(self, node: Node, path: str, message: str) -> None:
        """Note a fault at a value."""
        self.faults.append(Fault(node.file or self.file, node.line, path, message))

    def unknown_field(self, node: Node, path: str, name: str, known: Iterable[str]) -> None:
        """Note a field that the lab keeps without simulating it; `known` are the fields that it simulates there."""
        self._keep(node, _below(path, name))

    def _expect(self, node: Node, path: str, expected: str) -> _Bad:
        self.problem(node, path, f"expected {expected}, got {described(node)}")
        return _BAD

    def _keep(self, node: Node, path: str) -> None:
        what = f"{self._kind} {_INDEX.sub('[]', path)}" if path else self._kind
        self.kept.setdefault(what, Kept(what, node.file or self.file, node.line))

    def _text_at_top(self, node: Node, body: dict[str, Node], name: str) -> str:
        value = body.get(name)
        if value is None or value.value is None or value.value == "":
            self.problem(node, name, "is missing: every Kubernetes object needs apiVersion and kind")
            return ""
        text = _read_text(self, value, name)
        return text if isinstance(text, str) else ""

    def _require_name(self, node: Node, body: dict[str, Node]) -> None:
        metadata = body.get("metadata")
        names = metadata.value if metadata is not None else None
        if isinstance(names, dict):
            if any(name in names and names[name].value not in (None, "") for name in ("name", "generateName")):
                return
        elif names is not None:
            return  # already a fault: not an object
        self.problem(metadata or node, "metadata.name", f"is missing: every {self._kind} needs a name")

    def _kept_object(self, node: Node, body: dict[str, Node], api_version: str, kind: str) -> KubeObject:
        self._keep(node, "")
        metadata = _struct_reader(ObjectMeta)(self, body["metadata"], "metadata") if "metadata" in body else _BAD
        return KeptObject(
            api_version=api_version,
            kind=kind,
            metadata=metadata if isinstance(metadata, ObjectMeta) else ObjectMeta(),
            body={key: item.plain() for key, item in body.items() if key not in ("apiVersion", "kind", "metadata")},
        )


def described(node: Node) -> str:
    """What stands at a node in words, as it is written there."""
    return describe(node.value, node.written)


def in_quotes(node: Node) -> str:
    """What to write for a number or a boolean that was meant as text: ` (put it in quotes: "yes")`; else nothing."""
    return f' (put it in quotes: "{node.written or node.value}")' if isinstance(node.value, bool | int | float) else ""


def describe(value: object, written: str = "") -> str:
    """A value in words, for "got ..."; `written` is how a number stood in the file."""
    match value:
        case None:
            return "nothing (null)"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return f"the number {_shortened(written or str(value))}"
        case str():
            return f'the text "{_shortened(value)}"'
        case dict():
            return "an object"
        case list():
            return "a list"
    return f"a {type(value).__name__}"


def _shortened(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."


# -- readers: one for each type that a struct's field can have ---------------------------------------------------


def _read_text(decoder: Decoder, node: Node, path: str) -> Any:
    if isinstance(node.value, str):
        return node.value
    return decoder._expect(node, path, f"text{in_quotes(node)}")


def _read_bool(decoder: Decoder, node: Node, path: str) -> Any:
    return node.value if isinstance(node.value, bool) else decoder._expect(node, path, "true or false")


def _read_int(decoder: Decoder, node: Node, path: str) -> Any:
    value = node.value
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return decoder._expect(node, path, "a whole number")
    if abs(value) > _INT_MAX:
        return decoder._expect(node, path, f"a whole number of at most {_INT_MAX}")
    return value


def _read_number(decoder: Decoder, node: Node, path: str) -> Any:
    value = node.value
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return decoder._expect(node, path, "a number")
    return float(value)


def _read_number_or_text(decoder: Decoder, node: Node, path: str) -> Any:
    if isinstance(node.value, str):
        return node.value
    if isinstance(node.value, bool) or not isinstance(node.value, (int, float)):
        return decoder._expect(node, path, "a whole number or text")
    return _read_int(decoder, node, path)


def _read_number_as_text(decoder: Decoder, node: Node, path: str) -> Any:
    if isinstance(node.value, str) and (node.value == "" or node.value.isdecimal()):
        return int(node.value or 0)
    return decoder._expect(node, path, "a number in quotes")


def _read_timestamp(decoder: Decoder, node: Node, path: str) -> Any:
    try:
        return from_rfc3339(node.value if isinstance(node.value, str) else "")
    except LabError:
        return decoder._expect(node, path, "an RFC 3339 timestamp such as 2026-01-01T00:00:00Z")


def _read_quantity(decoder: Decoder, node: Node, path: str) -> Any:
    try:
        if not isinstance(node.value, bool) and isinstance(node.value, (str, int, float)):
            return quantity.as_text(node.value)
    except LabError:
        pass
    return decoder._expect(node, path, "a quantity such as 100m, 2 or 512Mi")


def _read_anything(decoder: Decoder, node: Node, path: str) -> Any:
    return node.plain()


_MARKED: dict[type, _Reader] = {
    TimestampMark: _read_timestamp,
    MicroTimestampMark: _read_timestamp,
    NumberAsTextMark: _read_number_as_text,
    QuantityMark: _read_quantity,
}
_SCALARS: dict[Any, _Reader] = {
    str: _read_text,
    bool: _read_bool,
    int: _read_int,
    float: _read_number,
    Any: _read_anything,
}


@cache
def _reader(kind: Any) -> _Reader:
    """The reader for a field's annotation."""
    if kind in _SCALARS:
        return _SCALARS[kind]
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _MARKED[arguments[1]]
    if origin in (Union, UnionType):
        choices = tuple(choice for choice in arguments if choice is not type(None))
        return _reader(choices[0]) if len(choices) == 1 else _read_number_or_text
    if origin is tuple:
        return _list_reader(arguments[0])
    if origin is dict:
        return _map_reader(arguments[1])
    return _struct_reader(kind)


def _list_reader(item: Any) -> _Reader:
    read_item = _reader(item)

    def read(decoder: Decoder, node: Node, path: str) -> Any:
        if not isinstance(node.value, list):
            return decoder._expect(node, path, "a list")
        values = [read_item(decoder, each, f"{path}[{index}]") for index, each in enumerate(node.value)]
        return tuple(value for value in values if value is not _BAD)

    return read


def _map_reader(item: Any) -> _Reader:
    read_item = _reader(item)

    def read(decoder: Decoder, node: Node, path: str) -> Any:
        if not isinstance(node.value, dict):
            return decoder._expect(node, path, "an object")
        values = {
            key: "" if each.value is None and item is str else read_item(decoder, each, _below(path, key))
            for key, each in node.value.items()
        }
        return {key: value for key, value in values.items() if value is not _BAD}

    return read


def _below(path: str, key: str) -> str:
    plain_key = key.replace("-", "").replace("_", "").isalnum()
    return (f"{path}.{key}" if path else key) if plain_key else f'{path}["{key}"]'


@dataclass(frozen=True)
class _Field:
    name: str
    read: _Reader
    required: bool


@cache
def _fields(struct: type[KubeStruct]) -> dict[str, _Field]:
    """A struct's fields by the name that a manifest uses."""
    return {
        field.encode_name: _Field(field.name, _reader(field.type), field.required)
        for field in msgspec.structs.fields(struct)
        if field.name != "extra"
    }


@cache
def _struct_reader(struct: type[KubeStruct]) -> _Reader:
    def read(decoder: Decoder, node: Node, path: str) -> Any:
        if not isinstance(node.value, dict):
            return decoder._expect(node, path, "an object")
        body: dict[str, Node] | None = node.value
        if struct in SHAPES:
            try:
                body = SHAPES[struct].to_fields(node.value)
            except ValueError as error:
                return decoder._expect(node, path, str(error))
        return _read_struct(decoder, struct, body, node, path) if body is not None else None

    return read


def _read_struct(
    decoder: Decoder, struct: type[KubeStruct], body: dict[str, Node], node: Node, path: str
) -> KubeStruct | _Bad:
    fields = _fields(struct)
    values: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    missing = [
        name for name, field in fields.items() if field.required and (name not in body or body[name].value is None)
    ]
    for name in missing:
        decoder.problem(node, _below(path, name), "is missing")
    for name, item in body.items():
        field = fields.get(name)
        if field is None:
            extra[name] = item.plain()
            decoder.unknown_field(item, path, name, fields)
        elif item.value is not None:
            value = field.read(decoder, item, _below(path, name))
            if value is not None:
                values[field.name] = value
    if missing or any(value is _BAD for value in values.values()):
        return _BAD
    return struct(**values, extra=extra)
