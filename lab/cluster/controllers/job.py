"""The Job controller: tries with new Pods until enough of them have succeeded, or too many have failed.

Each Pod carries a finalizer until its end has been counted, so that no deletion loses one (KEP-2307).
https://kubernetes.io/docs/concepts/workloads/controllers/job/
"""

from __future__ import annotations

from typing import NamedTuple

from msgspec.structs import replace

from lab.cluster.controllers.availability import active, changes_count
from lab.cluster.controllers.base import Controller, Key
from lab.cluster.controllers.job_index_tries import (
    IndexTries,
    Numbers,
    after_failures,
    failure_of,
    limited,
    success_of,
    with_count,
)
from lab.cluster.controllers.job_indexes import (
    format_indexes,
    index_of,
    misplaced,
    numbered,
    parse_indexes,
    pending_indexes,
)
from lab.cluster.controllers.job_pods import (
    Tries,
    expendable,
    has_failed,
    judge,
    replaces_only_failed,
    restarts,
    tracked,
    untracked,
)
from lab.cluster.controllers.job_status import (
    BACKOFF_LIMIT,
    COMPLETIONS_REACHED,
    DEADLINE,
    Decision,
    decided,
    with_condition,
    with_decision,
)
from lab.cluster.controllers.ownership import candidate_keys, claim, pod_from
from lab.cluster.errors import StoreError
from lab.cluster.job_identity import TRACKING_FINALIZER
from lab.cluster.store import Store
from lab.cluster.watch import Change
from lab.gate import Timer
from lab.kube.kinds.job import SUSPENDED, Job, JobStatus, UncountedTerminatedPods
from lab.kube.kinds.pod import Pod
from lab.kube.meta import LabelSelector
from lab.settings import Settings

BUILT_IN = "kubernetes.io/job-controller"
"""The value of managedBy that means this controller."""
AT_A_TIME = 500
"""How many Pods are made or deleted in one go (MaxPodCreateDeletePerSync)."""


class _Sync(NamedTuple):
    """One Job as it is looked at once, its newly ended Pods counted already."""

    job: Job
    pods: list[Pod]
    active: list[Pod]
    ended: list[Pod]
    """Pods whose end is counted now."""
    indexes: dict[int, None]
    """Of an indexed Job the numbers that have succeeded."""
    succeeded: int
    failed: int
    tries: Tries
    numbers: Numbers
    """Of an indexed Job with backoffLimitPerIndex."""


