"""Values whose JSON form is not simply their fields: how each is turned into fields, and back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lab.kube.kinds.pod import ContainerState
from lab.kube.struct import KubeStruct
from lab.kube.yaml_tree import Node

_STATES = ("running", "waiting", "terminated")


@dataclass(frozen=True)
class Shape:
    """`to_fields` gives None for an object that says nothing, and raises `ValueError` with what was expected."""

    to_fields: Callable[[dict[str, Node]], dict[str, Node] | None]
    to_json: Callable[[dict[str, Any]], dict[str, Any]]


def _state_to_fields(json: dict[str, Node]) -> dict[str, Node] | None:
    named = [state for state in _STATES if state in json and json[state].value is not None]
    if not json:
        return None
    if len(json) != 1 or len(named) != 1 or not isinstance(json[named[0]].value, dict):
        raise ValueError(f"exactly one of {', '.join(_STATES)}, an object")
    inner = json[named[0]]
    details = inner.value if isinstance(inner.value, dict) else {}
    return {**details, "state": Node(named[0], inner.line, inner.file)}


def _state_to_json(fields: dict[str, Any]) -> dict[str, Any]:
    return {fields["state"]: {name: value for name, value in fields.items() if name != "state"}}


SHAPES: dict[type[KubeStruct], Shape] = {ContainerState: Shape(_state_to_fields, _state_to_json)}
