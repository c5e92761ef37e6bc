"""From a document's values to the structs of `lab.scenario.schema`, with every fault named by file, line and key.

Strict where `lab.kube.decode` is lenient: a key that a struct does not have is a fault, with the nearest one.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from types import UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

import msgspec

from lab.kube.decode import described, in_quotes
from lab.kube.errors import LabError, nearest
from lab.kube.time import parse_duration
from lab.kube.yaml_tree import Node, as_text
from lab.scenario.notation import parse_rate, parse_release, parse_share
from lab.scenario.schema import Entry, Notation
from lab.settings import Settings

E = TypeVar("E", bound=Entry)


class _Bad:
    """Stands for a value that was reported as a fault."""


_BAD = _Bad()
_Reader = Callable[["Reading", Node, str], Any]


class Reading:
    """One file that is being read, and the faults found so far."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[str] = []

    def struct(self, kind: type[E], node: Node) -> E | None:
        """The document as a struct; None when it has faults, which are then in `problems`."""
        found = _reader(kind)(self, node, "")
        return None if self.problems else found

    def problem(self, node: Node, path: str, message: str) -> None:
        """Note a fault in a value."""
        place = place_of(node, self.file)
        self.problems.append(f"{place}: {path}: {message}" if path else f"{place}: {message}")

    def expect(self, node: Node, path: str, expected: str) -> _Bad:
        """Note that something else was expected."""
        self.problem(node, path, f"expected {expected}, got {described(node)}")
        return _BAD


def place_of(node: Node, file: str) -> str:
    """`FILE:LINE` of a value; `file` for one that came from none."""
    return f"{node.file or file}:{node.line}" if node.line else node.file or file


def node_at(node: Node, *path: str | int) -> Node:
    """What `path` leads to, or the last thing on the way there that exists."""
    for step in path:
        below = _child(node, step)
        if below is None:
            break
        node = below
    return node


def _child(node: Node, step: str | int) -> Node | None:
    if isinstance(node.value, dict):
        return node.value.get(str(step))
    if isinstance(node.value, list) and isinstance(step, int) and step < len(node.value):
        return node.value[step]
    return None


# -- readers: one for each type that a field can have ------------------------------------------------------------


def _read_text(reading: Reading, node: Node, path: str) -> Any:
    if isinstance(node.value, str):
        return node.value
    return reading.expect(node, path, f"text{in_quotes(node)}")


def _read_text_or_number(reading: Reading, node: Node, path: str) -> Any:
    if isinstance(node.value, str | int | float) and not isinstance(node.value, bool):
        return as_text(node)
    return reading.expect(node, path, "text or a number")


def _read_bool(reading: Reading, node: Node, path: str) -> Any:
    return node.value if isinstance(node.value, bool) else reading.expect(node, path, "true or false")


def _read_count(reading: Reading, node: Node, path: str) -> Any:
    value = node.value
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        return reading.expect(node, path, "a whole number from 0 up")
    return value


def _read_node_count(reading: Reading, node: Node, path: str) -> Any:
    """How many there can be follows from the Pods' network, so that too few and too many are refused later."""
    if isinstance(node.value, bool) or not isinstance(node.value, int):
        return reading.expect(node, path, "a whole number from 1 up, or a list of nodes")
    return node.value


def _read_release(reading: Reading, node: Node, path: str) -> Any:
    """As it is written, for YAML takes 1.30 for the number 1.3."""
    return _notation_reader(parse_release)(reading, Node(node.written or node.value, node.line, node.file), path)


def _read_anything(reading: Reading, node: Node, path: str) -> Any:
    return node.plain()


def _notation_reader(parse: Callable[[Any], Any]) -> _Reader:
    def read(reading: Reading, node: Node, path: str) -> Any:
        try:
            return parse("nothing" if node.value is None else node.plain())
        except LabError as error:
            reading.problem(node, path, str(error))
            return _BAD

    return read


def _read_settings(reading: Reading, node: Node, path: str) -> Any:
    if not isinstance(node.value, dict):
        return reading.expect(node, path, "a mapping of settings")
    fields = {field.name: field for field in msgspec.structs.fields(Settings)}
    values: dict[str, Any] = {}
    for key, item in node.value.items():
        if key == "load_balancer":
            reading.problem(item, f"{path}.{key}", "the profile stands beside the settings: cluster.load_balancer")
            continue
        if key not in fields:
            reading.problem(item, f"{path}.{key}", f"there is no such setting{nearest(key, fields)}")
            continue
        read = _read_share_or_duration(key) if fields[key].type is float else _PLAIN[fields[key].type]
        values[key] = read(reading, item, f"{path}.{key}")
    return values


