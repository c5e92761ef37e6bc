"""The StatefulSet controller: Pods with numbers, made in order, unmade in reverse, updated from the highest down.

https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/
"""

from __future__ import annotations

from typing import NamedTuple

from msgspec.structs import replace

from lab.cluster.controllers.availability import changes_count, count
from lab.cluster.controllers.base import Controller, Key
from lab.cluster.controllers.ownership import candidate_keys, claim, pod_from
from lab.cluster.controllers.template_history import HASH_LABEL, TemplateHistory, Templates, template_of, unused
from lab.cluster.errors import StoreError
from lab.cluster.store import Store
from lab.cluster.watch import Change
from lab.gate import Timer
from lab.kube.intorstring import scaled
from lab.kube.kinds.controllerrevision import ControllerRevision
from lab.kube.kinds.pod import Pod
from lab.kube.kinds.statefulset import RollingUpdateStatefulSet, StatefulSet, StatefulSetStatus
from lab.kube.versions import features_of
from lab.settings import Settings

POD_NAME_LABEL = "statefulset.kubernetes.io/pod-name"
POD_INDEX_LABEL = "apps.kubernetes.io/pod-index"


class _Set(NamedTuple):
    """One StatefulSet as it is looked at once."""

    wanted: StatefulSet
    pods: dict[int, Pod]
    """By ordinal, at most one each: a name can be had only once."""
    current: ControllerRevision
    """What Pods below an update's partition are made from."""
    update: ControllerRevision

    @property
    def in_order(self) -> bool:
        """Whether each Pod waits for those before it."""
        return self.wanted.spec.pod_management_policy != "Parallel"

    @property
    def rolling(self) -> RollingUpdateStatefulSet:
        """How an update goes, with everything at its default when nothing is said."""
        return self.wanted.spec.update_strategy.rolling_update or RollingUpdateStatefulSet()

    @property
    def first_updated(self) -> int:
        """The lowest ordinal that an update is for; the partition counts from the first ordinal."""
        return self.wanted.spec.numbers.start + self.rolling.partition

    def outdated(self, pod: Pod) -> bool:
        """Whether an update has yet to come to a Pod."""
        return pod.metadata.labels.get(HASH_LABEL) != self.update.name and not pod.terminating


