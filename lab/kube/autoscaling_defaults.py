"""What the API server fills in of a HorizontalPodAutoscaler (SetDefaults_HorizontalPodAutoscaler of autoscaling/v2)."""

from __future__ import annotations

from msgspec.structs import replace

from lab.kube.kinds.horizontalpodautoscaler import (
    RESOURCE,
    HorizontalPodAutoscaler,
    HorizontalPodAutoscalerBehavior,
    HPAScalingPolicy,
    HPAScalingRules,
    MetricSpec,
    MetricTarget,
    ResourceMetricSource,
)
from lab.settings import Settings

DEFAULT_METRICS = (
    MetricSpec(
        type=RESOURCE,
        resource=ResourceMetricSource(name="cpu", target=MetricTarget(type="Utilization", average_utilization=80)),
    ),
)
SCALE_UP = HPAScalingRules(
    stabilization_window_seconds=0,
    select_policy="Max",
    policies=(
        HPAScalingPolicy(type="Pods", value=4, period_seconds=15),
        HPAScalingPolicy(type="Percent", value=100, period_seconds=15),
    ),
)
SCALE_DOWN = HPAScalingRules(
    select_policy="Max", policies=(HPAScalingPolicy(type="Percent", value=100, period_seconds=15),)
)
"""Its window is the controller's own: --horizontal-pod-autoscaler-downscale-stabilization, 300 s."""


def horizontal_pod_autoscaler(obj: HorizontalPodAutoscaler, settings: Settings) -> HorizontalPodAutoscaler:
    """One replica at least, CPU at 80 %, and what a behavior leaves out; without any behavior none is made."""
    spec = obj.spec
    filled = replace(
        spec,
        min_replicas=1 if spec.min_replicas is None else spec.min_replicas,
        metrics=spec.metrics or DEFAULT_METRICS,
        behavior=_behavior(spec.behavior) if spec.behavior is not None else None,
    )
    return obj if filled == spec else replace(obj, spec=filled)


def without_tolerance(obj: HorizontalPodAutoscaler, old: HorizontalPodAutoscaler | None) -> HorizontalPodAutoscaler:
    """Without the tolerances that a release before KEP-4951 does not know; what uses them already keeps them."""
    behavior = obj.spec.behavior
    if behavior is None or (old is not None and _has_tolerance(old.spec.behavior)):
        return obj
    up, down = (
        replace(rules, tolerance=None) if rules is not None else None
        for rules in (behavior.scale_up, behavior.scale_down)
    )
    return replace(obj, spec=replace(obj.spec, behavior=replace(behavior, scale_up=up, scale_down=down)))


def _has_tolerance(behavior: HorizontalPodAutoscalerBehavior | None) -> bool:
    known = (behavior.scale_up, behavior.scale_down) if behavior is not None else ()
    return any(rules is not None and rules.tolerance is not None for rules in known)


def _behavior(behavior: HorizontalPodAutoscalerBehavior) -> HorizontalPodAutoscalerBehavior:
    up, down = behavior.scale_up or HPAScalingRules(), behavior.scale_down or HPAScalingRules()
    return replace(behavior, scale_up=_rules(up, SCALE_UP), scale_down=_rules(down, SCALE_DOWN))


def _rules(rules: HPAScalingRules, usual: HPAScalingRules) -> HPAScalingRules:
    window = rules.stabilization_window_seconds
    return replace(
        rules,
        stabilization_window_seconds=usual.stabilization_window_seconds if window is None else window,
        select_policy=usual.select_policy if rules.select_policy is None else rules.select_policy,
        policies=rules.policies or usual.policies,
    )
