"""core/v1 Affinity as far as the scheduler looks at it: the node affinity that must hold.

Preferred node affinity, and affinity between Pods, are kept and not simulated.
https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/#node-affinity
"""

from __future__ import annotations

from lab.kube.struct import KubeStruct


class NodeSelectorRequirement(KubeStruct, frozen=True):
    """One condition on a label or field of a node: In, NotIn, Exists, DoesNotExist, Gt or Lt."""

    key: str = ""
    operator: str = ""
    values: tuple[str, ...] = ()


class NodeSelectorTerm(KubeStruct, frozen=True):
    """All its requirements must hold; an empty term matches no node."""

    match_expressions: tuple[NodeSelectorRequirement, ...] = ()
    """On labels."""
    match_fields: tuple[NodeSelectorRequirement, ...] = ()
    """On `metadata.name`, the only field there is."""


class NodeSelector(KubeStruct, frozen=True):
    """A node is selected when one of the terms matches it."""

    node_selector_terms: tuple[NodeSelectorTerm, ...] = ()


class NodeAffinity(KubeStruct, frozen=True):
    """Which nodes a Pod may be placed on."""

    required_during_scheduling_ignored_during_execution: NodeSelector | None = None


class Affinity(KubeStruct, frozen=True):
    """A Pod's wishes about its place."""

    node_affinity: NodeAffinity | None = None