class JobController(Controller):
    """Makes Pods while a Job wants more, counts those that have ended, and says when it is over."""

    name = "job-controller"

    def __init__(self, store: Store, clock: Timer, settings: Settings, seed: int) -> None:
        super().__init__(store, clock, settings, seed)
        self._tries: dict[str, Tries] = {}
        """By the uid of the Job."""
        self._index_tries: dict[str, dict[int, IndexTries]] = {}

    def connect(self) -> None:
        """Follow Jobs, and a moment later the Pods that are or could be theirs."""
        self.follow(Job)
        self.store.follow(self._on_gone, Job)
        self._candidates = candidate_keys(self.store, Job, lambda job: job.spec.selector or LabelSelector())
        self.store.follow(self._on_pod, Pod)

    def _on_gone(self, change: Change) -> None:
        if change.new is None:
            self._tries.pop(change.object.metadata.uid, None)
            self._index_tries.pop(change.object.metadata.uid, None)

    def _on_pod(self, change: Change) -> None:
        owner = change.object.metadata.controller
        if owner is not None and owner.kind != "Job":
            return
        if not changes_count(change) and not _restarted(change):
            return
        pod = change.new
        if isinstance(pod, Pod) and tracked(pod) and self._orphaned(pod):
            self._let_go(pod)
        for key in self._candidates(change):
            self.queue.add_after(key, self.settings.job_sync_batch_s)

    def _orphaned(self, pod: Pod) -> bool:
        owner = pod.metadata.controller
        return owner is None or not self.store.exists(owner.uid)

    def _let_go(self, pod: Pod) -> None:
        self.store.mutate(Pod, pod.name, pod.namespace, untracked)

    async def reconcile(self, key: Key) -> None:
        """Count what has ended, take the next step, and say how it stands."""
        job = self.store.find(Job, key[1], key[0])
        if job is None or job.spec.managed_by not in (None, BUILT_IN):
            return
        pods = claim(self.store, job, Pod, job.spec.selector or LabelSelector())
        if job.finished is not None:
            for pod in filter(tracked, pods):
                self._let_go(pod)
            return
        if job.status.start_time is None and not job.spec.suspend:
            job = replace(job, status=replace(job.status, start_time=self.clock.time()))
        sync = self._look(job, pods)
        decision = decided(job) or self._failure(sync) or success_of(job, sync.indexes)
        if decision is not None:
            self._end(sync, decision)
            return
        try:
            if job.metadata.deletion_timestamp is None:
                self._manage(sync)
        finally:
            self._settle(sync)

    # -- counting -------------------------------------------------------------------------------------------------

    def _look(self, job: Job, pods: list[Pod]) -> _Sync:
        """Count the Pods that have ended since the last look."""
        fresh = [pod for pod in pods if tracked(pod) and _has_place(job, pod)]
        good = [pod for pod in fresh if pod.status.phase == "Succeeded"]
        bad = [pod for pod in fresh if has_failed(pod, job)]
        counted = [pod for pod in bad if judge(job, pod).counts]
        indexes = parse_indexes(job.status.completed_indexes)
        indexes.update((index, None) for pod in good if (index := index_of(pod)) is not None)
        succeeded = len(indexes) if job.spec.indexed else job.status.succeeded + len(good)
        tries = self._tries.get(job.metadata.uid, Tries()).after(good, bad)
        failed = job.status.failed + len(counted)
        numbers = after_failures(job, self._index_tries.get(job.metadata.uid, {}), bad)
        return _Sync(job, pods, active(pods), good + bad, indexes, succeeded, failed, tries, numbers)

    def _failure(self, sync: _Sync) -> Decision | None:
        """Why the Job has failed; None when it has not. Asks to look again when its deadline is."""
        spec = sync.job.spec
        for pod in sync.pods:
            if has_failed(pod, sync.job):
                message = judge(sync.job, pod).fails_job
                if message:
                    return Decision(False, "PodFailurePolicy", message)
        limit = self.settings.job_backoff_limit if spec.backoff_limit is None else spec.backoff_limit
        if sync.failed > limit or _restarted_too_often(sync, limit):
            return BACKOFF_LIMIT
        by_numbers = failure_of(sync.job, sync.succeeded, len(sync.numbers.failed)) if limited(sync.job) else None
        if by_numbers is not None:
            return by_numbers
        start_s = sync.job.status.start_time
        if spec.active_deadline_seconds is None or start_s is None or spec.suspend:
            return None
        left_s = start_s + spec.active_deadline_seconds - self.clock.time()
        if left_s <= 0:
            return DEADLINE
        self.queue.add_after(sync.job.key, left_s)
        return None

    # -- Pods -----------------------------------------------------------------------------------------------------

    def _manage(self, sync: _Sync) -> None:
        """Make the Pods that are missing, or delete those that are too many; never both at once."""
        job, standing = sync.job, len(sync.active)
        wanted = _wanted(sync)
        condemned = misplaced(job, sync.active) if job.spec.indexed else []
        if len(condemned) < standing - wanted:
            left = [pod for pod in sync.active if pod not in condemned]
            condemned += expendable(left)[: standing - wanted - len(condemned)]
        if condemned:
            for pod in condemned[:AT_A_TIME]:
                self._let_go(pod)
                self._delete(job, pod)
            return
        ending = _terminating(sync.pods) if replaces_only_failed(job) else 0
        missing = min(wanted - ending - standing, AT_A_TIME)
        if missing > 0 and self._may_try(sync):
            self._create(sync, missing)

    def _may_try(self, sync: _Sync) -> bool:
        """Whether the pause after a failure is over; asks to look again when it is."""
        if limited(sync.job):
            return True  # each number waits on its own
        settings = self.settings
        waits_s = sync.tries.next_s(settings.job_backoff_initial_s, settings.job_backoff_max_s) - self.clock.time()
        if sync.tries.failures and waits_s > 0:
            self.queue.add_after(sync.job.key, waits_s)
            return False
        return True

    def _create(self, sync: _Sync, count: int) -> None:
        job = sync.job
        if not job.spec.indexed:
            pods = [self._pod(job)] * count
        elif limited(job):
            pods = [
                with_count(numbered(self._pod(job), job, number), sync.numbers.tries.get(number, IndexTries()))
                for number in self._due(sync, count)
            ]
        else:
            numbers = pending_indexes(job, sync.indexes, sync.active, count)
            pods = [numbered(self._pod(job), job, number) for number in numbers]
        for pod in pods:
            try:
                made = self.store.create(pod)
            except StoreError as error:
                self.note(job, "FailedCreate", f"Error creating: {error}", type="Warning")
                raise
            self.note(job, "SuccessfulCreate", f"Created pod: {made.name}")

    def _due(self, sync: _Sync, count: int) -> list[int]:
        """The lowest numbers that may be tried now; asks to look again when the next one may."""
        job, now, settings = sync.job, self.clock.time(), self.settings
        settled = (*sync.indexes, *sync.numbers.failed)
        waits: dict[int, float] = {}
        for number in pending_indexes(job, settled, sync.active, job.spec.completions or 0):
            tries = sync.numbers.tries.get(number)
            due_s = tries.next_s(settings.job_backoff_initial_s, settings.job_backoff_max_s) if tries else now
            waits[number] = due_s - now
        later = [wait_s for wait_s in waits.values() if wait_s > 0]
        if later:
            self.queue.add_after(job.key, min(later))
        return [number for number, wait_s in waits.items() if wait_s <= 0][:count]

    def _pod(self, job: Job) -> Pod:
        pod = pod_from(job.spec.template, job)
        kept = tuple(one for one in pod.metadata.finalizers if one != TRACKING_FINALIZER)
        return replace(pod, metadata=replace(pod.metadata, finalizers=(*kept, TRACKING_FINALIZER)))

    def _delete(self, job: Job, pod: Pod) -> None:
        self.store.delete(Pod, pod.name, pod.namespace)
        self.note(job, "SuccessfulDelete", f"Deleted pod: {pod.name}")

    # -- what it says ---------------------------------------------------------------------------------------------

    def _settle(self, sync: _Sync) -> None:
        """Say how far the Job is, or that it is done, or suspended."""
        job = sync.job
        pods = self.store.owned_by(job.metadata.uid, Pod)
        if not active(pods) and _reached(sync):
            self._write(sync, pods, COMPLETIONS_REACHED, 0)
            return
        now = self.clock.time()
        if job.spec.suspend:
            status = with_condition(job.status, SUSPENDED, True, "JobSuspended", "Job suspended", now)
        else:
            status = with_condition(job.status, SUSPENDED, False, "JobResumed", "Job resumed", now)
        if status is not job.status:
            if job.spec.suspend:
                self.note(job, "Suspended", "Job suspended")
            else:
                self.note(job, "Resumed", "Job resumed")
                status = replace(status, start_time=now)
        self._write(sync._replace(job=replace(job, status=status)), pods, None, 0)

    def _end(self, sync: _Sync, decision: Decision) -> None:
        """Delete what still runs; those Pods have failed, too, when the Job has."""
        lost = [pod for pod in sync.active if tracked(pod)]
        for pod in sync.active:
            self._delete(sync.job, pod)
        extra = 0 if decision.succeeded else sum(judge(sync.job, pod).counts for pod in lost)
        for pod in lost:
            self._let_go(pod)
        self._write(sync, self.store.owned_by(sync.job.metadata.uid, Pod), decision, extra)

    def _write(self, sync: _Sync, pods: list[Pod], decision: Decision | None, lost: int) -> None:
        """Write the status, then let go of the Pods that it counts."""
        job, standing, terminating = sync.job, active(pods), _terminating(pods)
        status = replace(
            job.status,
            active=len(standing),
            ready=sum(pod.ready for pod in standing),
            terminating=terminating,
            succeeded=sync.succeeded,
            failed=sync.failed + lost,
            completed_indexes=format_indexes(sync.indexes) if job.spec.indexed else "",
            failed_indexes=format_indexes(sync.numbers.failed) if limited(job) else None,
            uncounted_terminated_pods=UncountedTerminatedPods(),
        )
        if decision is not None:
            status = with_decision(status, decision, terminating == 0, self.clock.time())
        self._tries[job.metadata.uid] = sync.tries
        if limited(job):
            self._index_tries[job.metadata.uid] = sync.numbers.tries
        self.store.mutate(Job, job.name, job.namespace, lambda current: replace(current, status=status))
        for pod in sync.ended:
            self._let_go(pod)
        self._tell_end(job, status)

    def _tell_end(self, job: Job, status: JobStatus) -> None:
        ended = replace(job, status=status)
        finished = ended.finished
        if finished is None:
            return
        if finished.type == "Complete":
            self.note(job, "Completed", "Job completed")
        else:
            self.note(job, finished.reason, finished.message, type="Warning")


