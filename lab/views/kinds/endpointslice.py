"""How an EndpointSlice is shown."""

from __future__ import annotations

from lab.kube.kinds.endpointslice import Endpoint, EndpointSlice
from lab.views.kinds.base import Context, KindView
from lab.views.kinds.formatting import age, annotation_lines, pair_lines, shortened
from lab.views.kinds.workload import set_state
from lab.views.states import State
from lab.views.table import fields


def _row(endpoint_slice: EndpointSlice, context: Context) -> tuple[str, ...]:
    ports = [str(port.port) if port.port is not None else "*" for port in endpoint_slice.ports]
    addresses = [address for endpoint in endpoint_slice.endpoints for address in endpoint.addresses]
    return (
        endpoint_slice.name,
        endpoint_slice.address_type,
        shortened(ports),
        shortened(addresses),
        age(endpoint_slice.metadata.creation_timestamp, context.now),
    )


def _state(endpoint_slice: EndpointSlice, context: Context) -> State:
    ready = sum(endpoint.conditions.ready is not False for endpoint in endpoint_slice.endpoints)
    return set_state(len(endpoint_slice.endpoints), ready)


def _describe(endpoint_slice: EndpointSlice, context: Context) -> list[str]:
    lines = fields(
        (
            ("Name", endpoint_slice.name),
            ("Namespace", endpoint_slice.namespace),
            ("Labels", pair_lines(endpoint_slice.metadata.labels)),
            ("Annotations", annotation_lines(endpoint_slice.metadata.annotations)),
            ("AddressType", endpoint_slice.address_type),
            ("Ports", [f"{one.name or '<unset>'} {one.port}/{one.protocol}" for one in endpoint_slice.ports]),
        )
    )
    lines.append("Endpoints:")
    for endpoint in endpoint_slice.endpoints:
        lines += _endpoint(endpoint)
    return lines


def _endpoint(endpoint: Endpoint) -> list[str]:
    target, conditions, hints = endpoint.target_ref, endpoint.conditions, endpoint.hints
    pairs: list[tuple[str, str | list[str]]] = [
        ("Ready", _word(conditions.ready)),
        ("Serving", _word(conditions.serving)),
        ("Terminating", _word(conditions.terminating)),
        ("Hostname", endpoint.hostname or "<unset>"),
        ("TargetRef", f"{target.kind}/{target.name}" if target else "<none>"),
        ("NodeName", endpoint.node_name or "<unset>"),
        ("Zone", endpoint.zone or "<unset>"),
    ]
    if hints is not None:
        pairs.append(("ForZones", ",".join(one.name for one in hints.for_zones) or "<none>"))
    return [f"  - Addresses:  {','.join(endpoint.addresses)}", *fields(pairs, indent=4)]


def _word(condition: bool | None) -> str:
    return "<unset>" if condition is None else str(condition).lower()


VIEW = KindView(
    struct=EndpointSlice,
    columns=("NAME", "ADDRESSTYPE", "PORTS", "ENDPOINTS", "AGE"),
    row=_row,
    state=_state,
    describe=_describe,
)
