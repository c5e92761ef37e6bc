"""What a new version of a Service keeps of the old one, and what it loses with its old type: rule 14.

The rules of the API server's registry for core/v1 Service.
"""

from __future__ import annotations

from msgspec.structs import replace

from lab.cluster.service_needs import faces_outward, needs_cluster_ip, needs_health_check_port, needs_node_ports
from lab.kube.kinds.service import LoadBalancerStatus, Service, ServiceSpec
from lab.kube.versions import Features


def carried_over(new: ServiceSpec, old: ServiceSpec | None) -> ServiceSpec:
    """`new` with the allocated values that it leaves out, and with clusterIP and clusterIPs in step."""
    if old is None:
        lone = new.cluster_ip and not new.cluster_ips
        return replace(new, cluster_ips=(new.cluster_ip,)) if lone else new
    if needs_cluster_ip(new) and needs_cluster_ip(old):
        new = replace(new, cluster_ip=new.cluster_ip or old.cluster_ip, cluster_ips=new.cluster_ips or old.cluster_ips)
    if needs_node_ports(new) and needs_node_ports(old):
        new = _with_node_ports(new, old)
    if needs_health_check_port(new) and needs_health_check_port(old) and not new.health_check_node_port:
        new = replace(new, health_check_node_port=old.health_check_node_port)
    return _in_step(new, old)


def _with_node_ports(new: ServiceSpec, old: ServiceSpec) -> ServiceSpec:
    """Node ports are matched by port name, unless another port uses the number now."""
    by_name = {port.name: port.node_port for port in old.ports}
    asked = {port.node_port for port in new.ports if port.node_port}
    kept = {port.node_port for port in old.ports} & asked
    ports = []
    for port in new.ports:
        number = by_name.get(port.name, 0)
        if not port.node_port and number and number not in kept:
            port = replace(port, node_port=number)
        ports.append(port)
    return replace(new, ports=tuple(ports))


def _in_step(new: ServiceSpec, old: ServiceSpec) -> ServiceSpec:
    """A client that knows only one of clusterIP and clusterIPs means both."""
    if not new.cluster_ips and new.cluster_ip == old.cluster_ip:
        return replace(new, cluster_ips=old.cluster_ips)
    if new.cluster_ip != old.cluster_ip and new.cluster_ips == old.cluster_ips:
        cleared = bool(old.cluster_ip) and not new.cluster_ip
        return replace(new, cluster_ips=() if cleared else (new.cluster_ip,))
    return new


def without_unused(new: Service, old: Service) -> Service:
    """`new` without what its type has no use for, where that was sent unchanged; what was changed stays, and fails."""
    spec = _without_addresses(new.spec, old.spec)
    spec = _without_ports(spec, old.spec)
    spec = _without_load_balancer(spec, old.spec)
    unchanged = spec.external_traffic_policy == old.spec.external_traffic_policy
    if faces_outward(old.spec) and not faces_outward(spec) and unchanged:
        spec = replace(spec, external_traffic_policy="")
    status = new.status
    if spec.type != "LoadBalancer" and status.load_balancer.ingress and old.spec.type == "LoadBalancer":
        status = replace(status, load_balancer=LoadBalancerStatus())
    return new if spec is new.spec and status is new.status else replace(new, spec=spec, status=status)


def _without_addresses(new: ServiceSpec, old: ServiceSpec) -> ServiceSpec:
    if needs_cluster_ip(new) or not needs_cluster_ip(old):
        return new
    if new.cluster_ips == old.cluster_ips:
        new = replace(new, cluster_ip="", cluster_ips=())
    if new.ip_families == old.ip_families:
        new = replace(new, ip_families=())
    if new.ip_family_policy == old.ip_family_policy:
        new = replace(new, ip_family_policy=None)
    return new


def _without_ports(new: ServiceSpec, old: ServiceSpec) -> ServiceSpec:
    if needs_node_ports(old) and not needs_node_ports(new):
        held = {port.node_port for port in old.ports}
        if all(port.node_port in held for port in new.ports if port.node_port):
            new = replace(new, ports=tuple(replace(port, node_port=0) for port in new.ports))
    unchanged = new.health_check_node_port == old.health_check_node_port
    if needs_health_check_port(old) and not needs_health_check_port(new) and unchanged:
        new = replace(new, health_check_node_port=0)
    return new


def _without_load_balancer(new: ServiceSpec, old: ServiceSpec) -> ServiceSpec:
    if old.type != "LoadBalancer" or new.type == "LoadBalancer":
        return new
    if new.allocate_load_balancer_node_ports == old.allocate_load_balancer_node_ports:
        new = replace(new, allocate_load_balancer_node_ports=None)
    if new.load_balancer_class == old.load_balancer_class:
        new = replace(new, load_balancer_class=None)
    return new


def without_disabled(new: Service, old: Service | None, features: Features) -> Service:
    """`new` without fields of features that are off, unless the old version uses them already."""
    used = old is not None and old.spec.traffic_distribution is not None
    if new.spec.traffic_distribution is not None and not features.service_traffic_distribution and not used:
        new = replace(new, spec=replace(new.spec, traffic_distribution=None))
    if features.load_balancer_ip_mode or not new.status.load_balancer.ingress:
        return new
    before = old.status.load_balancer.ingress if old is not None else ()
    if any(each.ip_mode is not None for each in before):
        return new
    ingress = tuple(replace(each, ip_mode=None) for each in new.status.load_balancer.ingress)
    return replace(new, status=replace(new.status, load_balancer=LoadBalancerStatus(ingress=ingress)))
