"""How a StatefulSet is shown."""

from __future__ import annotations

from lab.kube.kinds.statefulset import StatefulSet
from lab.kube.selector import to_text as selector
from lab.views.kinds.base import Context, KindView
from lab.views.kinds.formatting import age, annotation_lines, containers, moment, pair_lines
from lab.views.kinds.workload import pods_status, set_state, template_lines
from lab.views.states import State
from lab.views.table import fields


def _row(stateful_set: StatefulSet, context: Context) -> tuple[str, ...]:
    return (
        stateful_set.name,
        f"{stateful_set.status.ready_replicas}/{stateful_set.spec.replicas}",
        age(stateful_set.metadata.creation_timestamp, context.now),
        *containers(stateful_set.spec.template),
    )


def _state(stateful_set: StatefulSet, context: Context) -> State:
    status = stateful_set.status
    return set_state(stateful_set.spec.replicas, status.ready_replicas, status.updated_replicas)


def _describe(stateful_set: StatefulSet, context: Context) -> list[str]:
    spec = stateful_set.spec
    rolling = spec.update_strategy.rolling_update
    lines = fields(
        (
            ("Name", stateful_set.name),
            ("Namespace", stateful_set.namespace),
            ("CreationTimestamp", moment(stateful_set.metadata.creation_timestamp)),
            ("Selector", selector(spec.selector)),
            ("Labels", pair_lines(stateful_set.metadata.labels)),
            ("Annotations", annotation_lines(stateful_set.metadata.annotations)),
            ("Replicas", f"{spec.replicas} desired | {stateful_set.status.replicas} total"),
            ("Service Name", spec.service_name or "<none>"),
            ("Pod Management Policy", spec.pod_management_policy),
            ("Update Strategy", spec.update_strategy.type),
            ("  Partition", str(rolling.partition if rolling is not None else 0)),
            ("Pods Status", pods_status(stateful_set, context)),
        )
    )
    return lines + template_lines(spec.template)


VIEW = KindView(
    struct=StatefulSet,
    columns=("NAME", "READY", "AGE"),
    wide=("CONTAINERS", "IMAGES"),
    row=_row,
    state=_state,
    describe=_describe,
)
