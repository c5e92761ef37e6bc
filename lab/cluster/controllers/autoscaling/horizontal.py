"""The HorizontalPodAutoscaler controller: every 15 s it reads each autoscaler's metrics and sets its target's replicas.

https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/
"""

from __future__ import annotations

from msgspec.structs import replace

from lab.cluster.controllers.autoscaling.behavior import History, Tamed, Wish, tame, tame_plainly
from lab.cluster.controllers.autoscaling.evaluation import Reading, Subject, Unreadable, read
from lab.cluster.controllers.autoscaling.replica_calculator import Tolerance
from lab.cluster.controllers.base import Controller, Key
from lab.cluster.metrics_server import MetricsServer
from lab.cluster.scale import Scale, find_scale, set_replicas
from lab.cluster.store import Store
from lab.cluster.watch import Change
from lab.gate import Timer
from lab.kube import quantity
from lab.kube.errors import LabError
from lab.kube.kinds.horizontalpodautoscaler import (
    HorizontalPodAutoscaler,
    HorizontalPodAutoscalerStatus,
    HPAScalingRules,
    MetricStatus,
)
from lab.kube.kinds.pod import Pod
from lab.kube.meta import Condition
from lab.kube.selector import matches, to_text
from lab.settings import Settings

ABLE, ACTIVE, LIMITED = "AbleToScale", "ScalingActive", "ScalingLimited"
_LONGEST_S = 3600.0
"""The longest window and period that validation allows."""


