"""A store with nothing but what a test puts in, and the objects that the tests share."""

from __future__ import annotations

from lab.clock import Clock
from lab.cluster.store import Store
from lab.journal import Journal
from lab.kube.kinds.pod import Container, ContainerState, ContainerStatus, Pod, PodSpec, PodStatus
from lab.kube.meta import Condition, ObjectMeta
from lab.settings import Settings
from lab.views.kinds import Context


def context(now: float = 0.0) -> Context:
    journal = Journal()
    return Context(Store(Clock(), journal, Settings()), now, journal)


def state(
    word: str, reason: str = "", exit_code: int | None = None, finished_at: float | None = None
) -> ContainerState:
    return ContainerState(state=word, reason=reason, exit_code=exit_code, finished_at=finished_at)


def status(now: ContainerState, *, name: str = "web", ready: bool = False, restarts: int = 0) -> ContainerStatus:
    last = state("terminated", "Error", 1, 10.0) if restarts else None
    return ContainerStatus(name=name, ready=ready, state=now, restart_count=restarts, last_state=last)


RUNNING = status(state("running"), ready=True)
READY = (Condition(type="Ready", status="True"),)


def pod(
    *containers: ContainerStatus,
    phase: str = "Running",
    init: tuple[ContainerStatus, ...] = (),
    init_containers: tuple[Container, ...] = (),
    ready: bool = False,
    deleted: float | None = None,
    reason: str = "",
) -> Pod:
    names = [one.name for one in containers] or ["web"]
    return Pod(
        metadata=ObjectMeta(name="web-1", namespace="default", creation_timestamp=0.0, deletion_timestamp=deleted),
        spec=PodSpec(
            containers=tuple(Container(name=name, image="shop/web:1") for name in names),
            init_containers=init_containers,
            node_name="worker-1",
        ),
        status=PodStatus(
            phase=phase,
            reason=reason,
            pod_ip="10.244.1.7",
            conditions=READY if ready else (),
            container_statuses=containers,
            init_container_statuses=init,
        ),
    )
