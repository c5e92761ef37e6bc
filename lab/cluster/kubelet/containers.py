"""What a kubelet remembers of one container between its runs."""

from __future__ import annotations

import asyncio

from lab.cluster.kubelet.backoff import BackOff
from lab.kube.kinds.pod import Container, ContainerState, ContainerStatus, Pod

CREATING = ContainerState(state="waiting", reason="ContainerCreating")
INITIALIZING = ContainerState(state="waiting", reason="PodInitializing")
LOST_EXIT_CODE = 255
"""What a kubelet reports of a container that it found dead after a reboot."""


class ContainerRecord:
    """One container: how it is now, how it was before, and how often it was started."""

    __slots__ = (
        "crashes",
        "ended",
        "is_init",
        "last_state",
        "pulls",
        "ready",
        "restarts",
        "run",
        "spec",
        "started",
        "state",
        "stopping",
    )

    def __init__(self, spec: Container, *, is_init: bool, state: ContainerState) -> None:
        self.spec = spec
        self.is_init = is_init
        self.state = state
        self.last_state: ContainerState | None = None
        self.restarts = 0
        self.run = 0
        """Which start this is; callbacks of earlier ones are ignored."""
        self.started = False
        self.ready = False
        self.stopping = False
        self.ended: asyncio.Future[None] | None = None
        self.crashes: BackOff | None = None
        self.pulls: BackOff | None = None

    @property
    def sidecar(self) -> bool:
        """Whether it is an init container that stays (KEP-753)."""
        return self.is_init and self.spec.restart_policy == "Always"

    @property
    def running(self) -> bool:
        """Whether it runs now."""
        return self.state.state == "running"

    @property
    def succeeded(self) -> bool:
        """Whether its last run ended with status 0."""
        return self.state.state == "terminated" and self.state.exit_code == 0

    def begin(self, now: float) -> int:
        """A new run starts; returns its number."""
        if self.state.state == "terminated":
            self.last_state = self.state
        if self.last_state is not None:
            self.restarts += 1
        self.run += 1
        self.started = self.ready = self.stopping = False
        self.state = ContainerState(state="running", started_at=now)
        return self.run

    def end(self, now: float, exit_code: int, reason: str) -> None:
        """The run is over; whoever waits for that goes on."""
        begun = self.state.started_at
        self.state = ContainerState(
            state="terminated", exit_code=exit_code, reason=reason, started_at=begun, finished_at=now
        )
        self.started = self.ready = self.stopping = False
        if self.ended is not None and not self.ended.done():
            self.ended.set_result(None)
        self.ended = None

    def wait(self, reason: str, message: str = "") -> None:
        """It is to run and does not yet."""
        if self.state.state == "terminated":
            self.last_state = self.state
        self.state = ContainerState(state="waiting", reason=reason, message=message)

    def adopt(self, status: ContainerStatus, now: float) -> None:
        """Take over what the API remembers from before the node went down."""
        self.restarts = status.restart_count
        self.last_state = status.last_state
        state = status.state
        if state.state == "running":
            self.last_state = ContainerState(
                state="terminated",
                exit_code=LOST_EXIT_CODE,
                reason="Unknown",
                started_at=state.started_at,
                finished_at=now,
            )
        elif state.state == "terminated" and self.is_init:
            self.last_state = state  # a new sandbox is initialized again
        elif state.state == "terminated":
            self.state = state

    def status(self) -> ContainerStatus:
        """What the API shows."""
        return ContainerStatus(
            name=self.spec.name,
            image=self.spec.image,
            ready=self.ready or (self.is_init and not self.sidecar and self.succeeded),
            started=self.started,
            restart_count=self.restarts,
            state=self.state,
            last_state=self.last_state,
        )


def records_of(pod: Pod) -> tuple[list[ContainerRecord], list[ContainerRecord]]:
    """Fresh records of a Pod's init containers and containers."""
    first = INITIALIZING if pod.spec.init_containers else CREATING
    inits = [ContainerRecord(spec, is_init=True, state=first) for spec in pod.spec.init_containers]
    return inits, [ContainerRecord(spec, is_init=False, state=first) for spec in pod.spec.containers]
