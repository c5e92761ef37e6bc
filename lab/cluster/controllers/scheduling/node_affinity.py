"""Which nodes a Pod's node selector and required node affinity allow (component-helpers' GetRequiredNodeAffinity).

https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/
"""

from __future__ import annotations

from msgspec.structs import replace

from lab.kube.kinds.affinity import Affinity, NodeAffinity, NodeSelector, NodeSelectorRequirement, NodeSelectorTerm
from lab.kube.kinds.node import Node
from lab.kube.kinds.pod import PodSpec

_NAME = "metadata.name"


def allows_node(spec: PodSpec, node: Node) -> bool:
    """Whether a Pod may be placed on a node as far as the node's labels and name go."""
    labels = node.metadata.labels
    if any(labels.get(key) != value for key, value in spec.node_selector.items()):
        return False
    required = _required(spec)
    return required is None or any(_matches(term, node) for term in required.node_selector_terms)


def pinned_nodes(spec: PodSpec) -> list[str] | None:
    """The only nodes that can take a Pod, by name, in its own order; None when any could."""
    required = _required(spec)
    if required is None:
        return None
    names: dict[str, None] = {}
    for term in required.node_selector_terms:
        named = [one for one in term.match_fields if one.key == _NAME and one.operator == "In"]
        if not named:
            return None
        names.update(dict.fromkeys(named[0].values))
    return list(names)


def pinned_to(affinity: Affinity | None, node: str) -> Affinity:
    """An affinity with, instead of its required node affinity, that for the one node of this name."""
    requirement = NodeSelectorRequirement(key=_NAME, operator="In", values=(node,))
    only = NodeSelector(node_selector_terms=(NodeSelectorTerm(match_fields=(requirement,)),))
    affinity = affinity or Affinity()
    own = affinity.node_affinity or NodeAffinity()
    return replace(affinity, node_affinity=replace(own, required_during_scheduling_ignored_during_execution=only))


def _required(spec: PodSpec) -> NodeSelector | None:
    affinity = spec.affinity.node_affinity if spec.affinity is not None else None
    return affinity.required_during_scheduling_ignored_during_execution if affinity is not None else None


def _matches(term: NodeSelectorTerm, node: Node) -> bool:
    if not term.match_expressions and not term.match_fields:
        return False
    labels, fields = node.metadata.labels, {_NAME: node.name}
    return all(_holds(one, labels) for one in term.match_expressions) and all(
        _holds(one, fields) for one in term.match_fields
    )


def _holds(requirement: NodeSelectorRequirement, values: dict[str, str]) -> bool:
    value = values.get(requirement.key)
    match requirement.operator:
        case "In":
            return value is not None and value in requirement.values
        case "NotIn":
            return value is None or value not in requirement.values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
        case "Gt" | "Lt":
            return value is not None and _compares(requirement, value)
    return False


def _compares(requirement: NodeSelectorRequirement, value: str) -> bool:
    try:
        have, limit = int(value), int(requirement.values[0])
    except (ValueError, IndexError):
        return False
    return have > limit if requirement.operator == "Gt" else have < limit