class HorizontalController(Controller):
    """Looks at each autoscaler every sync period, counted from its creation."""

    name = "horizontal-pod-autoscaler"

    def __init__(self, store: Store, clock: Timer, settings: Settings, seed: int, metrics: MetricsServer) -> None:
        super().__init__(store, clock, settings, seed)
        self._metrics = metrics
        self._histories: dict[str, History] = {}
        """By the autoscaler's uid."""

    def connect(self) -> None:
        """Follow autoscalers: each is looked at a period after it appeared, and then again and again."""
        self.store.follow(self._hear, HorizontalPodAutoscaler)

    def _hear(self, change: Change) -> None:
        if change.new is None:
            self._histories.pop(change.object.metadata.uid, None)
        else:
            self.queue.add_after(change.object.key, self.settings.hpa_sync_period_s)

    async def reconcile(self, key: Key) -> None:
        """Look at one autoscaler now, and again in a period."""
        autoscaler = self.store.find(HorizontalPodAutoscaler, key[1], key[0])
        if autoscaler is None:
            return
        self.queue.add_after(key, self.settings.hpa_sync_period_s)
        sync = _Sync(self, autoscaler)
        try:
            self._look(autoscaler, sync)
        finally:
            sync.write()

    def _look(self, autoscaler: HorizontalPodAutoscaler, sync: _Sync) -> None:
        ref = autoscaler.spec.scale_target_ref
        try:
            scale = find_scale(self.store, ref.group, ref.kind, ref.name, autoscaler.namespace)
        except LabError as error:
            self.note(autoscaler, "FailedGetScale", str(error), type="Warning")
            sync.failed(
                ABLE, "FailedGetScale", f"the HPA controller was unable to get the target's current scale: {error}"
            )
            return
        sync.holds(ABLE, "SucceededGetScale", "the HPA controller was able to get the target's current scale")
        now = self.clock.time()
        history = self._histories.setdefault(autoscaler.metadata.uid, History(now, scale.replicas))
        history.forget(now, _LONGEST_S)
        sync.current(scale.replicas)
        wanted = self._wanted(autoscaler, scale, history, sync)
        if wanted is not None:
            self._rescale(autoscaler, scale, *wanted, history, sync)

    def _wanted(
        self, autoscaler: HorizontalPodAutoscaler, scale: Scale, history: History, sync: _Sync
    ) -> tuple[int, str] | None:
        """How many replicas there shall be, and why; None when that cannot be told, or is nobody's business."""
        spec, current = autoscaler.spec, scale.replicas
        least = 1 if spec.min_replicas is None else spec.min_replicas
        if current == 0 and least != 0:
            message = "scaling is disabled since the replica count of the target is zero"
            sync.failed(ACTIVE, "ScalingDisabled", message)
            return 0, ""
        if current > spec.max_replicas:
            return spec.max_replicas, "Current number of replicas above Spec.MaxReplicas"
        if current < least:
            return least, "Current number of replicas below Spec.MinReplicas"
        try:
            reading = self._evaluate(autoscaler, scale, sync)
        except LabError as error:
            self.note(autoscaler, "FailedComputeMetricsReplicas", str(error), type="Warning")
            return None
        asked = max(reading.replicas, 0)
        reason = f"{reading.name} above target" if asked > current else "All metrics below target"
        tamed = self._tame(autoscaler, Wish(current, asked, least, spec.max_replicas), history)
        sync.holds(ABLE, *tamed.able)
        sync.says(LIMITED, "True" if tamed.limited else "False", *tamed.limit)
        return tamed.replicas, reason

    def _tame(self, autoscaler: HorizontalPodAutoscaler, wish: Wish, history: History) -> Tamed:
        behavior, now = autoscaler.spec.behavior, self.clock.time()
        if behavior is None:
            return tame_plainly(wish, history, now, self.settings)
        up, down = behavior.scale_up or HPAScalingRules(), behavior.scale_down or HPAScalingRules()
        return tame(wish, up, down, history, now, self.settings)

    def _evaluate(self, autoscaler: HorizontalPodAutoscaler, scale: Scale, sync: _Sync) -> Reading:
        """The metric that asks for most. Raises LabError when none can be read, or when one cannot and the others
        would take replicas away."""
        subject = self._subject(autoscaler, scale, sync)
        readings: list[Reading] = []
        unreadable: list[Unreadable] = []
        for spec in autoscaler.spec.metrics:
            try:
                readings.append(read(spec, subject))
                sync.metric(readings[-1].status)
            except Unreadable as error:
                self.note(autoscaler, error.reason, str(error), type="Warning")
                unreadable.append(error)
                sync.metric(MetricStatus())
        most = max(readings, key=lambda reading: reading.replicas, default=None)
        if most is None or (unreadable and most.replicas < scale.replicas):
            first = unreadable[0]
            sync.failed(ACTIVE, first.reason, f"the HPA was unable to compute the replica count: {first}")
            count = f"{len(unreadable)} invalid out of {len(autoscaler.spec.metrics)}"
            raise LabError(f"invalid metrics ({count}), first error is: {first.summary}")
        message = f"the HPA was able to successfully calculate a replica count from {most.name}"
        sync.holds(ACTIVE, "ValidMetricFound", message)
        return most

    def _subject(self, autoscaler: HorizontalPodAutoscaler, scale: Scale, sync: _Sync) -> Subject:
        pods = self.store.list(Pod, scale.namespace, scale.selector)
        others = self._also_scaling(autoscaler, pods)
        if others:
            names = " ".join(sorted(f"{one.namespace}/{one.name}" for one in (autoscaler, *others)))
            message = f"pods by selector {to_text(scale.selector)} are controlled by multiple HPAs: [{names}]"
            self.note(autoscaler, "AmbiguousSelector", message, type="Warning")
            sync.failed(ACTIVE, "AmbiguousSelector", message)
            raise LabError(message)
        tolerance = _tolerance(autoscaler, self.settings)
        now = self.clock.time()
        return Subject(scale.namespace, scale.replicas, pods, tolerance, self._metrics, self.settings, now)

    def _also_scaling(self, autoscaler: HorizontalPodAutoscaler, pods: list[Pod]) -> list[HorizontalPodAutoscaler]:
        """Other autoscalers whose targets select one of these Pods."""
        found = []
        for other in self.store.list(HorizontalPodAutoscaler, autoscaler.namespace):
            ref = other.spec.scale_target_ref
            if other is autoscaler or other.metadata.uid not in self._histories:
                continue
            try:
                selector = find_scale(self.store, ref.group, ref.kind, ref.name, other.namespace).selector
            except LabError:
                continue
            if any(matches(selector, pod.metadata.labels) for pod in pods[:1]):
                found.append(other)
        return found

    def _rescale(
        self,
        autoscaler: HorizontalPodAutoscaler,
        scale: Scale,
        replicas: int,
        reason: str,
        history: History,
        sync: _Sync,
    ) -> None:
        before = scale.replicas
        if replicas == before:
            sync.desired(before)
            return
        try:
            set_replicas(self.store, scale, replicas)
        except LabError as error:
            text = f"New size: {replicas}; reason: {reason}; error: {error}"
            self.note(autoscaler, "FailedRescale", text, type="Warning")
            message = f"the HPA controller was unable to update the target scale: {error}"
            sync.failed(ABLE, "FailedUpdateScale", message)
            return
        message = f"the HPA controller was able to update the target scale to {replicas}"
        sync.holds(ABLE, "SucceededRescale", message)
        self.note(autoscaler, "SuccessfulRescale", f"New size: {replicas}; reason: {reason}")
        now = self.clock.time()
        history.scaled(now, before, replicas)
        sync.desired(replicas, scaled_s=now)


