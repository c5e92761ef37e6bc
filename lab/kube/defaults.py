"""What the API server fills in when an object leaves it out (the SetDefaults functions of its v1 APIs).

Pure and idempotent: `apply` gives back the same object when nothing is missing. Where a default is also a timing
of the lab, it comes from `Settings`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import msgspec

from lab.kube.autoscaling_defaults import horizontal_pod_autoscaler
from lab.kube.kinds import is_namespaced
from lab.kube.kinds.deployment import Deployment, RollingUpdateDeployment
from lab.kube.kinds.endpoints import Endpoints, EndpointSubset
from lab.kube.kinds.endpointslice import EndpointSlice
from lab.kube.kinds.horizontalpodautoscaler import HorizontalPodAutoscaler
from lab.kube.kinds.namespace import Namespace
from lab.kube.kinds.networkpolicy import NetworkPolicy, NetworkPolicyPort
from lab.kube.kinds.pod import Container, ContainerPort, Pod, PodSpec, PodTemplateSpec, Probe, ResourceRequirements
from lab.kube.kinds.replicaset import ReplicaSet
from lab.kube.kinds.service import (
    ClientIPConfig,
    LoadBalancerIngress,
    LoadBalancerStatus,
    Service,
    ServicePort,
    ServiceSpec,
    SessionAffinityConfig,
)
from lab.kube.kinds.statefulset import StatefulSet
from lab.kube.meta import KubeObject
from lab.kube.struct import KubeStruct
from lab.kube.versions import Features, features_of
from lab.settings import Settings

NAMESPACE_NAME_LABEL = "kubernetes.io/metadata.name"

T = TypeVar("T", bound=KubeObject)
S = TypeVar("S", bound=KubeStruct)


def apply(obj: T, settings: Settings | None = None, features: Features | None = None) -> T:
    """The object with every default filled in, its namespace included; `features` are those of the newest release."""
    if not obj.metadata.namespace and is_namespaced(obj):
        obj = _with(obj, metadata=_with(obj.metadata, namespace="default"))
    if isinstance(obj, Service):
        return cast(T, service(obj, settings or Settings(), features or features_of()))
    defaulter = _DEFAULTERS.get(type(obj))
    return cast(T, defaulter(obj, settings or Settings())) if defaulter else obj


def _with(value: S, **changes: Any) -> S:
    """`value` with the changes, or itself when they change nothing."""
    if all(getattr(value, name) == new for name, new in changes.items()):
        return value
    return msgspec.structs.replace(value, **changes)


def _each(values: tuple[S, ...], change: Callable[[S], S]) -> tuple[S, ...]:
    return tuple(map(change, values))


# -- Service ---------------------------------------------------------------------------------------------------


def service(obj: Service, settings: Settings, features: Features) -> Service:
    """SetDefaults_Service; addresses, node ports and IP families are the allocator's and stay as they are."""
    spec = _with(
        obj.spec,
        type=obj.spec.type or "ClusterIP",
        session_affinity=obj.spec.session_affinity or "None",
        ports=_each(obj.spec.ports, _service_port),
    )
    spec = _with(
        spec,
        session_affinity_config=_affinity_config(spec, settings),
        external_traffic_policy=spec.external_traffic_policy or ("Cluster" if _needs_external_policy(spec) else ""),
        internal_traffic_policy=spec.internal_traffic_policy or (None if spec.type == "ExternalName" else "Cluster"),
    )
    if spec.type == "LoadBalancer":
        if spec.allocate_load_balancer_node_ports is None:
            spec = _with(spec, allocate_load_balancer_node_ports=True)
        if features.load_balancer_ip_mode:
            obj = _with(obj, status=_with(obj.status, load_balancer=_ip_modes(obj.status.load_balancer)))
    return _with(obj, spec=spec)


def _service_port(port: ServicePort) -> ServicePort:
    return _with(port, protocol=port.protocol or "TCP", target_port=port.target_port or port.port)


def _affinity_config(spec: ServiceSpec, settings: Settings) -> SessionAffinityConfig | None:
    if spec.session_affinity != "ClientIP":
        return None
    config = spec.session_affinity_config or SessionAffinityConfig()
    client_ip = config.client_ip or ClientIPConfig()
    if client_ip.timeout_seconds is None:
        client_ip = _with(client_ip, timeout_seconds=round(settings.affinity_timeout_s))
    return _with(config, client_ip=client_ip)


def _needs_external_policy(spec: ServiceSpec) -> bool:
    return spec.type in ("NodePort", "LoadBalancer") or (spec.type == "ClusterIP" and bool(spec.external_ips))


def _ip_modes(status: LoadBalancerStatus) -> LoadBalancerStatus:
    def change(ingress: LoadBalancerIngress) -> LoadBalancerIngress:
        return _with(ingress, ip_mode="VIP") if ingress.ip and ingress.ip_mode is None else ingress

    return _with(status, ingress=_each(status.ingress, change))


# -- Pods and what makes them ------------------------------------------------------------------------------------


