"""Which EndpointSlices a Service should have, given those it has: as few writes as possible.

Pure functions. A slice holds endpoints of one address family that resolve to the same ports. What is in place
stays there; new endpoints go first into slices that are written anyway, the fullest first; the rest goes into the
one untouched slice that then comes closest to full, or into new slices (the reconciler of KEP-752).
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from lab.cluster.controllers.base import reference_to
from lab.cluster.controllers.endpoints import (
    address_of,
    address_types,
    belongs,
    endpoint_of,
    own_labels,
    resolved_ports,
    slice_labels,
    topology_mode_auto,
)
from lab.cluster.controllers.topology_hints import with_auto_hints, without_hints
from lab.kube.kinds.endpointslice import Endpoint, EndpointPort, EndpointSlice
from lab.kube.kinds.node import Node
from lab.kube.kinds.pod import Pod
from lab.kube.kinds.service import Service
from lab.kube.meta import ObjectMeta

PortsKey = tuple[tuple[str, str, int | None, str | None], ...]
EndpointKey = tuple[tuple[str, ...], str, str, str]
FindNode = Callable[[str], Node | None]
LOCAL_ONLY = "Topology Aware Hints are not used with externalTrafficPolicy Local"


class SlicePlan(NamedTuple):
    """What one reconciliation writes."""

    create: list[EndpointSlice]
    update: list[EndpointSlice]
    delete: list[EndpointSlice]
    incomplete: bool
    """A Pod was left out because its node is not known yet: try again later."""
    hints: tuple[str, ...] = ()
    """What is to be said of topology-aware hints, by family; empty when the Service asks for none."""


class _Wanted:
    """The endpoints that resolve to one set of ports, and not yet placed in a slice."""

    def __init__(self, ports: tuple[EndpointPort, ...]) -> None:
        self.ports = ports
        self.endpoints: dict[EndpointKey, Endpoint] = {}


def plan_slices(
    service: Service,
    pods: Sequence[Pod],
    find_node: FindNode,
    existing: Sequence[EndpointSlice],
    max_endpoints: int,
    zone_ratios: Callable[[], Mapping[str, float]] = dict,
    settled: Container[str] = (),
) -> SlicePlan:
    """What to write so that the Service's slices say what its Pods are; `existing` are those managed here.

    `zone_ratios` tells each zone's share of CPU, for Services that ask for topology-aware hints.
    `settled` names existing slices that are as they should be, and whose Pods are not among `pods`.
    """
    plan = SlicePlan([], [], [], False)
    incomplete = False
    messages = []
    families = address_types(service)
    plan.delete.extend(found for found in existing if found.address_type not in families)
    for family in families:
        wanted, missed = _wanted(service, pods, find_node, family)
        incomplete = incomplete or missed
        of_family = [found for found in existing if found.address_type == family]
        part = _plan_family(service, family, wanted, of_family, max_endpoints, settled)
        if topology_mode_auto(service):
            part, message = _with_hints(part, service, of_family, zone_ratios())
            messages.append(f"{message}, addressType: {family}")
        for all_of_them, some in zip(plan[:3], part[:3], strict=True):
            all_of_them.extend(some)
    return plan._replace(incomplete=incomplete, hints=tuple(messages))


def _with_hints(
    part: SlicePlan, service: Service, existing: Sequence[EndpointSlice], ratios: Mapping[str, float]
) -> tuple[SlicePlan, str]:
    touched = {found.key for found in (*part.update, *part.delete)}
    unchanged = [found for found in existing if found.key not in touched]
    if service.spec.external_traffic_policy == "Local":
        hinted = without_hints(part.create, part.update, unchanged, LOCAL_ONLY)
    else:
        hinted = with_auto_hints(part.create, part.update, unchanged, ratios)
    return part._replace(create=hinted.create, update=hinted.update), hinted.message


def _wanted(
    service: Service, pods: Sequence[Pod], find_node: FindNode, family: str
) -> tuple[dict[PortsKey, _Wanted], bool]:
    wanted: dict[PortsKey, _Wanted] = {}
    missed = False
    for pod in pods:
        if not belongs(pod) or not address_of(pod, family):
            continue
        node = find_node(pod.spec.node_name)
        if node is None and not service.spec.publish_not_ready_addresses:
            missed = True
            continue
        ports = resolved_ports(service, pod)
        group = wanted.setdefault(_ports_key(ports), _Wanted(ports))
        endpoint = endpoint_of(pod, service, node, family)
        group.endpoints[_endpoint_key(endpoint)] = endpoint
    return wanted, missed


def _plan_family(
    service: Service,
    family: str,
    wanted: dict[PortsKey, _Wanted],
    existing: Sequence[EndpointSlice],
    max_endpoints: int,
    settled: Container[str],
) -> SlicePlan:
    by_ports: dict[PortsKey, list[EndpointSlice]] = {}
    for found in existing:
        by_ports.setdefault(_ports_key(found.ports), []).append(found)
    create: list[EndpointSlice] = []
    delete: list[EndpointSlice] = []
    update: list[EndpointSlice] = []
    for key, group in wanted.items():
        packing = _Packing(service, family, group, max_endpoints)
        packing.keep(by_ports.pop(key, []), settled)
        packing.place()
        create.extend(packing.create)
        update.extend(packing.update)
        delete.extend(packing.delete)
    delete.extend(found for slices in by_ports.values() for found in slices if found.name not in settled)
    if not create and len(delete) == len(existing):
        placeholder = new_slice(service, family, ())
        if len(delete) == 1 and _is_placeholder(delete[0], placeholder):
            delete.clear()
        else:
            create.append(placeholder)
    _recycle(create, update, delete)
    return SlicePlan(create, update, delete, False)


class _Packing:
    """Places one group of endpoints into slices."""

    def __init__(self, service: Service, family: str, wanted: _Wanted, max_endpoints: int) -> None:
        self._service = service
        self._family = family
        self._ports = wanted.ports
        self._left = dict(wanted.endpoints)
        self._max = max_endpoints
        self._labels = slice_labels(service)
        self._keeps_hints = topology_mode_auto(service)
        self._unchanged: list[EndpointSlice] = []
        self.create: list[EndpointSlice] = []
        self.update: list[EndpointSlice] = []
        self.delete: list[EndpointSlice] = []

    def keep(self, existing: Iterable[EndpointSlice], settled: Container[str]) -> None:
        """Leave endpoints where they are, and sort the slices by what becomes of them."""
        for found in existing:
            if found.name in settled:
                self._unchanged.append(found)
                continue
            kept = [self._kept(there) for there in found.endpoints if _endpoint_key(there) in self._left]
            if not kept:
                self.delete.append(found)
            elif tuple(kept) != found.endpoints or own_labels(found.metadata.labels) != own_labels(self._labels):
                self.update.append(self._rewritten(found, kept))
            else:
                self._unchanged.append(found)

    def _kept(self, there: Endpoint) -> Endpoint:
        """The endpoint as it should be; topology-aware hints are looked at when everything is in its place."""
        endpoint = self._left.pop(_endpoint_key(there))
        return replace(endpoint, hints=there.hints) if self._keeps_hints else endpoint

    def place(self) -> None:
        """Find room for the endpoints that are in no slice yet."""
        if self._left:
            self.update.sort(key=lambda found: -len(found.endpoints))
            self.update = [self._filled(found) for found in self.update]
        while self._left:
            target = self._closest_to_full()
            if target is not None:
                self._unchanged.remove(target)
                self.update.append(self._filled(target))
            else:
                self.create.append(self._filled(new_slice(self._service, self._family, self._ports)))

    def _closest_to_full(self) -> EndpointSlice | None:
        if len(self._left) >= self._max:
            return None
        fitting = [found for found in self._unchanged if len(found.endpoints) + len(self._left) <= self._max]
        return max(fitting, key=lambda found: len(found.endpoints), default=None)

    def _filled(self, target: EndpointSlice) -> EndpointSlice:
        room = max(self._max - len(target.endpoints), 0)
        moved = [self._left.pop(key) for key in list(self._left)[:room]]
        return self._rewritten(target, [*target.endpoints, *moved])

    def _rewritten(self, found: EndpointSlice, endpoints: Sequence[Endpoint]) -> EndpointSlice:
        return replace(
            found, metadata=replace(found.metadata, labels=self._labels), ports=self._ports, endpoints=tuple(endpoints)
        )


def new_slice(service: Service, family: str, ports: tuple[EndpointPort, ...]) -> EndpointSlice:
    """An empty slice that the Service owns."""
    meta = ObjectMeta(
        generate_name=f"{service.name}-",
        namespace=service.namespace,
        labels=slice_labels(service),
        owner_references=(reference_to(service),),
    )
    return EndpointSlice(metadata=meta, address_type=family, ports=ports)


def _recycle(create: list[EndpointSlice], update: list[EndpointSlice], delete: list[EndpointSlice]) -> None:
    """Write new content into slices that would otherwise be deleted."""
    while create and delete:
        content, found = create.pop(), delete.pop(0)
        meta = replace(found.metadata, labels=content.metadata.labels)
        update.append(replace(found, metadata=meta, ports=content.ports, endpoints=content.endpoints))


def _is_placeholder(found: EndpointSlice, placeholder: EndpointSlice) -> bool:
    return not found.endpoints and not found.ports and found.metadata.labels == placeholder.metadata.labels


def _ports_key(ports: Iterable[EndpointPort]) -> PortsKey:
    return tuple((port.name, port.protocol, port.port, port.app_protocol) for port in ports)


def _endpoint_key(endpoint: Endpoint) -> EndpointKey:
    target = endpoint.target_ref
    return (endpoint.addresses, endpoint.node_name, target.name if target else "", target.uid if target else "")
