"""Mirrors Endpoints that somebody made by hand, for a Service without selector, into EndpointSlices.

https://kubernetes.io/docs/concepts/services-networking/service/#endpointslice-mirroring
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from lab.cluster.controllers.base import Controller, Key, reference_to
from lab.cluster.controllers.legacy_endpoints import ENDPOINTS_CONTROLLER, MANAGED_BY
from lab.kube.ip import family_of
from lab.kube.kinds.endpoints import EndpointAddress, Endpoints, EndpointSubset
from lab.kube.kinds.endpointslice import (
    MANAGED_BY_LABEL,
    SERVICE_NAME_LABEL,
    Endpoint,
    EndpointConditions,
    EndpointPort,
    EndpointSlice,
)
from lab.kube.kinds.service import Service
from lab.kube.meta import ObjectMeta

MIRRORING = "endpointslicemirroring-controller.k8s.io"
SKIP_MIRROR = "endpointslice.kubernetes.io/skip-mirror"
LEADER = "control-plane.alpha.kubernetes.io/leader"
MAX_ADDRESSES = 1000
"""How many addresses of a subset are mirrored."""


class EndpointsMirroring(Controller):
    """Reconciles a name whenever its Endpoints or its Service change."""

    name = "endpointslicemirroring-controller"

    def connect(self) -> None:
        """Follow what people write."""
        self.follow(Endpoints)
        self.follow(Service)

    async def reconcile(self, key: Key) -> None:
        """Make the mirrored slices of one name what its Endpoints say."""
        namespace, name = key
        found = self.store.find(Endpoints, name, namespace)
        service = self.store.find(Service, name, namespace)
        labels = {SERVICE_NAME_LABEL: name, MANAGED_BY_LABEL: MIRRORING}
        existing = self.store.list(EndpointSlice, namespace, labels)
        mirrored = found is not None and service is not None and not service.spec.selector and _wants_mirror(found)
        wanted = mirrored_slices(found) if mirrored and found is not None else []
        for held in existing:
            match = next((each for each in wanted if _same_place(each, held)), None)
            if match is None:
                self.store.delete(EndpointSlice, held.name, namespace)
                continue
            wanted.remove(match)
            meta = replace(held.metadata, labels=match.metadata.labels)
            self.store.update(replace(held, metadata=meta, endpoints=match.endpoints))
        for made in wanted:
            self.store.create(made)


def _wants_mirror(found: Endpoints) -> bool:
    labels = found.metadata.labels
    return (
        labels.get(SKIP_MIRROR) != "true"
        and labels.get(MANAGED_BY) != ENDPOINTS_CONTROLLER
        and LEADER not in found.metadata.annotations
    )


def _same_place(one: EndpointSlice, other: EndpointSlice) -> bool:
    return (one.address_type, one.ports) == (other.address_type, other.ports)


def mirrored_slices(found: Endpoints) -> list[EndpointSlice]:
    """One slice for each family of each subset."""
    return [
        _slice(found, subset, family)
        for subset in found.subsets
        for family in ("IPv4", "IPv6")
        if any(family_of(each.ip) == family for each in (*subset.addresses, *subset.not_ready_addresses))
    ]


def _slice(found: Endpoints, subset: EndpointSubset, family: str) -> EndpointSlice:
    endpoints = [
        *_endpoints(subset.addresses, family, ready=True),
        *_endpoints(subset.not_ready_addresses, family, ready=False),
    ]
    meta = ObjectMeta(
        generate_name=f"{found.name}-",
        namespace=found.namespace,
        labels={**found.metadata.labels, SERVICE_NAME_LABEL: found.name, MANAGED_BY_LABEL: MIRRORING},
        owner_references=(reference_to(found),),
    )
    ports = tuple(
        EndpointPort(name=port.name, protocol=port.protocol, port=port.port, app_protocol=port.app_protocol)
        for port in subset.ports
    )
    return EndpointSlice(metadata=meta, address_type=family, ports=ports, endpoints=tuple(endpoints[:MAX_ADDRESSES]))


def _endpoints(addresses: Iterable[EndpointAddress], family: str, *, ready: bool) -> list[Endpoint]:
    return [
        Endpoint(
            addresses=(each.ip,),
            conditions=EndpointConditions(ready=ready),
            hostname=each.hostname,
            node_name=each.node_name,
            target_ref=each.target_ref,
        )
        for each in addresses
        if family_of(each.ip) == family
    ]
