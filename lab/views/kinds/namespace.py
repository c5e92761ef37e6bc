"""How a Namespace is shown."""

from __future__ import annotations

from lab.kube.kinds.namespace import Namespace
from lab.views.kinds.base import Context, KindView
from lab.views.kinds.formatting import age, annotation_lines, pair_lines
from lab.views.states import READY, TERMINATING, State
from lab.views.table import fields


def _row(namespace: Namespace, context: Context) -> tuple[str, ...]:
    return (namespace.name, namespace.status.phase, age(namespace.metadata.creation_timestamp, context.now))


def _state(namespace: Namespace, context: Context) -> State:
    return READY if namespace.status.phase == "Active" else TERMINATING


def _describe(namespace: Namespace, context: Context) -> list[str]:
    return fields(
        (
            ("Name", namespace.name),
            ("Labels", pair_lines(namespace.metadata.labels)),
            ("Annotations", annotation_lines(namespace.metadata.annotations)),
            ("Status", namespace.status.phase),
        )
    )


VIEW = KindView(struct=Namespace, columns=("NAME", "STATUS", "AGE"), row=_row, state=_state, describe=_describe)
