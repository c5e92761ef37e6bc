"""networking.k8s.io/v1 ServiceCIDR: a range that Services draw their cluster IPs from (KEP-1880)."""

from __future__ import annotations

import msgspec

from lab.kube.meta import Condition, KubeObject
from lab.kube.struct import KubeStruct

SERVICE_CIDR_FINALIZER = "networking.k8s.io/service-cidr-finalizer"
DEFAULT_SERVICE_CIDR = "kubernetes"
"""The one that the API server makes from its own settings."""


class ServiceCIDRSpec(KubeStruct, frozen=True):
    """One network, or one of each family."""

    cidrs: tuple[str, ...] = ()


class ServiceCIDRStatus(KubeStruct, frozen=True):
    """Ready until it is being deleted."""

    conditions: tuple[Condition, ...] = ()


class ServiceCIDR(KubeObject, frozen=True):
    """Addresses for Services; several may exist, and one that is deleted waits until none of its own is in use."""

    api_version: str = "networking.k8s.io/v1"
    kind: str = "ServiceCIDR"
    spec: ServiceCIDRSpec = msgspec.field(default_factory=ServiceCIDRSpec)
    status: ServiceCIDRStatus = msgspec.field(default_factory=ServiceCIDRStatus)
