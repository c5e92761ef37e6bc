"""How a Job is shown."""

from __future__ import annotations

from lab.kube.kinds.job import COMPLETE, FAILED, FAILURE_TARGET, SUCCESS_CRITERIA_MET, SUSPENDED, Job
from lab.kube.selector import to_text
from lab.kube.time import age as duration
from lab.views.kinds.base import Context, KindView
from lab.views.kinds.formatting import age, annotation_lines, containers, moment, pair_lines
from lab.views.kinds.workload import template_lines
from lab.views.states import DONE, State
from lab.views.states import FAILED as BAD
from lab.views.table import fields

_WORDS = (SUSPENDED, FAILURE_TARGET, SUCCESS_CRITERIA_MET)


def status_word(job: Job) -> str:
    """The STATUS column: the condition that says most, or Running."""
    for type in (COMPLETE, FAILED):
        if job.condition(type) is not None:
            return type
    if job.metadata.deletion_timestamp is not None:
        return "Terminating"
    return next((type for type in _WORDS if job.condition(type) is not None), "Running")


def completions(job: Job) -> str:
    """The COMPLETIONS column: `2/3`, or `0/1 of 4` for a work queue with four workers."""
    wanted, workers = job.spec.completions, job.spec.parallelism or 0
    if wanted is not None:
        return f"{job.status.succeeded}/{wanted}"
    return f"{job.status.succeeded}/1 of {workers}" if workers > 1 else f"{job.status.succeeded}/1"


def _took(job: Job, context: Context) -> str:
    status = job.status
    if status.start_time is None:
        return ""
    end = context.now if status.completion_time is None else status.completion_time
    return duration(end - status.start_time)


def _selector(job: Job) -> str:
    return to_text(job.spec.selector) if job.spec.selector is not None else "<none>"


def _row(job: Job, context: Context) -> tuple[str, ...]:
    return (
        job.name,
        status_word(job),
        completions(job),
        _took(job, context),
        age(job.metadata.creation_timestamp, context.now),
        *containers(job.spec.template),
        _selector(job),
    )


def _state(job: Job, context: Context) -> State:
    word = status_word(job)
    if word == COMPLETE:
        return DONE._replace(word=COMPLETE)
    if word in (FAILED, FAILURE_TARGET):
        return BAD._replace(word=word)
    if word == SUSPENDED:
        return State("○", "dim", SUSPENDED)
    return State("◌", "busy", word)


def _describe(job: Job, context: Context) -> list[str]:
    spec, status = job.spec, job.status
    owner = job.metadata.controller
    pairs: list[tuple[str, str | list[str]]] = [
        ("Name", job.name),
        ("Namespace", job.namespace),
        ("Selector", _selector(job)),
        ("Labels", pair_lines(job.metadata.labels)),
        ("Annotations", annotation_lines(job.metadata.annotations)),
    ]
    if owner is not None:
        pairs.append(("Controlled By", f"{owner.kind}/{owner.name}"))
    pairs += [
        ("Parallelism", _or_unset(spec.parallelism)),
        ("Completions", _or_unset(spec.completions)),
        ("Completion Mode", spec.completion_mode or "<unset>"),
        ("Suspend", str(bool(spec.suspend)).lower()),
        ("Backoff Limit", _or_unset(spec.backoff_limit)),
    ]
    if spec.ttl_seconds_after_finished is not None:
        pairs.append(("TTL Seconds After Finished", f"{spec.ttl_seconds_after_finished:g}"))
    if status.start_time is not None:
        pairs.append(("Start Time", moment(status.start_time)))
    if status.completion_time is not None:
        pairs += [("Completed At", moment(status.completion_time)), ("Duration", _took(job, context))]
    if spec.active_deadline_seconds is not None:
        pairs.append(("Active Deadline Seconds", f"{spec.active_deadline_seconds:g}s"))
    counts = (
        f"{status.active} Active ({status.ready or 0} Ready) / {status.succeeded} Succeeded / {status.failed} Failed"
    )
    pairs.append(("Pods Statuses", counts))
    if spec.indexed:
        pairs.append(("Completed Indexes", status.completed_indexes or "<none>"))
    if status.failed_indexes is not None:
        pairs.append(("Failed Indexes", status.failed_indexes or "<none>"))
    return fields(pairs) + template_lines(spec.template)


def _or_unset(value: int | None) -> str:
    return "<unset>" if value is None else str(value)


VIEW = KindView(
    struct=Job,
    columns=("NAME", "STATUS", "COMPLETIONS", "DURATION", "AGE"),
    wide=("CONTAINERS", "IMAGES", "SELECTOR"),
    row=_row,
    state=_state,
    describe=_describe,
)
