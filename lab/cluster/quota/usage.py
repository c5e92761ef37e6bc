"""What one object counts for in quotas: itself, and what it asks for (pkg/quota/v1/evaluator/core).

Amounts are quantities as text, by the names that a quota uses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from lab.cluster.errors import resource_of
from lab.cluster.store import kept_kind
from lab.kube import quantity
from lab.kube.kinds.pod import Container, Pod, PodSpec
from lab.kube.kinds.service import Service
from lab.kube.meta import KeptObject, KubeObject
from lab.kube.struct import Quantity

Usage = dict[str, str]
"""Amounts by resource name, such as `requests.cpu`."""

COMPUTE = ("cpu", "memory", "ephemeral-storage")
REQUIRED = ("cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory")
"""What each container must say as soon as a quota counts it."""
_COUNTED_BY_NAME = ("configmaps", "secrets", "persistentvolumeclaims", "replicationcontrollers", "resourcequotas")
"""Resources of the core group that a quota may count by their plain name as well."""
_SERVICE = ("services", "services.nodeports", "services.loadbalancers")
_POD = ("pods", *COMPUTE, *(f"{kind}.{name}" for kind in ("requests", "limits") for name in COMPUTE))


def resource_name(obj: KubeObject) -> str:
    """`deployments.apps`, as in `count/deployments.apps`."""
    return resource_of(kept_kind(obj) if isinstance(obj, KeptObject) else obj.kind)


def counts_for(obj: KubeObject, resource: str) -> bool:
    """Whether an object can count for a resource that a quota limits."""
    name = resource_name(obj)
    if resource == f"count/{name}":
        return True
    if isinstance(obj, Pod):
        return resource in _POD or (resource.startswith("requests.") and resource != "requests.storage")
    if isinstance(obj, Service):
        return resource in _SERVICE
    if name == "persistentvolumeclaims" and resource == "requests.storage":
        return True
    return resource == name and name in _COUNTED_BY_NAME


def usage_of(obj: KubeObject, now: float) -> Usage:
    """What an object counts for at a moment."""
    name = resource_name(obj)
    usage: Usage = {f"count/{name}": "1"}
    if isinstance(obj, Pod):
        return usage | (_of_pod(obj.spec) if _is_charged(obj, now) else {})
    if isinstance(obj, Service):
        return usage | _of_service(obj)
    if name in _COUNTED_BY_NAME:
        usage[name] = "1"
    if isinstance(obj, KeptObject) and name == "persistentvolumeclaims":
        usage["requests.storage"] = _storage(obj.body)
    return usage


def total(usages: Iterable[Usage]) -> Usage:
    """The sum of several."""
    summed: Usage = {}
    for usage in usages:
        for name, amount in usage.items():
            summed[name] = quantity.add(summed.get(name, "0"), amount)
    return summed


# -- Services and claims --------------------------------------------------------------------------------------------


def _of_service(service: Service) -> Usage:
    spec, ports = service.spec, len(service.spec.ports)
    if spec.type == "LoadBalancer":
        given = spec.allocate_load_balancer_node_ports is not False
        opened = ports if given else sum(bool(port.node_port) for port in spec.ports)
        return {"services": "1", "services.nodeports": str(opened), "services.loadbalancers": "1"}
    opened = ports if spec.type == "NodePort" else 0
    return {"services": "1", "services.nodeports": str(opened), "services.loadbalancers": "0"}


def _storage(body: Mapping[str, Any]) -> str:
    """What a PersistentVolumeClaim asks for."""
    value: Any = body
    for key in ("spec", "resources", "requests", "storage"):
        value = value.get(key) if isinstance(value, Mapping) else None
    return str(value) if value is not None else "0"


# -- Pods -----------------------------------------------------------------------------------------------------------


def _is_charged(pod: Pod, now: float) -> bool:
    """Whether a Pod still counts: it has not ended, and is not stuck in ending on a node that is lost (QuotaV1Pod)."""
    meta = pod.metadata
    if pod.finished:
        return False
    if meta.deletion_timestamp is None or meta.deletion_grace_period_seconds is None:
        return True
    return now <= meta.deletion_timestamp + meta.deletion_grace_period_seconds


def _of_pod(spec: PodSpec) -> Usage:
    requests = _together(spec, lambda container: container.resources.requests)
    limits = _together(spec, lambda container: container.resources.limits)
    return {"pods": "1", **compute_usage(requests, limits)}


def compute_usage(requests: Mapping[str, Quantity], limits: Mapping[str, Quantity]) -> Usage:
    """Requests under both of their names, limits under theirs; other resources by request alone."""
    usage: Usage = {}
    for name, amount in requests.items():
        if name in COMPUTE or name.startswith("hugepages-"):
            usage[name] = str(amount)
        usage[f"requests.{name}"] = str(amount)
    for name in COMPUTE:
        if name in limits:
            usage[f"limits.{name}"] = str(limits[name])
    return usage


def _together(spec: PodSpec, asked: Callable[[Container], Mapping[str, Quantity]]) -> Usage:
    """What a Pod asks for: all containers and sidecars, or one init container and the sidecars before it if that is
    more (resource helpers' PodRequests)."""
    running = total(_texts(asked(each)) for each in spec.containers)
    sidecars: Usage = {}
    most: Usage = {}
    for container in spec.init_containers:
        own = _texts(asked(container))
        if container.restart_policy == "Always":
            sidecars = total((sidecars, own))
            own = sidecars
        else:
            own = total((sidecars, own))
        most = _largest(most, own)
    return _largest(total((running, sidecars)), most)


def _texts(amounts: Mapping[str, Quantity]) -> Usage:
    return {name: str(amount) for name, amount in amounts.items()}


def _largest(one: Usage, other: Usage) -> Usage:
    larger = {name: amount for name, amount in other.items() if _exceeds(amount, one.get(name))}
    return {**one, **larger}


def _exceeds(amount: str, other: str | None) -> bool:
    return other is None or quantity.parse(amount) > quantity.parse(other)