def _read_share_or_duration(setting: str) -> _Reader:
    return _NOTATIONS["duration" if setting.endswith("_s") else "rate"]


_NOTATIONS: dict[str, _Reader] = {
    "duration": _notation_reader(parse_duration),
    "rate": _notation_reader(parse_rate),
    "share": _notation_reader(parse_share),
    "node count": _read_node_count,
    "release": _read_release,
    "text": _read_text_or_number,
    "settings": _read_settings,
    "variants": _read_anything,
}
_PLAIN: dict[Any, _Reader] = {str: _read_text, bool: _read_bool, int: _read_count, Any: _read_anything}


@cache
def _reader(form: Any) -> _Reader:
    """The reader for a field's annotation."""
    if form in _PLAIN:
        return _PLAIN[form]
    origin, arguments = get_origin(form), get_args(form)
    if origin is Annotated:
        return _NOTATIONS[next(mark.name for mark in arguments[1:] if isinstance(mark, Notation))]
    if origin is Literal:
        return _word_reader(arguments)
    if origin in (Union, UnionType):
        return _choice_reader(tuple(choice for choice in arguments if choice is not type(None)))
    if origin is tuple:
        return _list_reader(arguments[0])
    if origin is dict:
        return _map_reader(arguments[1])
    return _struct_reader(form)


def _word_reader(words: tuple[str, ...]) -> _Reader:
    def read(reading: Reading, node: Node, path: str) -> Any:
        if node.value in words:
            return node.value
        hint = nearest(node.value, words) if isinstance(node.value, str) else ""
        return reading.expect(node, path, f"{' or '.join(words)}") if not hint else _hinted(reading, node, path, hint)

    return read


def _hinted(reading: Reading, node: Node, path: str, hint: str) -> _Bad:
    reading.problem(node, path, f"{described(node)} is not known{hint}")
    return _BAD


def _choice_reader(choices: tuple[Any, ...]) -> _Reader:
    """Of several forms the one that fits what was written: a list, a mapping or a scalar."""
    if len(choices) == 1:
        return _reader(choices[0])
    lists = [choice for choice in choices if get_origin(choice) is tuple]
    maps = [choice for choice in choices if get_origin(choice) is dict or isinstance(choice, type(Entry))]
    scalars = [choice for choice in choices if choice not in lists and choice not in maps]

    def read(reading: Reading, node: Node, path: str) -> Any:
        value = node.value
        fitting = lists if isinstance(value, list) else maps if isinstance(value, dict) else scalars
        exact = [choice for choice in fitting if isinstance(choice, type) and isinstance(value, choice)]
        chosen = (exact or fitting or choices)[0]
        return _reader(chosen)(reading, node, path)

    return read


def _list_reader(item: Any) -> _Reader:
    read_item = _reader(item)

    def read(reading: Reading, node: Node, path: str) -> Any:
        if not isinstance(node.value, list):
            return reading.expect(node, path, "a list")
        return tuple(read_item(reading, each, f"{path}[{index}]") for index, each in enumerate(node.value))

    return read


def _map_reader(item: Any) -> _Reader:
    read_item = _reader(item)

    def read(reading: Reading, node: Node, path: str) -> Any:
        if not isinstance(node.value, dict):
            return reading.expect(node, path, "a mapping")
        return {key: read_item(reading, each, f"{path}.{key}") for key, each in node.value.items()}

    return read


@cache
def _struct_reader(struct: type[Entry]) -> _Reader:
    fields = {field.encode_name: field for field in msgspec.structs.fields(struct)}

    def read(reading: Reading, node: Node, path: str) -> Any:
        if not isinstance(node.value, dict):
            return reading.expect(node, path, f"a mapping with {', '.join(fields)}")
        values: dict[str, Any] = {}
        for key, item in node.value.items():
            below = f"{path}.{key}" if path else key
            if key not in fields:
                hint = nearest(key, fields) or f"; known are {', '.join(fields)}"
                reading.problem(item, below, f"there is no such key{hint}")
            elif item.value is not None:
                values[fields[key].name] = _reader(fields[key].type)(reading, item, below)
        for name in (name for name, field in fields.items() if field.required and field.name not in values):
            reading.problem(node, f"{path}.{name}" if path else name, "is missing")
        return _BAD if reading.problems else struct(**values)

    return read
