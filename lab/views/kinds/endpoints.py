"""How an Endpoints object is shown."""

from __future__ import annotations

from lab.kube.kinds.endpoints import Endpoints, EndpointSubset
from lab.network.addresses import join
from lab.views.kinds.base import Context, KindView
from lab.views.kinds.formatting import age, annotation_lines, pair_lines, shortened
from lab.views.kinds.workload import set_state
from lab.views.states import State
from lab.views.table import fields


def _row(endpoints: Endpoints, context: Context) -> tuple[str, ...]:
    """As kubectl's printer has it: nothing at all where no address is ready, and bare addresses without ports."""
    reached = [
        join(address.ip, port.port) if port is not None else address.ip
        for subset in endpoints.subsets
        for port in subset.ports or (None,)
        for address in subset.addresses
    ]
    shown = shortened(reached) if reached else "" if endpoints.subsets else "<none>"
    return (endpoints.name, shown, age(endpoints.metadata.creation_timestamp, context.now))


def _state(endpoints: Endpoints, context: Context) -> State:
    ready = sum(len(subset.addresses) for subset in endpoints.subsets)
    waiting = sum(len(subset.not_ready_addresses) for subset in endpoints.subsets)
    return set_state(ready + waiting, ready)


def _describe(endpoints: Endpoints, context: Context) -> list[str]:
    lines = fields(
        (
            ("Name", endpoints.name),
            ("Namespace", endpoints.namespace),
            ("Labels", pair_lines(endpoints.metadata.labels)),
            ("Annotations", annotation_lines(endpoints.metadata.annotations)),
        )
    )
    lines.append("Subsets:")
    for subset in endpoints.subsets:
        lines += _subset(subset)
    return lines


def _subset(subset: EndpointSubset) -> list[str]:
    return fields(
        (
            ("Addresses", ",".join(one.ip for one in subset.addresses) or "<none>"),
            ("NotReadyAddresses", ",".join(one.ip for one in subset.not_ready_addresses) or "<none>"),
            ("Ports", [f"{one.name or '<unset>'} {one.port}/{one.protocol}" for one in subset.ports]),
        ),
        indent=2,
    )


VIEW = KindView(struct=Endpoints, columns=("NAME", "ENDPOINTS", "AGE"), row=_row, state=_state, describe=_describe)
