"""`kubectl autoscale`: a HorizontalPodAutoscaler for a workload."""

from __future__ import annotations

from collections.abc import Sequence

from lab.cluster.apply import resource_name
from lab.commands.call import Call
from lab.commands.flags import IN_NAMESPACE
from lab.commands.registry import Flag, Parameter, ValueType, command
from lab.commands.resources import Target, target_of
from lab.commands.values import COUNT, INT, NAME
from lab.commands.words import CommandError, Word
from lab.kube import quantity
from lab.kube.errors import LabError
from lab.kube.kinds.horizontalpodautoscaler import (
    RESOURCE,
    CrossVersionObjectReference,
    HorizontalPodAutoscaler,
    HorizontalPodAutoscalerSpec,
    MetricSpec,
    MetricTarget,
    ResourceMetricSource,
)
from lab.kube.meta import ObjectMeta


def _aim(words: Sequence[Word], call: Call) -> MetricTarget:
    """`70%` of the request, or an amount of each Pod such as `500m`."""
    text = words[0].text
    if text.endswith("%") and text[:-1].isdigit():
        return MetricTarget(type="Utilization", average_utilization=int(text[:-1]))
    try:
        return MetricTarget(type="AverageValue", average_value=quantity.as_text(text))
    except LabError:
        message = f'error: "{text}" is neither a percentage such as 70% nor an amount such as 500m or 200Mi'
        raise CommandError(message, words[0]) from None


_AIM = ValueType("TARGET", "a percentage of the request (70%), or an amount for each Pod (500m, 200Mi)", _aim)


@command(
    "kubectl autoscale",
    "Make a HorizontalPodAutoscaler for a workload; without a target it wants CPU at 80 % of the requests.",
    Parameter("target", target_of("Deployment", "ReplicaSet", "StatefulSet")),
    flags=(
        Flag("--max", "the most replicas that there may be", COUNT, required=True),
        Flag("--min", "the fewest; 1 when it is left out", COUNT),
        Flag("--cpu-percent", "the same as --cpu=PERCENT%, its older form", INT),
        Flag("--cpu", "what the average Pod is to use of CPU", _AIM),
        Flag("--memory", "what the average Pod is to use of memory", _AIM),
        Flag("--name", "the autoscaler's name; the workload's when it is left out", NAME),
        IN_NAMESPACE,
    ),
    examples=(
        "kubectl autoscale deployment/web --min=2 --max=10 --cpu-percent=50",
        "kubectl autoscale deployment web --max=5 --cpu=70%",
    ),
)
def autoscale(call: Call) -> None:
    """Create it; the API server fills in and checks the rest."""
    target: Target = call.values["target"]
    obj = target.obj
    assert obj is not None
    if call.get("cpu") is not None and call.get("cpu_percent") is not None:
        raise LabError("--cpu and --cpu-percent say the same: give one of them")
    ref = CrossVersionObjectReference(api_version=obj.api_version, kind=obj.kind, name=obj.name)
    spec = HorizontalPodAutoscalerSpec(
        scale_target_ref=ref,
        min_replicas=call.get("min"),
        max_replicas=call.values["max"],
        metrics=tuple(_metrics(call)),
    )
    meta = ObjectMeta(name=call.get("name", obj.name), namespace=obj.namespace)
    created = call.store.create(HorizontalPodAutoscaler(metadata=meta, spec=spec))
    call.say(f"{resource_name(created)} autoscaled")


def _metrics(call: Call) -> list[MetricSpec]:
    percent: int | None = call.get("cpu_percent")
    older = None if percent is None else MetricTarget(type="Utilization", average_utilization=percent)
    aims = (("cpu", call.get("cpu", older)), ("memory", call.get("memory")))
    return [
        MetricSpec(type=RESOURCE, resource=ResourceMetricSource(name=name, target=aim))
        for name, aim in aims
        if aim is not None
    ]
