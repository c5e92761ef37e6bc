"""core/v1 Service at Kubernetes 1.37."""

from __future__ import annotations

import msgspec

from lab.kube.meta import Condition, KubeObject
from lab.kube.struct import IntOrString, KubeStruct

SERVICE_PROXY_NAME_LABEL = "service.kubernetes.io/service-proxy-name"
"""Leaves a Service, and its slices, to another proxy than kube-proxy, whatever its value."""


class ServicePort(KubeStruct, frozen=True):
    """One port of a Service; `name` joins it to the ports of its EndpointSlices."""

    port: int
    name: str = ""
    protocol: str = "TCP"
    app_protocol: str | None = None
    target_port: IntOrString | None = None
    node_port: int = 0


class ClientIPConfig(KubeStruct, frozen=True):
    """How long ClientIP affinity lasts after the last connection, in seconds."""

    timeout_seconds: int | None = None


class SessionAffinityConfig(KubeStruct, frozen=True):
    """Settings of ClientIP affinity."""

    client_ip: ClientIPConfig | None = msgspec.field(default=None, name="clientIP")


class ServiceSpec(KubeStruct, frozen=True):
    """What a Service selects and how it is reached."""

    type: str = "ClusterIP"
    selector: dict[str, str] = {}
    ports: tuple[ServicePort, ...] = ()
    cluster_ip: str = msgspec.field(default="", name="clusterIP")
    cluster_ips: tuple[str, ...] = msgspec.field(default=(), name="clusterIPs")
    external_ips: tuple[str, ...] = msgspec.field(default=(), name="externalIPs")
    ip_families: tuple[str, ...] = ()
    ip_family_policy: str | None = None
    session_affinity: str = "None"
    session_affinity_config: SessionAffinityConfig | None = None
    load_balancer_ip: str = msgspec.field(default="", name="loadBalancerIP")
    load_balancer_source_ranges: tuple[str, ...] = ()
    load_balancer_class: str | None = None
    allocate_load_balancer_node_ports: bool | None = None
    external_name: str = ""
    external_traffic_policy: str = ""
    internal_traffic_policy: str | None = None
    health_check_node_port: int = 0
    publish_not_ready_addresses: bool = False
    traffic_distribution: str | None = None


class LoadBalancerIngress(KubeStruct, frozen=True):
    """An address that a load balancer answers on; ipMode VIP (default) or Proxy (KEP-1860)."""

    ip: str = ""
    hostname: str = ""
    ip_mode: str | None = None


class LoadBalancerStatus(KubeStruct, frozen=True):
    """Empty while EXTERNAL-IP is pending."""

    ingress: tuple[LoadBalancerIngress, ...] = ()


class ServiceStatus(KubeStruct, frozen=True):
    """What the load balancer's controller says."""

    load_balancer: LoadBalancerStatus = msgspec.field(default_factory=LoadBalancerStatus)
    conditions: tuple[Condition, ...] = ()


class Service(KubeObject, frozen=True):
    """One stable address for Pods that come and go."""

    api_version: str = "v1"
    kind: str = "Service"
    spec: ServiceSpec = msgspec.field(default_factory=ServiceSpec)
    status: ServiceStatus = msgspec.field(default_factory=ServiceStatus)

    @property
    def headless(self) -> bool:
        """Whether it has no virtual address, so that DNS answers with the Pods themselves."""
        return self.spec.cluster_ip == "None"
