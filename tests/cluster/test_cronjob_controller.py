from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from lab.cluster.admission import Admission
from lab.cluster.controllers.cron_schedule import due
from lab.cluster.controllers.cronjob import SCHEDULED, CronJobController
from lab.kube.kinds.cronjob import CronJob, CronJobSpec, CronJobStatus, JobTemplateSpec
from lab.kube.kinds.job import Job, JobCondition, JobSpec
from lab.kube.kinds.pod import Container, PodSpec, PodTemplateSpec
from lab.kube.meta import ObjectMeta
from lab.kube.time import from_rfc3339
from tests.cluster.workloads import Workloads

MINUTE_ZERO = 29_453_760
"""2026-01-01T00:00:00Z in minutes since 1970."""


class Cluster(Workloads):
    """The CronJob `tick`, whose Jobs end when a test says so."""

    def __init__(self, schedule: str = "* * * * *", **spec: Any) -> None:
        super().__init__(CronJobController)
        Admission(self.settings).attach(self.store)
        pod = PodSpec(containers=(Container(name="main", image="batch:1"),), restart_policy="Never")
        template = JobTemplateSpec(
            metadata=ObjectMeta(labels={"from": "tick"}), spec=JobSpec(template=PodTemplateSpec(spec=pod))
        )
        wanted = CronJobSpec(schedule=schedule, job_template=template, **spec)
        self.store.create(CronJob(metadata=ObjectMeta(name="tick"), spec=wanted))
        self.run(0.1)

    def until(self, moment: float) -> None:
        self.clock.run_until(moment)

    @property
    def status(self) -> CronJobStatus:
        return self.store.get(CronJob, "tick").status

    def change(self, **fields: Any) -> None:
        self.store.mutate(CronJob, "tick", "default", lambda now: replace(now, spec=replace(now.spec, **fields)))

    def jobs(self) -> list[str]:
        return [job.name for job in self.store.list(Job)]

    def end(self, name: str, type: str = "Complete") -> None:
        now = self.clock.time()
        condition = JobCondition(type=type, status="True", last_transition_time=now)

        def change(job: Job) -> Job:
            status = replace(job.status, conditions=(condition,), start_time=job.metadata.creation_timestamp)
            return replace(job, status=replace(status, completion_time=now if type == "Complete" else None))

        self.store.mutate(Job, name, "default", change)

    def end_all(self, type: str = "Complete") -> None:
        for job in self.store.list(Job):
            if job.finished is None:
                self.end(job.name, type)


def name_of(minute: int) -> str:
    return f"tick-{MINUTE_ZERO + minute}"


# -- when -------------------------------------------------------------------------------------------------------------


def test_a_job_is_made_at_each_moment_of_the_schedule() -> None:
    cluster = Cluster("*/2 * * * *")
    cluster.until(119.9)
    assert cluster.jobs() == []
    cluster.until(120.2)
    assert cluster.jobs() == [name_of(2)]
    cluster.until(250)
    assert cluster.jobs() == [name_of(2), name_of(4)]
    assert cluster.status.last_schedule_time == 240.0
    job = cluster.store.list(Job)[0]
    assert job.metadata.labels == {"from": "tick"}
    assert job.metadata.annotations == {SCHEDULED: "2026-01-01T00:02:00Z"}
    owner = job.metadata.controller
    assert owner is not None
    assert (owner.kind, owner.name) == ("CronJob", "tick")
    assert cluster.messages("SuccessfulCreate")[0] == f"Created job {name_of(2)}"


def test_the_time_zone_moves_the_moments() -> None:
    cluster = Cluster("30 1 * * *", time_zone="Europe/Berlin")
    cluster.until(1810)
    assert cluster.status.last_schedule_time == 1800.0
    assert cluster.store.list(Job)[0].metadata.annotations == {SCHEDULED: "2026-01-01T01:30:00+01:00"}


def test_another_schedule_counts_from_when_it_is_written() -> None:
    cluster = Cluster("0 0 1 7 *")
    cluster.until(100)
    cluster.change(schedule="* * * * *")
    cluster.until(121)
    assert cluster.jobs() == [name_of(1), name_of(2)]


def test_a_suspended_one_makes_no_jobs_and_then_makes_up_for_the_last_moment_only() -> None:
    cluster = Cluster(suspend=True)
    cluster.until(400)
    assert cluster.jobs() == []
    cluster.change(suspend=False)
    cluster.until(401)
    assert cluster.jobs() == [name_of(6)]


def test_what_is_too_late_is_left_out() -> None:
    cluster = Cluster("*/5 * * * *", suspend=True, starting_deadline_seconds=30)
    cluster.until(350)
    cluster.change(suspend=False)
    cluster.until(360)
    assert cluster.jobs() == []
    cluster.until(601)
    assert cluster.jobs() == [name_of(10)]


def test_many_missed_moments_are_worth_a_warning() -> None:
    cluster = Cluster(suspend=True)
    cluster.until(3 * 3600)
    cluster.change(suspend=False)
    cluster.run(1)
    assert cluster.jobs() == [name_of(180)]
    advice = "Set or decrease .spec.startingDeadlineSeconds or check clock skew"
    assert cluster.messages("TooManyMissedTimes") == [f"too many missed start times. {advice}"]


