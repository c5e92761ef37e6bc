"""How an object is shown whose kind the lab keeps and does not simulate."""

from __future__ import annotations

from lab.kube.meta import KubeObject
from lab.views.kinds.base import Context, KindView
from lab.views.kinds.formatting import age, annotation_lines, pair_lines
from lab.views.states import State
from lab.views.table import fields


def _row(obj: KubeObject, context: Context) -> tuple[str, ...]:
    return (obj.name, age(obj.metadata.creation_timestamp, context.now))


def _state(obj: KubeObject, context: Context) -> State:
    return State("○", "dim", "Not simulated")


def _describe(obj: KubeObject, context: Context) -> list[str]:
    return fields(
        (
            ("Name", obj.name),
            ("Namespace", obj.namespace),
            ("Labels", pair_lines(obj.metadata.labels)),
            ("Annotations", annotation_lines(obj.metadata.annotations)),
            ("API Version", obj.api_version),
            ("Kind", obj.kind),
            ("Simulated", "no: kept and given back as it came"),
        )
    )


VIEW = KindView(struct=KubeObject, columns=("NAME", "AGE"), row=_row, state=_state, describe=_describe)
