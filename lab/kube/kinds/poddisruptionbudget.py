"""policy/v1 PodDisruptionBudget: how many Pods of a selector may be evicted at a time."""

from __future__ import annotations

import msgspec

from lab.kube.meta import Condition, KubeObject, LabelSelector
from lab.kube.struct import IntOrString, KubeStruct, Timestamp

IF_HEALTHY_BUDGET, ALWAYS_ALLOW = "IfHealthyBudget", "AlwaysAllow"
DISRUPTION_ALLOWED = "DisruptionAllowed"
"""The one condition that its status has."""


class PodDisruptionBudgetSpec(KubeStruct, frozen=True):
    """One of the two bounds, a count or a percentage that is rounded up; what an unset selector matches is nothing."""

    min_available: IntOrString | None = None
    max_unavailable: IntOrString | None = None
    selector: LabelSelector | None = None
    unhealthy_pod_eviction_policy: str | None = None
    """KEP-3017: whether Pods that are not Ready may be evicted although the budget is not met."""


class PodDisruptionBudgetStatus(KubeStruct, frozen=True):
    """What the disruption controller counted, and what was evicted since."""

    observed_generation: int = 0
    disrupted_pods: dict[str, Timestamp] = {}
    """Pods whose eviction was granted and whose deletion the controller has not yet seen, and when that was."""
    disruptions_allowed: int = 0
    current_healthy: int = 0
    desired_healthy: int = 0
    expected_pods: int = 0
    conditions: tuple[Condition, ...] = ()


class PodDisruptionBudget(KubeObject, frozen=True):
    """Lets the eviction API refuse what would leave too few healthy Pods. Deletions and failures ask nobody."""

    api_version: str = "policy/v1"
    kind: str = "PodDisruptionBudget"
    spec: PodDisruptionBudgetSpec = msgspec.field(default_factory=PodDisruptionBudgetSpec)
    status: PodDisruptionBudgetStatus = msgspec.field(default_factory=PodDisruptionBudgetStatus)
