"""Keeps the Endpoints object of each Service with a selector: what old clients read, made of its EndpointSlices.

One family, at most 1000 addresses; https://kubernetes.io/docs/concepts/services-networking/service/#endpoints
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from lab.cluster.controllers.base import Controller, Key
from lab.cluster.controllers.endpoints import CONTROLLER_NAME, address_types
from lab.cluster.watch import Change
from lab.kube.kinds.endpoints import (
    ENDPOINTS_CAPACITY,
    OVER_CAPACITY,
    EndpointAddress,
    Endpoints,
    EndpointsPort,
    EndpointSubset,
)
from lab.kube.kinds.endpointslice import (
    HEADLESS_LABEL,
    MANAGED_BY_LABEL,
    SERVICE_NAME_LABEL,
    Endpoint,
    EndpointPort,
    EndpointSlice,
)
from lab.kube.kinds.service import Service
from lab.kube.meta import ObjectMeta

MANAGED_BY = "endpoints.kubernetes.io/managed-by"
ENDPOINTS_CONTROLLER = "endpoint-controller"
_SLICES = {MANAGED_BY_LABEL: CONTROLLER_NAME}


class EndpointsController(Controller):
    """Writes the Endpoints of a Service a little after its slices or the Service itself have changed."""

    name = "endpoint-controller"

    def connect(self) -> None:
        """Follow Services and the slices that are made for them."""
        self.store.follow(self._hear, Service, EndpointSlice)

    def _hear(self, change: Change) -> None:
        obj = change.object
        if isinstance(obj, EndpointSlice):
            if obj.metadata.labels.get(MANAGED_BY_LABEL) != CONTROLLER_NAME:
                return
            key = (obj.namespace, obj.service)
        else:
            key = obj.key
        self.queue.add_after(key, self.settings.endpoints_batch_period_s)

    async def reconcile(self, key: Key) -> None:
        """Write what the slices say, if the object says otherwise."""
        namespace, name = key
        service = self.store.find(Service, name, namespace)
        held = self.store.find(Endpoints, name, namespace)
        if service is None:
            if held is not None and held.metadata.labels.get(MANAGED_BY) == ENDPOINTS_CONTROLLER:
                self.store.delete(Endpoints, name, namespace)
            return
        if not service.spec.selector or self._too_many():
            return
        slices = self.store.list(EndpointSlice, namespace, {SERVICE_NAME_LABEL: name, **_SLICES})
        wanted = endpoints_of(service, slices)
        if held is None:
            self.store.create(wanted)
        else:
            annotations = {key: text for key, text in held.metadata.annotations.items() if key != OVER_CAPACITY}
            meta = replace(
                held.metadata,
                labels=wanted.metadata.labels,
                annotations={**annotations, **wanted.metadata.annotations},
            )
            self.store.update(replace(held, metadata=meta, subsets=wanted.subsets))

    def _too_many(self) -> bool:
        return self.store.count(Service) > self.settings.endpoints_most_services


class _Group:
    """The addresses that share one set of ports."""

    def __init__(self, ports: tuple[EndpointPort, ...]) -> None:
        self.ports = tuple(
            EndpointsPort(name=port.name, protocol=port.protocol, port=port.port or 0, app_protocol=port.app_protocol)
            for port in ports
        )
        self.ready: list[EndpointAddress] = []
        self.unready: list[EndpointAddress] = []

    def add(self, endpoint: Endpoint) -> None:
        """Put an endpoint where it belongs; terminating Pods are left out."""
        if endpoint.conditions.ready:
            self.ready.append(_address(endpoint))
        elif not endpoint.conditions.terminating:
            self.unready.append(_address(endpoint))

    def __len__(self) -> int:
        return len(self.ready) + len(self.unready)


def endpoints_of(service: Service, slices: Iterable[EndpointSlice]) -> Endpoints:
    """The Endpoints that say what the slices of a Service's first family say."""
    family = address_types(service)[0]
    groups: dict[tuple[object, ...], _Group] = {}
    for found in slices:
        if found.address_type == family:
            key = tuple((port.name, port.protocol, port.port, port.app_protocol) for port in found.ports)
            group = groups.setdefault(key, _Group(found.ports))
            for endpoint in found.endpoints:
                group.add(endpoint)
    labels = {**service.metadata.labels, MANAGED_BY: ENDPOINTS_CONTROLLER}
    if service.spec.cluster_ip in ("", "None"):
        labels[HEADLESS_LABEL] = ""
    over = {OVER_CAPACITY: "truncated"} if sum(map(len, groups.values())) > ENDPOINTS_CAPACITY else {}
    meta = ObjectMeta(name=service.name, namespace=service.namespace, labels=labels, annotations=over)
    return Endpoints(metadata=meta, subsets=_truncated(list(groups.values())))


def _truncated(groups: list[_Group]) -> tuple[EndpointSubset, ...]:
    """At most 1000 addresses in all; ready ones come first."""
    room = ENDPOINTS_CAPACITY
    kept: list[tuple[EndpointAddress, ...]] = []
    for addresses in (*(group.ready for group in groups), *(group.unready for group in groups)):
        some = tuple(sorted(addresses, key=_order)[:room])
        room -= len(some)
        kept.append(some)
    found = zip(groups, kept, kept[len(groups) :], strict=False)
    return tuple(
        EndpointSubset(addresses=ready, not_ready_addresses=unready, ports=group.ports)
        for group, ready, unready in found
        if ready or unready
    )


def _order(address: EndpointAddress) -> tuple[str, str]:
    return address.ip, address.target_ref.uid if address.target_ref is not None else ""


def _address(endpoint: Endpoint) -> EndpointAddress:
    return EndpointAddress(
        ip=endpoint.addresses[0],
        hostname=endpoint.hostname,
        node_name=endpoint.node_name,
        target_ref=endpoint.target_ref,
    )
