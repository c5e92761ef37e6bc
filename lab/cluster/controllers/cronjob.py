"""The CronJob controller: makes a Job at each moment of a schedule, and clears away old ones.

https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/
"""

from __future__ import annotations

from datetime import UTC, timedelta

from msgspec.structs import replace

from lab.cluster.controllers.base import Controller, Key, owner_keys, reference_to
from lab.cluster.controllers.cron_schedule import MANY, due
from lab.cluster.errors import AlreadyExists, StoreError
from lab.kube.cron import time_zone
from lab.kube.errors import LabError
from lab.kube.kinds.cronjob import CronJob, CronJobStatus, JobReference
from lab.kube.kinds.job import COMPLETE, Job
from lab.kube.meta import ObjectMeta
from lab.kube.time import EPOCH

SCHEDULED = "batch.kubernetes.io/cronjob-scheduled-timestamp"
"""Annotation of a Job: the moment of the schedule that it was made for."""


class CronJobController(Controller):
    """Waits for the next moment of each schedule, and hears of the end of each Job that it has made."""

    name = "cronjob-controller"

    def connect(self) -> None:
        """Follow CronJobs and their Jobs."""
        self.follow(CronJob)
        self.follow(Job, owner_keys("CronJob"))

    async def reconcile(self, key: Key) -> None:
        """Note which Jobs have ended, make the one that is due, delete those that are too old."""
        cron_job = self.store.find(CronJob, key[1], key[0])
        if cron_job is None:
            return
        jobs = self.store.owned_by(cron_job.metadata.uid, Job)
        status = self._observe(cron_job, jobs)
        try:
            if cron_job.metadata.deletion_timestamp is None and not cron_job.spec.suspend:
                status = self._schedule(replace(cron_job, status=status))
        finally:
            self.store.mutate(CronJob, key[1], key[0], lambda current: replace(current, status=status))
            self._clear(cron_job, jobs)

    # -- what runs ------------------------------------------------------------------------------------------------

    def _observe(self, cron_job: CronJob, jobs: list[Job]) -> CronJobStatus:
        """The status after what has happened to the Jobs since."""
        status = cron_job.status
        known = {reference.uid for reference in status.active}
        for job in jobs:
            if job.finished is None and job.metadata.uid not in known:
                message = f"Saw a job that the controller did not create or forgot: {job.name}"
                self.note(cron_job, "UnexpectedJob", message, type="Warning")
            elif job.finished is not None and job.metadata.uid in known:
                message = f"Saw completed job: {job.name}, condition: {job.finished.type}"
                self.note(cron_job, "SawCompletedJob", message)
        running = {job.metadata.uid for job in jobs if job.finished is None}
        there = {job.metadata.uid for job in jobs}
        for reference in status.active:
            if reference.uid not in there:
                self.note(cron_job, "MissingJob", f"Active job went missing: {reference.name}")
        ends = [status.last_successful_time, *(job.status.completion_time for job in jobs)]
        last = max((moment for moment in ends if moment is not None), default=None)
        kept = tuple(reference for reference in status.active if reference.uid in running)
        return replace(status, active=kept, last_successful_time=last)

    # -- what is due ----------------------------------------------------------------------------------------------

    def _schedule(self, cron_job: CronJob) -> CronJobStatus:
        """Make the Job of the latest moment that has passed, if there is one; the status after that."""
        now = self.clock.time()
        try:
            found = due(cron_job, now)
        except LabError as error:
            message = f'unparseable schedule: "{cron_job.spec.schedule}" : {error}'
            self.note(cron_job, "UnparseableSchedule", message, type="Warning")
            return cron_job.status
        if found.next_s is not None:
            self.queue.add_after(cron_job.key, found.next_s - now + self.settings.cronjob_delay_s)
        if found.missed > MANY:
            advice = "Set or decrease .spec.startingDeadlineSeconds or check clock skew"
            message = f"too many missed start times. {advice}"
            self.note(cron_job, "TooManyMissedTimes", message, type="Warning")
        if found.latest_s is None:
            return cron_job.status
        if cron_job.spec.concurrency_policy == "Forbid" and cron_job.status.active:
            message = "Not starting job because prior execution is running and concurrency policy is Forbid"
            self.note(cron_job, "JobAlreadyActive", message)
            return cron_job.status
        return self._start(cron_job, found.latest_s)

    def _start(self, cron_job: CronJob, moment: float) -> CronJobStatus:
        status = cron_job.status
        if cron_job.spec.concurrency_policy == "Replace":
            for reference in status.active:
                self._delete(cron_job, reference.name)
            status = replace(status, active=())
        try:
            job = self.store.create(_job(cron_job, moment))
        except AlreadyExists:
            return status
        except StoreError as error:
            self.note(cron_job, "FailedCreate", f"Error creating job: {error}", type="Warning")
            raise
        self.note(cron_job, "SuccessfulCreate", f"Created job {job.name}")
        reference = JobReference(
            api_version=job.api_version,
            kind=job.kind,
            namespace=job.namespace,
            name=job.name,
            uid=job.metadata.uid,
        )
        return replace(status, active=(*status.active, reference), last_schedule_time=moment)

    # -- what is too old ------------------------------------------------------------------------------------------

    def _clear(self, cron_job: CronJob, jobs: list[Job]) -> None:
        """Of the Jobs that have ended keep the latest, so many of each kind of end."""
        spec, settings = cron_job.spec, self.settings
        limits = (
            (True, spec.successful_jobs_history_limit, settings.cronjob_successful_history),
            (False, spec.failed_jobs_history_limit, settings.cronjob_failed_history),
        )
        for good, own, default in limits:
            ended = [job for job in jobs if job.finished is not None and (job.finished.type == COMPLETE) == good]
            ended.sort(key=lambda job: job.status.start_time or 0.0)
            for job in ended[: max(len(ended) - (default if own is None else own), 0)]:
                self._delete(cron_job, job.name)

    def _delete(self, cron_job: CronJob, name: str) -> None:
        if self.store.find(Job, name, cron_job.namespace) is not None:
            self.store.delete(Job, name, cron_job.namespace)
            self.note(cron_job, "SuccessfulDelete", f"Deleted job {name}")


def _job_name(cron_job: CronJob, moment: float) -> str:
    """The name says the minute since 1970 that the Job is for, so that no minute gets two."""
    return f"{cron_job.name}-{int((EPOCH.timestamp() + moment) // 60)}"


def _job(cron_job: CronJob, moment: float) -> Job:
    template = cron_job.spec.job_template
    zone = time_zone(cron_job.spec.time_zone) if cron_job.spec.time_zone else UTC
    local = (EPOCH + timedelta(seconds=moment)).astimezone(zone)
    text = local.isoformat(timespec="seconds").replace("+00:00", "Z")
    meta = ObjectMeta(
        name=_job_name(cron_job, moment),
        namespace=cron_job.namespace,
        labels=template.metadata.labels,
        annotations={**template.metadata.annotations, SCHEDULED: text},
        owner_references=(reference_to(cron_job),),
    )
    return Job(metadata=meta, spec=template.spec)
