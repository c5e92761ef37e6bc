"""How `kubectl get` prints and in which order: `-o yaml`, `-o jsonpath=...`, `-o custom-columns=...`, `--sort-by`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from lab.commands.call import Call
from lab.commands.registry import ValueType
from lab.commands.words import CommandError, Word
from lab.kube import quantity
from lab.kube.encode import encode, to_yaml
from lab.kube.errors import LabError, nearest
from lab.kube.jsonpath import Template, text_of, values
from lab.kube.meta import KubeObject
from lab.views.table import table

SIMPLE = ("wide", "yaml", "json", "name")
JSONPATH, COLUMNS = "jsonpath", "custom-columns"
_DIGITS = re.compile(r"(\d+)", re.ASCII)


@dataclass(frozen=True)
class Form:
    """A form of output, and what goes with it."""

    name: str = ""
    template: Template | None = None
    columns: tuple[tuple[str, str], ...] = ()
    """Heading and path of each column."""

    @property
    def whole(self) -> bool:
        """Whether it prints everything at once, and not a table or names."""
        return self.name in ("yaml", "json", JSONPATH)

    def text(self, data: dict[str, Any]) -> str:
        """An object or a list of them in this form."""
        if self.template is not None:
            return self.template.fill(data)
        return to_yaml(data).rstrip("\n") if self.name == "yaml" else json.dumps(data, indent=4, sort_keys=True)

    def rows(self, objects: Iterable[KubeObject], *, headers: bool) -> list[str]:
        """The custom columns of objects."""
        encoded = [encode(obj) for obj in objects]
        cells = [[_cell(values(path, data)) for _, path in self.columns] for data in encoded]
        return table([heading for heading, _ in self.columns], cells, headers=headers)


def _cell(found: list[Any]) -> str:
    return ",".join(map(text_of, found)) or "<none>"


def _read(words: Sequence[Word], call: Call) -> Form:
    name, _, rest = words[0].text.partition("=")
    if name in (JSONPATH, COLUMNS) and not rest:
        raise CommandError(f"error: {name} format specified but no template given", words[0])
    try:
        match name:
            case "jsonpath":
                return Form(name, template=Template(rest))
            case "custom-columns":
                return Form(name, columns=tuple(_columns(rest)))
    except LabError as error:
        raise CommandError(f"error: {error}", words[0]) from None
    if words[0].text not in SIMPLE:
        known = (*SIMPLE, f"{JSONPATH}=", f"{COLUMNS}=")
        raise CommandError(f'error: "{words[0].text}" is not one of {", ".join(known)}', words[0], known)
    return Form(name)


def _columns(text: str) -> Iterable[tuple[str, str]]:
    for part in text.split(","):
        heading, colon, path = part.partition(":")
        if not heading or not colon or not path:
            raise LabError(f"unexpected custom-columns spec: {part}, expected <header>:<json-path-expr>")
        values(path, {})  # a path that is none is told before anything is printed
        yield heading, path


def _suggest(before: Sequence[Word], call: Call) -> Iterable[str]:
    return (*SIMPLE, f"{JSONPATH}=", f"{COLUMNS}=")


def _read_path(words: Sequence[Word], call: Call) -> str:
    try:
        values(words[0].text, {})
    except LabError as error:
        raise CommandError(f"error: {error}", words[0]) from None
    return words[0].text


FORM = ValueType(
    "FORMAT", "wide, yaml, json, name, jsonpath=TEMPLATE or custom-columns=HEADING:PATH,...", _read, _suggest
)
PATH = ValueType("PATH", "a field such as .metadata.creationTimestamp", _read_path)


def sort_by(path: str, objects: Sequence[KubeObject]) -> list[KubeObject]:
    """Objects in the order of a field, numbers and quantities by what they are worth; those without it come first.

    Raises LabError when none of them has it.
    """
    keyed = [(_order(values(path, encode(obj))), obj) for obj in objects]
    if keyed and not any(key[0] for key, _ in keyed):
        paths = _fields_of(encode(objects[0]))
        raise LabError(f'couldn\'t find any field with path "{path}" in the list of objects{nearest(path, paths)}')
    return [obj for _, obj in sorted(keyed, key=lambda pair: pair[0])]


def _order(found: list[Any]) -> tuple[int, Any]:
    if not found:
        return (0, 0)
    value = found[0]
    if isinstance(value, dict | list):
        raise LabError(f"cannot sort by {text_of(value)[:40]}: it is no single value")
    try:
        return (1, quantity.parse(value) if not isinstance(value, bool) else int(value))
    except LabError:
        # Names in their natural order: web-2 before web-10.
        return (2, [int(part) if index % 2 else part for index, part in enumerate(_DIGITS.split(str(value)))])


def _fields_of(data: dict[str, Any], before: str = "") -> Iterable[str]:
    for key, value in data.items():
        yield f"{before}.{key}"
        if isinstance(value, dict) and before.count(".") < 2:
            yield from _fields_of(value, f"{before}.{key}")
