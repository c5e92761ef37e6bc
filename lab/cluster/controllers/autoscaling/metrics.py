"""What an autoscaler can read of Pods, and how the APIs for metrics say that they do not have something."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from lab.cluster.metrics_server import REQUESTS_PER_SECOND, MetricsServer, PodMetrics
from lab.kube.errors import LabError
from lab.kube.kinds import plural_of
from lab.kube.kinds.horizontalpodautoscaler import CrossVersionObjectReference, MetricIdentifier
from lab.kube.kinds.pod import Pod
from lab.kube.meta import LabelSelector

_NO_RESOURCE_METRICS = "unable to fetch metrics from resource metrics API"
_NO_CUSTOM_METRICS = "unable to fetch metrics from custom metrics API"
_NO_EXTERNAL_METRICS = "unable to fetch metrics from external metrics API"


class Sample(NamedTuple):
    """One Pod's value, in thousandths, and the time that it is the average of."""

    milli: int
    timestamp_s: float
    window_s: float


Samples = dict[str, Sample]
"""By the Pod's name; a Pod that was not measured is not there."""


def resource_samples(server: MetricsServer, pods: Iterable[Pod], resource: str, container: str = "") -> Samples:
    """CPU or memory of Pods, or of one container of each. Raises LabError when nothing can be had."""
    try:
        found = server.pods(pods)
    except LabError as error:
        raise LabError(f"unable to get metrics for resource {resource}: {_NO_RESOURCE_METRICS}: {error}") from None
    if not found:
        raise LabError(f"unable to get metrics for resource {resource}: no metrics returned from resource metrics API")
    return {
        name: Sample(_amount(name, metrics, resource, container), metrics.timestamp_s, metrics.window_s)
        for name, metrics in found.items()
        if resource in ("cpu", "memory")
    }


def _amount(pod: str, metrics: PodMetrics, resource: str, container: str) -> int:
    if container:
        one = metrics.containers.get(container)
        if one is None:
            raise LabError(
                f"unable to get metrics for resource {resource}: "
                f"container {container} not present in metrics for pod {pod}"
            )
        return one.cpu_milli if resource == "cpu" else one.memory_bytes * 1000
    return metrics.cpu_milli if resource == "cpu" else metrics.memory_bytes * 1000


def pod_samples(server: MetricsServer, pods: Iterable[Pod], metric: MetricIdentifier) -> Samples:
    """A custom metric of Pods: there is `http_requests_per_second`. Raises LabError for any other."""
    if metric.name != REQUESTS_PER_SECOND or metric.selector is not None:
        raise LabError(
            f"unable to get metric {metric.name}: {_NO_CUSTOM_METRICS}: "
            f"the server could not find the metric {metric.name} for pods"
        )
    try:
        found = server.pods(pods)
    except LabError as error:
        raise LabError(f"unable to get metric {metric.name}: {_NO_CUSTOM_METRICS}: {error}") from None
    if not found:
        raise LabError(f"unable to get metric {metric.name}: no metrics returned from custom metrics API")
    return {
        name: Sample(metrics.requests_milli, metrics.timestamp_s, metrics.window_s) for name, metrics in found.items()
    }


def no_object_metric(metric: MetricIdentifier, described: CrossVersionObjectReference, namespace: str) -> LabError:
    """What is said of a metric of another object: no cluster of the lab has any."""
    what = f"{plural_of(described.kind)} {described.name}"
    return LabError(
        f"unable to get metric {metric.name}: {_NO_CUSTOM_METRICS}: the server could not find the metric "
        f"{metric.name} for {what} on {described.kind} {namespace}/{described.name}"
    )


def no_external_metric(metric: MetricIdentifier, namespace: str) -> LabError:
    """What is said of a metric from outside of the cluster: no cluster of the lab has any."""
    return LabError(
        f"unable to get external metric {namespace}/{metric.name}/{_selector(metric.selector)}: "
        f"{_NO_EXTERNAL_METRICS}: the server could not find the requested resource "
        f"(get {metric.name}.external.metrics.k8s.io)"
    )


def _selector(selector: LabelSelector | None) -> str:
    """A selector as Go prints it."""
    if selector is None:
        return "nil"
    pairs = "".join(f"{key}: {value}," for key, value in sorted(selector.match_labels.items()))
    labels = f"MatchLabels:map[string]string{{{pairs}}}"
    return f"&LabelSelector{{{labels},MatchExpressions:[]LabelSelectorRequirement{{}},}}"
