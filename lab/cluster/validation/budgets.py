"""PodDisruptionBudgets and ResourceQuotas (pkg/apis/policy/validation, core validation.ValidateResourceQuota)."""

from __future__ import annotations

import re

from lab.cluster.errors import invalid, required, unsupported
from lab.cluster.validation.names import Errors, faulty, qualified_name_faults
from lab.cluster.validation.selectors import selector_errors
from lab.kube import quantity
from lab.kube.kinds.poddisruptionbudget import ALWAYS_ALLOW, IF_HEALTHY_BUDGET, PodDisruptionBudget
from lab.kube.kinds.resourcequota import (
    BEST_EFFORT,
    CROSS_NAMESPACE_POD_AFFINITY,
    NOT_BEST_EFFORT,
    NOT_TERMINATING,
    PRIORITY_CLASS,
    TERMINATING,
    VOLUME_ATTRIBUTES_CLASS,
    ResourceQuota,
    ScopedResourceSelectorRequirement,
)
from lab.kube.struct import IntOrString, Quantity

# -- PodDisruptionBudget ------------------------------------------------------------------------------------------


def disruption_budget_errors(new: PodDisruptionBudget, old: PodDisruptionBudget | None) -> Errors:
    """Everything that a budget must say, and must not."""
    spec = new.spec
    if spec.min_available is not None and spec.max_unavailable is not None:
        both = {"minAvailable": spec.min_available, "maxUnavailable": spec.max_unavailable}
        yield invalid("spec", both, "minAvailable and maxUnavailable cannot be both set")
    for field, amount in (("minAvailable", spec.min_available), ("maxUnavailable", spec.max_unavailable)):
        if amount is not None:
            yield from _amount(f"spec.{field}", amount)
    if spec.selector is not None:
        yield from selector_errors(spec.selector, "spec.selector")
    policy = spec.unhealthy_pod_eviction_policy
    if policy is not None and policy not in (ALWAYS_ALLOW, IF_HEALTHY_BUDGET):
        yield unsupported("spec.unhealthyPodEvictionPolicy", policy, (ALWAYS_ALLOW, IF_HEALTHY_BUDGET))


def _amount(path: str, amount: IntOrString) -> Errors:
    if isinstance(amount, int):
        if amount < 0:
            yield invalid(path, amount, "must be greater than or equal to 0")
        return
    found = re.fullmatch(r"([0-9]+)%", amount)
    if not found:
        detail = "a valid percent string must be a numeric string followed by an ending '%'"
        yield invalid(path, amount, f"{detail} (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')")
    elif int(found[1]) > 100:
        yield invalid(path, amount, "must not be greater than 100%")


# -- ResourceQuota ------------------------------------------------------------------------------------------------

_COMPUTE = (
    *("cpu", "memory", "ephemeral-storage", "requests.cpu", "requests.memory", "requests.ephemeral-storage"),
    *("limits.cpu", "limits.memory", "limits.ephemeral-storage"),
)
_COUNTS = (
    *("pods", "services", "replicationcontrollers", "resourcequotas", "secrets", "configmaps"),
    *("persistentvolumeclaims", "services.nodeports", "services.loadbalancers"),
)
_STANDARD = (*_COMPUTE, *_COUNTS, "requests.storage")
_POD_SCOPES = (TERMINATING, NOT_TERMINATING, BEST_EFFORT, NOT_BEST_EFFORT, PRIORITY_CLASS, CROSS_NAMESPACE_POD_AFFINITY)
_SCOPES = (*_POD_SCOPES, VOLUME_ATTRIBUTES_CLASS)
_OPPOSITES = ((BEST_EFFORT, NOT_BEST_EFFORT), (TERMINATING, NOT_TERMINATING))
_WITH_VALUES = (PRIORITY_CLASS, VOLUME_ATTRIBUTES_CLASS)
_WITHOUT_VALUES = (
    "ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, "
    "ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity"
)
"""Scopes that have no values, as the API server names them in its message."""


def resource_quota_errors(new: ResourceQuota, old: ResourceQuota | None) -> Errors:
    """Everything that a quota must say, and what no update may change."""
    spec = new.spec
    for name, amount in spec.hard.items():
        yield from _hard(f"spec.hard[{name}]", name, amount)
    names = [requirement.scope_name for requirement in spec.requirements]
    if spec.scopes:
        yield from _scopes("spec.scopes", names[: len(spec.scopes)], spec.hard)
    selector = spec.scope_selector
    if selector is not None:
        yield from _scopes("spec.scopeSelector.matchExpressions", names[len(spec.scopes) :], spec.hard)
        for requirement in selector.match_expressions:
            yield from _requirement("spec.scopeSelector.matchExpressions", requirement)
    if old is not None and set(old.spec.scopes) != set(spec.scopes):
        yield invalid("spec.scopes", list(spec.scopes), "field is immutable")


def _hard(path: str, name: str, amount: Quantity) -> Errors:
    yield from faulty(path, name, qualified_name_faults(name))
    if "/" not in name and name not in _STANDARD and not name.startswith(("hugepages-", "requests.hugepages-")):
        yield invalid(path, name, "must be a standard resource type or fully qualified")
        yield invalid(path, name, "must be a standard resource for quota")
    value = quantity.parse(amount)
    if value < 0:
        yield invalid(path, amount, "must be greater than or equal to 0")
    if (name in _COUNTS or name.startswith("count/")) and value.denominator != 1:
        yield invalid(path, amount, "must be an integer")


def _scopes(path: str, names: list[str], hard: dict[str, Quantity]) -> Errors:
    for name in names:
        if name not in _SCOPES:
            yield invalid(path, names, "unsupported scope")
        allowed = ("pods",) if name == BEST_EFFORT else ("pods", *_COMPUTE) if name in _POD_SCOPES else _STANDARD
        if any(resource in _STANDARD and resource not in allowed for resource in hard):
            yield invalid(path, names, "unsupported scope applied to resource")
    for pair in _OPPOSITES:
        if all(name in names for name in pair):
            yield invalid(path, names, "conflicting scopes")


def _requirement(path: str, requirement: ScopedResourceSelectorRequirement) -> Errors:
    operator, values = requirement.operator, requirement.values
    if requirement.scope_name not in _WITH_VALUES and operator != "Exists":
        yield invalid(f"{path}.operator", operator, f"must be 'Exist' when scope is any of {_WITHOUT_VALUES}")
    if operator in ("In", "NotIn"):
        if not values:
            detail = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector"
            yield required(f"{path}.values", detail)
    elif operator in ("Exists", "DoesNotExist"):
        if values:
            detail = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector"
            yield invalid(f"{path}.values", list(values), detail)
    else:
        yield invalid(f"{path}.operator", operator, "not a valid selector operator")
