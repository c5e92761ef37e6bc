"""How a ReplicaSet is shown."""

from __future__ import annotations

from lab.kube.kinds.replicaset import ReplicaSet
from lab.kube.selector import to_text as selector
from lab.views.kinds.base import Context, KindView
from lab.views.kinds.formatting import age, annotation_lines, containers, pair_lines
from lab.views.kinds.workload import set_state, template_lines
from lab.views.states import State
from lab.views.table import fields


def _row(replica_set: ReplicaSet, context: Context) -> tuple[str, ...]:
    return (
        replica_set.name,
        str(replica_set.spec.replicas),
        str(replica_set.status.replicas),
        str(replica_set.status.ready_replicas),
        age(replica_set.metadata.creation_timestamp, context.now),
        *containers(replica_set.spec.template),
        selector(replica_set.spec.selector),
    )


def _state(replica_set: ReplicaSet, context: Context) -> State:
    return set_state(replica_set.spec.replicas, replica_set.status.ready_replicas)


def _describe(replica_set: ReplicaSet, context: Context) -> list[str]:
    controller = replica_set.metadata.controller
    status = replica_set.status
    lines = fields(
        (
            ("Name", replica_set.name),
            ("Namespace", replica_set.namespace),
            ("Selector", selector(replica_set.spec.selector)),
            ("Labels", pair_lines(replica_set.metadata.labels)),
            ("Annotations", annotation_lines(replica_set.metadata.annotations)),
            ("Controlled By", f"{controller.kind}/{controller.name}" if controller else "<none>"),
            ("Replicas", f"{status.replicas} current / {replica_set.spec.replicas} desired"),
            ("Ready", f"{status.ready_replicas} ready, {status.available_replicas} available"),
        )
    )
    return lines + template_lines(replica_set.spec.template)


VIEW = KindView(
    struct=ReplicaSet,
    columns=("NAME", "DESIRED", "CURRENT", "READY", "AGE"),
    wide=("CONTAINERS", "IMAGES", "SELECTOR"),
    row=_row,
    state=_state,
    describe=_describe,
)
