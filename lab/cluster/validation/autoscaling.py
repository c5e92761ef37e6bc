"""HorizontalPodAutoscalers: bounds, target, metrics and behavior (pkg/apis/autoscaling/validation)."""

from __future__ import annotations

from lab.cluster.errors import forbidden, invalid, required, unsupported
from lab.cluster.validation.names import Errors, faulty, label_faults
from lab.kube import quantity
from lab.kube.kinds.horizontalpodautoscaler import (
    ContainerResourceMetricSource,
    CrossVersionObjectReference,
    ExternalMetricSource,
    HorizontalPodAutoscaler,
    HPAScalingPolicy,
    HPAScalingRules,
    MetricIdentifier,
    MetricSpec,
    MetricTarget,
    ObjectMetricSource,
    PodsMetricSource,
    ResourceMetricSource,
)

Source = (
    ObjectMetricSource | ExternalMetricSource | PodsMetricSource | ResourceMetricSource | ContainerResourceMetricSource
)

MAX_PERIOD_S = 1800
MAX_STABILIZATION_WINDOW_S = 3600

_SOURCES = {
    "Object": "object",
    "External": "external",
    "Pods": "pods",
    "Resource": "resource",
    "ContainerResource": "containerResource",
}
"""The field of each type of metric source, in the order in which the API server looks at them."""
_POLICY_TYPES = ("Percent", "Pods")
_SELECT_POLICIES = ("Disabled", "Max", "Min")
_TARGET_TYPES = ("Utilization", "Value", "AverageValue")


def autoscaler_errors(new: HorizontalPodAutoscaler, old: HorizontalPodAutoscaler | None) -> Errors:
    """Everything that an autoscaler must say, and must not."""
    spec = new.spec
    least, most = spec.min_replicas, spec.max_replicas
    if least is not None and least < 1:
        yield invalid("spec.minReplicas", least, "must be greater than or equal to 1")
    if most < 1:
        yield invalid("spec.maxReplicas", most, "must be greater than 0")
    if least is not None and most < least:
        yield invalid("spec.maxReplicas", most, "must be greater than or equal to `minReplicas`")
    yield from _reference(spec.scale_target_ref, "spec.scaleTargetRef")
    for index, metric in enumerate(spec.metrics):
        yield from _metric(metric, f"spec.metrics[{index}]")
    if spec.behavior is not None:
        for field, rules in (("scaleUp", spec.behavior.scale_up), ("scaleDown", spec.behavior.scale_down)):
            if rules is not None:
                yield from _rules(rules, f"spec.behavior.{field}")


def _reference(ref: CrossVersionObjectReference, path: str) -> Errors:
    if ref.api_version.count("/") > 1:
        yield invalid(f"{path}.apiVersion", ref.api_version, f"unexpected GroupVersion string: {ref.api_version}")
    for field, text in (("kind", ref.kind), ("name", ref.name)):
        if not text:
            yield required(f"{path}.{field}")
        else:
            yield from faulty(f"{path}.{field}", text, _path_segment_faults(text))


def _path_segment_faults(text: str) -> tuple[str, ...]:
    """What keeps a text from being a part of a URL path (IsValidPathSegmentName)."""
    if text in (".", ".."):
        return (f"may not be '{text}'",)
    return tuple(f"may not contain '{sign}'" for sign in "/%" if sign in text)


# -- metrics ----------------------------------------------------------------------------------------------------


def _metric(metric: MetricSpec, path: str) -> Errors:
    if not metric.type:
        yield required(f"{path}.type", "must specify a metric source type")
    if metric.type not in _SOURCES:
        yield unsupported(f"{path}.type", metric.type, tuple(sorted(_SOURCES)))
    present = _present(metric)
    for field, source in list(present.items())[:1]:
        yield from _source(source, f"{path}.{field}")
    expected = _SOURCES.get(metric.type, "")
    if expected and expected not in present:
        yield required(f"{path}.{expected}", "must populate information for the given metric source")
    if len(present) != 1:
        for field in present:
            if field != expected:
                yield forbidden(f"{path}.{field}", "must populate the given metric source only")


def _present(metric: MetricSpec) -> dict[str, Source]:
    """The sources that are set, in the order in which the API server looks at them."""
    known: tuple[Source | None, ...] = (
        metric.object,
        metric.external,
        metric.pods,
        metric.resource,
        metric.container_resource,
    )
    pairs = zip(_SOURCES.values(), known, strict=True)
    return {field: source for field, source in pairs if source is not None}


