"""One metric of an autoscaler: how many replicas it asks for, what it is, and what is said when it cannot be read."""

from __future__ import annotations

from typing import NamedTuple

from lab.cluster.controllers.autoscaling import metrics, replica_calculator
from lab.cluster.controllers.autoscaling.replica_calculator import Proposal, Tolerance
from lab.cluster.metrics_server import MetricsServer
from lab.kube import quantity
from lab.kube.errors import LabError
from lab.kube.kinds.horizontalpodautoscaler import (
    CONTAINER_RESOURCE,
    PODS,
    RESOURCE,
    ContainerResourceMetricSource,
    ContainerResourceMetricStatus,
    ExternalMetricSource,
    MetricSpec,
    MetricStatus,
    MetricTarget,
    MetricValueStatus,
    ObjectMetricSource,
    PodsMetricSource,
    PodsMetricStatus,
    ResourceMetricSource,
    ResourceMetricStatus,
)
from lab.kube.kinds.pod import Pod
from lab.kube.struct import Quantity
from lab.settings import Settings


class Subject(NamedTuple):
    """The workload that an autoscaler looks at, at one moment."""

    namespace: str
    current: int
    """Replicas that are wanted now."""
    pods: list[Pod]
    tolerance: Tolerance
    server: MetricsServer
    settings: Settings
    now: float


class Reading(NamedTuple):
    """What a metric asks for."""

    replicas: int
    name: str
    """As events call it, such as `cpu resource utilization (percentage of request)`."""
    status: MetricStatus


class Unreadable(LabError):  # noqa: N818 - what it says of a metric
    """A metric cannot be had; the message is what the condition and the event say of it."""

    def __init__(self, reason: str, message: str, summary: str) -> None:
        super().__init__(message)
        self.reason = reason
        """Of the condition ScalingActive and of the event, such as `FailedGetPodsMetric`."""
        self.summary = summary
        """What FailedComputeMetricsReplicas says of it."""


def read(spec: MetricSpec, subject: Subject) -> Reading:
    """Read a metric; raises Unreadable."""
    if spec.resource is not None:
        return _resource(spec.resource, subject)
    if spec.container_resource is not None:
        return _container_resource(spec.container_resource, subject)
    if spec.pods is not None:
        return _pods(spec.pods, subject)
    if spec.object is not None:
        raise _object(spec.object, subject.namespace)
    if spec.external is not None:
        raise _external(spec.external, subject.namespace)
    message = f'unknown metric source type "{spec.type}"'
    raise Unreadable("InvalidMetricSourceType", message, message)


# -- CPU and memory -------------------------------------------------------------------------------------------------


def _resource(source: ResourceMetricSource, subject: Subject) -> Reading:
    try:
        proposal = _usage(source.name, "", source.target, subject)
    except LabError as error:
        summary = f"failed to get {source.name} resource metric value: {error}"
        raise Unreadable("FailedGetResourceMetric", str(error), summary) from None
    current = _value(proposal)
    status = MetricStatus(type=RESOURCE, resource=ResourceMetricStatus(name=source.name, current=current))
    return Reading(proposal.replicas, _usage_name(source.name, "", proposal), status)


def _container_resource(source: ContainerResourceMetricSource, subject: Subject) -> Reading:
    try:
        proposal = _usage(source.name, source.container, source.target, subject)
    except LabError as error:
        summary = f"failed to get {source.container} container metric value: {error}"
        raise Unreadable("FailedGetContainerResourceMetric", str(error), summary) from None
    current = ContainerResourceMetricStatus(name=source.name, container=source.container, current=_value(proposal))
    status = MetricStatus(type=CONTAINER_RESOURCE, container_resource=current)
    return Reading(proposal.replicas, _usage_name(source.name, "container ", proposal), status)


def _usage(resource: str, container: str, target: MetricTarget, subject: Subject) -> Proposal:
    what = "usage" if target.average_value is not None else "utilization"
    try:
        samples = metrics.resource_samples(subject.server, subject.pods, resource, container)
        groups = replica_calculator.group_pods(
            subject.pods, samples, subject.settings, subject.now, cpu=resource == "cpu"
        )
        if target.average_value is not None:
            wanted = milli(target.average_value)
            return replica_calculator.by_average(subject.current, wanted, samples, groups, subject.tolerance)
        requests = replica_calculator.requests_of(subject.pods, resource, container)
        return replica_calculator.by_utilization(
            subject.current, target.average_utilization or 0, samples, groups, requests, subject.tolerance
        )
    except LabError as error:
        raise LabError(f"failed to get {resource} {what}: {error}") from None


def _usage_name(resource: str, of: str, proposal: Proposal) -> str:
    if proposal.utilization is None:
        return f"{resource} resource"
    return f"{resource} {of}resource utilization (percentage of request)"


def _value(proposal: Proposal) -> MetricValueStatus:
    average = quantity.format_milli(proposal.average_milli)
    return MetricValueStatus(average_value=average, average_utilization=proposal.utilization)


# -- the others -----------------------------------------------------------------------------------------------------


def _pods(source: PodsMetricSource, subject: Subject) -> Reading:
    try:
        samples = metrics.pod_samples(subject.server, subject.pods, source.metric)
        groups = replica_calculator.group_pods(subject.pods, samples, subject.settings, subject.now, cpu=False)
        wanted = milli(source.target.average_value or 0)
        proposal = replica_calculator.by_average(subject.current, wanted, samples, groups, subject.tolerance)
    except LabError as error:
        summary = f"failed to get pods metric value: {error}"
        raise Unreadable("FailedGetPodsMetric", str(error), summary) from None
    current = PodsMetricStatus(metric=source.metric, current=_value(proposal))
    return Reading(proposal.replicas, f"pods metric {source.metric.name}", MetricStatus(type=PODS, pods=current))


def _object(source: ObjectMetricSource, namespace: str) -> Unreadable:
    error = metrics.no_object_metric(source.metric, source.described_object, namespace)
    return Unreadable("FailedGetObjectMetric", str(error), f"failed to get object metric value: {error}")


def _external(source: ExternalMetricSource, namespace: str) -> Unreadable:
    error = metrics.no_external_metric(source.metric, namespace)
    name = source.metric.name
    summary = f"failed to get {name} external metric value: failed to get external metric {name}: {error}"
    return Unreadable("FailedGetExternalMetric", str(error), summary)


def milli(amount: Quantity) -> int:
    """A quantity in thousandths, rounded up (resource.Quantity.MilliValue)."""
    value = quantity.parse(amount) * 1000
    return -(-value.numerator // value.denominator)
