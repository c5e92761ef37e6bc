"""How a CronJob is shown."""

from __future__ import annotations

from lab.kube.kinds.cronjob import CronJob
from lab.views.kinds.base import Context, KindView
from lab.views.kinds.formatting import age, annotation_lines, containers, moment, pair_lines
from lab.views.kinds.workload import template_lines
from lab.views.states import READY, State
from lab.views.table import fields


def _row(cron_job: CronJob, context: Context) -> tuple[str, ...]:
    spec, last = cron_job.spec, cron_job.status.last_schedule_time
    return (
        cron_job.name,
        spec.schedule,
        spec.time_zone or "<none>",
        str(bool(spec.suspend)),
        str(len(cron_job.status.active)),
        "<none>" if last is None else age(last, context.now),
        age(cron_job.metadata.creation_timestamp, context.now),
        *containers(spec.job_template.spec.template),
        "<none>",
    )


def _state(cron_job: CronJob, context: Context) -> State:
    if cron_job.spec.suspend:
        return State("○", "dim", "Suspended")
    return State("◌", "busy", "Running") if cron_job.status.active else READY._replace(word="Waiting")


def _describe(cron_job: CronJob, context: Context) -> list[str]:
    spec, status = cron_job.spec, cron_job.status
    job = spec.job_template.spec
    lines = fields(
        (
            ("Name", cron_job.name),
            ("Namespace", cron_job.namespace),
            ("Labels", pair_lines(cron_job.metadata.labels)),
            ("Annotations", annotation_lines(cron_job.metadata.annotations)),
            ("Schedule", spec.schedule),
            ("Time Zone", spec.time_zone or "<unset>"),
            ("Concurrency Policy", spec.concurrency_policy),
            ("Suspend", str(bool(spec.suspend))),
            ("Successful Job History Limit", _or_unset(spec.successful_jobs_history_limit)),
            ("Failed Job History Limit", _or_unset(spec.failed_jobs_history_limit)),
            ("Starting Deadline Seconds", _seconds(spec.starting_deadline_seconds)),
            ("Selector", "<unset>"),
            ("Parallelism", _or_unset(job.parallelism)),
            ("Completions", _or_unset(job.completions)),
            ("Active Deadline Seconds", _seconds(job.active_deadline_seconds)),
        )
    )
    last = status.last_schedule_time
    after = fields(
        (
            ("Last Schedule Time", "<unset>" if last is None else moment(last)),
            ("Active Jobs", ", ".join(one.name for one in status.active) or "<none>"),
        )
    )
    return lines + template_lines(job.template) + after


def _or_unset(value: int | None) -> str:
    return "<unset>" if value is None else str(value)


def _seconds(value: float | None) -> str:
    return "<unset>" if value is None else f"{value:g}s"


VIEW = KindView(
    struct=CronJob,
    columns=("NAME", "SCHEDULE", "TIMEZONE", "SUSPEND", "ACTIVE", "LAST SCHEDULE", "AGE"),
    wide=("CONTAINERS", "IMAGES", "SELECTOR"),
    row=_row,
    state=_state,
    describe=_describe,
)
