"""discovery.k8s.io/v1 EndpointSlice."""

from __future__ import annotations

import msgspec

from lab.kube.meta import KubeObject
from lab.kube.struct import KubeStruct

SERVICE_NAME_LABEL = "kubernetes.io/service-name"
MANAGED_BY_LABEL = "endpointslice.kubernetes.io/managed-by"
HEADLESS_LABEL = "service.kubernetes.io/headless"
"""Stands on the slices of headless Services, so that kube-proxy need not watch them."""


class ForZone(KubeStruct, frozen=True):
    """A zone that should use an endpoint."""

    name: str


class ForNode(KubeStruct, frozen=True):
    """A node that should use an endpoint."""

    name: str


class EndpointHints(KubeStruct, frozen=True):
    """Who should use an endpoint (topology-aware routing, trafficDistribution)."""

    for_zones: tuple[ForZone, ...] = ()
    for_nodes: tuple[ForNode, ...] = ()


class EndpointConditions(KubeStruct, frozen=True):
    """KEP-1672; unset means ready, serving and not terminating."""

    ready: bool | None = None
    serving: bool | None = None
    terminating: bool | None = None


class ObjectReference(KubeStruct, frozen=True):
    """The object behind an endpoint, usually a Pod."""

    kind: str = ""
    namespace: str = ""
    name: str = ""
    uid: str = ""


class Endpoint(KubeStruct, frozen=True):
    """One address that can answer for a Service."""

    addresses: tuple[str, ...] = ()
    conditions: EndpointConditions = msgspec.field(default_factory=EndpointConditions)
    hostname: str = ""
    target_ref: ObjectReference | None = None
    node_name: str = ""
    zone: str = ""
    hints: EndpointHints | None = None


class EndpointPort(KubeStruct, frozen=True):
    """A port on which every endpoint of the slice answers."""

    name: str = ""
    protocol: str = "TCP"
    port: int | None = None
    app_protocol: str | None = None


class EndpointSlice(KubeObject, frozen=True):
    """Up to 1000 endpoints of one Service that share an address family and ports."""

    api_version: str = "discovery.k8s.io/v1"
    kind: str = "EndpointSlice"
    address_type: str = "IPv4"
    endpoints: tuple[Endpoint, ...] = ()
    ports: tuple[EndpointPort, ...] = ()

    @property
    def service(self) -> str:
        """The name of the Service it belongs to; empty when it has no such label."""
        return self.metadata.labels.get(SERVICE_NAME_LABEL, "")
