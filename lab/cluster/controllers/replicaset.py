"""The ReplicaSet controller: as many Pods of a template as are asked for, no more and no fewer.

https://kubernetes.io/docs/concepts/workloads/controllers/replicaset/
"""

from __future__ import annotations

from msgspec.structs import replace

from lab.cluster.controllers.availability import active, changes_count, count, ready_since
from lab.cluster.controllers.base import Controller, Key
from lab.cluster.controllers.ownership import candidate_keys, claim, pod_from
from lab.cluster.errors import StoreError
from lab.kube.kinds.pod import Pod
from lab.kube.kinds.replicaset import ReplicaSet, ReplicaSetStatus
from lab.kube.selector import matches

DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"

_PHASES = {"Pending": 0, "Unknown": 1}


class ReplicaSetController(Controller):
    """Creates and deletes Pods until `spec.replicas` of them are active."""

    name = "replicaset-controller"

    def connect(self) -> None:
        """Follow ReplicaSets and the Pods that are or could be theirs."""
        self.follow(ReplicaSet)
        candidates = candidate_keys(self.store, ReplicaSet, lambda replica_set: replica_set.spec.selector)
        self.follow(Pod, lambda change: candidates(change) if changes_count(change) else ())

    async def reconcile(self, key: Key) -> None:
        """Create what is missing, delete what is too much, and count."""
        replica_set = self.store.find(ReplicaSet, key[1], key[0])
        if replica_set is None:
            return
        pods = active(claim(self.store, replica_set, Pod, replica_set.spec.selector))
        try:
            if replica_set.metadata.deletion_timestamp is None:
                self._manage(replica_set, pods)
        finally:
            self._count(replica_set)

    def _manage(self, replica_set: ReplicaSet, pods: list[Pod]) -> None:
        missing = replica_set.spec.replicas - len(pods)
        for _ in range(missing):
            self._create_pod(replica_set)
        if missing < 0:
            for pod in self._expendable(replica_set, pods)[:-missing]:
                self.store.delete(Pod, pod.name, pod.namespace)
                self.note(replica_set, "SuccessfulDelete", f"Deleted pod: {pod.name}")

    def _create_pod(self, replica_set: ReplicaSet) -> None:
        try:
            pod = self.store.create(pod_from(replica_set.spec.template, replica_set))
        except StoreError as error:
            self.note(replica_set, "FailedCreate", f"Error creating: {error}", type="Warning")
            raise
        self.note(replica_set, "SuccessfulCreate", f"Created pod: {pod.name}")

    def _expendable(self, replica_set: ReplicaSet, pods: list[Pod]) -> list[Pod]:
        """The Pods, those to be deleted first in front (controller.ActivePodsWithRanks)."""
        crowd: dict[str, int] = {}
        for pod in self._related(replica_set):
            crowd[pod.spec.node_name] = crowd.get(pod.spec.node_name, 0) + 1

        def rank(pod: Pod) -> tuple[float, ...]:
            since = ready_since(pod)
            return (
                bool(pod.spec.node_name),
                _PHASES.get(pod.status.phase, 2),
                since is not None,
                _deletion_cost(pod),
                -crowd.get(pod.spec.node_name, 0),
                -(since or 0.0),
                -_restarts(pod),
                -(pod.metadata.creation_timestamp or 0.0),
            )

        youngest_first = pods[::-1]
        return sorted(youngest_first, key=rank)

    def _related(self, replica_set: ReplicaSet) -> list[Pod]:
        """The active Pods of this ReplicaSet and of its siblings under the same owner."""
        owner = replica_set.metadata.controller
        family = self.store.owned_by(owner.uid, ReplicaSet) if owner is not None else [replica_set]
        return active(pod for sibling in family for pod in self.store.owned_by(sibling.metadata.uid, Pod))

    def _count(self, replica_set: ReplicaSet) -> None:
        pods = active(self.store.owned_by(replica_set.metadata.uid, Pod))
        readiness = count(pods, replica_set.spec.min_ready_seconds, self.clock.time())
        labels = replica_set.spec.template.metadata.labels
        status = ReplicaSetStatus(
            replicas=len(pods),
            fully_labeled_replicas=sum(
                pod.metadata.labels is labels or matches(labels, pod.metadata.labels) for pod in pods
            ),
            ready_replicas=readiness.ready,
            available_replicas=readiness.available,
            observed_generation=replica_set.metadata.generation,
        )
        self.store.mutate(
            ReplicaSet, replica_set.name, replica_set.namespace, lambda current: replace(current, status=status)
        )
        if readiness.next_s is not None:
            self.queue.add_after(replica_set.key, readiness.next_s - self.clock.time())


def _deletion_cost(pod: Pod) -> int:
    try:
        return int(pod.metadata.annotations.get(DELETION_COST, "0"))
    except ValueError:
        return 0


def _restarts(pod: Pod) -> int:
    return max((status.restart_count for status in pod.status.container_statuses), default=0)
