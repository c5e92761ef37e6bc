"""networking.k8s.io/v1 IPAddress: one address that is in use, and by whom (KEP-1880)."""

from __future__ import annotations

import msgspec

from lab.kube.meta import KubeObject
from lab.kube.struct import KubeStruct

IP_FAMILY_LABEL = "ipaddress.kubernetes.io/ip-family"
IP_MANAGED_BY_LABEL = "ipaddress.kubernetes.io/managed-by"
IP_ALLOCATOR = "ipallocator.k8s.io"
"""Who the API server's allocator says that it is."""


class ParentReference(KubeStruct, frozen=True):
    """The object that an address belongs to; the core group is empty."""

    group: str = ""
    resource: str = ""
    namespace: str = ""
    name: str = ""


class IPAddressSpec(KubeStruct, frozen=True):
    """Whose address it is."""

    parent_ref: ParentReference | None = None


class IPAddress(KubeObject, frozen=True):
    """Its name is the address itself, in canonical form."""

    api_version: str = "networking.k8s.io/v1"
    kind: str = "IPAddress"
    spec: IPAddressSpec = msgspec.field(default_factory=IPAddressSpec)
