"""Which objects a quota with scopes is about; without scopes it is about all (podMatchesScopeFunc)."""

from __future__ import annotations

from collections.abc import Callable

from lab.kube.kinds.pod import Pod
from lab.kube.kinds.resourcequota import (
    BEST_EFFORT,
    CROSS_NAMESPACE_POD_AFFINITY,
    NOT_BEST_EFFORT,
    NOT_TERMINATING,
    PRIORITY_CLASS,
    TERMINATING,
    ResourceQuota,
    ScopedResourceSelectorRequirement,
)
from lab.kube.meta import KubeObject

_QOS = ("cpu", "memory")
"""Resources that decide about a Pod's QoS class."""


def in_scope(quota: ResourceQuota, obj: KubeObject) -> bool:
    """Whether every scope of a quota holds for an object; scopes are about Pods, so no other object has any."""
    requirements = quota.spec.requirements
    return not requirements or (isinstance(obj, Pod) and all(_holds(each, obj) for each in requirements))


def _holds(requirement: ScopedResourceSelectorRequirement, pod: Pod) -> bool:
    rule = _RULES.get(requirement.scope_name)
    return rule is not None and rule(requirement, pod)


def is_best_effort(pod: Pod) -> bool:
    """QoS class BestEffort: no container asks for any CPU or memory."""
    resources = [each.resources for each in (*pod.spec.init_containers, *pod.spec.containers)]
    return not any(name in _QOS for one in resources for name in (*one.requests, *one.limits))


def _has_deadline(pod: Pod) -> bool:
    return pod.spec.extra.get("activeDeadlineSeconds") is not None


def _priority_class(pod: Pod) -> str:
    return str(pod.spec.extra.get("priorityClassName") or "")


def _has_class(requirement: ScopedResourceSelectorRequirement, name: str) -> bool:
    match requirement.operator:
        case "In":
            return name in requirement.values
        case "NotIn":
            return name not in requirement.values
        case "DoesNotExist":
            return not name
    return bool(name)


def _looks_into_other_namespaces(pod: Pod) -> bool:
    affinity = pod.spec.extra.get("affinity")
    return _names_namespaces(affinity) if isinstance(affinity, dict) else False


def _names_namespaces(value: object) -> bool:
    """Whether an affinity term somewhere below says `namespaces` or `namespaceSelector`."""
    if isinstance(value, dict):
        said = bool(value.get("namespaces")) or "namespaceSelector" in value
        return said or any(_names_namespaces(each) for each in value.values())
    return isinstance(value, list) and any(_names_namespaces(each) for each in value)


_RULES: dict[str, Callable[[ScopedResourceSelectorRequirement, Pod], bool]] = {
    TERMINATING: lambda requirement, pod: _has_deadline(pod),
    NOT_TERMINATING: lambda requirement, pod: not _has_deadline(pod),
    BEST_EFFORT: lambda requirement, pod: is_best_effort(pod),
    NOT_BEST_EFFORT: lambda requirement, pod: not is_best_effort(pod),
    PRIORITY_CLASS: lambda requirement, pod: _has_class(requirement, _priority_class(pod)),
    CROSS_NAMESPACE_POD_AFFINITY: lambda requirement, pod: _looks_into_other_namespaces(pod),
}
