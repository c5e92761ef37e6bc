"""What a Service has by its type: cluster IPs, node ports, a health check port, ways in from outside."""

from __future__ import annotations

from lab.kube.kinds.service import ServiceSpec

HEADLESS = "None"


def is_headless(spec: ServiceSpec) -> bool:
    """Whether it asks for no virtual address at all."""
    return spec.cluster_ips == (HEADLESS,)


def needs_cluster_ip(spec: ServiceSpec) -> bool:
    """Whether the type of Service has a cluster IP (or says `None`)."""
    return spec.type != "ExternalName"


def needs_node_ports(spec: ServiceSpec) -> bool:
    """Whether the type of Service has node ports."""
    return spec.type in ("NodePort", "LoadBalancer")


def picks_node_ports(spec: ServiceSpec) -> bool:
    """Whether node ports that nobody asked for are picked."""
    return spec.type == "NodePort" or (
        spec.type == "LoadBalancer" and spec.allocate_load_balancer_node_ports is not False
    )


def needs_health_check_port(spec: ServiceSpec) -> bool:
    """Whether load balancers ask each node if it has local endpoints (KEP-1669)."""
    return spec.type == "LoadBalancer" and spec.external_traffic_policy == "Local"


def faces_outward(spec: ServiceSpec) -> bool:
    """Whether anybody outside of the cluster can reach it, so that externalTrafficPolicy applies."""
    return needs_node_ports(spec) or (spec.type == "ClusterIP" and bool(spec.external_ips))
