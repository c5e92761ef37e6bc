"""What can be read of a document with faults, so that the rest of it can be looked at."""

from __future__ import annotations

from collections.abc import Sequence

from lab.kube.decode import Decoder, Fault
from lab.kube.meta import KubeObject
from lab.kube.tree_path import below_of, steps_of
from lab.kube.yaml_tree import Node

_REPAIRS = 4
"""How often what is at fault is taken out before a document is given up."""


def without_faults(node: Node, faults: Sequence[Fault], file: str) -> KubeObject | None:
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
    missing = fault.message.startswith("is missing")
    steps = steps_of(fault.path)
    for step in steps[:-1]:
        below = below_of(node, step)
        if missing and isinstance(node.value, dict) and (below is None or below.value is None):
            below = node.value[step] = Node({}, node.line)
        if below is None:
            return
        node = below
    body, last = node.value, steps[-1] if steps else ""
    if isinstance(body, dict) and last:
        if missing:
            body[last] = Node(f"unnamed-{node.line}" if last == "name" else 1, node.line)
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
