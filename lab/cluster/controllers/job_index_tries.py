"""The tries of each number of an indexed Job with backoffLimitPerIndex, and when a Job of numbers is decided.

https://kubernetes.io/docs/concepts/workloads/controllers/job/#backoff-limit-per-index
https://kubernetes.io/docs/concepts/workloads/controllers/job/#success-policy
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from msgspec.structs import replace

from lab.cluster.controllers.job_indexes import index_of, parse_indexes
from lab.cluster.controllers.job_pods import Tries, ended_at, judge
from lab.cluster.controllers.job_status import Decision
from lab.cluster.job_identity import INDEX_FAILURES, INDEX_IGNORED_FAILURES
from lab.kube.kinds.job import Job
from lab.kube.kinds.pod import Pod

MAX_FAILED_INDEXES = Decision(
    False, "MaxFailedIndexesExceeded", "Job has exceeded the specified maximal number of failed indexes"
)
FAILED_INDEXES = Decision(False, "FailedIndexes", "Job has failed indexes")


class IndexTries(NamedTuple):
    """What is known of the failures of one number."""

    counted: int = 0
    ignored: int = 0
    last_s: float = 0.0

    def next_s(self, initial_s: float, max_s: float) -> float:
        """When its next Pod may be made, in virtual seconds."""
        return Tries(self.counted + self.ignored, self.last_s).next_s(initial_s, max_s)


class Numbers(NamedTuple):
    """How the numbers of a Job stand."""

    failed: dict[int, None]
    """Those that have failed for good."""
    tries: dict[int, IndexTries]


def limited(job: Job) -> bool:
    """Whether each number has tries of its own."""
    return job.spec.indexed and job.spec.backoff_limit_per_index is not None


def after_failures(job: Job, before: Mapping[int, IndexTries], bad: Iterable[Pod]) -> Numbers:
    """The numbers after these Pods have failed, too."""
    failed, tries = parse_indexes(job.status.failed_indexes or ""), dict(before)
    limit = job.spec.backoff_limit_per_index
    for pod in sorted(bad, key=ended_at):
        index = index_of(pod)
        if index is None or limit is None:
            continue
        verdict = judge(job, pod)
        counted, ignored = _annotated(pod, INDEX_FAILURES), _annotated(pod, INDEX_IGNORED_FAILURES)
        if verdict.fails_index or (verdict.counts and counted >= limit):
            failed[index] = None
        tries[index] = IndexTries(counted + verdict.counts, ignored + (not verdict.counts), ended_at(pod))
    return Numbers(failed, tries)


def _annotated(pod: Pod, name: str) -> int:
    text = pod.metadata.annotations.get(name, "")
    return int(text) if text.isdigit() else 0


def with_count(pod: Pod, tries: IndexTries) -> Pod:
    """A Pod that knows how often its number has failed."""
    told = {INDEX_FAILURES: str(tries.counted)}
    if tries.ignored:
        told[INDEX_IGNORED_FAILURES] = str(tries.ignored)
    meta = pod.metadata
    return replace(pod, metadata=replace(meta, annotations={**meta.annotations, **told}))


def failure_of(job: Job, succeeded: int, failed: int) -> Decision | None:
    """Why the Job has failed by its numbers; None when it has not."""
    most = job.spec.max_failed_indexes
    if most is not None and failed > most:
        return MAX_FAILED_INDEXES
    return FAILED_INDEXES if failed and failed + succeeded >= (job.spec.completions or 0) else None


def success_of(job: Job, succeeded: Mapping[int, None]) -> Decision | None:
    """By which rule of its successPolicy the Job is done; None when it is not."""
    policy = job.spec.success_policy
    for place, rule in enumerate(policy.rules if policy is not None and succeeded else ()):
        wanted = parse_indexes(rule.succeeded_indexes) if rule.succeeded_indexes is not None else succeeded
        there = sum(index in succeeded for index in wanted)
        if there >= (len(wanted) if rule.succeeded_count is None else rule.succeeded_count):
            return Decision(True, "SuccessPolicy", f"Matched rules at index {place}")
    return None
