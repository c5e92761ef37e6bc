"""How a Job looks at its Pods: which have failed, which try, which are to go first, and when the next may come.

https://kubernetes.io/docs/concepts/workloads/controllers/job/#handling-pod-and-container-failures
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from lab.cluster.controllers.availability import ready_since
from lab.cluster.job_identity import TRACKING_FINALIZER
from lab.kube.kinds.job import Job, OnExitCodes, PodFailurePolicyRule
from lab.kube.kinds.pod import ContainerStatus, Pod

_PHASES = {"Pending": 0, "Unknown": 1}


def replaces_only_failed(job: Job) -> bool:
    """Whether a Pod that is being deleted keeps its place until it has ended (KEP-3939)."""
    return job.spec.pod_replacement_policy == "Failed" or job.spec.pod_failure_policy is not None


def has_failed(pod: Pod, job: Job) -> bool:
    """Whether a Pod counts as failed; one that is being deleted does, unless only failed ones are replaced."""
    if pod.status.phase == "Failed":
        return True
    return not replaces_only_failed(job) and pod.terminating and pod.status.phase != "Succeeded"


def tracked(pod: Pod) -> bool:
    """Whether the end of a Pod is yet to be counted."""
    return TRACKING_FINALIZER in pod.metadata.finalizers


def untracked(pod: Pod) -> Pod:
    """A Pod whose end has been counted, or that nobody counts: it may go."""
    left = tuple(one for one in pod.metadata.finalizers if one != TRACKING_FINALIZER)
    return replace(pod, metadata=replace(pod.metadata, finalizers=left))


def restarts(pods: Iterable[Pod]) -> int:
    """How often the containers of the Pods that have not ended were restarted."""
    running = (pod.status for pod in pods if pod.status.phase in ("Running", "Pending"))
    return sum(
        one.restart_count for status in running for one in (*status.init_container_statuses, *status.container_statuses)
    )


def expendable(pods: Iterable[Pod]) -> list[Pod]:
    """Active Pods, those that have got least far in front (controller.ActivePods)."""

    def rank(pod: Pod) -> tuple[float, ...]:
        since = ready_since(pod)
        return (
            bool(pod.spec.node_name),
            _PHASES.get(pod.status.phase, 2),
            since is not None,
            -(since or 0.0),
            -max((one.restart_count for one in pod.status.container_statuses), default=0),
            -(pod.metadata.creation_timestamp or 0.0),
        )

    return sorted(pods, key=rank)


def ended_at(pod: Pod) -> float:
    """When a Pod ended, as far as its containers, or else its deletion, tell."""
    ends = [one.state.finished_at for one in pod.status.container_statuses if one.state.finished_at is not None]
    if ends:
        return max(ends)
    meta = pod.metadata
    if meta.deletion_timestamp is not None:
        return meta.deletion_timestamp - (meta.deletion_grace_period_seconds or 0.0)
    moments = [one.last_transition_time for one in pod.status.conditions if one.last_transition_time is not None]
    return max(moments, default=meta.creation_timestamp or 0.0)


# -- back-off ---------------------------------------------------------------------------------------------------------


class Tries(NamedTuple):
    """How many Pods have failed since the last success, and when the last of them did."""

    failures: int = 0
    last_s: float = 0.0

    def after(self, succeeded: Iterable[Pod], failed: Iterable[Pod]) -> Tries:
        """The same after these Pods have ended too, in the order in which they did."""
        ends = [(ended_at(pod), True) for pod in succeeded] + [(ended_at(pod), False) for pod in failed]
        tries = self
        for moment, good in sorted(ends):
            tries = Tries() if good else Tries(tries.failures + 1, moment)
        return tries

    def next_s(self, initial_s: float, max_s: float) -> float:
        """When the next Pod may be made, in virtual seconds."""
        if not self.failures:
            return self.last_s
        return self.last_s + min(initial_s * 2.0 ** min(self.failures - 1, 60), max_s)


# -- podFailurePolicy -------------------------------------------------------------------------------------------------


class Failure(NamedTuple):
    """What the first rule that matches a failed Pod says of it."""

    counts: bool = True
    fails_job: str = ""
    """Why the whole Job has failed."""
    fails_index: bool = False
    """Whether its number is not tried again."""


def judge(job: Job, pod: Pod) -> Failure:
    """What the Job's podFailurePolicy (KEP-3329) says of a failed Pod; without one it just counts."""
    policy = job.spec.pod_failure_policy
    for number, rule in enumerate(policy.rules if policy is not None else ()):
        matched = _matched(rule, pod)
        if matched:
            message = f"{matched} matching {rule.action} rule at index {number}"
            fails_job = message if rule.action == "FailJob" else ""
            return Failure(rule.action != "Ignore", fails_job, rule.action == "FailIndex")
    return Failure()


def _matched(rule: PodFailurePolicyRule, pod: Pod) -> str:
    if rule.on_exit_codes is not None:
        statuses = (*pod.status.container_statuses, *pod.status.init_container_statuses)
        return _exit_code(rule.on_exit_codes, statuses, pod)
    for pattern in rule.on_pod_conditions:
        if any((one.type, one.status) == (pattern.type, pattern.status) for one in pod.status.conditions):
            return f"Pod {pod.namespace}/{pod.name} has condition {pattern.type}"
    return ""


def _exit_code(codes: OnExitCodes, statuses: Sequence[ContainerStatus], pod: Pod) -> str:
    for one in statuses:
        code = one.state.exit_code
        if one.state.state != "terminated" or not code or codes.container_name not in (None, one.name):
            continue
        if (code in codes.values) == (codes.operator == "In"):
            return f"Container {one.name} for pod {pod.namespace}/{pod.name} failed with exit code {code}"
    return ""
