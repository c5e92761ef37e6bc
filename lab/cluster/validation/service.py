"""What a Service must say. Its ports, cluster IPs, status and what an update may change have files beside this one.

Rules 1 to 10 of core/v1 Service, in the API server's field paths and words.
"""

from __future__ import annotations

from lab.cluster.errors import forbidden, invalid, required, unsupported
from lab.cluster.service_needs import faces_outward, is_headless, needs_health_check_port
from lab.cluster.validation.ips import address_errors, network_errors, special_address_errors
from lab.cluster.validation.metadata import metadata_errors
from lab.cluster.validation.names import (
    Errors,
    faulty,
    label_1035_faults,
    label_errors,
    label_faults,
    subdomain_faults,
)
from lab.cluster.validation.service_ips import cluster_ip_errors
from lab.cluster.validation.service_ports import port_errors, port_number_errors
from lab.cluster.validation.service_update import class_errors, update_errors
from lab.kube.kinds.service import Service, ServiceSpec
from lab.kube.meta import ObjectMeta
from lab.kube.versions import Features

TOPOLOGY_MODE = "service.kubernetes.io/topology-mode"
TOPOLOGY_HINTS = "service.kubernetes.io/topology-aware-hints"
SOURCE_RANGES = "service.beta.kubernetes.io/load-balancer-source-ranges"
AFFINITY_MAX_S = 86400
TYPES = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
POLICIES = ("Cluster", "Local")
AFFINITIES = ("ClientIP", "None")

_ONLY_LOAD_BALANCER = "may only be used when `type` is 'LoadBalancer'"


def service_errors(new: Service, old: Service | None, features: Features, *, allocated: bool = True) -> Errors:
    """Everything that is wrong with a Service, or with its change from `old`.

    `allocated` is whether it has been through the allocator, after which it must have a health check node port.
    """
    if old is not None:
        yield from update_errors(new, old)
    rule = label_faults if features.relaxed_service_name_validation else label_1035_faults
    yield from metadata_errors(new.metadata, rule)
    yield from _topology_annotations(new.metadata)
    spec = new.spec
    if not spec.ports and not is_headless(spec) and spec.type != "ExternalName":
        yield required("spec.ports")
    yield from _of_type(spec)
    yield from port_errors(spec)
    if spec.selector:
        yield from label_errors(spec.selector, "spec.selector")
    yield from _affinity(spec)
    yield from cluster_ip_errors(spec, old.spec if old is not None else None, features)
    yield from _external_ips(spec, old, features)
    if spec.type not in TYPES:
        yield unsupported("spec.type", spec.type, TYPES) if spec.type else required("spec.type")
    yield from _source_ranges(new, old, features)
    yield from _node_port_allocation(spec)
    yield from class_errors(spec, None)
    yield from _external_policy(spec, allocated=allocated)
    yield from _internal_policy(spec)
    yield from _distribution(spec, features)


def _topology_annotations(meta: ObjectMeta) -> Errors:
    mode, hints = meta.annotations.get(TOPOLOGY_MODE), meta.annotations.get(TOPOLOGY_HINTS)
    if mode is not None and hints is not None and mode != hints:
        detail = f"must match annotations[{TOPOLOGY_HINTS}] when both are specified"
        yield invalid(f"metadata.annotations[{TOPOLOGY_MODE}]", mode, detail)


def _of_type(spec: ServiceSpec) -> Errors:
    if spec.type == "ExternalName":
        yield from _external_name(spec)
    elif spec.type in ("LoadBalancer", "NodePort") and is_headless(spec):
        detail = f"may not be set to 'None' for {spec.type} services"
        yield invalid("spec.clusterIPs[0]", spec.cluster_ips[0], detail)


def _external_name(spec: ServiceSpec) -> Errors:
    unused = "may not be set for ExternalName services"
    if spec.cluster_ips:
        yield forbidden("spec.clusterIPs", unused)
    if spec.ip_families:
        yield forbidden("spec.ipFamilies", unused)
    if spec.ip_family_policy is not None:
        yield forbidden("spec.ipFamilyPolicy", unused)
    name = spec.external_name.removesuffix(".")
    if name:
        yield from faulty("spec.externalName", name, subdomain_faults(name))
    else:
        yield required("spec.externalName")


