"""What the API server fills in where a Pod, or the template of one, leaves something out (SetDefaults_PodSpec)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from lab.kube.kinds.pod import Container, ContainerPort, PodSpec, PodTemplateSpec, Probe, ResourceRequirements
from lab.kube.struct import KubeStruct
from lab.settings import Settings

S = TypeVar("S", bound=KubeStruct)


def changed(value: S, **changes: Any) -> S:
    """`value` with the changes, or itself when they change nothing."""
    if all(getattr(value, name) == new for name, new in changes.items()):
        return value
    return msgspec.structs.replace(value, **changes)


def each(values: tuple[S, ...], change: Callable[[S], S]) -> tuple[S, ...]:
    """Every value after the change."""
    return tuple(map(change, values))


def pod_spec(spec: PodSpec, settings: Settings) -> PodSpec:
    """SetDefaults_PodSpec with its containers, ports and probes."""
    host_network = spec.host_network
    grace_s = spec.termination_grace_period_seconds
    links = spec.enable_service_links
    return changed(
        spec,
        restart_policy=spec.restart_policy or "Always",
        dns_policy=spec.dns_policy or "ClusterFirst",
        termination_grace_period_seconds=settings.termination_grace_period_s if grace_s is None else grace_s,
        enable_service_links=True if links is None else links,
        containers=each(spec.containers, lambda one: _container(one, host_network, settings)),
        init_containers=each(spec.init_containers, lambda one: _container(one, host_network, settings)),
    )


def _container(container: Container, host_network: bool, settings: Settings) -> Container:
    return changed(
        container,
        image_pull_policy=container.image_pull_policy or pull_policy(container.image),
        ports=each(container.ports, lambda port: _container_port(port, host_network)),
        resources=_requests_from_limits(container.resources),
        startup_probe=_probe(container.startup_probe, settings),
        readiness_probe=_probe(container.readiness_probe, settings),
        liveness_probe=_probe(container.liveness_probe, settings),
    )


def pull_policy(image: str) -> str:
    """Always for the tag `latest` or none at all, IfNotPresent for every other tag and for digests."""
    name = image.rpartition("/")[2]
    if "@" in name:
        return "IfNotPresent"
    tag = name.partition(":")[2]
    return "Always" if tag in ("", "latest") else "IfNotPresent"


def _container_port(port: ContainerPort, host_network: bool) -> ContainerPort:
    host_port = port.container_port if host_network and not port.host_port else port.host_port
    return changed(port, protocol=port.protocol or "TCP", host_port=host_port)


def _requests_from_limits(resources: ResourceRequirements) -> ResourceRequirements:
    if all(name in resources.requests for name in resources.limits):
        return resources
    return changed(resources, requests={**resources.limits, **resources.requests})


def _probe(probe: Probe | None, settings: Settings) -> Probe | None:
    if probe is None:
        return None
    return changed(
        probe,
        timeout_seconds=probe.timeout_seconds or settings.probe_timeout_s,
        period_seconds=probe.period_seconds or settings.probe_period_s,
        success_threshold=probe.success_threshold or settings.probe_success_threshold,
        failure_threshold=probe.failure_threshold or settings.probe_failure_threshold,
        initial_delay_seconds=(
            settings.probe_initial_delay_s if probe.initial_delay_seconds is None else probe.initial_delay_seconds
        ),
    )


def pod_template(template: PodTemplateSpec, settings: Settings) -> PodTemplateSpec:
    """The defaults of the Pods that a template makes."""
    return changed(template, spec=pod_spec(template.spec, settings))
