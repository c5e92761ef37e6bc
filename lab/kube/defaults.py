"""What the API server fills in when an object leaves it out (the SetDefaults functions of its v1 APIs).

Pure and idempotent: `apply` gives back the same object when nothing is missing. Where a default is also a timing
of the lab, it comes from `Settings`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from lab.kube.autoscaling_defaults import horizontal_pod_autoscaler
from lab.kube.kinds import is_namespaced
from lab.kube.kinds.endpoints import Endpoints, EndpointSubset
from lab.kube.kinds.endpointslice import EndpointSlice
from lab.kube.kinds.horizontalpodautoscaler import HorizontalPodAutoscaler
from lab.kube.kinds.namespace import Namespace
from lab.kube.kinds.networkpolicy import NetworkPolicy, NetworkPolicyPort
from lab.kube.kinds.secret import Secret, encoded
from lab.kube.kinds.service import (
    ClientIPConfig,
    LoadBalancerIngress,
    LoadBalancerStatus,
    Service,
    ServicePort,
    ServiceSpec,
    SessionAffinityConfig,
)
from lab.kube.meta import KubeObject
from lab.kube.pod_defaults import changed as _with
from lab.kube.pod_defaults import each as _each
from lab.kube.versions import Features, features_of
from lab.kube.workload_defaults import WORKLOAD_DEFAULTERS
from lab.settings import Settings

NAMESPACE_NAME_LABEL = "kubernetes.io/metadata.name"

T = TypeVar("T", bound=KubeObject)


def apply(obj: T, settings: Settings | None = None, features: Features | None = None) -> T:
    """The object with every default filled in, its namespace included; `features` are those of the newest release."""
    if not obj.metadata.namespace and is_namespaced(obj):
        obj = _with(obj, metadata=_with(obj.metadata, namespace="default"))
    if isinstance(obj, Service):
        return cast(T, service(obj, settings or Settings(), features or features_of()))
    defaulter = _DEFAULTERS.get(type(obj))
    return cast(T, defaulter(obj, settings or Settings())) if defaulter else obj


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


def _secret(obj: Secret, settings: Settings) -> Secret:
    """SetDefaults_Secret; and stringData goes where it is kept."""
    written = {key: encoded(text) for key, text in obj.string_data.items()}
    return _with(obj, type=obj.type or "Opaque", data={**obj.data, **written}, string_data={})


_DEFAULTERS: dict[type[KubeObject], Callable[[Any, Settings], KubeObject]] = {
    **WORKLOAD_DEFAULTERS,
    HorizontalPodAutoscaler: horizontal_pod_autoscaler,
    EndpointSlice: _endpointslice,
    Endpoints: _endpoints,
    Namespace: _namespace,
    Secret: _secret,
    NetworkPolicy: _network_policy,
}
