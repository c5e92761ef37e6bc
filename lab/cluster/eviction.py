"""The eviction subresource of Pods: a deletion that asks the Pod's disruption budget first.

https://kubernetes.io/docs/concepts/scheduling-eviction/api-eviction/
"""

from __future__ import annotations

from functools import partial

from msgspec.structs import replace

from lab.cluster.errors import Forbidden, InternalError, TooManyRequests
from lab.cluster.store import Store
from lab.kube.kinds.pod import Pod
from lab.kube.kinds.poddisruptionbudget import (
    ALWAYS_ALLOW,
    DISRUPTION_ALLOWED,
    PodDisruptionBudget,
    PodDisruptionBudgetStatus,
)
from lab.kube.meta import Condition
from lab.kube.selector import matches

SYNC_FAILED = "SyncFailed"
SUFFICIENT_PODS, INSUFFICIENT_PODS = "SufficientPods", "InsufficientPods"
"""Reasons of a budget's condition DisruptionAllowed."""
MOST_DISRUPTED = 2000
"""More evictions than this wait for the disruption controller to see them: no more are granted."""

_REFUSED = "Cannot evict pod as it would violate the pod's disruption budget."
_BY_EVICTION = ("EvictionByEvictionAPI", "Eviction API: evicting")


def evict(store: Store, now: float, pod: Pod, grace_s: float | None = None) -> None:
    """Evict a Pod at the moment `now`.

    Raises NotFound; TooManyRequests when its budget does not allow it now; InternalError when it has two budgets.
    """
    found = store.get(Pod, pod.name, pod.namespace)
    if not _already_disrupted(found):
        budgets = budgets_of(store, found)
        if len(budgets) > 1:
            what = "which the eviction subresource does not support."
            raise InternalError(f"This pod has more than one PodDisruptionBudget, {what}")
        if budgets and not _may_go_unhealthy(found, budgets[0]):
            _take_one(store, now, budgets[0], found)
    if not found.terminating:
        store.mutate(Pod, found.name, found.namespace, partial(disrupted, now, *_BY_EVICTION))
    store.delete(Pod, found.name, found.namespace, grace_s)


def budgets_of(store: Store, pod: Pod) -> list[PodDisruptionBudget]:
    """The budgets whose selector matches a Pod."""
    return [each for each in store.list(PodDisruptionBudget, pod.namespace) if selects(each, pod.metadata.labels)]


def selects(budget: PodDisruptionBudget, labels: dict[str, str]) -> bool:
    """Whether a budget is about Pods with these labels; without a selector it is about none, with an empty one all."""
    return budget.spec.selector is not None and matches(budget.spec.selector, labels)


def disrupted(now: float, reason: str, message: str, pod: Pod) -> Pod:
    """The Pod with the condition DisruptionTarget: somebody is about to end it (KEP-3329)."""
    kept = tuple(condition for condition in pod.status.conditions if condition.type != "DisruptionTarget")
    said = Condition(type="DisruptionTarget", status="True", reason=reason, message=message, last_transition_time=now)
    return replace(pod, status=replace(pod.status, conditions=(*kept, said)))


def with_condition(status: PodDisruptionBudgetStatus, now: float) -> PodDisruptionBudgetStatus:
    """The status with the condition that follows from its numbers."""
    allowed = status.disruptions_allowed > 0
    reason = SUFFICIENT_PODS if allowed else INSUFFICIENT_PODS
    return said(status, "True" if allowed else "False", reason, "", now)


def said(
    status: PodDisruptionBudgetStatus, value: str, reason: str, message: str, now: float
) -> PodDisruptionBudgetStatus:
    """The status with its condition, which keeps its moment while its value stays."""
    before = next(iter(status.conditions), None)
    since = before.last_transition_time if before is not None and before.status == value else now
    condition = Condition(
        type=DISRUPTION_ALLOWED, status=value, reason=reason, message=message, last_transition_time=since
    )
    return replace(status, conditions=(condition,))


def _already_disrupted(pod: Pod) -> bool:
    """Whether ending it disrupts nothing more: it has ended, never began, or is being deleted."""
    return pod.finished or pod.terminating or pod.status.phase == "Pending"


def _may_go_unhealthy(pod: Pod, budget: PodDisruptionBudget) -> bool:
    """Whether a Pod that is not Ready may go without being counted (KEP-3017)."""
    if pod.ready:
        return False
    status = budget.status
    if budget.spec.unhealthy_pod_eviction_policy == ALWAYS_ALLOW:
        return True
    return status.current_healthy >= status.desired_healthy > 0


def _take_one(store: Store, now: float, budget: PodDisruptionBudget, pod: Pod) -> None:
    """Take one from the disruptions that are allowed, so that whoever comes next sees it; raises when there is none."""
    status, name = budget.status, budget.name
    if status.observed_generation < budget.metadata.generation:
        raise TooManyRequests(_REFUSED, f"The disruption budget {name} is still being processed by the server.")
    if len(status.disrupted_pods) > MOST_DISRUPTED:
        why = "DisruptedPods map too big - too many evictions not confirmed by PDB controller"
        raise Forbidden("PodDisruptionBudget", name, why)
    if status.disruptions_allowed <= 0:
        raise TooManyRequests(_REFUSED, _why_not(budget))
    left = replace(
        status,
        disruptions_allowed=status.disruptions_allowed - 1,
        disrupted_pods={**status.disrupted_pods, pod.name: now},
    )
    after = with_condition(left, now)
    store.mutate(PodDisruptionBudget, name, budget.namespace, lambda current: replace(current, status=after))


def _why_not(budget: PodDisruptionBudget) -> str:
    status, name = budget.status, budget.name
    condition = next(iter(status.conditions), None)
    if condition is not None and condition.reason == SYNC_FAILED:
        why = f"it failed sync: {condition.message}"
        return f"The disruption budget {name} does not allow evicting pods currently because {why}"
    needed = f"needs {status.desired_healthy} healthy pods and has {status.current_healthy} currently"
    return f"The disruption budget {name} {needed}"
