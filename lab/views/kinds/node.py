"""How a node is shown."""

from __future__ import annotations

from lab.kube.kinds.node import Node
from lab.views.kinds.base import Context, KindView
from lab.views.kinds.formatting import age, annotation_lines, moment, pair_lines
from lab.views.kinds.pod_status import summarize
from lab.views.states import State, node_state
from lab.views.table import fields, table

_ROLE_LABEL = "node-role.kubernetes.io/"


def status(node: Node) -> str:
    """The STATUS column: Ready, NotReady or Unknown, and `SchedulingDisabled` when cordoned."""
    known = any(one.type == "Ready" for one in node.status.conditions)
    word = ("Ready" if node.ready else "NotReady") if known else "Unknown"
    return f"{word},SchedulingDisabled" if node.spec.unschedulable else word


def _roles(node: Node) -> str:
    names = [label.removeprefix(_ROLE_LABEL) for label in sorted(node.metadata.labels) if label.startswith(_ROLE_LABEL)]
    return ",".join(names) or "<none>"


def _info(node: Node, field: str) -> str:
    info = node.status.extra.get("nodeInfo") or {}
    return str(info.get(field) or "<unknown>")


def _row(node: Node, context: Context) -> tuple[str, ...]:
    return (
        node.name,
        status(node),
        _roles(node),
        age(node.metadata.creation_timestamp, context.now),
        _info(node, "kubeletVersion"),
        node.address("InternalIP") or "<none>",
        node.address("ExternalIP") or "<none>",
        _info(node, "osImage"),
        _info(node, "kernelVersion"),
        _info(node, "containerRuntimeVersion"),
    )


def _state(node: Node, context: Context) -> State:
    return node_state(node)


def _describe(node: Node, context: Context) -> list[str]:
    taints = [f"{one.key}{f'={one.value}' if one.value else ''}:{one.effect}" for one in node.spec.taints]
    lines = fields(
        (
            ("Name", node.name),
            ("Roles", _roles(node)),
            ("Labels", pair_lines(node.metadata.labels)),
            ("Annotations", annotation_lines(node.metadata.annotations)),
            ("CreationTimestamp", moment(node.metadata.creation_timestamp)),
            ("Taints", taints),
            ("Unschedulable", str(node.spec.unschedulable).lower()),
        )
    )
    return lines + _conditions(node) + _resources(node) + _pods(node, context)


def _conditions(node: Node) -> list[str]:
    if not node.status.conditions:
        return []
    rows = [
        (f"  {one.type}", one.status, moment(one.last_transition_time), one.reason, one.message)
        for one in node.status.conditions
    ]
    return ["Conditions:", *table(("  Type", "Status", "LastTransitionTime", "Reason", "Message"), rows)]


def _resources(node: Node) -> list[str]:
    lines = ["Addresses:", *fields([(one.type, one.address) for one in node.status.addresses], indent=2)]
    for title, amounts in (("Capacity", node.status.capacity), ("Allocatable", node.status.allocatable)):
        lines += [f"{title}:", *fields(sorted(amounts.items()), indent=2)]
    return lines + fields((("PodCIDR", node.spec.pod_cidr), ("PodCIDRs", ",".join(node.spec.pod_cidrs))))


def _pods(node: Node, context: Context) -> list[str]:
    pods = [pod for pod in context.store.pods_on(node.name) if not pod.finished]
    rows = [
        (f"  {pod.namespace}", pod.name, summarize(pod).status, age(pod.metadata.creation_timestamp, context.now))
        for pod in pods
    ]
    return [f"Non-terminated Pods:  ({len(pods)} in total)", *table(("  Namespace", "Name", "Status", "Age"), rows)]


VIEW = KindView(
    struct=Node,
    columns=("NAME", "STATUS", "ROLES", "AGE", "VERSION"),
    wide=("INTERNAL-IP", "EXTERNAL-IP", "OS-IMAGE", "KERNEL-VERSION", "CONTAINER-RUNTIME"),
    row=_row,
    state=_state,
    describe=_describe,
)
