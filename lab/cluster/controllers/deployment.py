"""The Deployment controller: rolls ReplicaSets from one template to the next.

https://kubernetes.io/docs/concepts/workloads/controllers/deployment/
"""

from __future__ import annotations

from msgspec.structs import replace

from lab.cluster.controllers import deployment_status as says
from lab.cluster.controllers.base import Controller, Key
from lab.cluster.controllers.ownership import candidate_keys, claim
from lab.cluster.controllers.revisions import History, copied_annotations, history_of, replica_set_for, surplus
from lab.cluster.controllers.rollout import (
    DESIRED_REPLICAS,
    MAX_REPLICAS,
    REVISION,
    Limits,
    annotated,
    limits,
    new_replicas,
    occupied,
    proportional,
    shrink_old,
    template_hash,
)
from lab.cluster.store import Store
from lab.cluster.watch import Change
from lab.gate import Timer
from lab.kube.kinds.deployment import Deployment, DeploymentStatus
from lab.kube.kinds.pod import Pod
from lab.kube.kinds.replicaset import ReplicaSet
from lab.settings import Settings


class DeploymentController(Controller):
    """Makes a ReplicaSet for each template and moves Pods over to the newest within the Deployment's limits."""

    name = "deployment-controller"

    def __init__(self, store: Store, clock: Timer, settings: Settings, seed: int) -> None:
        super().__init__(store, clock, settings, seed)
        self._progress_s: dict[str, float] = {}

    def connect(self) -> None:
        """Follow Deployments, their ReplicaSets, and the end of Pods, for which Recreate waits."""
        self.follow(Deployment)
        self.follow(ReplicaSet, candidate_keys(self.store, Deployment, lambda deployment: deployment.spec.selector))
        self.follow(Pod, self._keys_of_gone_pod)

    def _keys_of_gone_pod(self, change: Change) -> list[Key]:
        owner = change.object.metadata.controller
        if change.type != "DELETED" or owner is None or owner.kind != "ReplicaSet":
            return []
        replica_set = self.store.find(ReplicaSet, owner.name, change.object.namespace)
        above = replica_set.metadata.controller if replica_set is not None else None
        deployment = self.store.find(Deployment, above.name, change.object.namespace) if above is not None else None
        return [deployment.key] if deployment is not None and deployment.spec.strategy.type == "Recreate" else []

    async def reconcile(self, key: Key) -> None:
        """Take the one next step of the rollout, then say how far it is."""
        deployment = self.store.find(Deployment, key[1], key[0])
        if deployment is None:
            return
        history = history_of(deployment, claim(self.store, deployment, ReplicaSet, deployment.spec.selector))
        bounds = limits(deployment, self.settings)
        if deployment.metadata.deletion_timestamp is None:
            if deployment.spec.paused or self._scaled(deployment, history):
                self._scale(deployment, bounds, history)
            elif deployment.spec.strategy.type == "Recreate":
                self._recreate(deployment, bounds, history)
            else:
                self._roll(deployment, bounds, history)
        self._report(key)

    # -- the two strategies ---------------------------------------------------------------------------------------

    def _roll(self, deployment: Deployment, bounds: Limits, history: History) -> None:
        new = self._new_replica_set(deployment, bounds, history)
        allowed = new_replicas(bounds, True, new.spec.replicas, occupied([*history.old, new]))
        if self._resize(deployment, bounds, new, allowed):
            return
        for each, replicas in shrink_old(bounds, new, history.old):
            self._resize(deployment, bounds, each, replicas)

    def _recreate(self, deployment: Deployment, bounds: Limits, history: History) -> None:
        for each in history.old:
            self._resize(deployment, bounds, each, 0)
        if self._pods_left(history.old):
            return
        new = self._new_replica_set(deployment, bounds, history)
        self._resize(deployment, bounds, new, bounds.desired)

    def _pods_left(self, old: list[ReplicaSet]) -> bool:
        return any(not pod.finished for each in old for pod in self.store.owned_by(each.metadata.uid, Pod))

    def _new_replica_set(self, deployment: Deployment, bounds: Limits, history: History) -> ReplicaSet:
        """The ReplicaSet of the present template, made if need be, with the newest revision."""
        revision = history.next_revision
        new = history.new
        if new is None:
            rolling = deployment.spec.strategy.type == "RollingUpdate"
            replicas = new_replicas(bounds, rolling, 0, occupied(history.old))
            new = self._create(deployment, bounds, replicas, revision)
        else:
            new = self._renew(deployment, new, max(revision, annotated(new, REVISION) or 0))
        self._show_revision(deployment, new.metadata.annotations[REVISION])
        return new

    def _create(self, deployment: Deployment, bounds: Limits, replicas: int, revision: int) -> ReplicaSet:
        attempt = 0
        while True:
            hash_value = template_hash(deployment.spec.template, attempt)
            if self.store.find(ReplicaSet, f"{deployment.name}-{hash_value}", deployment.namespace) is None:
                break
            attempt += 1  # Another template happens to have the same hash.
        annotations = {REVISION: str(revision), **_size_annotations(bounds)}
        new = self.store.create(replica_set_for(deployment, hash_value, replicas, annotations))
        if replicas:
            self._note_scaled(deployment, new, 0)
        self._progressing(deployment, "True", says.CREATED, f'Created new replica set "{new.name}"')
        return new

    def _renew(self, deployment: Deployment, new: ReplicaSet, revision: int) -> ReplicaSet:
        if annotated(new, REVISION) != revision:
            self._progressing(deployment, "True", says.FOUND, f'Found new replica set "{new.name}"')

        def change(current: ReplicaSet) -> ReplicaSet:
            annotations = {**current.metadata.annotations, **copied_annotations(deployment), REVISION: str(revision)}
            return replace(
                current,
                metadata=replace(current.metadata, annotations=annotations),
                spec=replace(current.spec, min_ready_seconds=deployment.spec.min_ready_seconds),
            )

        return self.store.mutate(ReplicaSet, new.name, new.namespace, change) or new

    def _show_revision(self, deployment: Deployment, revision: str) -> None:
        def change(current: Deployment) -> Deployment:
            annotations = {**current.metadata.annotations, REVISION: revision}
            return replace(current, metadata=replace(current.metadata, annotations=annotations))

        self.store.mutate(Deployment, deployment.name, deployment.namespace, change)

    # -- scaling ------------------------------------------------------------------------------------------------------

    def _scaled(self, deployment: Deployment, history: History) -> bool:
        """Whether `spec.replicas` has changed since the ReplicaSets were last given their sizes."""
        wanted = [annotated(each, DESIRED_REPLICAS) for each in history.active]
        return any(count is not None and count != deployment.spec.replicas for count in wanted)

    def _scale(self, deployment: Deployment, bounds: Limits, history: History) -> None:
        """Give the ReplicaSets new sizes without moving the rollout on."""
        active = history.active
        if len(active) <= 1:
            only = active[0] if active else history.new or (history.old[-1] if history.old else None)
            if only is not None:
                self._resize(deployment, bounds, only, bounds.desired)
            return
        new = history.new
        if new is not None and _saturated(deployment, new):
            for each in history.old:
                self._resize(deployment, bounds, each, 0)
        elif deployment.spec.strategy.type == "RollingUpdate":
            for each, replicas in proportional(deployment, bounds, active):
                self._resize(deployment, bounds, each, replicas)

    def _resize(self, deployment: Deployment, bounds: Limits, replica_set: ReplicaSet, replicas: int) -> bool:
        """Ask a ReplicaSet for so many Pods; True when that is another number than before."""
        before = replica_set.spec.replicas

        def change(current: ReplicaSet) -> ReplicaSet:
            annotations = {**current.metadata.annotations, **_size_annotations(bounds)}
            return replace(
                current,
                metadata=replace(current.metadata, annotations=annotations),
                spec=replace(current.spec, replicas=replicas),
            )

        after = self.store.mutate(ReplicaSet, replica_set.name, replica_set.namespace, change)
        if after is None or before == replicas:
            return False
        self._note_scaled(deployment, after, before)
        return True

    def _note_scaled(self, deployment: Deployment, replica_set: ReplicaSet, before: int) -> None:
        after = replica_set.spec.replicas
        way = "up" if after > before else "down"
        message = f"Scaled {way} replica set {replica_set.name} from {before} to {after}"
        self.note(deployment, "ScalingReplicaSet", message)

    # -- saying how far it is -----------------------------------------------------------------------------------------

    def _report(self, key: Key) -> None:
        """Write the status from what the ReplicaSets say now, and clean up the history of what is complete."""
        deployment = self.store.find(Deployment, key[1], key[0])
        if deployment is None:
            return
        mine = self.store.owned_by(deployment.metadata.uid, ReplicaSet)
        history = history_of(deployment, mine)
        now = self.clock.time()
        status = says.counts(deployment, history.new, history.everything)
        status = says.with_availability(status, limits(deployment, self.settings), now)
        status = self._with_progress(deployment, status, history)
        self._write_status(deployment, status)
        if says.complete(deployment, status) or deployment.spec.paused:
            limit = deployment.spec.revision_history_limit
            kept = self.settings.deployment_revision_history if limit is None else limit
            for each in surplus(history.old, kept):
                self.store.delete(ReplicaSet, each.name, each.namespace)

    def _with_progress(self, deployment: Deployment, status: DeploymentStatus, history: History) -> DeploymentStatus:
        now = self.clock.time()
        current = says.find(status, "Progressing")
        reason = current.reason if current is not None else ""
        if deployment.spec.paused:
            if reason in (says.PAUSED, says.DEADLINE_EXCEEDED):
                return status
            return says.with_condition(status, "Progressing", "Unknown", says.PAUSED, "Deployment is paused", now)
        if reason == says.PAUSED:
            self._progress_s[deployment.metadata.uid] = now
            return says.with_condition(status, "Progressing", "Unknown", says.RESUMED, "Deployment is resumed", now)
        if status.replicas == status.updated_replicas and reason == says.AVAILABLE:
            return status
        name = f'ReplicaSet "{history.new.name}"' if history.new is not None else f'Deployment "{deployment.name}"'
        if says.complete(deployment, status):
            message = f"{name} has successfully progressed."
            return says.with_condition(status, "Progressing", "True", says.AVAILABLE, message, now)
        if says.progressed(deployment.status, status):
            self._progress_s[deployment.metadata.uid] = now
            return says.with_condition(status, "Progressing", "True", says.UPDATED, f"{name} is progressing.", now)
        if self._timed_out(deployment, reason):
            message = f"{name} has timed out progressing."
            return says.with_condition(status, "Progressing", "False", says.DEADLINE_EXCEEDED, message, now)
        return status

    def _timed_out(self, deployment: Deployment, reason: str) -> bool:
        """Whether nothing has moved for `progressDeadlineSeconds`; asks to look again when it is not yet so."""
        if reason in ("", says.AVAILABLE):
            return False
        if reason == says.DEADLINE_EXCEEDED:
            return True
        own = deployment.spec.progress_deadline_seconds
        deadline_s = self.settings.deployment_progress_deadline_s if own is None else own
        now = self.clock.time()
        due = self._progress_s.setdefault(deployment.metadata.uid, now) + deadline_s
        if due <= now:
            return True
        self.queue.add_after(deployment.key, due - now)
        return False

    def _progressing(self, deployment: Deployment, value: str, reason: str, message: str) -> None:
        now = self.clock.time()
        self._progress_s[deployment.metadata.uid] = now
        current = self.store.find(Deployment, deployment.name, deployment.namespace)
        if current is not None:
            status = says.with_condition(current.status, "Progressing", value, reason, message, now)
            self._write_status(current, status)

    def _write_status(self, deployment: Deployment, status: DeploymentStatus) -> None:
        self.store.mutate(
            Deployment, deployment.name, deployment.namespace, lambda current: replace(current, status=status)
        )


def _size_annotations(bounds: Limits) -> dict[str, str]:
    return {DESIRED_REPLICAS: str(bounds.desired), MAX_REPLICAS: str(bounds.most)}


def _saturated(deployment: Deployment, replica_set: ReplicaSet) -> bool:
    """Whether the new ReplicaSet has all the Pods that the Deployment wants, and they are available."""
    wanted = deployment.spec.replicas
    return (
        replica_set.spec.replicas == wanted
        and annotated(replica_set, DESIRED_REPLICAS) == wanted
        and replica_set.status.available_replicas == wanted
    )
