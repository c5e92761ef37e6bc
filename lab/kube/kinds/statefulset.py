"""apps/v1 StatefulSet."""

from __future__ import annotations

import msgspec

from lab.kube.kinds.pod import PodTemplateSpec
from lab.kube.meta import KubeObject, LabelSelector
from lab.kube.struct import IntOrString, KubeStruct


class RollingUpdateStatefulSet(KubeStruct, frozen=True):
    """Only ordinals of `partition` and above are updated, `max_unavailable` of them at a time (KEP-961)."""

    partition: int = 0
    max_unavailable: IntOrString | None = None


class StatefulSetUpdateStrategy(KubeStruct, frozen=True):
    """RollingUpdate, from the highest ordinal down, or OnDelete."""

    type: str = "RollingUpdate"
    rolling_update: RollingUpdateStatefulSet | None = None


class StatefulSetOrdinals(KubeStruct, frozen=True):
    """KEP-3335: the number of the first Pod."""

    start: int = 0


class StatefulSetSpec(KubeStruct, frozen=True):
    """How many Pods, each with a name of its own that outlives it."""

    replicas: int = 1
    selector: LabelSelector = msgspec.field(default_factory=LabelSelector)
    template: PodTemplateSpec = msgspec.field(default_factory=PodTemplateSpec)
    service_name: str = ""
    """The headless Service under which each Pod has a DNS name."""
    pod_management_policy: str = "OrderedReady"
    update_strategy: StatefulSetUpdateStrategy = msgspec.field(default_factory=StatefulSetUpdateStrategy)
    min_ready_seconds: float = 0
    ordinals: StatefulSetOrdinals | None = None
    revision_history_limit: int | None = None

    @property
    def numbers(self) -> range:
        """The ordinals that its Pods are to have."""
        start = self.ordinals.start if self.ordinals is not None else 0
        return range(start, start + self.replicas)


class StatefulSetStatus(KubeStruct, frozen=True):
    """How far it is."""

    observed_generation: int = 0
    replicas: int = 0
    ready_replicas: int = 0
    available_replicas: int = 0
    current_replicas: int = 0
    updated_replicas: int = 0
    current_revision: str = ""
    update_revision: str = ""


class StatefulSet(KubeObject, frozen=True):
    """Pods with stable names, made and unmade one after the other."""

    api_version: str = "apps/v1"
    kind: str = "StatefulSet"
    spec: StatefulSetSpec = msgspec.field(default_factory=StatefulSetSpec)
    status: StatefulSetStatus = msgspec.field(default_factory=StatefulSetStatus)
