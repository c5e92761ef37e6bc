"""How a HorizontalPodAutoscaler is shown."""

from __future__ import annotations

from lab.kube.kinds.horizontalpodautoscaler import (
    HorizontalPodAutoscaler,
    HPAScalingRules,
    MetricSpec,
    MetricStatus,
    MetricTarget,
    MetricValueStatus,
)
from lab.views.kinds.base import Context, KindView
from lab.views.kinds.formatting import age, annotation_lines, moment, pair_lines
from lab.views.states import State
from lab.views.table import fields, table

UNKNOWN = "<unknown>"
_SHOWN = 2
"""How many metrics stand in the TARGETS column."""


def targets(autoscaler: HorizontalPodAutoscaler) -> str:
    """The TARGETS column: the first two metrics, as `cpu: 12%/50%` (printers, `formatHPAMetrics`)."""
    shown = [_target(spec, status) for spec, status in _metrics(autoscaler)]
    more = f" + {len(shown) - _SHOWN} more..." if len(shown) > _SHOWN else ""
    return (", ".join(shown[:_SHOWN]) or "<none>") + more


def _metrics(autoscaler: HorizontalPodAutoscaler) -> list[tuple[MetricSpec, MetricStatus]]:
    """Each metric with what is known of it."""
    known = autoscaler.status.current_metrics
    specs = autoscaler.spec.metrics
    return [(spec, known[i] if i < len(known) else MetricStatus()) for i, spec in enumerate(specs)]


def _target(spec: MetricSpec, status: MetricStatus) -> str:
    current = status.current
    resource = spec.resource or spec.container_resource
    if resource is not None:
        return f"{resource.name}: {_current(current, resource.target)}/{_wanted(resource.target)}"
    source = spec.pods or spec.object or spec.external
    if source is None:
        return "<unknown type>"
    average = " (avg)" if spec.pods is None and source.target.average_value is not None else ""
    return f"{_current(current, source.target)}/{_wanted(source.target)}{average}"


def _current(current: MetricValueStatus | None, target: MetricTarget) -> str:
    if current is None:
        return UNKNOWN
    if target.average_utilization is not None:
        return UNKNOWN if current.average_utilization is None else f"{current.average_utilization}%"
    amount = current.value if target.average_value is None else current.average_value
    return UNKNOWN if amount is None else str(amount)


def _wanted(target: MetricTarget) -> str:
    if target.average_utilization is not None:
        return f"{target.average_utilization}%"
    amount = target.value if target.average_value is None else target.average_value
    return "<auto>" if amount is None else str(amount)


def _reference(autoscaler: HorizontalPodAutoscaler) -> str:
    ref = autoscaler.spec.scale_target_ref
    return f"{ref.kind}/{ref.name}"


def _row(autoscaler: HorizontalPodAutoscaler, context: Context) -> tuple[str, ...]:
    spec = autoscaler.spec
    return (
        autoscaler.name,
        _reference(autoscaler),
        targets(autoscaler),
        "<unset>" if spec.min_replicas is None else str(spec.min_replicas),
        str(spec.max_replicas),
        str(autoscaler.status.current_replicas),
        age(autoscaler.metadata.creation_timestamp, context.now),
    )


def _state(autoscaler: HorizontalPodAutoscaler, context: Context) -> State:
    held = {condition.type: condition for condition in autoscaler.status.conditions}
    for type in ("AbleToScale", "ScalingActive"):
        if type in held and held[type].status != "True":
            return State("✖", "bad", held[type].reason)
    if "ScalingLimited" in held and held["ScalingLimited"].status == "True":
        return State("◐", "warn", held["ScalingLimited"].reason)
    return State("●", "ok", "Active") if "ScalingActive" in held else State("○", "dim", "New")


# -- describe -----------------------------------------------------------------------------------------------------


def _describe(autoscaler: HorizontalPodAutoscaler, context: Context) -> list[str]:
    meta, spec, status = autoscaler.metadata, autoscaler.spec, autoscaler.status
    least = "<unset>" if spec.min_replicas is None else str(spec.min_replicas)
    ref = spec.scale_target_ref
    head = fields(
        (
            ("Name", meta.name),
            ("Namespace", meta.namespace),
            ("Labels", pair_lines(meta.labels)),
            ("Annotations", annotation_lines(meta.annotations)),
            ("CreationTimestamp", moment(meta.creation_timestamp)),
            ("Reference", _reference(autoscaler)),
            ("Metrics", "( current / target )"),
            *(_metric_line(one, known) for one, known in _metrics(autoscaler)),
            ("Min replicas", least),
            ("Max replicas", str(spec.max_replicas)),
            *_behavior_lines(autoscaler),
            (f"{ref.kind} pods", f"{status.current_replicas} current / {status.desired_replicas} desired"),
        )
    )
    if not status.conditions:
        return head
    rows = [(f"  {one.type}", one.status, one.reason, one.message) for one in status.conditions]
    dashes = ("  ----", "------", "------", "-------")
    return [*head, "Conditions:", *table(("  Type", "Status", "Reason", "Message"), [dashes, *rows])]


def _metric_line(spec: MetricSpec, status: MetricStatus) -> tuple[str, str]:
    if spec.resource is not None:
        name, target = f"resource {spec.resource.name} on pods", spec.resource.target
    elif spec.container_resource is not None:
        one = spec.container_resource
        name, target = f'resource {one.name} of container "{one.container}" on pods', one.target
    elif spec.pods is not None:
        name, target = f'"{spec.pods.metric.name}" on pods', spec.pods.target
    elif spec.object is not None:
        described = spec.object.described_object
        name, target = f'"{spec.object.metric.name}" on {described.kind}/{described.name}', spec.object.target
    elif spec.external is not None:
        name, target = f'"{spec.external.metric.name}"', spec.external.target
    else:
        return "  <unknown type>", UNKNOWN
    current = _current(status.current, target)
    if target.average_utilization is not None:
        name = f"{name}  (as a percentage of request)"
        if status.current is not None and status.current.average_value is not None:
            current = f"{current} ({status.current.average_value})"
    return f"  {name}", f"{current} / {_wanted(target)}"


def _behavior_lines(autoscaler: HorizontalPodAutoscaler) -> list[tuple[str, str]]:
    behavior = autoscaler.spec.behavior
    if behavior is None:
        return []
    lines = [("Behavior", "")]
    for title, rules in (("Scale Up", behavior.scale_up), ("Scale Down", behavior.scale_down)):
        if rules is not None:
            lines += [(f"  {title}", ""), *_rule_lines(rules)]
    return lines


def _rule_lines(rules: HPAScalingRules) -> list[tuple[str, str]]:
    window = rules.stabilization_window_seconds
    lines = [] if window is None else [("    Stabilization Window", f"{window} seconds")]
    lines.append(("    Select Policy", rules.select_policy or "Max"))
    if rules.tolerance is not None:
        lines.append(("    Tolerance", str(rules.tolerance)))
    lines.append(("    Policies", ""))
    policies = [f"{one.type}  Value: {one.value}  Period: {one.period_seconds} seconds" for one in rules.policies]
    return [*lines, *(("      - Type", text) for text in policies)]


VIEW = KindView(
    struct=HorizontalPodAutoscaler,
    columns=("NAME", "REFERENCE", "TARGETS", "MINPODS", "MAXPODS", "REPLICAS", "AGE"),
    row=_row,
    state=_state,
    describe=_describe,
)
