"""What a CronJob must say (batch validation, ValidateCronJobSpec)."""

from __future__ import annotations

import re

from lab.cluster.errors import invalid, required, unsupported
from lab.cluster.validation.job import job_spec_errors
from lab.cluster.validation.names import Errors
from lab.cluster.validation.workloads import not_negative
from lab.kube.cron import parse, time_zone
from lab.kube.encode import encode
from lab.kube.errors import LabError
from lab.kube.kinds.cronjob import CronJob, CronJobSpec

_MOST_LETTERS = 52
"""A Job's name has 11 more, for the moment of the schedule."""
_ZONE_PART = re.compile(r"(?!-)[A-Za-z.\-_0-9+]{1,14}")
_ZONE_IN_SCHEDULE = re.compile(r"(TZ|CRON_TZ)=\S*\s+")


def cron_job_errors(new: CronJob, old: CronJob | None) -> Errors:
    """What is wrong with a CronJob, or with its change from `old`."""
    if old is None and len(new.name) > _MOST_LETTERS:
        yield invalid("metadata.name", new.name, f"must be no more than {_MOST_LETTERS} characters")
    spec = new.spec
    yield from _schedule(spec, old is not None and "TZ" in old.spec.schedule)
    yield from not_negative("spec.startingDeadlineSeconds", spec.starting_deadline_seconds)
    if old is None or old.spec.time_zone != spec.time_zone:
        yield from _time_zone(spec.time_zone)
    if spec.concurrency_policy not in ("Allow", "Forbid", "Replace"):
        yield unsupported("spec.concurrencyPolicy", spec.concurrency_policy, ("Allow", "Forbid", "Replace"))
    yield from _template(spec)
    yield from not_negative("spec.successfulJobsHistoryLimit", spec.successful_jobs_history_limit)
    yield from not_negative("spec.failedJobsHistoryLimit", spec.failed_jobs_history_limit)


def _schedule(spec: CronJobSpec, had_zone: bool) -> Errors:
    """A schedule may only name a time zone when it did so before that was refused."""
    path, text = "spec.schedule", spec.schedule
    if not text:
        yield required(path)
        return
    try:
        parse(_ZONE_IN_SCHEDULE.sub("", text, count=1))
    except LabError as error:
        yield invalid(path, text, str(error))
    if "TZ" not in text:
        return
    if not had_zone:
        yield invalid(path, text, "cannot use TZ or CRON_TZ in schedule, use timeZone field instead")
    elif spec.time_zone is not None:
        yield invalid(path, text, "cannot use both timeZone field and TZ or CRON_TZ in schedule")


def _time_zone(name: str | None) -> Errors:
    path = "spec.timeZone"
    if name is None:
        return
    if not name:
        yield invalid(path, name, "timeZone must be nil or non-empty string")
        return
    if name.lower() == "local":
        explicit = "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones"
        yield invalid(path, name, explicit)
    try:
        if not all(_ZONE_PART.fullmatch(part) and part not in (".", "..") for part in name.split("/")):
            raise LabError(f"unknown time zone {name}")
        time_zone(name)
    except LabError as error:
        yield invalid(path, name, str(error))


def _template(spec: CronJobSpec) -> Errors:
    path, job = "spec.jobTemplate.spec", spec.job_template.spec
    yield from job_spec_errors(job, path)
    if job.selector is not None:
        yield invalid(f"{path}.selector", encode(job.selector), "`selector` will be auto-generated")
    if job.manual_selector:
        yield unsupported(f"{path}.manualSelector", True, ("nil", "false"))
