"""What a Job says of itself: its conditions, and how one that is decided becomes final.

A Job is decided (SuccessCriteriaMet or FailureTarget) as soon as its end is certain, and finished (Complete or
Failed) when none of its Pods is left that is still ending (KEP-3939, KEP-4368).
"""

from __future__ import annotations

from typing import NamedTuple

from msgspec.structs import replace

from lab.kube.kinds.job import COMPLETE, FAILED, FAILURE_TARGET, SUCCESS_CRITERIA_MET, Job, JobCondition, JobStatus


class Decision(NamedTuple):
    """How a Job ends, and why."""

    succeeded: bool
    reason: str
    message: str


COMPLETIONS_REACHED = Decision(True, "CompletionsReached", "Reached expected number of succeeded pods")
BACKOFF_LIMIT = Decision(False, "BackoffLimitExceeded", "Job has reached the specified backoff limit")
DEADLINE = Decision(False, "DeadlineExceeded", "Job was active longer than specified deadline")


def decided(job: Job) -> Decision | None:
    """The decision that was taken before; None when there is none."""
    for type, succeeded in ((SUCCESS_CRITERIA_MET, True), (FAILURE_TARGET, False)):
        condition = job.condition(type)
        if condition is not None:
            return Decision(succeeded, condition.reason, condition.message)
    return None


def with_condition(status: JobStatus, type: str, holds: bool, reason: str, message: str, now: float) -> JobStatus:
    """The status with one condition set; one that was never there is not added only to say False."""
    value = "True" if holds else "False"
    before = next((one for one in status.conditions if one.type == type), None)
    if before is None and not holds:
        return status
    if before is not None and (before.status, before.reason, before.message) == (value, reason, message):
        return status
    condition = JobCondition(
        type=type, status=value, reason=reason, message=message, last_transition_time=now, last_probe_time=now
    )
    if before is None:
        return replace(status, conditions=(*status.conditions, condition))
    changed = tuple(condition if one.type == type else one for one in status.conditions)
    return replace(status, conditions=changed)


def with_decision(status: JobStatus, decision: Decision, final: bool, now: float) -> JobStatus:
    """The status of a Job whose end is certain, and when `final`, of one that has ended."""
    first, last = (SUCCESS_CRITERIA_MET, COMPLETE) if decision.succeeded else (FAILURE_TARGET, FAILED)
    status = with_condition(status, first, True, decision.reason, decision.message, now)
    if not final:
        return status
    status = with_condition(status, last, True, decision.reason, decision.message, now)
    return replace(status, completion_time=now) if decision.succeeded else status
