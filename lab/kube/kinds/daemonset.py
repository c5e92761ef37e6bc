"""apps/v1 DaemonSet."""

from __future__ import annotations

import msgspec

from lab.kube.kinds.pod import PodTemplateSpec
from lab.kube.meta import Condition, KubeObject, LabelSelector
from lab.kube.struct import IntOrString, KubeStruct


class RollingUpdateDaemonSet(KubeStruct, frozen=True):
    """Counts or percentages of the nodes, both rounded up; exactly one of them is not zero."""

    max_unavailable: IntOrString | None = None
    max_surge: IntOrString | None = None


class DaemonSetUpdateStrategy(KubeStruct, frozen=True):
    """RollingUpdate or OnDelete."""

    type: str = "RollingUpdate"
    rolling_update: RollingUpdateDaemonSet | None = None


class DaemonSetSpec(KubeStruct, frozen=True):
    """A Pod of the template for each node that it fits."""

    selector: LabelSelector = msgspec.field(default_factory=LabelSelector)
    template: PodTemplateSpec = msgspec.field(default_factory=PodTemplateSpec)
    update_strategy: DaemonSetUpdateStrategy = msgspec.field(default_factory=DaemonSetUpdateStrategy)
    min_ready_seconds: float = 0
    revision_history_limit: int | None = None


class DaemonSetStatus(KubeStruct, frozen=True):
    """How many nodes should have a Pod, and how many have one."""

    current_number_scheduled: int = 0
    number_misscheduled: int = 0
    """Nodes that have a Pod and should not."""
    desired_number_scheduled: int = 0
    number_ready: int = 0
    observed_generation: int = 0
    updated_number_scheduled: int = 0
    number_available: int = 0
    number_unavailable: int = 0
    conditions: tuple[Condition, ...] = ()


class DaemonSet(KubeObject, frozen=True):
    """Keeps one Pod on each node."""

    api_version: str = "apps/v1"
    kind: str = "DaemonSet"
    spec: DaemonSetSpec = msgspec.field(default_factory=DaemonSetSpec)
    status: DaemonSetStatus = msgspec.field(default_factory=DaemonSetStatus)