class _Sync:
    """The status as one look leaves it; written at the end, and only when it says something new."""

    def __init__(self, controller: HorizontalController, autoscaler: HorizontalPodAutoscaler) -> None:
        self._controller = controller
        self._autoscaler = autoscaler
        self._status = autoscaler.status
        self._metrics: tuple[MetricStatus, ...] | None = None

    def holds(self, type: str, reason: str, message: str) -> None:
        """A condition is True."""
        self.says(type, "True", reason, message)

    def failed(self, type: str, reason: str, message: str) -> None:
        """A condition is False."""
        self.says(type, "False", reason, message)

    def says(self, type: str, status: str, reason: str, message: str) -> None:
        """Set a condition; it keeps its moment while its status stays."""
        conditions = list(self._status.conditions)
        index = next((i for i, each in enumerate(conditions) if each.type == type), len(conditions))
        since: float | None = self._controller.clock.time()
        if index < len(conditions) and conditions[index].status == status:
            since = conditions[index].last_transition_time
        new = Condition(type=type, status=status, reason=reason, message=message, last_transition_time=since)
        conditions[index : index + 1] = [new]
        self._status = replace(self._status, conditions=tuple(conditions))

    def current(self, replicas: int) -> None:
        """So many replicas are wanted of the target as it stands."""
        self._status = replace(self._status, current_replicas=replicas, current_metrics=())

    def metric(self, status: MetricStatus) -> None:
        """The next metric was read, or could not be."""
        self._status = replace(self._status, current_metrics=(*self._status.current_metrics, status))

    def desired(self, replicas: int, *, scaled_s: float | None = None) -> None:
        """So many there shall be."""
        last = self._status.last_scale_time if scaled_s is None else scaled_s
        self._status = replace(self._status, desired_replicas=replicas, last_scale_time=last)

    def write(self) -> None:
        """Write the status unless it is the old one."""
        if self._status != self._autoscaler.status:
            status: HorizontalPodAutoscalerStatus = self._status
            namespace, name = self._autoscaler.key
            self._controller.store.mutate(
                HorizontalPodAutoscaler, name, namespace, lambda now: replace(now, status=status)
            )


def _tolerance(autoscaler: HorizontalPodAutoscaler, settings: Settings) -> Tolerance:
    behavior = autoscaler.spec.behavior
    down, up = (behavior.scale_down, behavior.scale_up) if behavior is not None else (None, None)
    return Tolerance(_own(down, settings), _own(up, settings))


def _own(rules: HPAScalingRules | None, settings: Settings) -> float:
    if rules is None or rules.tolerance is None:
        return settings.hpa_tolerance
    return float(quantity.parse(rules.tolerance))
