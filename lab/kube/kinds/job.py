"""batch/v1 Job."""

from __future__ import annotations

import msgspec

from lab.kube.kinds.pod import PodTemplateSpec
from lab.kube.meta import Condition, KubeObject, LabelSelector
from lab.kube.struct import KubeStruct, Timestamp

INDEXED, NON_INDEXED = "Indexed", "NonIndexed"
COMPLETE, FAILED, SUSPENDED = "Complete", "Failed", "Suspended"
SUCCESS_CRITERIA_MET, FAILURE_TARGET = "SuccessCriteriaMet", "FailureTarget"
"""Conditions: these two say how a Job will end as soon as its last Pods have."""


class OnExitCodes(KubeStruct, frozen=True):
    """Pods of which a container ended with one of these statuses, or with another one (NotIn)."""

    container_name: str | None = None
    operator: str = ""
    values: tuple[int, ...] = ()


class OnPodCondition(KubeStruct, frozen=True):
    """Pods with a condition, such as DisruptionTarget."""

    type: str = ""
    status: str = "True"


class PodFailurePolicyRule(KubeStruct, frozen=True):
    """What to do about a failed Pod: FailJob, FailIndex, Ignore or Count. The first rule that matches it counts."""

    action: str = ""
    on_exit_codes: OnExitCodes | None = None
    on_pod_conditions: tuple[OnPodCondition, ...] = ()


class PodFailurePolicy(KubeStruct, frozen=True):
    """KEP-3329: not every failure of a Pod is worth another try."""

    rules: tuple[PodFailurePolicyRule, ...] = ()


class SuccessPolicyRule(KubeStruct, frozen=True):
    """So many of these numbers, or all of them, or so many of all numbers have succeeded."""

    succeeded_indexes: str | None = None
    """Such as `0,2-4`."""
    succeeded_count: int | None = None


class SuccessPolicy(KubeStruct, frozen=True):
    """KEP-3998: an indexed Job is done as soon as one of these rules holds."""

    rules: tuple[SuccessPolicyRule, ...] = ()


class JobSpec(KubeStruct, frozen=True):
    """How many Pods have to succeed, and how many may try at a time; times in seconds."""

    parallelism: int | None = None
    completions: int | None = None
    """None for a work queue: done when one has succeeded and no other runs."""
    active_deadline_seconds: float | None = None
    pod_failure_policy: PodFailurePolicy | None = None
    success_policy: SuccessPolicy | None = None
    backoff_limit: int | None = None
    backoff_limit_per_index: int | None = None
    """KEP-3850: each number of an indexed Job has its own tries, and its own pauses between them."""
    max_failed_indexes: int | None = None
    """With more failed numbers than this, the whole Job has failed at once."""
    selector: LabelSelector | None = None
    """Made by the API server, unless `manual_selector` says otherwise."""
    manual_selector: bool | None = None
    template: PodTemplateSpec = msgspec.field(default_factory=PodTemplateSpec)
    ttl_seconds_after_finished: float | None = None
    completion_mode: str | None = None
    suspend: bool | None = None
    pod_replacement_policy: str | None = None
    """KEP-3939: a Pod is replaced as soon as it ends or is told to (TerminatingOrFailed), or once it has failed."""
    managed_by: str | None = None
    """KEP-4368: the controller that looks after it, when that is not the built-in one."""

    @property
    def indexed(self) -> bool:
        """Whether each Pod has a number of its own."""
        return self.completion_mode == INDEXED


class UncountedTerminatedPods(KubeStruct, frozen=True):
    """Pods that have ended and are not counted yet; the lab counts at once."""

    succeeded: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()


class JobCondition(Condition, frozen=True):
    """A condition with the moment when it was looked at."""

    last_probe_time: Timestamp | None = None


class JobStatus(KubeStruct, frozen=True):
    """How far it is."""

    conditions: tuple[JobCondition, ...] = ()
    start_time: Timestamp | None = None
    completion_time: Timestamp | None = None
    active: int = 0
    """Pods that are neither ended nor being deleted."""
    succeeded: int = 0
    failed: int = 0
    terminating: int | None = None
    completed_indexes: str = ""
    """Such as `0,2-4`."""
    failed_indexes: str | None = None
    """The same of the numbers that have failed for good; None without backoffLimitPerIndex."""
    uncounted_terminated_pods: UncountedTerminatedPods | None = None
    ready: int | None = None


class Job(KubeObject, frozen=True):
    """Runs Pods until enough of them have succeeded."""

    api_version: str = "batch/v1"
    kind: str = "Job"
    spec: JobSpec = msgspec.field(default_factory=JobSpec)
    status: JobStatus = msgspec.field(default_factory=JobStatus)

    def condition(self, type: str) -> JobCondition | None:
        """The condition of a type if it is True."""
        return next((one for one in self.status.conditions if one.type == type and one.status == "True"), None)

    @property
    def finished(self) -> JobCondition | None:
        """The condition that says how it has ended; None while it has not."""
        return self.condition(COMPLETE) or self.condition(FAILED)
