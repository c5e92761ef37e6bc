"""The JSON Schema of scenario files, for editors: made from the structs, with their docstrings as help."""

from __future__ import annotations

import ast
import inspect
from functools import cache
from itertools import pairwise
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec

from lab.kube.versions import VERSIONS
from lab.scenario import expect, schema
from lab.settings import Settings

_NOTATIONS: dict[str, dict[str, Any]] = {
    "duration": {
        "anyOf": [
            {"type": "number", "minimum": 0},
            {"type": "string", "pattern": r"^([0-9]+(\.[0-9]*)?(us|ms|s|m|h|d))+$"},
        ],
        "examples": ["250ms", "10s", "1m30s"],
    },
    "rate": {
        "anyOf": [
            {"type": "number", "minimum": 0},
            {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?\s*(/\s*[smh])?$"},
        ],
        "examples": [20, "300/m"],
    },
    "share": {
        "anyOf": [
            {"type": "number", "minimum": 0, "maximum": 1},
            {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?\s*%$"},
        ],
        "examples": [0.01, "1%"],
    },
    "text": {"type": ["string", "number"]},
    "node count": {"type": "integer", "minimum": 1},
    "release": {"enum": [*VERSIONS, *(float(version) for version in VERSIONS)]},
    "settings": {"type": "object", "additionalProperties": False},
    "variants": {"type": "object", "additionalProperties": {"$ref": "#/$defs/Variant"}},
}
_PLAIN = {str: "string", int: "integer", float: "number", bool: "boolean"}


def scenario_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of a scenario file."""
    structs = [kind for kind in vars(schema).values() if inspect.isclass(kind) and issubclass(kind, schema.Entry)]
    definitions = {struct.__name__: _of_struct(struct) for struct in structs if struct is not schema.Entry}
    examples = [metric.example for metric in expect.METRICS]
    definitions["ExpectEntry"]["properties"]["that"]["examples"] = examples
    definitions["ScenarioEntry"]["properties"]["expect"]["items"]["anyOf"][0]["examples"] = examples
    definitions["ClusterEntry"]["properties"]["settings"]["properties"] = {
        field.name: _of_setting(field) for field in msgspec.structs.fields(Settings) if field.name != "load_balancer"
    }
    root = definitions.pop("ScenarioEntry")
    root["patternProperties"] = _appended(root["properties"])
    definitions["Variant"] = _variant(root)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Service Lab scenario",
        **root,
        "$defs": definitions,
    }


def _variant(scenario: dict[str, Any]) -> dict[str, Any]:
    """A scenario of which everything may be left out, but for what cannot differ between variants."""
    fixed = ("name", "extends", "variants")
    properties = {key: form for key, form in scenario["properties"].items() if key not in fixed}
    properties["base"] = {"type": "string", "description": "Another variant that this one says the differences to."}
    return {**scenario, "description": "What is different in this variant.", "properties": properties} | {
        "required": []
    }


def _appended(properties: dict[str, Any]) -> dict[str, Any]:
    """`timeline+` and its like, which append to the list of the layer below."""
    return {f"^{key}\\+$": form for key, form in properties.items() if form.get("type") == "array"}


def _of_setting(field: msgspec.structs.FieldInfo) -> dict[str, Any]:
    form = _NOTATIONS["duration"] if field.name.endswith("_s") else {"type": _PLAIN[field.type]}
    help_text = field_help(Settings).get(field.name)
    return {**form, "default": field.default} | ({"description": help_text} if help_text else {})


def _of_struct(struct: type[schema.Entry]) -> dict[str, Any]:
    help_texts = field_help(struct)
    fields = msgspec.structs.fields(struct)
    properties = {}
    for field in fields:
        described: dict[str, Any] = {"description": help_texts[field.name]} if field.name in help_texts else {}
        properties[field.encode_name] = _of_type(field.type) | described
    made: dict[str, Any] = {"type": "object", "description": inspect.getdoc(struct), "properties": properties}
    needed = [field.encode_name for field in fields if field.required]
    return made | ({"required": needed} if needed else {}) | {"additionalProperties": False}


def _of_type(form: Any) -> dict[str, Any]:
    origin, arguments = get_origin(form), get_args(form)
    if origin is Annotated:
        mark = next(extra for extra in arguments[1:] if isinstance(extra, schema.Notation))
        return dict(_NOTATIONS[mark.name])
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin in (Union, UnionType):
        choices = [_of_type(choice) for choice in arguments if choice is not type(None)]
        return choices[0] if len(choices) == 1 else {"anyOf": choices}
    if origin is tuple:
        return {"type": "array", "items": _of_type(arguments[0])}
    if origin is dict:
        return {"type": "object"} | ({} if arguments[1] is Any else {"additionalProperties": _of_type(arguments[1])})
    if isinstance(form, type) and issubclass(form, schema.Entry):
        return {"$ref": f"#/$defs/{form.__name__}"}
    return {"type": _PLAIN[form]}


@cache
def field_help(struct: type[msgspec.Struct]) -> dict[str, str]:
    """The docstring below each field of a struct, by the field's name."""
    parsed = ast.parse(inspect.getsource(struct)).body[0]
    assert isinstance(parsed, ast.ClassDef)
    texts = {}
    for statement, following in pairwise(parsed.body):
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            match following:
                case ast.Expr(value=ast.Constant(value=str(text))):
                    texts[statement.target.id] = inspect.cleandoc(text)
    return texts
