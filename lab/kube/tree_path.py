"""Field paths, as the API server writes them, followed through a tree of values."""

from __future__ import annotations

import re

from lab.kube.yaml_tree import Node

_STEP = re.compile(r'\["([^"]*)"\]|\[([^\]]*)\]|([^.\[\]]+)')


def steps_of(path: str) -> list[str]:
    """The keys and numbers of a path: `spec`, `ports`, `0`, `nodePort`."""
    return [quoted or name or index for quoted, index, name in _STEP.findall(path)]


def follow(node: Node, path: str) -> Node:
    """What a path such as `spec.ports[0].nodePort` leads to, or the last thing on the way there that exists."""
    for step in steps_of(path):
        below = below_of(node, step)
        if below is None:
            return node
        node = below
    return node


def below_of(node: Node, step: str) -> Node | None:
    """The value under a key or a number; None when there is none. The case of letters does not count."""
    value = node.value
    if isinstance(value, list):
        return value[int(step)] if step.isdigit() and int(step) < len(value) else None
    if not isinstance(value, dict):
        return None
    if step in value:
        return value[step]
    alike = (step.lower(), step.lower().removesuffix("s"))  # what is wrong with clusterIP is told of clusterIPs
    return next((each for key, each in value.items() if key.lower() in alike), None)


def text_at(node: Node, *path: str) -> str:
    """The text under these keys; empty when there is none."""
    for step in path:
        below = below_of(node, step)
        if below is None:
            return ""
        node = below
    return node.value if isinstance(node.value, str) else ""
