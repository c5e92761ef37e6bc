"""How a DaemonSet is shown."""

from __future__ import annotations

from lab.kube.kinds.daemonset import DaemonSet
from lab.kube.selector import to_text as selector
from lab.views.kinds.base import Context, KindView
from lab.views.kinds.formatting import age, annotation_lines, containers, pair_lines, pairs
from lab.views.kinds.workload import pods_status, set_state, template_lines
from lab.views.states import State
from lab.views.table import fields


def _row(daemon_set: DaemonSet, context: Context) -> tuple[str, ...]:
    status, template = daemon_set.status, daemon_set.spec.template
    return (
        daemon_set.name,
        str(status.desired_number_scheduled),
        str(status.current_number_scheduled),
        str(status.number_ready),
        str(status.updated_number_scheduled),
        str(status.number_available),
        pairs(template.spec.node_selector),
        age(daemon_set.metadata.creation_timestamp, context.now),
        *containers(template),
        selector(daemon_set.spec.selector),
    )


def _state(daemon_set: DaemonSet, context: Context) -> State:
    status = daemon_set.status
    wanted = status.desired_number_scheduled
    if not wanted:
        return State("○", "dim", "No node")
    return set_state(wanted, status.number_available, status.updated_number_scheduled)


def _describe(daemon_set: DaemonSet, context: Context) -> list[str]:
    spec, status = daemon_set.spec, daemon_set.status
    lines = fields(
        (
            ("Name", daemon_set.name),
            ("Namespace", daemon_set.namespace),
            ("Selector", selector(spec.selector)),
            ("Node-Selector", pairs(spec.template.spec.node_selector)),
            ("Labels", pair_lines(daemon_set.metadata.labels)),
            ("Annotations", annotation_lines(daemon_set.metadata.annotations)),
            ("Desired Number of Nodes Scheduled", str(status.desired_number_scheduled)),
            ("Current Number of Nodes Scheduled", str(status.current_number_scheduled)),
            ("Number of Nodes Scheduled with Up-to-date Pods", str(status.updated_number_scheduled)),
            ("Number of Nodes Scheduled with Available Pods", str(status.number_available)),
            ("Number of Nodes Misscheduled", str(status.number_misscheduled)),
            ("Pods Status", pods_status(daemon_set, context)),
        )
    )
    return lines + template_lines(spec.template)


VIEW = KindView(
    struct=DaemonSet,
    columns=("NAME", "DESIRED", "CURRENT", "READY", "UP-TO-DATE", "AVAILABLE", "NODE SELECTOR", "AGE"),
    wide=("CONTAINERS", "IMAGES", "SELECTOR"),
    row=_row,
    state=_state,
    describe=_describe,
)
