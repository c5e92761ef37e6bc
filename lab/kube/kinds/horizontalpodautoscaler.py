"""autoscaling/v2 HorizontalPodAutoscaler: how many replicas a workload has, by what its Pods use."""

from __future__ import annotations

import msgspec

from lab.kube.meta import Condition, KubeObject, LabelSelector
from lab.kube.struct import KubeStruct, Quantity, Timestamp
from lab.kube.yaml_tree import Node, from_plain

RESOURCE, CONTAINER_RESOURCE, PODS, OBJECT, EXTERNAL = "Resource", "ContainerResource", "Pods", "Object", "External"


class CrossVersionObjectReference(KubeStruct, frozen=True):
    """An object of the same namespace."""

    api_version: str = ""
    kind: str = ""
    name: str = ""

    @property
    def group(self) -> str:
        """`apps` of `apps/v1`; empty for the core group."""
        group, slash, _ = self.api_version.partition("/")
        return group if slash else ""


class MetricIdentifier(KubeStruct, frozen=True):
    """A metric by its name, and by labels of its series."""

    name: str = ""
    selector: LabelSelector | None = None


class MetricTarget(KubeStruct, frozen=True):
    """What a metric should be: a percentage of the request (Utilization), a Value, or an AverageValue of the Pods."""

    type: str = ""
    value: Quantity | None = None
    average_value: Quantity | None = None
    average_utilization: int | None = None


class ResourceMetricSource(KubeStruct, frozen=True):
    """CPU or memory of the Pods, all their containers together."""

    name: str = ""
    target: MetricTarget = msgspec.field(default_factory=MetricTarget)


class ContainerResourceMetricSource(KubeStruct, frozen=True):
    """CPU or memory of one container of each Pod."""

    name: str = ""
    container: str = ""
    target: MetricTarget = msgspec.field(default_factory=MetricTarget)


class PodsMetricSource(KubeStruct, frozen=True):
    """A metric that each Pod has."""

    metric: MetricIdentifier = msgspec.field(default_factory=MetricIdentifier)
    target: MetricTarget = msgspec.field(default_factory=MetricTarget)


class ObjectMetricSource(KubeStruct, frozen=True):
    """A metric of one other object."""

    described_object: CrossVersionObjectReference = msgspec.field(default_factory=CrossVersionObjectReference)
    metric: MetricIdentifier = msgspec.field(default_factory=MetricIdentifier)
    target: MetricTarget = msgspec.field(default_factory=MetricTarget)


class ExternalMetricSource(KubeStruct, frozen=True):
    """A metric from outside of the cluster."""

    metric: MetricIdentifier = msgspec.field(default_factory=MetricIdentifier)
    target: MetricTarget = msgspec.field(default_factory=MetricTarget)


class MetricSpec(KubeStruct, frozen=True):
    """One metric: `type` says which of the others is set."""

    type: str = ""
    resource: ResourceMetricSource | None = None
    container_resource: ContainerResourceMetricSource | None = None
    pods: PodsMetricSource | None = None
    object: ObjectMetricSource | None = None
    external: ExternalMetricSource | None = None


class HPAScalingPolicy(KubeStruct, frozen=True):
    """At most so many Pods, or so many percent of them, within a period."""

    type: str = ""
    value: int = 0
    period_seconds: int = 0


class HPAScalingRules(KubeStruct, frozen=True):
    """How fast one direction may go."""

    stabilization_window_seconds: int | None = None
    select_policy: str | None = None
    """Max, Min or Disabled."""
    policies: tuple[HPAScalingPolicy, ...] = ()
    tolerance: Quantity | None = None
    """KEP-4951; the controller's own (0.1) when it is not set."""


class HorizontalPodAutoscalerBehavior(KubeStruct, frozen=True):
    """Rules for both directions (KEP-853)."""

    scale_up: HPAScalingRules | None = None
    scale_down: HPAScalingRules | None = None


class HorizontalPodAutoscalerSpec(KubeStruct, frozen=True):
    """What is scaled, within which bounds, and by which metrics: the one that asks for most replicas counts."""

    scale_target_ref: CrossVersionObjectReference = msgspec.field(default_factory=CrossVersionObjectReference)
    min_replicas: int | None = None
    max_replicas: int = 0
    metrics: tuple[MetricSpec, ...] = ()
    behavior: HorizontalPodAutoscalerBehavior | None = None


class MetricValueStatus(KubeStruct, frozen=True):
    """What a metric is."""

    value: Quantity | None = None
    average_value: Quantity | None = None
    average_utilization: int | None = None


class ResourceMetricStatus(KubeStruct, frozen=True):
    """CPU or memory of the Pods."""

    name: str = ""
    current: MetricValueStatus = msgspec.field(default_factory=MetricValueStatus)


class ContainerResourceMetricStatus(KubeStruct, frozen=True):
    """CPU or memory of one container of each Pod."""

    name: str = ""
    container: str = ""
    current: MetricValueStatus = msgspec.field(default_factory=MetricValueStatus)


class PodsMetricStatus(KubeStruct, frozen=True):
    """A metric that each Pod has."""

    metric: MetricIdentifier = msgspec.field(default_factory=MetricIdentifier)
    current: MetricValueStatus = msgspec.field(default_factory=MetricValueStatus)


class MetricStatus(KubeStruct, frozen=True):
    """One metric as it was last read; its type is empty when it could not be read."""

    type: str = ""
    resource: ResourceMetricStatus | None = None
    container_resource: ContainerResourceMetricStatus | None = None
    pods: PodsMetricStatus | None = None

    @property
    def current(self) -> MetricValueStatus | None:
        """The values, whatever the type; None when it could not be read."""
        source = self.resource or self.container_resource or self.pods
        return source.current if source is not None else None


class HorizontalPodAutoscalerStatus(KubeStruct, frozen=True):
    """What the controller last saw and decided."""

    last_scale_time: Timestamp | None = None
    current_replicas: int = 0
    desired_replicas: int = 0
    current_metrics: tuple[MetricStatus, ...] = ()
    conditions: tuple[Condition, ...] = ()


class HorizontalPodAutoscaler(KubeObject, frozen=True):
    """Scales a Deployment, ReplicaSet or StatefulSet between two bounds."""

    api_version: str = "autoscaling/v2"
    kind: str = "HorizontalPodAutoscaler"
    spec: HorizontalPodAutoscalerSpec = msgspec.field(default_factory=HorizontalPodAutoscalerSpec)
    status: HorizontalPodAutoscalerStatus = msgspec.field(default_factory=HorizontalPodAutoscalerStatus)


_V1_TARGET = "targetCPUUtilizationPercentage"


def from_v1(body: dict[str, Node]) -> dict[str, Node]:
    """An autoscaling/v1 object as v2 says it: the only metric that v1 knows is the utilization of CPU."""
    spec = body.get("spec")
    fields = spec.value if spec is not None else None
    if spec is None or not isinstance(fields, dict) or _V1_TARGET not in fields:
        return body
    target = fields[_V1_TARGET]
    aim = {"type": "Utilization", "averageUtilization": target.plain()}
    metrics = [{"type": RESOURCE, "resource": {"name": "cpu", "target": aim}}]
    rest = {name: value for name, value in fields.items() if name != _V1_TARGET}
    return {**body, "spec": Node({**rest, "metrics": from_plain(metrics, target.line)}, spec.line)}