# -- one after the other ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "jobs"),
    [
        ("Allow", [name_of(1), name_of(2), name_of(3)]),
        ("Forbid", [name_of(1)]),
        ("Replace", [name_of(3)]),
    ],
)
def test_what_becomes_of_a_job_that_still_runs(policy: str, jobs: list[str]) -> None:
    cluster = Cluster(concurrency_policy=policy)
    cluster.until(185)
    assert cluster.jobs() == jobs
    assert [reference.name for reference in cluster.status.active] == jobs
    assert (policy == "Forbid") == ("JobAlreadyActive" in cluster.reasons())


def test_forbidden_jobs_start_as_soon_as_the_one_before_has_ended() -> None:
    cluster = Cluster(concurrency_policy="Forbid")
    cluster.until(150)
    cluster.end_all()
    cluster.run(1)
    assert cluster.jobs() == [name_of(1), name_of(2)]


def test_the_end_of_a_job_is_noted() -> None:
    cluster = Cluster()
    cluster.until(61)
    cluster.until(75)
    cluster.end_all()
    cluster.run(1)
    assert cluster.status.active == ()
    assert cluster.status.last_successful_time == 75.0
    assert cluster.messages("SawCompletedJob") == [f"Saw completed job: {name_of(1)}, condition: Complete"]


def test_a_job_that_somebody_deleted_is_missed() -> None:
    cluster = Cluster()
    cluster.until(61)
    cluster.store.delete(Job, name_of(1))
    cluster.run(1)
    assert cluster.status.active == ()
    assert cluster.messages("MissingJob") == [f"Active job went missing: {name_of(1)}"]
    assert cluster.jobs() == []


def test_only_the_latest_that_have_ended_are_kept() -> None:
    cluster = Cluster()
    for minute in range(1, 11):
        cluster.until(minute * 60 + 5)
        cluster.end_all("Complete" if minute % 2 else "Failed")
    cluster.run(5)
    assert cluster.jobs() == [name_of(5), name_of(7), name_of(9), name_of(10)]


def test_its_jobs_go_with_it() -> None:
    cluster = Cluster()
    cluster.until(125)
    cluster.store.delete(CronJob, "tick")
    cluster.run(1)
    assert cluster.jobs() == []
    cluster.until(400)
    assert cluster.jobs() == []


# -- laws -------------------------------------------------------------------------------------------------------------


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=40)
@given(
    st.lists(st.sampled_from(["end", "fail", "suspend", "delete", "schedule", "wait"]), max_size=12),
    st.sampled_from(["Allow", "Forbid", "Replace"]),
    st.integers(1, 170),
)
def test_no_moment_gets_two_jobs_and_forbid_and_replace_mean_one_at_a_time(
    steps: list[str], policy: str, pause_s: int
) -> None:
    cluster = Cluster(concurrency_policy=policy)
    made: list[str] = []
    cluster.store.subscribe(lambda one: made.append(one.object.name) if one.type == "ADDED" else None, Job)
    for step in steps:
        match step:
            case "end" | "fail":
                cluster.end_all("Complete" if step == "end" else "Failed")
            case "suspend":
                cluster.change(suspend=not cluster.store.get(CronJob, "tick").spec.suspend)
            case "delete" if cluster.jobs():
                cluster.store.delete(Job, cluster.jobs()[0])
            case "schedule":
                cluster.change(schedule="*/2 * * * *" if len(made) % 2 else "* * * * *")
        cluster.run(pause_s)
        running = [job for job in cluster.store.list(Job) if job.finished is None]
        assert policy == "Allow" or len(running) <= 1
    assert len(set(made)) == len(made)


@given(st.integers(0, 10_000), st.integers(0, 400_000))
def test_the_latest_moment_that_has_passed_is_found_however_long_ago_the_last_job_was(
    last_s: int, later_s: int
) -> None:
    spec = CronJobSpec(schedule="*/7 3-5,22 * * *")
    tick = CronJob(metadata=ObjectMeta(name="tick"), spec=spec, status=CronJobStatus(last_schedule_time=float(last_s)))
    now = float(last_s + later_s)
    found = due(tick, now)
    moments = [
        float(at)
        for at in range(0, int(now) + 1, 60)
        if at > last_s and (at // 60) % 60 % 7 == 0 and (at // 3600) % 24 in (3, 4, 5, 22)
    ]
    assert found.latest_s == (moments[-1] if moments else None)
    assert found.next_s is not None
    assert found.next_s > now


def test_a_zone_in_an_old_schedule_counts_too() -> None:
    spec = CronJobSpec(schedule="TZ=Europe/Berlin 30 1 * * *")
    found = due(CronJob(spec=spec, status=CronJobStatus(last_schedule_time=0.0)), 10.0)
    assert found.next_s == from_rfc3339("2026-01-01T00:30:00Z")
