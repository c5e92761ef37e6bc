"""A small cluster for controller tests: a store, the controllers under test and a fake that makes Pods Ready."""

from __future__ import annotations

import random
from collections.abc import Sequence

from msgspec.structs import replace

from lab.clock import Clock
from lab.cluster.controllers.base import Controller
from lab.cluster.controllers.daemon_nodes import target_of
from lab.cluster.store import Change, Store
from lab.journal import Journal, Noted
from lab.kube.kinds.deployment import Deployment, DeploymentSpec, DeploymentStrategy, RollingUpdateDeployment
from lab.kube.kinds.pod import Container, Pod, PodSpec, PodTemplateSpec
from lab.kube.meta import Condition, LabelSelector, ObjectMeta
from lab.kube.struct import IntOrString
from lab.settings import Settings


class Workloads:
    """Steps `controllers` on a clock; Pods become Ready `ready_s` after they appear and end `stop_s` after deletion."""

    def __init__(
        self,
        *controllers: type[Controller],
        seed: int = 1,
        ready_s: float = 2.0,
        stop_s: float = 1.0,
        settings: Settings | None = None,
    ) -> None:
        self.clock = Clock()
        self.journal = Journal()
        self.settings = settings or Settings()
        self.store = Store(self.clock, self.journal, self.settings, seed)
        self.random = random.Random(seed)
        self.ready_s, self.stop_s = ready_s, stop_s
        self.starts = True
        self.store.subscribe(self._on_pod, Pod)
        for controller in controllers:
            started = controller(self.store, self.clock, self.settings, seed)
            self.clock.spawn(started.run(), started.name)

    def run(self, seconds: float) -> None:
        self.clock.run_until(self.clock.time() + seconds)

    def pods(self, name: str = "") -> list[Pod]:
        alive = [pod for pod in self.store.list(Pod) if not pod.terminating]
        return [pod for pod in alive if pod.name.startswith(name)]

    def reasons(self) -> list[str]:
        return [event.reason for event in self.journal.read().events if isinstance(event, Noted)]

    def messages(self, reason: str) -> list[str]:
        events = self.journal.read().events
        return [event.message for event in events if isinstance(event, Noted) and event.reason == reason]

    def _on_pod(self, change: Change) -> None:
        pod = change.object
        if change.type == "ADDED" and self.starts:
            self.clock.after(self.ready_s * self.random.uniform(0.5, 1.5), self._make_ready, pod)
        elif change.type == "MODIFIED" and pod.metadata.deletion_timestamp is not None:
            self.clock.after(self.stop_s, self.store.remove, pod)

    def _make_ready(self, pod: Pod) -> None:
        ready = Condition(type="Ready", status="True", last_transition_time=self.clock.time())

        def change(current: Pod) -> Pod:
            status = replace(current.status, phase="Running", conditions=(ready,))
            node = target_of(current) or "worker-1"
            return replace(current, spec=replace(current.spec, node_name=node), status=status)

        there = self.store.find(Pod, pod.name, pod.namespace)
        if there is not None and there.metadata.uid == pod.metadata.uid and not there.finished:
            self.store.mutate(Pod, pod.name, pod.namespace, change)


def template(image: str = "web:1", labels: dict[str, str] | None = None) -> PodTemplateSpec:
    containers = (Container(name="web", image=image),)
    return PodTemplateSpec(metadata=ObjectMeta(labels=labels or {"app": "web"}), spec=PodSpec(containers=containers))


def deployment(
    replicas: int = 3,
    *,
    surge: IntOrString | None = None,
    unavailable: IntOrString | None = None,
    strategy: str = "RollingUpdate",
    image: str = "web:1",
    name: str = "web",
    **spec: object,
) -> Deployment:
    update = RollingUpdateDeployment(max_surge=surge, max_unavailable=unavailable)
    return Deployment(
        metadata=ObjectMeta(name=name),
        spec=DeploymentSpec(
            replicas=replicas,
            selector=LabelSelector(match_labels={"app": name}),
            template=template(image, {"app": name}),
            strategy=DeploymentStrategy(type=strategy, rolling_update=update if strategy == "RollingUpdate" else None),
            **spec,  # type: ignore[arg-type]
        ),
    )


def set_image(store: Store, image: str, name: str = "web") -> None:
    def change(current: Deployment) -> Deployment:
        containers: Sequence[Container] = current.spec.template.spec.containers
        pod_spec = replace(current.spec.template.spec, containers=tuple(replace(c, image=image) for c in containers))
        return replace(current, spec=replace(current.spec, template=replace(current.spec.template, spec=pod_spec)))

    store.mutate(Deployment, name, "default", change)


def set_spec(store: Store, name: str = "web", **fields: object) -> None:
    store.mutate(Deployment, name, "default", lambda current: replace(current, spec=replace(current.spec, **fields)))
