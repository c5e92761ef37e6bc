"""How a ServiceCIDR is shown."""

from __future__ import annotations

from lab.kube.kinds.servicecidr import ServiceCIDR
from lab.views.kinds.base import Context, KindView
from lab.views.kinds.formatting import age, annotation_lines, pair_lines
from lab.views.states import READY, TERMINATING, State
from lab.views.table import fields


def _row(cidr: ServiceCIDR, context: Context) -> tuple[str, ...]:
    return (cidr.name, ",".join(cidr.spec.cidrs), age(cidr.metadata.creation_timestamp, context.now))


def _state(cidr: ServiceCIDR, context: Context) -> State:
    return READY if cidr.metadata.deletion_timestamp is None else TERMINATING


def _describe(cidr: ServiceCIDR, context: Context) -> list[str]:
    conditions = [f"{one.type}={one.status} {one.message}".rstrip() for one in cidr.status.conditions]
    return fields(
        (
            ("Name", cidr.name),
            ("Labels", pair_lines(cidr.metadata.labels)),
            ("Annotations", annotation_lines(cidr.metadata.annotations)),
            ("CIDRs", ", ".join(cidr.spec.cidrs)),
            ("Conditions", conditions or "<none>"),
        )
    )


VIEW = KindView(struct=ServiceCIDR, columns=("NAME", "CIDRS", "AGE"), row=_row, state=_state, describe=_describe)
