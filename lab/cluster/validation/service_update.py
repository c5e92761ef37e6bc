"""What an update of a Service may change: rules 11 to 14 of core/v1 Service.

Addresses and families may be added and, with policy SingleStack, the second ones removed; the first ones stay.
"""

from __future__ import annotations

from lab.cluster.errors import forbidden, invalid
from lab.cluster.service_needs import is_headless, needs_health_check_port
from lab.cluster.validation.metadata import IMMUTABLE, metadata_update_errors
from lab.cluster.validation.names import Errors, faulty, qualified_name_faults
from lab.kube.kinds.service import Service, ServiceSpec

_FIXED = "may not change once set"


def update_errors(new: Service, old: Service) -> Errors:
    """What is wrong with a change, whatever the new Service says by itself."""
    yield from metadata_update_errors(new.metadata, old.metadata)
    if "ExternalName" not in (new.spec.type, old.spec.type):
        yield from _addresses(new.spec, old.spec)
        yield from _families(new.spec, old.spec)
    yield from class_errors(new.spec, old.spec)
    changed = new.spec.health_check_node_port != old.spec.health_check_node_port
    if changed and needs_health_check_port(old.spec) and needs_health_check_port(new.spec):
        yield forbidden("spec.healthCheckNodePort", IMMUTABLE)


def class_errors(spec: ServiceSpec, old: ServiceSpec | None) -> Errors:
    """loadBalancerClass. The API server checks it once for the change and once for the object."""
    path, wanted = "spec.loadBalancerClass", spec.load_balancer_class
    if spec.type == "LoadBalancer":
        if old is not None and old.type == "LoadBalancer" and wanted != old.load_balancer_class:
            yield invalid(path, wanted, _FIXED)
        if wanted is not None:
            yield from faulty(path, wanted, qualified_name_faults(wanted))
    elif wanted is not None:
        yield forbidden(path, "may only be used when `type` is 'LoadBalancer'")


def _addresses(new: ServiceSpec, old: ServiceSpec) -> Errors:
    if is_headless(new) and is_headless(old):
        return
    path, after, before = "spec.clusterIPs", new.cluster_ips, old.cluster_ips
    if len(after) == len(before):
        for index, (now, then) in enumerate(zip(after, before, strict=True)):
            if now != then:
                yield invalid(f"{path}[{index}]", list(after), _FIXED)
        return
    if not after:
        yield invalid(f"{path}[0]", [], "primary clusterIP can not be unset")
    elif before and after[0] != before[0]:
        yield invalid(f"{path}[0]", list(after), _FIXED)
    yield from _one_left(new, len(after), len(before), "clusterIP")


def _families(new: ServiceSpec, old: ServiceSpec) -> Errors:
    if is_headless(new) or is_headless(old):
        return
    path, after, before = "spec.ipFamilies[0]", new.ip_families, old.ip_families
    if len(after) == len(before):
        for now, then in zip(after, before, strict=True):
            if now != then:
                yield invalid(path, list(after), _FIXED)
        return
    if len(after) < len(before) and not new.cluster_ips:
        yield invalid(path, list(after), "primary ipFamily can not be unset")
    if after and before and after[0] != before[0]:
        yield invalid(path, list(new.cluster_ips), _FIXED)
    yield from _one_left(new, len(after), len(before), "ipFamily")


def _one_left(new: ServiceSpec, after: int, before: int, what: str) -> Errors:
    policy = new.ip_family_policy
    if after == 1 and before > after and policy != "SingleStack":
        detail = f"must be set to 'SingleStack' when releasing the secondary {what}"
        yield invalid("spec.ipFamilyPolicy", policy, detail)