def pod_spec(spec: PodSpec, settings: Settings) -> PodSpec:
    """SetDefaults_PodSpec with its containers, ports and probes."""
    host_network = spec.host_network
    grace_s = spec.termination_grace_period_seconds
    links = spec.enable_service_links
    return _with(
        spec,
        restart_policy=spec.restart_policy or "Always",
        dns_policy=spec.dns_policy or "ClusterFirst",
        termination_grace_period_seconds=settings.termination_grace_period_s if grace_s is None else grace_s,
        enable_service_links=True if links is None else links,
        containers=_each(spec.containers, lambda each: _container(each, host_network, settings)),
        init_containers=_each(spec.init_containers, lambda each: _container(each, host_network, settings)),
    )


def _container(container: Container, host_network: bool, settings: Settings) -> Container:
    return _with(
        container,
        image_pull_policy=container.image_pull_policy or pull_policy(container.image),
        ports=_each(container.ports, lambda port: _container_port(port, host_network)),
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
    return _with(port, protocol=port.protocol or "TCP", host_port=host_port)


def _requests_from_limits(resources: ResourceRequirements) -> ResourceRequirements:
    if all(name in resources.requests for name in resources.limits):
        return resources
    return _with(resources, requests={**resources.limits, **resources.requests})


def _probe(probe: Probe | None, settings: Settings) -> Probe | None:
    if probe is None:
        return None
    return _with(
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
    return _with(template, spec=pod_spec(template.spec, settings))


def _pod(obj: Pod, settings: Settings) -> Pod:
    return _with(obj, spec=pod_spec(obj.spec, settings))


def _replicaset(obj: ReplicaSet, settings: Settings) -> ReplicaSet:
    return _with(obj, spec=_with(obj.spec, template=pod_template(obj.spec.template, settings)))


def _deployment(obj: Deployment, settings: Settings) -> Deployment:
    spec = obj.spec
    strategy = _with(spec.strategy, type=spec.strategy.type or "RollingUpdate")
    if strategy.type == "RollingUpdate":
        rolling = strategy.rolling_update or RollingUpdateDeployment()
        if rolling.max_surge is None:
            rolling = _with(rolling, max_surge=settings.deployment_max_surge)
        if rolling.max_unavailable is None:
            rolling = _with(rolling, max_unavailable=settings.deployment_max_unavailable)
        strategy = _with(strategy, rolling_update=rolling)
    history, deadline_s = spec.revision_history_limit, spec.progress_deadline_seconds
    return _with(
        obj,
        spec=_with(
            spec,
            template=pod_template(spec.template, settings),
            strategy=strategy,
            revision_history_limit=settings.deployment_revision_history if history is None else history,
            progress_deadline_seconds=settings.deployment_progress_deadline_s if deadline_s is None else deadline_s,
        ),
    )


def _statefulset(obj: StatefulSet, settings: Settings) -> StatefulSet:
    spec = obj.spec
    strategy = _with(spec.update_strategy, type=spec.update_strategy.type or "RollingUpdate")
    return _with(
        obj,
        spec=_with(
            spec,
            template=pod_template(spec.template, settings),
            pod_management_policy=spec.pod_management_policy or "OrderedReady",
            update_strategy=strategy,
        ),
    )


# -- NetworkPolicy -----------------------------------------------------------------------------------------------


def _network_policy(obj: NetworkPolicy, settings: Settings) -> NetworkPolicy:
    """SetDefaults_NetworkPolicy and SetDefaults_NetworkPolicyPort."""
    spec = obj.spec
    ingress = _each(spec.ingress, lambda rule: _with(rule, ports=_each(rule.ports, _policy_port)))
    egress = _each(spec.egress, lambda rule: _with(rule, ports=_each(rule.ports, _policy_port)))
    return _with(obj, spec=_with(spec, policy_types=spec.isolates, ingress=ingress, egress=egress))


def _policy_port(port: NetworkPolicyPort) -> NetworkPolicyPort:
    return _with(port, protocol=port.protocol or "TCP")


# -- the rest --------------------------------------------------------------------------------------------------


def _endpointslice(obj: EndpointSlice, settings: Settings) -> EndpointSlice:
    return _with(obj, ports=_each(obj.ports, lambda port: _with(port, protocol=port.protocol or "TCP")))


def _endpoints(obj: Endpoints, settings: Settings) -> Endpoints:
    def change(subset: EndpointSubset) -> EndpointSubset:
        return _with(subset, ports=_each(subset.ports, lambda port: _with(port, protocol=port.protocol or "TCP")))

    return _with(obj, subsets=_each(obj.subsets, change))


def _namespace(obj: Namespace, settings: Settings) -> Namespace:
    labels = {**obj.metadata.labels, NAMESPACE_NAME_LABEL: obj.metadata.name}
    return _with(obj, metadata=_with(obj.metadata, labels=labels))


_DEFAULTERS: dict[type[KubeObject], Callable[[Any, Settings], KubeObject]] = {
    Pod: _pod,
    ReplicaSet: _replicaset,
    Deployment: _deployment,
    StatefulSet: _statefulset,
    HorizontalPodAutoscaler: horizontal_pod_autoscaler,
    EndpointSlice: _endpointslice,
    Endpoints: _endpoints,
    Namespace: _namespace,
    NetworkPolicy: _network_policy,
}
