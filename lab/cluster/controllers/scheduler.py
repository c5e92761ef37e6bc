"""The scheduler: gives each Pod a node, or says why none will do and tries again when something changes.

https://kubernetes.io/docs/concepts/scheduling-eviction/kube-scheduler/
"""

from __future__ import annotations

from itertools import islice

from msgspec.structs import replace

from lab.cluster.controllers.base import Controller, Key
from lab.cluster.controllers.scheduling.filters import NOT_NAMED, Wish, reasons_against, summary
from lab.cluster.controllers.scheduling.node_affinity import pinned_nodes
from lab.cluster.controllers.scheduling.node_info import NodeCache, NodeInfo, Request, request_of
from lab.cluster.controllers.scheduling.scores import total_scores
from lab.cluster.controllers.scheduling.spread import constraints_of, default_constraints
from lab.cluster.store import Store
from lab.cluster.watch import Change
from lab.gate import Timer
from lab.kube.kinds.node import Node
from lab.kube.kinds.pod import Pod
from lab.kube.meta import Condition
from lab.settings import Settings

BACKOFF_INITIAL_S = 1.0
BACKOFF_MAX_S = 10.0
"""kube-scheduler's podInitialBackoffSeconds and podMaxBackoffSeconds."""

_LOOK_AT_LEAST = 100


class Unplaced:
    """A Pod that no node could take: how often it was tried, when it may be tried again, and what was said."""

    __slots__ = ("attempts", "message", "not_before_s")

    def __init__(self) -> None:
        self.attempts = 0
        self.not_before_s = 0.0
        self.message = ""


class Scheduler(Controller):
    """Binds Pods to nodes, one at a time, each `scheduler_latency_s` after it could be."""

    name = "default-scheduler"

    def __init__(self, store: Store, clock: Timer, settings: Settings, seed: int) -> None:
        super().__init__(store, clock, settings, seed)
        self._cache = NodeCache()
        self._unplaced: dict[Key, Unplaced] = {}
        self._start = 0
        for obj in (*store.list(Node), *store.list(Pod)):
            self._cache.hear(Change("ADDED", None, obj))
        store.subscribe(self._on_write, Node, Pod)

    def connect(self) -> None:
        """Follow Pods that have no node yet."""
        self.store.follow(self._on_pod, Pod)

    def _on_pod(self, change: Change) -> None:
        pod = change.new
        if isinstance(pod, Pod) and _unbound(pod):
            if change.old is None or pod.metadata.generation != change.old.metadata.generation:
                self.queue.add_after(pod.key, self.settings.scheduler_latency_s)
        elif change.new is None or not _unbound(pod):
            self._unplaced.pop(change.object.key, None)

    def _on_write(self, change: Change) -> None:
        if self._cache.hear(change):
            now = self.clock.time()
            for key, unplaced in self._unplaced.items():
                self.queue.add_after(key, max(self.settings.scheduler_latency_s, unplaced.not_before_s - now))

    async def reconcile(self, key: Key) -> None:
        """Place one Pod."""
        pod = self.store.find(Pod, key[1], key[0])
        if pod is None or not _unbound(pod):
            self._unplaced.pop(key, None)
            return
        nodes = list(self._cache.nodes.values())
        request = request_of(pod.spec)
        wish = Wish(pod, request, constraints_of(pod, "DoNotSchedule", self.store, nodes))
        named = self._named(pod)
        fitting, reasons = self._feasible(wish, nodes if named is None else named)
        if not fitting:
            if named is not None and len(named) < len(nodes):
                reasons[NOT_NAMED] = len(nodes) - len(named)
            self._fail(pod, summary(len(nodes), reasons))
            return
        self._unplaced.pop(key, None)
        self._bind(pod, self._best(pod, request, fitting, nodes))

    def _named(self, pod: Pod) -> list[NodeInfo] | None:
        """The nodes that a Pod's affinity names, as a daemon Pod's names its one; None when it names none."""
        names = pinned_nodes(pod.spec)
        if names is None:
            return None
        return [info for name in names if (info := self._cache.nodes.get(name)) is not None]

    def _feasible(self, wish: Wish, nodes: list[NodeInfo]) -> tuple[list[NodeInfo], dict[str, int]]:
        """Nodes that can take the Pod: all of them in a small cluster, enough of them in a large one."""
        enough = _enough(len(nodes))
        start = self._start % len(nodes) if nodes else 0
        fitting: list[NodeInfo] = []
        reasons: dict[str, int] = {}
        looked_at = 0
        for info in (*islice(nodes, start, None), *islice(nodes, start)):
            looked_at += 1
            against = reasons_against(wish, info)
            for reason in against:
                reasons[reason] = reasons.get(reason, 0) + 1
            if not against:
                fitting.append(info)
                if len(fitting) >= enough:
                    break
        self._start = start + looked_at
        return fitting, reasons

    def _best(self, pod: Pod, request: Request, fitting: list[NodeInfo], nodes: list[NodeInfo]) -> NodeInfo:
        if len(fitting) == 1:
            return fitting[0]
        if pod.spec.topology_spread_constraints:
            spreads = constraints_of(pod, "ScheduleAnyway", self.store, nodes)
        else:
            spreads = default_constraints(pod, self.store, self._cache, nodes)
        scores = total_scores(pod, request, spreads, fitting)
        highest = max(scores)
        best = [info for info, score in zip(fitting, scores, strict=True) if score == highest]
        return best[0] if len(best) == 1 else self.random.choice(best)

    def _bind(self, pod: Pod, info: NodeInfo) -> None:
        node = info.node.name
        scheduled = Condition(type="PodScheduled", status="True", last_transition_time=self.clock.time())

        def change(current: Pod) -> Pod:
            status = replace(current.status, conditions=_with(current, scheduled))
            return replace(current, spec=replace(current.spec, node_name=node), status=status)

        self.store.mutate(Pod, pod.name, pod.namespace, change)
        self.note(pod, "Scheduled", f"Successfully assigned {pod.namespace}/{pod.name} to {node}")

    def _fail(self, pod: Pod, message: str) -> None:
        unplaced = self._unplaced.setdefault(pod.key, Unplaced())
        pause_s = min(BACKOFF_INITIAL_S * 2.0 ** min(unplaced.attempts, 60), BACKOFF_MAX_S)
        unplaced.attempts += 1
        unplaced.not_before_s = self.clock.time() + pause_s
        if unplaced.message == message:
            return
        unplaced.message = message
        self.note(pod, "FailedScheduling", message, type="Warning")
        waiting = Condition(
            type="PodScheduled",
            status="False",
            reason="Unschedulable",
            message=message,
            last_transition_time=self.clock.time(),
        )
        self.store.mutate(
            Pod,
            pod.name,
            pod.namespace,
            lambda current: replace(current, status=replace(current.status, conditions=_with(current, waiting))),
        )


def _unbound(pod: object) -> bool:
    return isinstance(pod, Pod) and not pod.spec.node_name and not pod.terminating and not pod.finished


def _with(pod: Pod, condition: Condition) -> tuple[Condition, ...]:
    return (*(each for each in pod.status.conditions if each.type != condition.type), condition)


def _enough(nodes: int) -> int:
    """How many fitting nodes are compared: all up to 100, then a falling share (percentageOfNodesToScore)."""
    if nodes <= _LOOK_AT_LEAST:
        return max(nodes, 1)
    return max(nodes * max(50 - nodes // 125, 5) // 100, _LOOK_AT_LEAST)
