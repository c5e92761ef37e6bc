"""What a new version of a Service keeps of the old one, and what it loses with its old type.

The rules of the API server's registry for core/v1 Service (patchAllocatedValues, dropTypeDependentFields).
"""

from __future__ import annotations

from msgspec.structs import replace

from lab.cluster.service_addresses import needs_cluster_ip, needs_health_check_port, needs_node_ports
from lab.kube.kinds.service import ServiceSpec


def carry_over(new: ServiceSpec, old: ServiceSpec) -> ServiceSpec:
    """`new` with the allocated values that it leaves out, and without those that its type has no use for.

    Node ports are matched by port name. What no longer applies is only dropped when it was sent unchanged.
    """
    return _drop(_keep(new, old), old)


def _keep(new: ServiceSpec, old: ServiceSpec) -> ServiceSpec:
    if needs_cluster_ip(new) and needs_cluster_ip(old):
        if not new.cluster_ip:
            new = replace(new, cluster_ip=old.cluster_ip)
        if not new.cluster_ips and new.cluster_ip == old.cluster_ip:
            new = replace(new, cluster_ips=old.cluster_ips)
        if not new.ip_families and new.cluster_ips == old.cluster_ips:
            new = replace(new, ip_families=old.ip_families)
    if needs_node_ports(new) and needs_node_ports(old):
        new = _keep_node_ports(new, old)
    if needs_health_check_port(new) and needs_health_check_port(old) and not new.health_check_node_port:
        new = replace(new, health_check_node_port=old.health_check_node_port)
    return new


def _keep_node_ports(new: ServiceSpec, old: ServiceSpec) -> ServiceSpec:
    by_name = {port.name: port.node_port for port in old.ports}
    used = {(port.protocol, port.node_port): None for port in new.ports if port.node_port}
    ports = []
    for port in new.ports:
        number = by_name.get(port.name, 0)
        if not port.node_port and number and (port.protocol, number) not in used:
            port = replace(port, node_port=number)
            used[port.protocol, number] = None
        ports.append(port)
    return replace(new, ports=tuple(ports))


def _drop(new: ServiceSpec, old: ServiceSpec) -> ServiceSpec:
    if needs_cluster_ip(old) and not needs_cluster_ip(new):
        if (new.cluster_ip, new.cluster_ips) == (old.cluster_ip, old.cluster_ips):
            new = replace(new, cluster_ip="", cluster_ips=())
        if new.ip_families == old.ip_families:
            new = replace(new, ip_families=())
        if new.ip_family_policy == old.ip_family_policy:
            new = replace(new, ip_family_policy=None)
        if new.internal_traffic_policy == old.internal_traffic_policy:
            new = replace(new, internal_traffic_policy=None)
    if needs_node_ports(old) and not needs_node_ports(new):
        held = {(port.protocol, port.node_port): None for port in old.ports}
        if all((port.protocol, port.node_port) in held for port in new.ports if port.node_port):
            new = replace(new, ports=tuple(replace(port, node_port=0) for port in new.ports))
    same_health_check = new.health_check_node_port == old.health_check_node_port
    if needs_health_check_port(old) and not needs_health_check_port(new) and same_health_check:
        new = replace(new, health_check_node_port=0)
    return _drop_outward(new, old)


def _drop_outward(new: ServiceSpec, old: ServiceSpec) -> ServiceSpec:
    if _faces_outward(old) and not _faces_outward(new) and new.external_traffic_policy == old.external_traffic_policy:
        new = replace(new, external_traffic_policy="")
    if old.type == "LoadBalancer" and new.type != "LoadBalancer":
        if new.allocate_load_balancer_node_ports == old.allocate_load_balancer_node_ports:
            new = replace(new, allocate_load_balancer_node_ports=None)
        if new.load_balancer_class == old.load_balancer_class:
            new = replace(new, load_balancer_class=None)
    return new


def _faces_outward(spec: ServiceSpec) -> bool:
    return needs_node_ports(spec) or (spec.type == "ClusterIP" and bool(spec.external_ips))
