"""batch/v1 CronJob."""

from __future__ import annotations

import msgspec

from lab.kube.kinds.job import JobSpec
from lab.kube.meta import KubeObject, ObjectMeta
from lab.kube.struct import KubeStruct, Timestamp


class JobTemplateSpec(KubeStruct, frozen=True):
    """What Jobs are made from."""

    metadata: ObjectMeta = msgspec.field(default_factory=ObjectMeta)
    spec: JobSpec = msgspec.field(default_factory=JobSpec)


class CronJobSpec(KubeStruct, frozen=True):
    """When Jobs are made, and what becomes of those before; times in seconds."""

    schedule: str = ""
    """Five fields of cron, or a word such as @hourly (lab/kube/cron.py)."""
    time_zone: str | None = None
    """A name of the time zone database; UTC when there is none."""
    starting_deadline_seconds: float | None = None
    concurrency_policy: str = "Allow"
    """Allow, Forbid or Replace."""
    suspend: bool | None = None
    job_template: JobTemplateSpec = msgspec.field(default_factory=JobTemplateSpec)
    successful_jobs_history_limit: int | None = None
    failed_jobs_history_limit: int | None = None


class JobReference(KubeStruct, frozen=True):
    """A Job that runs."""

    api_version: str = ""
    kind: str = ""
    namespace: str = ""
    name: str = ""
    uid: str = ""


class CronJobStatus(KubeStruct, frozen=True):
    """What runs, and when it last did."""

    active: tuple[JobReference, ...] = ()
    last_schedule_time: Timestamp | None = None
    """The moment of the schedule, not when the Job was really made."""
    last_successful_time: Timestamp | None = None


class CronJob(KubeObject, frozen=True):
    """Makes Jobs by a schedule."""

    api_version: str = "batch/v1"
    kind: str = "CronJob"
    spec: CronJobSpec = msgspec.field(default_factory=CronJobSpec)
    status: CronJobStatus = msgspec.field(default_factory=CronJobStatus)
