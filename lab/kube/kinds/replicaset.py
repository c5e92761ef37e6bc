"""apps/v1 ReplicaSet."""

from __future__ import annotations

import msgspec

from lab.kube.kinds.pod import PodTemplateSpec
from lab.kube.meta import KubeObject, LabelSelector
from lab.kube.struct import KubeStruct


class ReplicaSetSpec(KubeStruct, frozen=True):
    """How many Pods of which template."""

    replicas: int = 1
    min_ready_seconds: float = 0
    selector: LabelSelector = msgspec.field(default_factory=LabelSelector)
    template: PodTemplateSpec = msgspec.field(default_factory=PodTemplateSpec)


class ReplicaSetStatus(KubeStruct, frozen=True):
    """How many there are."""

    replicas: int = 0
    fully_labeled_replicas: int = 0
    ready_replicas: int = 0
    available_replicas: int = 0
    observed_generation: int = 0


class ReplicaSet(KubeObject, frozen=True):
    """Keeps a number of equal Pods running."""

    api_version: str = "apps/v1"
    kind: str = "ReplicaSet"
    spec: ReplicaSetSpec = msgspec.field(default_factory=ReplicaSetSpec)
    status: ReplicaSetStatus = msgspec.field(default_factory=ReplicaSetStatus)