def _source(source: Source, path: str) -> Errors:
    target, at = source.target, f"{path}.target"
    match source:
        case ObjectMetricSource():
            yield from _reference(source.described_object, f"{path}.describedObject")
            yield from _identifier(source.metric, f"{path}.metric")
            yield from _target(target, at)
            if target.value is None and target.average_value is None:
                yield required(f"{at}.averageValue", "must set either a target value or averageValue")
        case ExternalMetricSource():
            yield from _identifier(source.metric, f"{path}.metric")
            yield from _target(target, at)
            yield from _external_target(target, at)
        case PodsMetricSource():
            yield from _identifier(source.metric, f"{path}.metric")
            yield from _target(target, at)
            if target.average_value is None:
                yield required(f"{at}.averageValue", "must specify a positive target averageValue")
        case ResourceMetricSource() | ContainerResourceMetricSource():
            yield from _resource(source, path)


def _identifier(metric: MetricIdentifier, path: str) -> Errors:
    if not metric.name:
        yield required(f"{path}.name", "must specify a metric name")
    else:
        yield from faulty(f"{path}.name", metric.name, _path_segment_faults(metric.name))


def _external_target(target: MetricTarget, path: str) -> Errors:
    if target.value is None and target.average_value is None:
        yield required(f"{path}.averageValue", "must set either a target value for metric or a per-pod target")
    if target.value is not None and target.average_value is not None:
        yield forbidden(f"{path}.value", "may not set both a target value for metric and a per-pod target")


def _resource(source: ResourceMetricSource | ContainerResourceMetricSource, path: str) -> Errors:
    target, at = source.target, f"{path}.target"
    if not source.name:
        yield required(f"{path}.name", "must specify a resource name")
    if isinstance(source, ContainerResourceMetricSource):
        if not source.container:
            yield required(f"{path}.container", "must specify a container")
        else:
            yield from faulty(f"{path}.container", source.container, label_faults(source.container))
    yield from _target(target, at)
    if target.average_utilization is None and target.average_value is None:
        yield required(f"{at}.averageUtilization", "must set either a target raw value or a target utilization")
    if target.average_utilization is not None and target.average_value is not None:
        yield forbidden(f"{at}.averageValue", "may not set both a target raw value and a target utilization")


def _target(target: MetricTarget, path: str) -> Errors:
    if not target.type:
        yield required(f"{path}.type", "must specify a metric target type")
    if target.type not in _TARGET_TYPES:
        yield invalid(f"{path}.type", target.type, "must be either Utilization, Value, or AverageValue")
    for field, amount in (("value", target.value), ("averageValue", target.average_value)):
        if amount is not None and quantity.parse(amount) <= 0:
            yield invalid(f"{path}.{field}", amount, "must be positive")
    if target.average_utilization is not None and target.average_utilization < 1:
        yield invalid(f"{path}.averageUtilization", target.average_utilization, "must be greater than 0")


# -- behavior ---------------------------------------------------------------------------------------------------


def _rules(rules: HPAScalingRules, path: str) -> Errors:
    window = rules.stabilization_window_seconds
    if window is not None and window < 0:
        yield invalid(f"{path}.stabilizationWindowSeconds", window, "must be greater than or equal to zero")
    if window is not None and window > MAX_STABILIZATION_WINDOW_S:
        detail = f"must be less than or equal to {MAX_STABILIZATION_WINDOW_S}"
        yield invalid(f"{path}.stabilizationWindowSeconds", window, detail)
    if rules.select_policy is not None and rules.select_policy not in _SELECT_POLICIES:
        yield unsupported(f"{path}.selectPolicy", rules.select_policy, _SELECT_POLICIES)
    if not rules.policies:
        yield required(f"{path}.policies", "must specify at least one Policy")
    for index, policy in enumerate(rules.policies):
        yield from _policy(policy, f"{path}.policies[{index}]")
    if rules.tolerance is not None and quantity.parse(rules.tolerance) < 0:
        yield invalid(f"{path}.tolerance", rules.tolerance, "must be greater than or equal to 0")


def _policy(policy: HPAScalingPolicy, path: str) -> Errors:
    if policy.type not in _POLICY_TYPES:
        yield unsupported(f"{path}.type", policy.type, _POLICY_TYPES)
    if policy.value <= 0:
        yield invalid(f"{path}.value", policy.value, "must be greater than zero")
    if policy.period_seconds <= 0:
        yield invalid(f"{path}.periodSeconds", policy.period_seconds, "must be greater than zero")
    if policy.period_seconds > MAX_PERIOD_S:
        detail = f"must be less than or equal to {MAX_PERIOD_S}"
        yield invalid(f"{path}.periodSeconds", policy.period_seconds, detail)
