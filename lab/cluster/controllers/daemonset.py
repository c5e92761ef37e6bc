"""The DaemonSet controller: one Pod on each node that it fits, on those that come as on those that are there.

https://kubernetes.io/docs/concepts/workloads/controllers/daemonset/
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from lab.cluster.controllers.availability import changes_count, count
from lab.cluster.controllers.base import Controller, Key
from lab.cluster.controllers.daemon_nodes import EXCLUDED, Verdict, daemon_spec, pod_for, target_of, verdict_of
from lab.cluster.controllers.daemon_update import ByNode, Changes, Update, limits_of
from lab.cluster.controllers.ownership import candidate_keys, claim
from lab.cluster.controllers.template_history import HASH_LABEL, TemplateHistory, Templates, unused
from lab.cluster.errors import StoreError
from lab.cluster.kubelet.backoff import BackOff
from lab.cluster.store import Store
from lab.cluster.watch import Change
from lab.gate import Timer
from lab.kube.kinds.controllerrevision import ControllerRevision
from lab.kube.kinds.daemonset import DaemonSet, DaemonSetStatus
from lab.kube.kinds.node import Node
from lab.kube.kinds.pod import Pod, PodSpec
from lab.settings import Settings

BURST = 250
"""How many Pods are made, and deleted, in one go (daemon.BurstReplicas)."""

Verdicts = Mapping[str, Verdict]
"""What a DaemonSet has to do with each node, in the order of the nodes."""


class DaemonSetController(Controller):
    """Makes and deletes Pods node by node, and replaces them when the template changes."""

    name = "daemonset-controller"

    def __init__(self, store: Store, clock: Timer, settings: Settings, seed: int) -> None:
        super().__init__(store, clock, settings, seed)
        self._history = TemplateHistory(store, lambda name, hash_value: {HASH_LABEL: hash_value})
        self._judged: dict[str, tuple[PodSpec, dict[str, tuple[Node, Verdict]]]] = {}
        """By uid: the verdicts on a template's spec, each with the version of the node that it is about."""
        self._failures: dict[tuple[str, str], BackOff] = {}
        """By uid and node: when a failed Pod may be deleted once more."""

    def connect(self) -> None:
        """Follow DaemonSets, the Pods that are or could be theirs, and all nodes."""
        self.follow(DaemonSet)
        self.store.follow(self._on_gone, DaemonSet)
        self._candidates = candidate_keys(self.store, DaemonSet, lambda daemon_set: daemon_set.spec.selector)
        self.store.follow(self._on_pod, Pod)
        self.follow(Node, self._on_node)

    def _on_pod(self, change: Change) -> None:
        """A look is at all nodes, so the changes of many Pods at about the same time share one."""
        if changes_count(change):
            for key in self._candidates(change):
                self.queue.add_after(key, self.settings.daemonset_sync_batch_s)

    def _on_gone(self, change: Change) -> None:
        if change.new is None:
            uid = change.object.metadata.uid
            self._history.forget(uid)
            self._judged.pop(uid, None)
            self._failures = {key: value for key, value in self._failures.items() if key[0] != uid}

    def _on_node(self, change: Change) -> list[Key]:
        old, new = change.old, change.new
        if isinstance(old, Node) and isinstance(new, Node) and _same_place(old, new):
            return []
        return [daemon_set.key for daemon_set in self.store.list(DaemonSet)]

    async def reconcile(self, key: Key) -> None:
        """Make what is missing, delete what is too much or outdated, and say how it stood before."""
        daemon_set = self.store.find(DaemonSet, key[1], key[0])
        if daemon_set is None:
            return
        templates = self._history.of(daemon_set)
        hash_value = templates.newest.metadata.labels[HASH_LABEL]
        verdicts = self._verdicts(daemon_set)
        pods = _by_node(claim(self.store, daemon_set, Pod, daemon_set.spec.selector))
        self._count(daemon_set, verdicts, pods, hash_value)
        if daemon_set.metadata.deletion_timestamp is None:
            self._manage(daemon_set, verdicts, pods, hash_value)
            self._prune(daemon_set, templates)

    # -- nodes and Pods -------------------------------------------------------------------------------------------

    def _verdicts(self, daemon_set: DaemonSet) -> Verdicts:
        """Anew only for nodes that have changed since: most reconciliations are about Pods."""
        uid, template = daemon_set.metadata.uid, daemon_set.spec.template
        spec, before = self._judged.get(uid, (None, {}))
        if spec is not template.spec:
            before = {}
        full = daemon_spec(template)
        judged: dict[str, tuple[Node, Verdict]] = {}
        for node in self.store.list(Node):
            known = before.get(node.name)
            fresh = known is not None and known[0] is node
            judged[node.name] = known if fresh and known is not None else (node, verdict_of(full, node))
        self._judged[uid] = template.spec, judged
        return {name: verdict for name, (_, verdict) in judged.items()}

    def _manage(self, daemon_set: DaemonSet, verdicts: Verdicts, pods: ByNode, hash_value: str) -> None:
        update = Update(hash_value, pods, lambda pod: self._available(daemon_set, pod))
        limits = limits_of(daemon_set, sum(verdict.runs for verdict in verdicts.values()))
        surges = limits.surge > 0
        changes = self._changes(daemon_set, verdicts, pods, update if surges else None)
        if not changes and daemon_set.spec.update_strategy.type == "RollingUpdate" and update.pending:
            if surges:
                changes = update.with_surge(limits.surge, lambda node: verdicts.get(node, EXCLUDED).runs)
            else:
                changes = update.in_place(limits.unavailable)
        self._carry_out(daemon_set, changes, hash_value)

    def _changes(self, daemon_set: DaemonSet, verdicts: Verdicts, pods: ByNode, surging: Update | None) -> Changes:
        """What is to be done so that each node has what it should, whichever template it is of."""
        changes = Changes([], [])
        for node, verdict in verdicts.items():
            there = pods.get(node, ())
            if not there:
                if verdict.runs:
                    changes.create.append(node)
            elif not verdict.stays:
                changes.delete.extend(pod for pod in there if not pod.terminating)
            else:
                standing = self._standing(daemon_set, node, there, changes)
                changes.delete.extend(surging.surplus(standing) if surging is not None else standing[1:])
                if surging is not None and not standing and verdict.runs:
                    changes.create.append(node)
        for node, left in pods.items():
            if node not in verdicts:
                changes.delete.extend(pod for pod in left if not pod.spec.node_name and not pod.terminating)
        return changes

    def _standing(self, daemon_set: DaemonSet, node: str, there: Sequence[Pod], changes: Changes) -> list[Pod]:
        """The Pods of a node that run or are to run; those that have ended are to be deleted."""
        standing = []
        for pod in there:
            if pod.terminating:
                continue
            if not pod.finished:
                standing.append(pod)
            elif pod.status.phase == "Succeeded" or self._may_replace(daemon_set, node):
                self._note_ended(daemon_set, pod, node)
                changes.delete.append(pod)
        return standing

    def _may_replace(self, daemon_set: DaemonSet, node: str) -> bool:
        """Whether a failed Pod may be deleted now: on a node that always refuses it that would never end."""
        back_off = self._failures.setdefault((daemon_set.metadata.uid, node), BackOff())
        now, settings = self.clock.time(), self.settings
        waits_s = back_off.since + back_off.delay_s - now
        if back_off.delay_s and waits_s > 0:
            self.queue.add_after(daemon_set.key, waits_s)
            return False
        back_off.next(now, settings.daemonset_failed_backoff_initial_s, settings.daemonset_failed_backoff_max_s)
        return True

    def _note_ended(self, daemon_set: DaemonSet, pod: Pod, node: str) -> None:
        failed = pod.status.phase == "Failed"
        word, then = ("failed", "kill") if failed else ("succeeded", "delete")
        message = f"Found {word} daemon pod {pod.namespace}/{pod.name} on node {node}, will try to {then} it"
        reason = "FailedDaemonPod" if failed else "SucceededDaemonPod"
        self.note(daemon_set, reason, message, type="Warning" if failed else "Normal")

    def _carry_out(self, daemon_set: DaemonSet, changes: Changes, hash_value: str) -> None:
        """Make and delete Pods, a limited number at a time; each tells the controller to look again."""
        spec = daemon_spec(daemon_set.spec.template)
        for node in changes.create[:BURST]:
            try:
                pod = self.store.create(pod_for(daemon_set, spec, node, {HASH_LABEL: hash_value}))
            except StoreError as error:
                self.note(daemon_set, "FailedCreate", f"Error creating: {error}", type="Warning")
                raise
            self.note(daemon_set, "SuccessfulCreate", f"Created pod: {pod.name}")
        for pod in changes.delete[:BURST]:
            self.store.delete(Pod, pod.name, pod.namespace)
            self.note(daemon_set, "SuccessfulDelete", f"Deleted pod: {pod.name}")

    def _available(self, daemon_set: DaemonSet, pod: Pod) -> bool:
        """Whether a Pod has been ready for long enough; asks to look again when only time is missing."""
        now = self.clock.time()
        readiness = count([pod], daemon_set.spec.min_ready_seconds, now)
        if readiness.next_s is not None:
            self.queue.add_after(daemon_set.key, readiness.next_s - now)
        return readiness.available == 1

    # -- counting -------------------------------------------------------------------------------------------------

    def _count(self, daemon_set: DaemonSet, verdicts: Verdicts, pods: ByNode, hash_value: str) -> None:
        """Of several Pods on a node, during an update with surge, the oldest counts."""
        wanted = [node for node, verdict in verdicts.items() if verdict.runs]
        counted = [pods[node][0] for node in wanted if node in pods]
        readiness = count(counted, daemon_set.spec.min_ready_seconds, self.clock.time())
        if readiness.next_s is not None:
            self.queue.add_after(daemon_set.key, readiness.next_s - self.clock.time())
        status = DaemonSetStatus(
            current_number_scheduled=len(counted),
            number_misscheduled=sum(node in pods and not verdict.runs for node, verdict in verdicts.items()),
            desired_number_scheduled=len(wanted),
            number_ready=readiness.ready,
            observed_generation=daemon_set.metadata.generation,
            updated_number_scheduled=sum(pod.metadata.labels.get(HASH_LABEL) == hash_value for pod in counted),
            number_available=readiness.available,
            number_unavailable=len(wanted) - readiness.available,
        )
        self.store.mutate(DaemonSet, daemon_set.name, daemon_set.namespace, lambda now: replace(now, status=status))

    def _prune(self, daemon_set: DaemonSet, templates: Templates) -> None:
        """Delete the oldest revisions that are beyond the limit and that no Pod has."""
        own = daemon_set.spec.revision_history_limit
        limit = self.settings.daemonset_revision_history if own is None else own
        beyond = len(templates.older) - limit
        if beyond <= 0:
            return
        hashes = {pod.metadata.labels.get(HASH_LABEL, "") for pod in self.store.owned_by(daemon_set.metadata.uid, Pod)}
        used = [one.name for one in templates.older if one.metadata.labels.get(HASH_LABEL) in hashes]
        for revision in unused(templates, used)[:beyond]:
            self.store.delete(ControllerRevision, revision.name, revision.namespace)


def _same_place(old: Node, new: Node) -> bool:
    """Whether nothing has changed that decides who may be on a node: most changes are of its status."""
    return old.spec == new.spec and old.metadata.labels == new.metadata.labels


def _by_node(pods: list[Pod]) -> dict[str, list[Pod]]:
    """Pods by the node that they are for, bound ones first; an ended one that is being deleted is gone."""
    found: dict[str, list[Pod]] = {}
    for pod in pods:
        node = target_of(pod)
        if node and not (pod.finished and pod.terminating):
            found.setdefault(node, []).append(pod)
    for together in found.values():
        if len(together) > 1:
            together.sort(key=lambda pod: not pod.spec.node_name)
    return found