def _affinity(spec: ServiceSpec) -> Errors:
    affinity, path = spec.session_affinity, "spec.sessionAffinityConfig"
    if affinity not in AFFINITIES:
        where = "spec.sessionAffinity"
        yield unsupported(where, affinity, AFFINITIES) if affinity else required(where)
    elif affinity == "None":
        if spec.session_affinity_config is not None:
            yield forbidden(path, "must not be set when session affinity is None")
    else:
        config = spec.session_affinity_config
        client_ip = config.client_ip if config is not None else None
        timeout_s = client_ip.timeout_seconds if client_ip is not None else None
        needed = "when session affinity type is ClientIP"
        if config is None:
            yield required(path, needed)
        elif client_ip is None:
            yield required(f"{path}.clientIP", needed)
        elif timeout_s is None:
            yield required(f"{path}.clientIP.timeoutSeconds", needed)
        elif not 0 < timeout_s <= AFFINITY_MAX_S:
            detail = f"must be greater than 0 and less than {AFFINITY_MAX_S}"
            yield invalid(f"{path}.clientIP.timeoutSeconds", timeout_s, detail)


def _external_ips(spec: ServiceSpec, old: Service | None, features: Features) -> Errors:
    known = old.spec.external_ips if old is not None else ()
    for index, address in enumerate(spec.external_ips):
        path = f"spec.externalIPs[{index}]"
        found = list(address_errors(path, address, features, known))
        yield from found or special_address_errors(path, address)


def _source_ranges(new: Service, old: Service | None, features: Features) -> Errors:
    spec = new.spec
    path = "spec.LoadBalancerSourceRanges"
    ranges = [(f"{path}[{index}]", text) for index, text in enumerate(spec.load_balancer_source_ranges)]
    known = [text.strip() for text in old.spec.load_balancer_source_ranges] if old is not None else []
    if not ranges:
        annotation = new.metadata.annotations.get(SOURCE_RANGES)
        if annotation is None:
            return
        path = f"metadata.annotations[{SOURCE_RANGES}]"
        ranges = [(path, text) for text in annotation.split(",")] if annotation.strip() else []
        known = []
    if spec.type != "LoadBalancer":
        yield forbidden(path, _ONLY_LOAD_BALANCER)
    for where, text in ranges:
        yield from network_errors(where, text.strip(), features, known)


def _node_port_allocation(spec: ServiceSpec) -> Errors:
    allocates = spec.allocate_load_balancer_node_ports
    if spec.type != "LoadBalancer" and allocates is not None:
        yield forbidden("spec.allocateLoadBalancerNodePorts", _ONLY_LOAD_BALANCER)
    if spec.type == "LoadBalancer" and allocates is None:
        yield required("allocateLoadBalancerNodePorts")


def _external_policy(spec: ServiceSpec, *, allocated: bool) -> Errors:
    policy, path = spec.external_traffic_policy, "spec.externalTrafficPolicy"
    if not faces_outward(spec):
        if policy:
            yield invalid(path, policy, "may only be set for externally-accessible services")
    elif policy not in POLICIES:
        yield unsupported(path, policy, POLICIES) if policy else required(path)
    number, path = spec.health_check_node_port, "spec.healthCheckNodePort"
    if not needs_health_check_port(spec):
        if number:
            wanted = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"
            yield invalid(path, number, wanted)
    elif number:
        yield from port_number_errors(path, number)
    elif allocated:
        yield required(path)


def _internal_policy(spec: ServiceSpec) -> Errors:
    policy, path = spec.internal_traffic_policy, "spec.internalTrafficPolicy"
    if policy is None:
        if spec.type in ("ClusterIP", "NodePort", "LoadBalancer"):
            yield required(path)
    elif policy not in POLICIES:
        yield unsupported(path, policy, POLICIES)


def distributions(features: Features) -> tuple[str, ...]:
    """What trafficDistribution may say in a release."""
    newer = ("PreferSameNode", "PreferSameZone") if features.prefer_same_traffic_distribution else ()
    return ("PreferClose", *newer)


def _distribution(spec: ServiceSpec, features: Features) -> Errors:
    wish = spec.traffic_distribution
    if wish is not None and wish not in distributions(features):
        yield unsupported("spec.trafficDistribution", wish, distributions(features))
