"""Variables of a scenario: `${replicas}` stands for what `vars:` says of it, in any value of the file."""

from __future__ import annotations

import re
from collections.abc import Sequence

from lab.kube.errors import nearest
from lab.kube.yaml_scalars import plain
from lab.kube.yaml_tree import Node, as_text
from lab.scenario.layers import ScenarioError, fault_at, overlay

VARS = "vars"
_REFERENCE = re.compile(r"\$\$\{|\$\{([^{}]*)\}")
_ESCAPED = "$${"


def variables_of(root: Node) -> dict[str, Node]:
    """The variables of a scenario by name. Raises `ScenarioError`."""
    node = root.value.get(VARS) if isinstance(root.value, dict) else None
    if node is None or node.value is None:
        return {}
    if not isinstance(node.value, dict):
        raise fault_at(node, VARS, "expected a mapping from names to values")
    return node.value


def with_values(root: Node, assignments: Sequence[str]) -> Node:
    """The scenario with `NAME=VALUE` of the command line laid over it: a variable, or a key such as `cluster.nodes`.

    Raises `ScenarioError`.
    """
    for text in assignments:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise ScenarioError([f'--set {text}: expected NAME=VALUE, such as "replicas=3" or "cluster.nodes=5"'])
        root = overlay(root, _assignment(root, name.strip(), _scalar(value.strip(), f"--set {text}")))
    return root


def _scalar(text: str, file: str) -> Node:
    value = plain(text)
    return Node(value, 0, file, "" if isinstance(value, str) else text)


def _assignment(root: Node, name: str, value: Node) -> Node:
    known, keys = variables_of(root), tuple(name.split("."))
    if name in known:
        keys = (VARS, name)
    elif len(keys) == 1 and not (isinstance(root.value, dict) and name in root.value):
        hint = nearest(name, known) or f"; there are {', '.join(known) or 'none'}"
        raise ScenarioError([f'{value.file}: there is no variable "{name}"{hint}'])
    for key in reversed(keys):
        value = Node({key: value}, 0, value.file)
    return value


def filled(root: Node) -> Node:
    """The scenario without `vars`, each reference replaced; raises `ScenarioError` with every one that leads nowhere.

    A value that is nothing but one reference becomes the variable's value, whatever its type; inside a longer text
    the value is written out. `$${` is the text `${` itself.
    """
    variables = variables_of(root)
    problems: list[str] = []
    if not isinstance(root.value, dict):
        return root
    body = {key: _filled(node, variables, problems) for key, node in root.value.items() if key != VARS}
    if problems:
        raise ScenarioError(problems)
    return Node(body, root.line, root.file)


def _filled(node: Node, variables: dict[str, Node], problems: list[str]) -> Node:
    value = node.value
    if isinstance(value, dict):
        return Node({key: _filled(each, variables, problems) for key, each in value.items()}, node.line, node.file)
    if isinstance(value, list):
        return Node([_filled(each, variables, problems) for each in value], node.line, node.file)
    if not isinstance(value, str) or "${" not in value:
        return node
    whole = _REFERENCE.fullmatch(value)
    if whole is not None and value != _ESCAPED:
        known = _value(whole[1], node, variables, problems)
        return Node(known.value, node.line, node.file, known.written)
    text = _REFERENCE.sub(lambda found: _written(found, node, variables, problems), value)
    return Node(text, node.line, node.file)


def _written(found: re.Match[str], node: Node, variables: dict[str, Node], problems: list[str]) -> str:
    if found[0] == _ESCAPED:
        return "${"
    known = _value(found[1], node, variables, problems)
    if isinstance(known.value, dict | list):
        problems.append(f'{node.file}:{node.line}: "${{{found[1]}}}" is a list or a mapping: it must stand alone')
        return ""
    return as_text(known)


def _value(name: str, node: Node, variables: dict[str, Node], problems: list[str]) -> Node:
    known = variables.get(name.strip())
    if known is None:
        hint = nearest(name, variables) or "; write $${ for the text itself"
        problems.append(f'{node.file}:{node.line}: there is no variable "{name}" under vars{hint}')
        return Node("", node.line, node.file)
    return known
