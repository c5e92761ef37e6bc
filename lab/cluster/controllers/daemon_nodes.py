"""Which nodes a DaemonSet's Pods belong on, and what such a Pod is made to tolerate.

https://kubernetes.io/docs/concepts/workloads/controllers/daemonset/#how-daemon-pods-are-scheduled
"""

from __future__ import annotations

from typing import NamedTuple

from msgspec.structs import replace

from lab.cluster.controllers.ownership import pod_from
from lab.cluster.controllers.scheduling.filters import tolerates
from lab.cluster.controllers.scheduling.node_affinity import allows_node, pinned_nodes, pinned_to
from lab.kube.kinds.daemonset import DaemonSet
from lab.kube.kinds.node import Node
from lab.kube.kinds.pod import Pod, PodSpec, PodTemplateSpec, Toleration

_NO_EXECUTE = ("not-ready", "unreachable")
_NO_SCHEDULE = ("disk-pressure", "memory-pressure", "pid-pressure", "unschedulable")


class Verdict(NamedTuple):
    """What a DaemonSet has to do with a node."""

    runs: bool
    """Whether the node is to have a Pod."""
    stays: bool
    """Whether a Pod that is there may stay."""


ELIGIBLE, TOLERATED, EXCLUDED = Verdict(True, True), Verdict(False, True), Verdict(False, False)


def verdict_of(spec: PodSpec, node: Node) -> Verdict:
    """What a template's spec, with the daemon tolerations, means for a node (NodeShouldRunDaemonPod).

    A taint that has come later keeps Pods away, but only NoExecute drives off those that are there.
    """
    if (spec.node_name and spec.node_name != node.name) or not allows_node(spec, node):
        return EXCLUDED
    taints = [taint for taint in node.spec.taints if taint.effect in ("NoSchedule", "NoExecute")]
    unwelcome = [taint for taint in taints if not tolerates(spec.tolerations, taint)]
    if not unwelcome:
        return ELIGIBLE
    return EXCLUDED if any(taint.effect == "NoExecute" for taint in unwelcome) else TOLERATED


def daemon_spec(template: PodTemplateSpec) -> PodSpec:
    """The spec of a template with what every daemon Pod tolerates: nodes that are unready, full or cordoned."""
    spec = template.spec
    kinds = [(name, "NoExecute") for name in _NO_EXECUTE] + [(name, "NoSchedule") for name in _NO_SCHEDULE]
    if spec.host_network:
        kinds.append(("network-unavailable", "NoSchedule"))
    added = tuple(
        Toleration(key=f"node.kubernetes.io/{name}", operator="Exists", effect=effect) for name, effect in kinds
    )
    return replace(spec, tolerations=_together(spec.tolerations, added))


def _together(own: tuple[Toleration, ...], added: tuple[Toleration, ...]) -> tuple[Toleration, ...]:
    """Both, where one that is added takes the place of one of its own for the same taint."""
    replaced = {(one.key, one.effect) for one in added}
    return tuple(one for one in own if (one.key, one.effect) not in replaced) + added


def pod_for(daemon_set: DaemonSet, spec: PodSpec, node: str, labels: dict[str, str]) -> Pod:
    """The Pod that is to run on a node: the scheduler binds it, for no other node can take it."""
    pod = pod_from(daemon_set.spec.template, daemon_set)
    meta = replace(pod.metadata, labels={**pod.metadata.labels, **labels})
    return replace(pod, metadata=meta, spec=replace(spec, affinity=pinned_to(spec.affinity, node)))


def target_of(pod: Pod) -> str:
    """The node that a daemon Pod is on, or is for; empty when nothing says so."""
    if pod.spec.node_name:
        return pod.spec.node_name
    named = pinned_nodes(pod.spec)
    return named[0] if named else ""
