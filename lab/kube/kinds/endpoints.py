"""core/v1 Endpoints: the older form of EndpointSlice, deprecated since Kubernetes 1.33 (KEP-4974) and still served."""

from __future__ import annotations

from lab.kube.kinds.endpointslice import ObjectReference
from lab.kube.meta import KubeObject
from lab.kube.struct import KubeStruct

OVER_CAPACITY = "endpoints.kubernetes.io/over-capacity"
"""Annotation: `truncated` when the object leaves out what is beyond its capacity."""
ENDPOINTS_CAPACITY = 1000


class EndpointAddress(KubeStruct, frozen=True):
    """One address that can answer."""

    ip: str = ""
    hostname: str = ""
    node_name: str = ""
    target_ref: ObjectReference | None = None


class EndpointsPort(KubeStruct, frozen=True):
    """A port on which every address of the subset answers."""

    port: int
    name: str = ""
    protocol: str = "TCP"
    app_protocol: str | None = None


class EndpointSubset(KubeStruct, frozen=True):
    """Addresses, ready or not, that share their ports."""

    addresses: tuple[EndpointAddress, ...] = ()
    not_ready_addresses: tuple[EndpointAddress, ...] = ()
    ports: tuple[EndpointsPort, ...] = ()


class Endpoints(KubeObject, frozen=True):
    """Everything that answers for the Service of the same name, up to 1000 addresses."""

    api_version: str = "v1"
    kind: str = "Endpoints"
    subsets: tuple[EndpointSubset, ...] = ()
