"""core/v1 ResourceQuota: how much the objects of a namespace may ask for, all together."""

from __future__ import annotations

import msgspec

from lab.kube.meta import KubeObject
from lab.kube.struct import KubeStruct, Quantity

TERMINATING, NOT_TERMINATING = "Terminating", "NotTerminating"
BEST_EFFORT, NOT_BEST_EFFORT = "BestEffort", "NotBestEffort"
PRIORITY_CLASS = "PriorityClass"
CROSS_NAMESPACE_POD_AFFINITY = "CrossNamespacePodAffinity"
VOLUME_ATTRIBUTES_CLASS = "VolumeAttributesClass"


class ScopedResourceSelectorRequirement(KubeStruct, frozen=True):
    """A scope, and for scopes with values which of them: In, NotIn, Exists or DoesNotExist."""

    scope_name: str = ""
    operator: str = ""
    values: tuple[str, ...] = ()


class ScopeSelector(KubeStruct, frozen=True):
    """All of them must hold."""

    match_expressions: tuple[ScopedResourceSelectorRequirement, ...] = ()


class ResourceQuotaSpec(KubeStruct, frozen=True):
    """The limits by resource name, and which objects they are about; without scopes all of the namespace."""

    hard: dict[str, Quantity] = {}
    scopes: tuple[str, ...] = ()
    scope_selector: ScopeSelector | None = None

    @property
    def requirements(self) -> tuple[ScopedResourceSelectorRequirement, ...]:
        """The scopes in both forms as one list: a bare scope is one that exists."""
        bare = tuple(ScopedResourceSelectorRequirement(scope_name=scope, operator="Exists") for scope in self.scopes)
        return bare + (self.scope_selector.match_expressions if self.scope_selector is not None else ())


class ResourceQuotaStatus(KubeStruct, frozen=True):
    """The limits that are enforced, and what is used of each."""

    hard: dict[str, Quantity] = {}
    used: dict[str, Quantity] = {}


class ResourceQuota(KubeObject, frozen=True):
    """Admission refuses what would exceed it."""

    api_version: str = "v1"
    kind: str = "ResourceQuota"
    spec: ResourceQuotaSpec = msgspec.field(default_factory=ResourceQuotaSpec)
    status: ResourceQuotaStatus = msgspec.field(default_factory=ResourceQuotaStatus)
