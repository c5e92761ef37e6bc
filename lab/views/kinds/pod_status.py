"""The STATUS column of `kubectl get pods`, computed from the status as kubectl does (printers, `printPod`)."""

from __future__ import annotations

from typing import NamedTuple

from lab.kube.kinds.pod import Container, ContainerState, ContainerStatus, Pod


class PodSummary(NamedTuple):
    """What one row says of a Pod's containers."""

    status: str
    ready: int
    containers: int
    restarts: int
    last_restart_s: float | None
    """When the latest restart's predecessor ended, in virtual seconds."""


def summarize(pod: Pod) -> PodSummary:
    """The status word and the counts of a Pod."""
    sidecars = {one.name for one in pod.spec.init_containers if _is_sidecar(one)}
    initializing = _initializing(pod, sidecars)
    counted = [one for one in pod.status.init_container_statuses if one.name in sidecars or initializing]
    if not initializing:
        counted += pod.status.container_statuses
    ready = sum(
        one.ready and one.state.state == "running" for one in counted if one.name in sidecars or not initializing
    )
    return PodSummary(
        status=_final(pod, initializing or _running(pod)),
        ready=ready,
        containers=len(pod.spec.containers) + len(sidecars),
        restarts=sum(one.restart_count for one in counted),
        last_restart_s=max((moment for one in counted if (moment := _ended(one)) is not None), default=None),
    )


def _is_sidecar(container: Container) -> bool:
    return container.restart_policy == "Always"


def _ended(status: ContainerStatus) -> float | None:
    return status.last_state.finished_at if status.restart_count and status.last_state else None


def _initializing(pod: Pod, sidecars: set[str]) -> str:
    """`Init:...` while an init container has not done its part; empty when all have."""
    for index, one in enumerate(pod.status.init_container_statuses):
        state = one.state
        if state.state == "terminated" and state.exit_code == 0:
            continue
        if one.name in sidecars and one.started:
            continue
        if state.state == "terminated":
            return f"Init:{state.reason or f'ExitCode:{state.exit_code}'}"
        if state.state == "waiting" and state.reason not in ("", "PodInitializing"):
            return f"Init:{state.reason}"
        return f"Init:{index}/{len(pod.spec.init_containers)}"
    return ""


def _running(pod: Pod) -> str:
    reason = pod.status.reason or pod.status.phase
    running = False
    for one in reversed(pod.status.container_statuses):
        word = _word(one.state)
        reason = word or reason
        running = running or (not word and one.ready)
    if reason == "Completed" and running:
        return "Running" if pod.ready else "NotReady"
    return reason


def _word(state: ContainerState) -> str:
    if state.state == "terminated":
        return state.reason or f"ExitCode:{state.exit_code}"
    return state.reason if state.state == "waiting" else ""


def _final(pod: Pod, status: str) -> str:
    if not pod.terminating:
        return status
    if pod.status.reason == "NodeLost":
        return "Unknown"
    return status if pod.finished else "Terminating"
