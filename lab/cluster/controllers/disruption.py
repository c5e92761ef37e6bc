"""The disruption controller: counts the healthy Pods of each budget, and so how many may be evicted now.

https://kubernetes.io/docs/concepts/workloads/pods/disruptions/, pkg/controller/disruption
"""

from __future__ import annotations

from msgspec.structs import replace

from lab.cluster.controllers.availability import changes_count
from lab.cluster.controllers.base import Controller, Key
from lab.cluster.errors import resource_of
from lab.cluster.eviction import SYNC_FAILED, said, selects, with_condition
from lab.cluster.scale import SCALABLE, Scale, scale_of
from lab.cluster.watch import Change
from lab.kube.builtin import group_of
from lab.kube.errors import LabError
from lab.kube.intorstring import scaled
from lab.kube.kinds import BY_NAME
from lab.kube.kinds.pod import Pod
from lab.kube.kinds.poddisruptionbudget import PodDisruptionBudget, PodDisruptionBudgetStatus
from lab.kube.meta import OwnerReference
from lab.kube.selector import to_text


class DisruptionController(Controller):
    """Keeps the status of each PodDisruptionBudget; the eviction subresource decides by it."""

    name = "controllermanager"

    def connect(self) -> None:
        """Follow budgets; the first one makes it follow Pods, so that a cluster without any pays nothing."""
        self._counting = False
        self.store.follow(self._hear_of_budget, PodDisruptionBudget)

    def _hear_of_budget(self, change: Change) -> None:
        self.queue.add(change.object.key)
        if not self._counting:
            self._counting = True
            self.follow(Pod, self._budgets_of)

    def _budgets_of(self, change: Change) -> list[Key]:
        """The budgets that a Pod's change concerns: most changes of a status change no count."""
        if not changes_count(change):
            return []
        labels = [obj.metadata.labels for obj in (change.old, change.new) if obj is not None]
        budgets = self.store.list(PodDisruptionBudget, change.object.namespace)
        return [each.key for each in budgets if any(selects(each, some) for some in labels)]

    async def reconcile(self, key: Key) -> None:
        """Count anew; what cannot be counted allows nothing."""
        budget = self.store.find(PodDisruptionBudget, key[1], key[0])
        if budget is None:
            return
        try:
            self._write(budget, self._counted(budget))
        except LabError as error:
            allowing_none = replace(budget.status, disruptions_allowed=0)
            self._write(budget, said(allowing_none, "False", SYNC_FAILED, str(error), self.clock.time()))

    def _counted(self, budget: PodDisruptionBudget) -> PodDisruptionBudgetStatus:
        pods = self._pods(budget)
        if not pods:
            self.note(budget, "NoPods", "No matching pods found")
        try:
            expected, desired = self._expected(budget, pods)
        except LabError as error:
            message = f"Failed to calculate the number of expected pods: {error}"
            self.note(budget, "CalculateExpectedPodCountFailed", message, type="Warning")
            raise
        disrupted = self._still_disrupted(budget, pods)
        healthy = sum(pod.ready and not pod.terminating and pod.name not in disrupted for pod in pods)
        status = replace(
            budget.status,
            current_healthy=healthy,
            desired_healthy=desired,
            expected_pods=expected,
            disruptions_allowed=max(healthy - desired, 0) if expected > 0 else 0,
            disrupted_pods=disrupted,
            observed_generation=budget.metadata.generation,
        )
        return with_condition(status, self.clock.time())

    def _pods(self, budget: PodDisruptionBudget) -> list[Pod]:
        selector = budget.spec.selector
        return self.store.list(Pod, budget.namespace, selector) if selector is not None else []

    def _still_disrupted(self, budget: PodDisruptionBudget, pods: list[Pod]) -> dict[str, float]:
        """Evicted Pods whose deletion has not been seen, for a while."""
        now, timeout_s = self.clock.time(), self.settings.disruption_deletion_timeout_s
        known = budget.status.disrupted_pods
        waiting = {pod.name: known[pod.name] for pod in pods if pod.name in known and not pod.terminating}
        left = {name: at for name, at in waiting.items() if at + timeout_s > now}
        if left:
            self.queue.add_after(budget.key, min(left.values()) + timeout_s - now)
        return left

    # -- how many there should be -------------------------------------------------------------------------------------

    def _expected(self, budget: PodDisruptionBudget, pods: list[Pod]) -> tuple[int, int]:
        """How many Pods there should be, and how many of them healthy; raises LabError when nobody can tell."""
        spec = budget.spec
        if spec.max_unavailable is not None:
            expected = self._wanted_by_controllers(budget, pods)
            return expected, max(expected - scaled(spec.max_unavailable, expected, round_up=True), 0)
        if isinstance(spec.min_available, int):
            return len(pods), spec.min_available
        if spec.min_available is not None:
            expected = self._wanted_by_controllers(budget, pods)
            return expected, scaled(spec.min_available, expected, round_up=True)
        return 0, 0

    def _wanted_by_controllers(self, budget: PodDisruptionBudget, pods: list[Pod]) -> int:
        """The sum of the replicas of whatever controls these Pods; Pods without a controller cannot be counted."""
        wanted: dict[str, int] = {}
        controllers = [(pod, pod.metadata.controller) for pod in pods]
        for pod, controller in controllers:
            if controller is not None:
                scale = self._scale(pod, controller)
                wanted[scale.uid] = scale.replicas
        if any(controller is None for _, controller in controllers):
            text = to_text(budget.spec.selector) if budget.spec.selector is not None else "<unset>"
            self.note(budget, "UnmanagedPods", _UNMANAGED.format(text), type="Warning")
        return sum(wanted.values())

    def _scale(self, pod: Pod, controller: OwnerReference) -> Scale:
        """The scale of a Pod's controller, or of the Deployment above it."""
        if controller.kind not in SCALABLE:
            kind = controller.kind
            known = kind if kind in BY_NAME else f"{kind}.{group_of(controller.api_version)}"
            raise LabError(f"{resource_of(known)} does not implement the scale subresource")
        owner = self.store.find(SCALABLE[controller.kind], controller.name, pod.namespace)
        if owner is None or owner.metadata.uid != controller.uid:
            raise LabError(f'found no controllers for pod "{pod.name}"')
        above = owner.metadata.controller
        if above is not None and above.kind in SCALABLE:
            higher = self.store.find(SCALABLE[above.kind], above.name, pod.namespace)
            if higher is not None and higher.metadata.uid == above.uid:
                owner = higher
        scale = scale_of(owner)
        assert scale is not None
        return scale

    def _write(self, budget: PodDisruptionBudget, status: PodDisruptionBudgetStatus) -> None:
        self.store.mutate(
            PodDisruptionBudget, budget.name, budget.namespace, lambda current: replace(current, status=status)
        )


_UNMANAGED = (
    "Pods selected by this PodDisruptionBudget (selector: {}) were found to be unmanaged. As a result, the status of "
    "the PDB cannot be calculated correctly, which may result in undefined behavior. To account for these pods please "
    'set ".spec.minAvailable" field of the PDB to an integer value.'
)
