"""How an IPAddress is shown."""

from __future__ import annotations

from lab.kube.kinds.ipaddress import IPAddress
from lab.views.kinds.base import Context, KindView
from lab.views.kinds.formatting import age, annotation_lines, pair_lines
from lab.views.states import READY, State
from lab.views.table import fields


def _row(address: IPAddress, context: Context) -> tuple[str, ...]:
    return (address.name, _parent(address), age(address.metadata.creation_timestamp, context.now))


def _parent(address: IPAddress) -> str:
    """`services/NAMESPACE/NAME`, as kubectl prints whose address it is."""
    parent = address.spec.parent_ref
    if parent is None:
        return "<none>"
    resource = f"{parent.resource}.{parent.group}" if parent.group else parent.resource
    return "/".join(part for part in (resource, parent.namespace, parent.name) if part)


def _state(address: IPAddress, context: Context) -> State:
    return READY


def _describe(address: IPAddress, context: Context) -> list[str]:
    return fields(
        (
            ("Name", address.name),
            ("Labels", pair_lines(address.metadata.labels)),
            ("Annotations", annotation_lines(address.metadata.annotations)),
            ("Parent Reference", _parent(address)),
        )
    )


VIEW = KindView(struct=IPAddress, columns=("NAME", "PARENTREF", "AGE"), row=_row, state=_state, describe=_describe)