def _wanted(sync: _Sync) -> int:
    """How many Pods are to try at a time."""
    spec = sync.job.spec
    workers = 1 if spec.parallelism is None else spec.parallelism
    if spec.suspend:
        return 0
    if spec.completions is None:
        return len(sync.active) if sync.succeeded else workers
    return max(min(spec.completions - sync.succeeded - len(sync.numbers.failed), workers), 0)


def _reached(sync: _Sync) -> bool:
    """Whether enough Pods have succeeded; of a work queue one, as the others stop by themselves."""
    wanted = sync.job.spec.completions
    return sync.succeeded > 0 if wanted is None else sync.succeeded >= wanted


def _has_place(job: Job, pod: Pod) -> bool:
    """Whether a Pod counts: in an indexed Job only with a number that there is."""
    if not job.spec.indexed:
        return True
    index = index_of(pod)
    return index is not None and index < (job.spec.completions or 0)


def _terminating(pods: list[Pod]) -> int:
    return sum(pod.terminating and not pod.finished for pod in pods)


def _restarted_too_often(sync: _Sync, limit: int) -> bool:
    """Containers that are restarted in place count as tries, too (pastBackoffLimitOnFailure)."""
    if sync.job.spec.template.spec.restart_policy != "OnFailure":
        return False
    return restarts(sync.pods) >= max(limit, 1)


def _restarted(change: Change) -> bool:
    old, new = change.old, change.new
    return isinstance(old, Pod) and isinstance(new, Pod) and restarts([old]) != restarts([new])
