"""How a ControllerRevision, a template that a DaemonSet or StatefulSet has had, is shown."""

from __future__ import annotations

from lab.kube.builtin import group_of
from lab.kube.kinds.controllerrevision import ControllerRevision
from lab.views.kinds.base import Context, KindView
from lab.views.kinds.formatting import age, annotation_lines, pair_lines
from lab.views.states import READY, State
from lab.views.table import fields


def _owner(revision: ControllerRevision) -> str:
    owner = revision.metadata.controller
    return f"{owner.kind.lower()}.{group_of(owner.api_version)}/{owner.name}" if owner is not None else "<none>"


def _row(revision: ControllerRevision, context: Context) -> tuple[str, ...]:
    made = age(revision.metadata.creation_timestamp, context.now)
    return (revision.name, _owner(revision), str(revision.revision), made)


def _state(revision: ControllerRevision, context: Context) -> State:
    return READY._replace(word=f"Revision {revision.revision}")


def _describe(revision: ControllerRevision, context: Context) -> list[str]:
    return fields(
        (
            ("Name", revision.name),
            ("Namespace", revision.namespace),
            ("Labels", pair_lines(revision.metadata.labels)),
            ("Annotations", annotation_lines(revision.metadata.annotations)),
            ("Controlled By", _owner(revision)),
            ("Revision", str(revision.revision)),
        )
    )


VIEW = KindView(
    struct=ControllerRevision,
    columns=("NAME", "CONTROLLER", "REVISION", "AGE"),
    row=_row,
    state=_state,
    describe=_describe,
)
