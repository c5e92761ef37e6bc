"""core/v1 Namespace."""

from __future__ import annotations

import msgspec

from lab.kube.meta import KubeObject
from lab.kube.struct import KubeStruct


class NamespaceStatus(KubeStruct, frozen=True):
    """Active or Terminating."""

    phase: str = "Active"


class Namespace(KubeObject, frozen=True):
    """A scope for names; short DNS names resolve within it."""

    api_version: str = "v1"
    kind: str = "Namespace"
    status: NamespaceStatus = msgspec.field(default_factory=NamespaceStatus)