class StatefulSetController(Controller):
    """Keeps `NAME-0`, `NAME-1` and so on running, one step at a time unless Pods may be managed in parallel."""

    name = "statefulset-controller"

    def __init__(self, store: Store, clock: Timer, settings: Settings, seed: int) -> None:
        super().__init__(store, clock, settings, seed)
        self._several = features_of(settings.kubernetes).max_unavailable_stateful_set
        self._history = TemplateHistory(store, lambda name, hash_value: {"controller.kubernetes.io/hash": hash_value})

    def connect(self) -> None:
        """Follow StatefulSets and the Pods that are or could be theirs."""
        self.follow(StatefulSet)
        self.store.follow(self._on_gone, StatefulSet)
        candidates = candidate_keys(self.store, StatefulSet, lambda stateful_set: stateful_set.spec.selector)
        self.follow(Pod, lambda change: candidates(change) if changes_count(change) else ())

    def _on_gone(self, change: Change) -> None:
        if change.new is None:
            self._history.forget(change.object.metadata.uid)

    async def reconcile(self, key: Key) -> None:
        """Take the next step that the order allows, and count."""
        wanted = self.store.find(StatefulSet, key[1], key[0])
        if wanted is None:
            return
        templates = self._history.of(wanted)
        current = templates.find(wanted.status.current_revision) or templates.newest
        pods = _by_ordinal(wanted, claim(self.store, wanted, Pod, wanted.spec.selector))
        try:
            if wanted.metadata.deletion_timestamp is None:
                self._manage(_Set(wanted, pods, current, templates.newest))
        finally:
            self._count(wanted, current, templates)

    # -- filling, shrinking ---------------------------------------------------------------------------------------

    def _manage(self, one: _Set) -> None:
        """Fill the numbers from the lowest, then take away what is too much, then update."""
        for number in one.wanted.spec.numbers:
            settled = self._fill(one, number)
            if not settled and one.in_order:
                return
        surplus = sorted((number for number in one.pods if number not in one.wanted.spec.numbers), reverse=True)
        if self._shrink(one, surplus):
            return
        if one.wanted.spec.update_strategy.type == "RollingUpdate":
            if self._several:
                self._update(one)
            else:
                self._update_one(one)

    def _fill(self, one: _Set, number: int) -> bool:
        """Make the Pod of a number if it is missing; True when it runs and is available."""
        pod = one.pods.get(number)
        if pod is None:
            self._create(one, number)
            return False
        if pod.finished:
            if not pod.terminating:
                self._delete(one.wanted, pod)
            return False
        return self._available(one.wanted, pod)

    def _shrink(self, one: _Set, surplus: list[int]) -> bool:
        """Delete the Pods with these numbers, in order one after the other; True when that takes its time."""
        unwell = [number for number in reversed(surplus) if not self._available(one.wanted, one.pods[number])]
        for number in surplus:
            pod = one.pods[number]
            waits = pod.terminating or (number in unwell and number != unwell[0])
            if one.in_order and waits:
                return True
            if not pod.terminating:
                self._delete(one.wanted, pod)
            if one.in_order:
                return True
        return False

    # -- updating -------------------------------------------------------------------------------------------------

    def _update(self, one: _Set) -> None:
        """Delete outdated Pods from the highest down, as many as may be unavailable (KEP-961)."""
        numbers = one.wanted.spec.numbers
        limit = 1 if one.rolling.max_unavailable is None else one.rolling.max_unavailable
        most = max(scaled(limit, len(numbers), round_up=False), 1)
        available = (number in one.pods and self._available(one.wanted, one.pods[number]) for number in numbers)
        left = most - sum(not each for each in available)
        for number in reversed(range(one.first_updated, numbers.stop)):
            pod = one.pods.get(number)
            if left > 0 and pod is not None and one.outdated(pod):
                self._delete(one.wanted, pod)
                left -= 1

    def _update_one(self, one: _Set) -> None:
        """Before Kubernetes 1.35: from the highest down, each when those above it are available."""
        for number in reversed(range(one.first_updated, one.wanted.spec.numbers.stop)):
            pod = one.pods.get(number)
            if pod is not None and one.outdated(pod):
                self._delete(one.wanted, pod)
                return
            if pod is None or not self._available(one.wanted, pod):
                return

    # -- Pods -----------------------------------------------------------------------------------------------------

    def _available(self, wanted: StatefulSet, pod: Pod) -> bool:
        """Whether a Pod is ready for long enough, and stays; asks to look again when only time is missing."""
        if pod.terminating:
            return False
        readiness = count([pod], wanted.spec.min_ready_seconds, self.clock.time())
        if readiness.next_s is not None:
            self.queue.add_after(wanted.key, readiness.next_s - self.clock.time())
        return readiness.available == 1

    def _create(self, one: _Set, number: int) -> None:
        wanted, name = one.wanted, f"{one.wanted.name}-{number}"
        try:
            self.store.create(self._pod(one, number, name))
        except StoreError as error:
            message = f"create Pod {name} in StatefulSet {wanted.name} failed error: {error}"
            self.note(wanted, "FailedCreate", message, type="Warning")
            raise
        self.note(wanted, "SuccessfulCreate", f"create Pod {name} in StatefulSet {wanted.name} successful")

    def _pod(self, one: _Set, number: int, name: str) -> Pod:
        wanted = one.wanted
        held_back = wanted.spec.update_strategy.type == "RollingUpdate" and number < one.first_updated
        revision = one.current if held_back else one.update
        template = wanted.spec.template if revision is one.update else template_of(revision, wanted)
        pod = pod_from(template, wanted)
        labels = {
            **pod.metadata.labels,
            HASH_LABEL: revision.name,
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

    # -- counting -------------------------------------------------------------------------------------------------

    def _count(self, wanted: StatefulSet, current: ControllerRevision, templates: Templates) -> None:
        """Pods that are being deleted still count among the replicas, and among the ready ones while they are."""
        pods = self.store.owned_by(wanted.metadata.uid, Pod)
        readiness = count(pods, wanted.spec.min_ready_seconds, self.clock.time())
        hashes = [pod.metadata.labels.get(HASH_LABEL) for pod in pods if not pod.terminating]
        updated = hashes.count(templates.newest.name)
        complete = updated == len(pods) == readiness.ready == wanted.spec.replicas
        if complete and wanted.spec.update_strategy.type == "RollingUpdate":
            current = templates.newest
        status = StatefulSetStatus(
            observed_generation=wanted.metadata.generation,
            replicas=len(pods),
            ready_replicas=readiness.ready,
            available_replicas=readiness.available,
            current_replicas=hashes.count(current.name),
            updated_replicas=updated,
            current_revision=current.name,
            update_revision=templates.newest.name,
        )
        self.store.mutate(StatefulSet, wanted.name, wanted.namespace, lambda now: replace(now, status=status))
        self._prune(wanted, templates, [current.name, *(each for each in hashes if each)])

    def _prune(self, wanted: StatefulSet, templates: Templates, used: list[str]) -> None:
        own = wanted.spec.revision_history_limit
        limit = self.settings.statefulset_revision_history if own is None else own
        idle = unused(templates, used)
        for revision in idle[: max(len(idle) - limit, 0)]:
            self.store.delete(ControllerRevision, revision.name, revision.namespace)


def _ordinal(wanted: StatefulSet, pod: Pod) -> int | None:
    stem, _, number = pod.name.rpartition("-")
    return int(number) if stem == wanted.name and number.isdigit() else None


def _by_ordinal(wanted: StatefulSet, pods: list[Pod]) -> dict[int, Pod]:
    numbered = ((_ordinal(wanted, pod), pod) for pod in pods)
    return {number: pod for number, pod in numbered if number is not None}
