"""The StatefulSet controller: Pods with numbers, made in order, unmade in reverse, updated from the highest down.

https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/
"""

from __future__ import annotations

from msgspec.structs import replace

from lab.clock import Clock
from lab.cluster.controllers.availability import active, changes_count, count
from lab.cluster.controllers.base import Controller, Key
from lab.cluster.controllers.ownership import candidate_keys, claim, pod_from
from lab.cluster.controllers.rollout import template_hash
from lab.cluster.errors import StoreError
from lab.cluster.store import Store
from lab.kube.kinds.pod import Pod, PodTemplateSpec
from lab.kube.kinds.statefulset import StatefulSet, StatefulSetStatus
from lab.settings import Settings

REVISION_LABEL = "controller-revision-hash"
POD_NAME_LABEL = "statefulset.kubernetes.io/pod-name"
POD_INDEX_LABEL = "apps.kubernetes.io/pod-index"


class StatefulSetController(Controller):
    """Keeps `NAME-0`, `NAME-1` and so on running, one step at a time unless Pods may be managed in parallel."""

    name = "statefulset-controller"

    def __init__(self, store: Store, clock: Clock, settings: Settings, seed: int) -> None:
        super().__init__(store, clock, settings, seed)
        self._templates: dict[tuple[str, str], PodTemplateSpec] = {}
        """By uid and revision: Pods below an update's partition are made from the template before."""

    def connect(self) -> None:
        """Follow StatefulSets and the Pods that are or could be theirs."""
        self.follow(StatefulSet)
        candidates = candidate_keys(self.store, StatefulSet, lambda stateful_set: stateful_set.spec.selector)
        self.follow(Pod, lambda change: candidates(change) if changes_count(change) else ())

    async def reconcile(self, key: Key) -> None:
        """Take the next step that the order allows, and count."""
        wanted = self.store.find(StatefulSet, key[1], key[0])
        if wanted is None:
            return
        update = f"{wanted.name}-{template_hash(wanted.spec.template)}"
        self._templates[wanted.metadata.uid, update] = wanted.spec.template
        pods = _by_ordinal(wanted, claim(self.store, wanted, Pod, wanted.spec.selector))
        try:
            if wanted.metadata.deletion_timestamp is None:
                self._manage(wanted, pods, update)
        finally:
            self._count(wanted, update)

    def _manage(self, wanted: StatefulSet, pods: dict[int, Pod], update: str) -> None:
        """Fill the numbers from the lowest, then take away what is too much, then update."""
        start = wanted.spec.ordinals.start if wanted.spec.ordinals is not None else 0
        numbers = range(start, start + wanted.spec.replicas)
        in_order = wanted.spec.pod_management_policy != "Parallel"
        for number in numbers:
            settled = self._fill(wanted, number, pods.get(number), update)
            if not settled and in_order:
                return
        surplus = sorted((number for number in pods if number not in numbers), reverse=True)
        for number in surplus:
            if not pods[number].terminating:
                self._delete(wanted, pods[number])
            if in_order:
                return
        if wanted.spec.update_strategy.type == "RollingUpdate" and not surplus:
            self._update(wanted, [pods[number] for number in reversed(numbers) if number in pods], update)

    def _fill(self, wanted: StatefulSet, number: int, pod: Pod | None, update: str) -> bool:
        """Make the Pod of a number if it is missing; True when it runs and is available."""
        if pod is None:
            self._create(wanted, number, update)
            return False
        if pod.finished and not pod.terminating:
            self._delete(wanted, pod)
            return False
        return self._healthy(wanted, pod)

    def _update(self, wanted: StatefulSet, highest_first: list[Pod], update: str) -> None:
        rolling = wanted.spec.update_strategy.rolling_update
        partition = rolling.partition if rolling is not None else 0
        for pod in highest_first:
            if (_ordinal(wanted, pod) or 0) < partition:
                return
            if pod.metadata.labels.get(REVISION_LABEL) != update and not pod.terminating:
                self._delete(wanted, pod)
                return
            if not self._healthy(wanted, pod):
                return

    def _healthy(self, wanted: StatefulSet, pod: Pod) -> bool:
        if pod.terminating:
            return False
        readiness = count([pod], wanted.spec.min_ready_seconds, self.clock.time())
        if readiness.next_s is not None:
            self.queue.add_after(wanted.key, readiness.next_s - self.clock.time())
        return readiness.available == 1

    def _create(self, wanted: StatefulSet, number: int, update: str) -> None:
        name = f"{wanted.name}-{number}"
        try:
            self.store.create(self._pod(wanted, number, name, update))
        except StoreError as error:
            message = f"create Pod {name} in StatefulSet {wanted.name} failed error: {error}"
            self.note(wanted, "FailedCreate", message, type="Warning")
            raise
        self.note(wanted, "SuccessfulCreate", f"create Pod {name} in StatefulSet {wanted.name} successful")

    def _pod(self, wanted: StatefulSet, number: int, name: str, update: str) -> Pod:
        rolling = wanted.spec.update_strategy.rolling_update
        current = wanted.status.current_revision
        old = rolling is not None and number < rolling.partition and bool(current)
        revision = current if old else update
        template = self._templates.get((wanted.metadata.uid, revision), wanted.spec.template)
        pod = pod_from(template, wanted)
        labels = {
            **pod.metadata.labels,
            REVISION_LABEL: revision,
            POD_NAME_LABEL: name,
            POD_INDEX_LABEL: str(number),
        }
        return replace(
            pod,
            metadata=replace(pod.metadata, name=name, generate_name="", labels=labels),
            spec=replace(pod.spec, hostname=name, subdomain=wanted.spec.service_name),
        )

    def _delete(self, wanted: StatefulSet, pod: Pod) -> None:
        self.store.delete(Pod, pod.name, pod.namespace)
        self.note(wanted, "SuccessfulDelete", f"delete Pod {pod.name} in StatefulSet {wanted.name} successful")

    def _count(self, wanted: StatefulSet, update: str) -> None:
        pods = active(self.store.owned_by(wanted.metadata.uid, Pod))
        readiness = count(pods, wanted.spec.min_ready_seconds, self.clock.time())
        updated = sum(pod.metadata.labels.get(REVISION_LABEL) == update for pod in pods)
        complete = updated == len(pods) == readiness.ready == wanted.spec.replicas
        current = update if complete else wanted.status.current_revision or update
        status = StatefulSetStatus(
            observed_generation=wanted.metadata.generation,
            replicas=len(pods),
            ready_replicas=readiness.ready,
            available_replicas=readiness.available,
            current_replicas=sum(pod.metadata.labels.get(REVISION_LABEL) == current for pod in pods),
            updated_replicas=updated,
            current_revision=current,
            update_revision=update,
        )
        self.store.mutate(StatefulSet, wanted.name, wanted.namespace, lambda now: replace(now, status=status))


def _ordinal(wanted: StatefulSet, pod: Pod) -> int | None:
    stem, _, number = pod.name.rpartition("-")
    return int(number) if stem == wanted.name and number.isdigit() else None


def _by_ordinal(wanted: StatefulSet, pods: list[Pod]) -> dict[int, Pod]:
    numbered = ((_ordinal(wanted, pod), pod) for pod in pods)
    return {number: pod for number, pod in numbered if number is not None}
