"""A Deployment whose Pods are there at once, metrics that a test sets, and the autoscaler that looks at both."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from msgspec.structs import replace

from lab.clock import Clock
from lab.cluster.controllers.autoscaling.horizontal import HorizontalController
from lab.cluster.metrics_server import ContainerMetrics, PodMetrics
from lab.cluster.store import Change, Store
from lab.journal import Journal, Noted
from lab.kube import defaults
from lab.kube.decode import decode
from lab.kube.errors import LabError
from lab.kube.kinds.deployment import Deployment, DeploymentSpec
from lab.kube.kinds.horizontalpodautoscaler import HorizontalPodAutoscaler
from lab.kube.kinds.pod import Container, Pod, PodSpec, PodStatus, ResourceRequirements
from lab.kube.meta import Condition, LabelSelector, ObjectMeta
from lab.settings import Settings
from tests.cluster.workloads import template

LONG_AGO_S = -10_000.0
HALF = {"type": "Utilization", "averageUtilization": 50}
CPU_50 = [{"type": "Resource", "resource": {"name": "cpu", "target": HALF}}]
"""The metrics of an autoscaler that wants CPU at half of what is requested."""


def rps(average: str) -> list[dict[str, Any]]:
    """The metrics of an autoscaler that wants so many requests a second for each Pod."""
    target = {"type": "AverageValue", "averageValue": average}
    return [{"type": "Pods", "pods": {"metric": {"name": "http_requests_per_second"}, "target": target}}]


def web_pod(name: str, *, ready: bool = True, since_s: float = LONG_AGO_S, **status: Any) -> Pod:
    """A running Pod of `web` with one container that requests 100m and 100Mi."""
    requests = {"cpu": "100m", "memory": "100Mi"}
    container = Container(name="web", image="web:1", resources=ResourceRequirements(requests=requests))
    condition = Condition(type="Ready", status="True" if ready else "False", last_transition_time=since_s)
    return Pod(
        metadata=ObjectMeta(name=name, namespace="default", labels={"app": "web"}),
        spec=PodSpec(containers=(container,), node_name="worker-1"),
        status=replace(PodStatus(phase="Running", conditions=(condition,), start_time=since_s), **status),
    )


class FakeMetrics:
    """What metrics-server would say: the same of every Pod, unless it is `missing`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.cpu_milli: Callable[[int], float] = lambda pods: 0
        """What each Pod uses, by how many there are."""
        self.memory_bytes = 0
        self.requests: Callable[[int], float] = lambda pods: 0
        """Requests a second of each Pod."""
        self.missing: set[str] = set()
        self.error = ""

    def pods(self, pods: Iterable[Pod]) -> dict[str, PodMetrics]:
        if self.error:
            raise LabError(self.error)
        found = [pod for pod in pods if not pod.terminating and pod.name not in self.missing]
        count = len(found)
        used = ContainerMetrics(round(self.cpu_milli(count)), self.memory_bytes, round(self.requests(count) * 1000))
        return {pod.name: PodMetrics(self._clock.time(), 15.0, {"web": used}) for pod in found}


class Autoscaled:
    """`web` with an autoscaler of the same name, both made at time zero: it looks at 15 s, 30 s and so on."""

    def __init__(self, replicas: int, *, settings: Settings | None = None, **spec: Any) -> None:
        self.clock = Clock()
        self.journal = Journal()
        self.settings = settings or Settings()
        self.store = Store(self.clock, self.journal, self.settings, 1)
        self.store.admission.append(lambda obj, old: defaults.apply(obj, self.settings))
        self.metrics = FakeMetrics(self.clock)
        self.sizes: list[tuple[float, int]] = []
        """Each moment at which the number of replicas was set, and to what."""
        self._made = 0
        self.store.subscribe(self._follow, Deployment)
        selector = LabelSelector(match_labels={"app": "web"})
        meta = ObjectMeta(name="web", namespace="default")
        self.store.create(
            Deployment(metadata=meta, spec=DeploymentSpec(replicas=replicas, selector=selector, template=template()))
        )
        controller = HorizontalController(self.store, self.clock, self.settings, 1, self.metrics)  # type: ignore[arg-type]
        self.clock.spawn(controller.run(), controller.name)
        self.add("web", **spec)
        self.run(0.1)

    def add(self, name: str, **spec: Any) -> None:
        """One more autoscaler."""
        ref = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
        body = {
            "apiVersion": "autoscaling/v2",
            "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": name, "namespace": "default"},
            "spec": {"scaleTargetRef": ref, "maxReplicas": 100, "metrics": CPU_50, **spec},
        }
        self.store.create(decode(body))

    def total_cpu(self, milli: float) -> None:
        """From now on all Pods share this load, in thousandths of a core."""
        self.metrics.cpu_milli = lambda pods: milli / max(pods, 1)

    def run(self, seconds: float) -> None:
        self.clock.run_until(self.clock.time() + seconds)

    def looks(self, times: int = 1) -> int:
        """Let the autoscaler look so many times; how many replicas there are then."""
        self.run(times * self.settings.hpa_sync_period_s)
        return self.replicas

    @property
    def replicas(self) -> int:
        return self.store.get(Deployment, "web").spec.replicas

    @property
    def autoscaler(self) -> HorizontalPodAutoscaler:
        return self.store.get(HorizontalPodAutoscaler, "web")

    def condition(self, type: str) -> tuple[str, str]:
        found = next(each for each in self.autoscaler.status.conditions if each.type == type)
        return found.status, found.reason

    def message(self, type: str) -> str:
        return next(each.message for each in self.autoscaler.status.conditions if each.type == type)

    def events(self, reason: str = "") -> list[str]:
        found = [event for event in self.journal.read().events if isinstance(event, Noted)]
        return [event.message for event in found if reason in ("", event.reason)]

    def scale(self, replicas: int) -> None:
        """Somebody else sets the number of replicas."""
        self.store.mutate(
            Deployment, "web", "default", lambda now: replace(now, spec=replace(now.spec, replicas=replicas))
        )

    def _follow(self, change: Change) -> None:
        """As many Pods as are wanted, at once, all of them Ready for long."""
        deployment = change.new
        if not isinstance(deployment, Deployment):
            return
        wanted = deployment.spec.replicas
        pods = self.store.list(Pod)
        if not self.sizes or self.sizes[-1][1] != wanted:
            self.sizes.append((self.clock.time(), wanted))
        for _ in range(wanted - len(pods)):
            self._made += 1
            pod = web_pod(f"web-{self._made}")
            self.store.create(pod)
        for pod in pods[wanted:]:
            self.store.remove(pod)
