"""apps/v1 Deployment."""

from __future__ import annotations

import msgspec

from lab.kube.kinds.pod import PodTemplateSpec
from lab.kube.meta import Condition, KubeObject, LabelSelector
from lab.kube.struct import IntOrString, KubeStruct


class RollingUpdateDeployment(KubeStruct, frozen=True):
    """Counts or percentages; surge rounds up, unavailable rounds down."""

    max_surge: IntOrString | None = None
    max_unavailable: IntOrString | None = None


class DeploymentStrategy(KubeStruct, frozen=True):
    """RollingUpdate or Recreate."""

    type: str = "RollingUpdate"
    rolling_update: RollingUpdateDeployment | None = None


class DeploymentSpec(KubeStruct, frozen=True):
    """How many Pods of which template, and how one template gives way to the next."""

    replicas: int = 1
    selector: LabelSelector = msgspec.field(default_factory=LabelSelector)
    template: PodTemplateSpec = msgspec.field(default_factory=PodTemplateSpec)
    strategy: DeploymentStrategy = msgspec.field(default_factory=DeploymentStrategy)
    min_ready_seconds: float = 0
    revision_history_limit: int | None = None
    progress_deadline_seconds: float | None = None
    paused: bool = False


class DeploymentStatus(KubeStruct, frozen=True):
    """How far the rollout is."""

    observed_generation: int = 0
    replicas: int = 0
    updated_replicas: int = 0
    ready_replicas: int = 0
    available_replicas: int = 0
    unavailable_replicas: int = 0
    conditions: tuple[Condition, ...] = ()


class Deployment(KubeObject, frozen=True):
    """Rolls ReplicaSets from one template to the next."""

    api_version: str = "apps/v1"
    kind: str = "Deployment"
    spec: DeploymentSpec = msgspec.field(default_factory=DeploymentSpec)
    status: DeploymentStatus = msgspec.field(default_factory=DeploymentStatus)
