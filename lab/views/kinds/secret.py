"""How a Secret is shown: never its values, only how long they are."""

from __future__ import annotations

from lab.kube.kinds.secret import Secret, decoded
from lab.views.kinds.base import Context, KindView
from lab.views.kinds.formatting import age, annotation_lines, pair_lines
from lab.views.states import READY, State
from lab.views.table import fields


def _row(secret: Secret, context: Context) -> tuple[str, ...]:
    return (secret.name, secret.type, str(len(secret.data)), age(secret.metadata.creation_timestamp, context.now))


def _state(secret: Secret, context: Context) -> State:
    return READY


def _describe(secret: Secret, context: Context) -> list[str]:
    head = fields(
        (
            ("Name", secret.name),
            ("Namespace", secret.namespace),
            ("Labels", pair_lines(secret.metadata.labels)),
            ("Annotations", annotation_lines(secret.metadata.annotations)),
        )
    )
    sizes = fields([(key, f"{len(decoded(value) or b'')} bytes") for key, value in sorted(secret.data.items())])
    return [*head, "", f"Type:  {secret.type}", "", "Data", "====", *sizes]


VIEW = KindView(struct=Secret, columns=("NAME", "TYPE", "DATA", "AGE"), row=_row, state=_state, describe=_describe)
