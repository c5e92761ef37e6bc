"""From what runs in a Pod to the PodStatus that the API shows: phase and conditions (pod-lifecycle, KEP-3085)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from lab.cluster.kubelet.containers import ContainerRecord
from lab.kube.kinds.pod import Pod, PodIP, PodStatus
from lab.kube.meta import Condition


def pod_phase(
    pod: Pod, initialized: bool, containers: Sequence[ContainerRecord], inits: Sequence[ContainerRecord] = ()
) -> str:
    """Pending until everything was started once; Running until nothing will run again."""
    if not initialized:
        failed = any(
            record.state.state == "terminated" and not (record.succeeded or record.sidecar) for record in inits
        )
        return "Failed" if failed and pod.spec.restart_policy == "Never" else "Pending"
    if any(record.state.state == "waiting" and record.last_state is None for record in containers):
        return "Pending"
    ended = [record for record in containers if record.state.state == "terminated"]
    policy = pod.spec.restart_policy
    if len(ended) < len(containers) or policy == "Always":
        return "Running"
    if all(record.succeeded for record in ended):
        return "Succeeded"
    return "Failed" if policy == "Never" else "Running"


def final_phase(containers: Sequence[ContainerRecord]) -> str:
    """How a Pod that was told to end has ended."""
    return "Succeeded" if all(record.succeeded for record in containers) else "Failed"


def pod_status(
    pod: Pod,
    now: float,
    *,
    phase: str,
    ips: tuple[str, ...],
    host_ip: str,
    start_time: float,
    initialized: bool,
    inits: Sequence[ContainerRecord],
    containers: Sequence[ContainerRecord],
) -> PodStatus:
    """The whole status; conditions of other components stay, and unchanged ones keep their transition time."""
    done = phase in ("Succeeded", "Failed")
    conditions = _conditions(pod, phase, bool(ips) and not done, initialized, inits, containers)
    return replace(
        pod.status,
        phase=phase,
        conditions=_merged(pod.status.conditions, conditions, now),
        host_ip=host_ip,
        pod_ip=ips[0] if ips else "",
        pod_ips=tuple(PodIP(ip=ip) for ip in ips),
        start_time=start_time,
        init_container_statuses=tuple(record.status() for record in inits),
        container_statuses=tuple(record.status() for record in containers),
    )


def _conditions(
    pod: Pod,
    phase: str,
    sandboxed: bool,
    initialized: bool,
    inits: Sequence[ContainerRecord],
    containers: Sequence[ContainerRecord],
) -> list[Condition]:
    containers_ready = _containers_ready(phase, [*(r for r in inits if r.sidecar), *containers])
    unfinished = [record.spec.name for record in inits if not (record.succeeded or (record.sidecar and record.started))]
    return [
        _condition("PodReadyToStartContainers", sandboxed),
        _condition(
            "Initialized",
            initialized,
            "ContainersNotInitialized",
            f"containers with incomplete status: [{' '.join(unfinished)}]",
        ),
        _ready(pod, containers_ready),
        containers_ready,
        _condition("PodScheduled", True),
    ]


def _condition(type: str, holds: bool, reason: str = "", message: str = "") -> Condition:
    if holds:
        return Condition(type=type, status="True")
    return Condition(type=type, status="False", reason=reason, message=message)


def _containers_ready(phase: str, records: Iterable[ContainerRecord]) -> Condition:
    if phase == "Succeeded":
        return _condition("ContainersReady", False, "PodCompleted")
    if phase == "Failed":
        return _condition("ContainersReady", False, "PodFailed")
    unready = [record.spec.name for record in records if not record.ready]
    return _condition(
        "ContainersReady", not unready, "ContainersNotReady", f"containers with unready status: [{' '.join(unready)}]"
    )


def _ready(pod: Pod, containers_ready: Condition) -> Condition:
    if containers_ready.status != "True":
        return replace(containers_ready, type="Ready")
    met = {condition.type: condition.status for condition in pod.status.conditions}
    for gate in pod.spec.readiness_gates:
        if met.get(gate.condition_type) != "True":
            message = f'the status of pod readiness gate "{gate.condition_type}" is not "True"'
            return _condition("Ready", False, "ReadinessGatesNotReady", message)
    return _condition("Ready", True)


def _merged(old: Iterable[Condition], new: Iterable[Condition], now: float) -> tuple[Condition, ...]:
    before = {condition.type: condition for condition in old}
    merged = []
    for condition in new:
        known = before.pop(condition.type, None)
        same = known is not None and known.status == condition.status
        since = known.last_transition_time if same and known is not None else now
        merged.append(replace(condition, last_transition_time=since))
    return (*merged, *before.values())
