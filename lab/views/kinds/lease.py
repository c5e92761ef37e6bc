"""How a Lease, a node's sign of life, is shown."""

from __future__ import annotations

from lab.kube.kinds.node import Lease
from lab.views.kinds.base import Context, KindView
from lab.views.kinds.formatting import age, moment
from lab.views.states import PENDING, READY, UNKNOWN, State
from lab.views.table import fields


def _row(lease: Lease, context: Context) -> tuple[str, ...]:
    return (lease.name, lease.spec.holder_identity, age(lease.metadata.creation_timestamp, context.now))


def _state(lease: Lease, context: Context) -> State:
    renewed, lasts = lease.spec.renew_time, lease.spec.lease_duration_seconds
    if renewed is None or lasts is None:
        return PENDING
    return READY if context.now <= renewed + lasts else UNKNOWN


def _describe(lease: Lease, context: Context) -> list[str]:
    return fields(
        (
            ("Name", lease.name),
            ("Namespace", lease.namespace),
            ("Holder Identity", lease.spec.holder_identity),
            ("Lease Duration Seconds", str(lease.spec.lease_duration_seconds)),
            ("Renew Time", f"{moment(lease.spec.renew_time)} ({age(lease.spec.renew_time, context.now)} ago)"),
        )
    )


VIEW = KindView(struct=Lease, columns=("NAME", "HOLDER", "AGE"), row=_row, state=_state, describe=_describe)
