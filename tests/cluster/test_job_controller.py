from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from lab.cluster.admission import Admission
from lab.cluster.controllers.job import JobController
from lab.cluster.controllers.job_indexes import format_indexes, parse_indexes
from lab.cluster.controllers.ttl_after_finished import TTLAfterFinished
from lab.cluster.job_identity import INDEX, TRACKING_FINALIZER
from lab.kube.kinds.job import (
    Job,
    JobSpec,
    JobStatus,
    OnExitCodes,
    OnPodCondition,
    PodFailurePolicy,
    PodFailurePolicyRule,
    SuccessPolicy,
    SuccessPolicyRule,
)
from lab.kube.kinds.pod import Container, ContainerState, ContainerStatus, Pod, PodSpec, PodTemplateSpec
from lab.kube.meta import Condition, ObjectMeta
from lab.settings import Settings
from tests.cluster.small_cluster import SmallCluster
from tests.cluster.workloads import Workloads

BATCH_S = Settings().job_sync_batch_s + 0.1
"""After this long the controller has acted on a change of Pods."""


class Cluster(Workloads):
    """The Job `once`, whose Pods end when a test says so."""

    def __init__(self, restart: str = "Never", **spec: Any) -> None:
        super().__init__(JobController, TTLAfterFinished, ready_s=0.1)
        Admission(self.settings).attach(self.store)
        containers = (Container(name="main", image="batch:1"), Container(name="other", image="batch:1"))
        template = PodTemplateSpec(spec=PodSpec(containers=containers, restart_policy=restart))
        self.store.create(Job(metadata=ObjectMeta(name="once"), spec=JobSpec(template=template, **spec)))
        self.run(1)

    @property
    def job(self) -> Job:
        return self.store.get(Job, "once")

    @property
    def status(self) -> JobStatus:
        return self.job.status

    def conditions(self) -> dict[str, tuple[str, str]]:
        return {one.type: (one.status, one.reason) for one in self.status.conditions}

    def change(self, **fields: Any) -> None:
        self.store.mutate(Job, "once", "default", lambda now: replace(now, spec=replace(now.spec, **fields)))

    def trying(self) -> list[Pod]:
        return [pod for pod in self.pods() if not pod.finished]

    def end(self, phase: str, *pods: Pod, code: int | None = None) -> None:
        """Let these Pods end, or the oldest that runs."""
        for pod in pods or self.trying()[:1]:
            state = ContainerState(state="terminated", exit_code=code, finished_at=self.clock.time())
            containers = (ContainerStatus(name="main", state=state),) if code is not None else ()
            self.store.mutate(
                Pod,
                pod.name,
                "default",
                lambda now, ended=containers: replace(
                    now, status=replace(now.status, phase=phase, conditions=(), container_statuses=ended)
                ),
            )
        self.run(BATCH_S)

    def next_try_s(self, most: float = 1000.0) -> float:
        """How long it takes until a new Pod is there."""
        begun = self.clock.time()
        known = {pod.metadata.uid for pod in self.store.list(Pod)}
        while all(pod.metadata.uid in known for pod in self.trying()):
            assert self.clock.time() - begun < most
            self.run(0.25)
        return self.clock.time() - begun


# -- success ----------------------------------------------------------------------------------------------------------


def test_a_job_runs_one_pod_and_is_complete_when_it_succeeds() -> None:
    cluster = Cluster()
    (pod,) = cluster.pods()
    assert pod.metadata.finalizers == (TRACKING_FINALIZER,)
    assert pod.metadata.labels["batch.kubernetes.io/job-name"] == "once"
    assert (cluster.status.active, cluster.status.start_time) == (1, 0.01)
    cluster.end("Succeeded")
    assert cluster.conditions() == {
        "SuccessCriteriaMet": ("True", "CompletionsReached"),
        "Complete": ("True", "CompletionsReached"),
    }
    status = cluster.status
    assert (status.active, status.succeeded, status.failed) == (0, 1, 0)
    assert status.completion_time is not None
    assert cluster.pods()[0].metadata.finalizers == ()
    assert cluster.messages("Completed") == ["Job completed"]


def test_as_many_run_at_a_time_as_may_and_in_all_as_must() -> None:
    cluster = Cluster(completions=5, parallelism=2)
    assert len(cluster.trying()) == 2
    for succeeded in range(1, 6):
        cluster.end("Succeeded")
        assert cluster.status.succeeded == succeeded
        assert len(cluster.trying()) == min(2, 5 - succeeded)
    assert "Complete" in cluster.conditions()


def test_a_work_queue_is_done_when_one_has_succeeded_and_none_runs() -> None:
    cluster = Cluster(parallelism=3)
    assert cluster.job.spec.completions is None
    cluster.end("Succeeded")
    assert len(cluster.trying()) == 2
    assert cluster.conditions() == {}
    cluster.end("Succeeded", *cluster.trying())
    assert cluster.status.succeeded == 3
    assert "Complete" in cluster.conditions()


def test_ready_and_terminating_pods_are_counted() -> None:
    cluster = Cluster(completions=4, parallelism=4)
    cluster.run(2)
    assert (cluster.status.active, cluster.status.ready) == (4, 4)
    cluster.change(parallelism=1)
    cluster.run(0.2)
    assert (cluster.status.active, cluster.status.terminating) == (1, 3)
    cluster.run(5)
    assert (cluster.status.active, cluster.status.terminating, cluster.status.failed) == (1, 0, 0)


# -- failure ----------------------------------------------------------------------------------------------------------


def test_after_failures_the_pauses_double_up_to_six_minutes() -> None:
    cluster = Cluster(backoff_limit=100)
    pauses = []
    for _ in range(8):
        cluster.end("Failed", code=1)
        pauses.append(round(cluster.next_try_s() + BATCH_S))
    assert pauses == [10, 20, 40, 80, 160, 320, 360, 360]


def test_a_success_makes_the_next_pause_short_again() -> None:
    cluster = Cluster(completions=3, backoff_limit=100)
    for _ in range(3):
        cluster.end("Failed", code=1)
        cluster.next_try_s()
    cluster.end("Succeeded", code=0)
    cluster.end("Failed", code=1)
    assert round(cluster.next_try_s() + BATCH_S) == 10


def test_beyond_the_backoff_limit_the_job_has_failed() -> None:
    cluster = Cluster(backoff_limit=2)
    for failures in range(1, 4):
        assert cluster.conditions() == {}
        cluster.end("Failed", code=1)
        assert cluster.status.failed == failures
        if failures < 3:
            cluster.next_try_s()
    assert cluster.conditions() == {
        "FailureTarget": ("True", "BackoffLimitExceeded"),
        "Failed": ("True", "BackoffLimitExceeded"),
    }
    assert cluster.status.completion_time is None
    cluster.run(1000)
    assert cluster.trying() == []
    assert cluster.messages("BackoffLimitExceeded") == ["Job has reached the specified backoff limit"]


def test_what_still_runs_is_stopped_and_only_then_has_the_job_failed() -> None:
    cluster = Cluster(completions=3, parallelism=3, backoff_limit=0)
    cluster.run(1)
    cluster.stop_s = 10.0
    cluster.end("Failed", code=1)
    assert cluster.conditions() == {"FailureTarget": ("True", "BackoffLimitExceeded")}
    assert (cluster.status.active, cluster.status.terminating, cluster.status.failed) == (0, 2, 3)
    cluster.run(12)
    assert "Failed" in cluster.conditions()
    assert cluster.status.terminating == 0


def test_restarts_in_place_count_as_tries() -> None:
    cluster = Cluster("OnFailure", backoff_limit=3)
    (pod,) = cluster.trying()

    def restarted(count: int) -> None:
        status = (ContainerStatus(name="main", restart_count=count),)
        cluster.store.mutate(
            Pod, pod.name, "default", lambda now: replace(now, status=replace(now.status, container_statuses=status))
        )
        cluster.run(BATCH_S)

    restarted(2)
    assert cluster.conditions() == {}
    restarted(3)
    assert cluster.conditions()["FailureTarget"] == ("True", "BackoffLimitExceeded")


def test_after_its_deadline_a_job_has_failed_however_well_it_was() -> None:
    cluster = Cluster(active_deadline_seconds=100, backoff_limit=100)
    cluster.run(98)
    assert cluster.conditions() == {}
    cluster.run(2)
    assert cluster.conditions()["FailureTarget"] == ("True", "DeadlineExceeded")
    cluster.run(5)
    assert cluster.conditions()["Failed"] == ("True", "DeadlineExceeded")
    assert cluster.messages("DeadlineExceeded") == ["Job was active longer than specified deadline"]


def test_a_pod_that_is_deleted_has_failed_and_is_replaced_at_once_or_when_it_has_ended() -> None:
    for policy, pods_while_it_ends in (("TerminatingOrFailed", 2), ("Failed", 1)):
        cluster = Cluster(pod_replacement_policy=policy)
        cluster.run(1)
        cluster.stop_s = 60.0
        cluster.store.delete(Pod, cluster.trying()[0].name)
        cluster.run(30)
        assert len(cluster.store.list(Pod)) == pods_while_it_ends


def test_pods_on_a_dead_node_are_given_up_with_it() -> None:
    cluster = SmallCluster(2)
    containers = (Container(name="main", image="batch:1"),)
    template = PodTemplateSpec(spec=PodSpec(containers=containers, restart_policy="Never"))
    spec = JobSpec(template=template, completions=2, parallelism=2)
    cluster.store.create(Job(metadata=ObjectMeta(name="once", namespace="default"), spec=spec))
    cluster.run(10)
    cluster.lose(2)
    cluster.run(500)
    running = [pod.spec.node_name for pod in cluster.store.list(Pod) if not pod.terminating]
    assert running == ["worker-1", "worker-1"]
    assert cluster.store.get(Job, "once").status.failed == 1


# -- podFailurePolicy -------------------------------------------------------------------------------------------------


def policy(*rules: PodFailurePolicyRule) -> PodFailurePolicy:
    return PodFailurePolicy(rules=rules)


ON_42 = OnExitCodes(operator="In", values=(42,))


def test_some_exit_codes_fail_the_job_at_once() -> None:
    rule = PodFailurePolicyRule(action="FailJob", on_exit_codes=ON_42)
    cluster = Cluster(pod_failure_policy=policy(rule))
    name = cluster.trying()[0].name
    cluster.end("Failed", code=42)
    assert cluster.conditions()["Failed"] == ("True", "PodFailurePolicy")
    message = f"Container main for pod default/{name} failed with exit code 42 matching FailJob rule at index 0"
    assert {one.message for one in cluster.status.conditions} == {message}


def test_failures_that_are_ignored_do_not_count() -> None:
    disrupted = PodFailurePolicyRule(
        action="Ignore", on_pod_conditions=(OnPodCondition(type="DisruptionTarget", status="True"),)
    )
    cluster = Cluster(backoff_limit=0, pod_failure_policy=policy(disrupted))
    pod = cluster.trying()[0]
    target = (Condition(type="DisruptionTarget", status="True"),)
    cluster.store.mutate(
        Pod,
        pod.name,
        "default",
        lambda now: replace(now, status=replace(now.status, phase="Failed", conditions=target)),
    )
    cluster.run(30)
    assert (cluster.status.failed, len(cluster.trying())) == (0, 1)


@pytest.mark.parametrize(
    ("codes", "code", "fails"),
    [
        (ON_42, 1, False),
        (OnExitCodes(operator="NotIn", values=(1, 2)), 2, False),
        (OnExitCodes(operator="NotIn", values=(1, 2)), 3, True),
        (OnExitCodes(operator="In", values=(42,), container_name="other"), 42, False),
        (OnExitCodes(operator="In", values=(42,), container_name="main"), 42, True),
    ],
)
def test_which_exit_codes_match(codes: OnExitCodes, code: int, fails: bool) -> None:
    cluster = Cluster(pod_failure_policy=policy(PodFailurePolicyRule(action="FailJob", on_exit_codes=codes)))
    cluster.end("Failed", code=code)
    assert ("FailureTarget" in cluster.conditions()) == fails


# -- indexes ----------------------------------------------------------------------------------------------------------


def test_an_indexed_jobs_pods_have_numbers() -> None:
    cluster = Cluster(completions=3, parallelism=2, completion_mode="Indexed")
    first, second = cluster.trying()
    assert first.name.startswith("once-0-")
    assert (first.spec.hostname, second.spec.hostname) == ("once-0", "once-1")
    assert (first.metadata.labels[INDEX], second.metadata.annotations[INDEX]) == ("0", "1")
    (variable,) = first.spec.containers[0].env
    path = f"metadata.labels['{INDEX}']"
    assert (variable.name, variable.extra) == ("JOB_COMPLETION_INDEX", {"valueFrom": {"fieldRef": {"fieldPath": path}}})


def test_each_number_must_succeed_and_one_that_failed_is_tried_again() -> None:
    cluster = Cluster(completions=3, parallelism=2, completion_mode="Indexed")
    first, second = cluster.trying()
    cluster.end("Succeeded", second)
    assert [pod.metadata.labels[INDEX] for pod in cluster.trying()] == ["0", "2"]
    cluster.end("Failed", first, code=1)
    cluster.next_try_s()
    assert sorted(pod.metadata.labels[INDEX] for pod in cluster.trying()) == ["0", "2"]
    cluster.end("Succeeded", *cluster.trying())
    assert (cluster.status.completed_indexes, cluster.status.succeeded, cluster.status.failed) == ("0-2", 3, 1)
    assert "Complete" in cluster.conditions()


def test_an_indexed_job_may_be_made_larger_and_smaller() -> None:
    cluster = Cluster(completions=2, parallelism=2, completion_mode="Indexed")
    cluster.change(completions=4, parallelism=4)
    cluster.run(1)
    assert sorted(pod.metadata.labels[INDEX] for pod in cluster.trying()) == ["0", "1", "2", "3"]
    cluster.store.delete(Pod, cluster.trying()[1].name)
    cluster.run(30)
    assert [pod.metadata.labels[INDEX] for pod in cluster.trying()] == ["0", "2", "3", "1"]
    cluster.change(completions=2, parallelism=2)
    cluster.run(3)
    assert [pod.metadata.labels[INDEX] for pod in cluster.trying()] == ["0", "1"]


@given(st.sets(st.integers(0, 40)))
def test_indexes_are_written_as_runs_and_read_again(indexes: set[int]) -> None:
    assert list(parse_indexes(format_indexes(indexes))) == sorted(indexes)


def test_two_in_a_row_have_a_comma_and_three_a_dash() -> None:
    assert format_indexes([0, 1, 3, 5, 6, 7]) == "0,1,3,5-7"


# -- suspending, deleting ---------------------------------------------------------------------------------------------


def test_a_suspended_job_has_no_pods_and_goes_on_where_it_was() -> None:
    cluster = Cluster(completions=2, suspend=True)
    assert (cluster.store.list(Pod), cluster.status.start_time) == ([], None)
    assert cluster.conditions() == {"Suspended": ("True", "JobSuspended")}
    cluster.change(suspend=False)
    cluster.run(0.5)
    assert cluster.conditions() == {"Suspended": ("False", "JobResumed")}
    assert cluster.status.start_time == pytest.approx(1.01)
    cluster.end("Succeeded")
    cluster.run(1)
    cluster.change(suspend=True)
    cluster.run(5)
    assert (cluster.trying(), cluster.status.succeeded, cluster.status.failed) == ([], 1, 0)
    cluster.change(suspend=False)
    cluster.run(5)
    cluster.end("Succeeded")
    assert "Complete" in cluster.conditions()
    assert (cluster.reasons().count("Suspended"), cluster.reasons().count("Resumed")) == (2, 2)


def test_a_deadline_does_not_run_while_the_job_is_suspended() -> None:
    cluster = Cluster(active_deadline_seconds=100, suspend=True)
    cluster.run(200)
    cluster.change(suspend=False)
    cluster.run(90)
    assert "FailureTarget" not in cluster.conditions()
    cluster.run(20)
    assert "FailureTarget" in cluster.conditions()


def test_pods_that_are_deleted_before_they_were_counted_are_counted_all_the_same() -> None:
    cluster = Cluster(completions=2)
    cluster.run(1)
    pod = cluster.trying()[0]
    cluster.store.mutate(
        Pod, pod.name, "default", lambda now: replace(now, status=replace(now.status, phase="Succeeded"))
    )
    cluster.store.delete(Pod, pod.name)
    assert cluster.store.find(Pod, pod.name) is not None
    cluster.run(BATCH_S)
    assert cluster.store.find(Pod, pod.name) is None
    assert cluster.status.succeeded == 1


def test_a_deleted_jobs_pods_go_with_it() -> None:
    cluster = Cluster(completions=3, parallelism=3)
    cluster.run(1)
    cluster.store.delete(Job, "once")
    cluster.run(10)
    assert cluster.store.list(Pod) == []


def test_a_job_goes_by_itself_some_time_after_its_end() -> None:
    cluster = Cluster(ttl_seconds_after_finished=60)
    cluster.end("Succeeded")
    cluster.run(58)
    assert cluster.store.find(Job, "once") is not None
    cluster.run(3)
    assert cluster.store.find(Job, "once") is None
    cluster.run(5)
    assert cluster.store.list(Pod) == []


def test_a_job_that_somebody_else_manages_is_left_alone() -> None:
    cluster = Cluster(managed_by="example.com/queue")
    cluster.run(10)
    assert cluster.store.list(Pod) == []


# -- laws -------------------------------------------------------------------------------------------------------------

ENDS = st.lists(st.sampled_from(["Succeeded", "Succeeded", "Failed", "delete", "suspend", "wait"]), max_size=25)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=50)
@given(ENDS, st.integers(1, 4), st.integers(1, 6), st.sampled_from(["Indexed", "NonIndexed"]))
def test_never_more_pods_than_may_and_never_more_successes_than_must(
    ends: list[str], parallelism: int, completions: int, mode: str
) -> None:
    cluster = Cluster(completions=completions, parallelism=parallelism, completion_mode=mode, backoff_limit=3)
    seen = 0
    for number, end in enumerate(ends):
        trying = cluster.trying()
        pod = trying[number % len(trying)] if trying else None
        if end == "suspend":
            cluster.change(suspend=not cluster.job.spec.suspend)
        elif end == "delete" and pod is not None:
            cluster.store.delete(Pod, pod.name)
        elif end != "wait" and pod is not None:
            cluster.end(end, pod, code=0 if end == "Succeeded" else 1)
        for _ in range(6):
            cluster.run(4)
            status = cluster.status
            assert len(cluster.trying()) <= parallelism
            assert seen <= status.succeeded <= completions
            assert status.active == len(cluster.trying())
            seen = status.succeeded
            if mode == "Indexed":
                indexes = [pod.metadata.labels[INDEX] for pod in cluster.trying()]
                assert len(set(indexes)) == len(indexes)
    assert (cluster.status.succeeded == completions) == ("Complete" in cluster.conditions())
    assert (cluster.status.failed > 3) == ("Failed" in cluster.conditions())


# -- tries of each number (KEP-3850) --------------------------------------------------------------------------------


def numbers(**spec: Any) -> Cluster:
    return Cluster(
        completion_mode="Indexed", **{"completions": 3, "parallelism": 3, "backoff_limit_per_index": 1, **spec}
    )


def of(cluster: Cluster, index: int) -> Pod:
    """The Pod that tries a number."""
    (found,) = [pod for pod in cluster.trying() if pod.metadata.labels[INDEX] == str(index)]
    return found


def trying_numbers(cluster: Cluster) -> list[int]:
    return sorted(int(pod.metadata.labels[INDEX]) for pod in cluster.trying())


def test_a_number_that_has_used_its_tries_fails_alone_and_the_job_when_all_are_settled() -> None:
    cluster = numbers()
    assert cluster.job.spec.backoff_limit == 2**31 - 1
    cluster.end("Failed", of(cluster, 1))
    cluster.run(12)
    assert of(cluster, 1).metadata.annotations["batch.kubernetes.io/job-index-failure-count"] == "1"
    cluster.end("Failed", of(cluster, 1))
    cluster.run(60)
    assert (cluster.status.failed_indexes, trying_numbers(cluster)) == ("1", [0, 2])
    assert cluster.conditions() == {}
    cluster.end("Succeeded", of(cluster, 0))
    cluster.end("Succeeded", of(cluster, 2))
    assert cluster.conditions()["Failed"] == ("True", "FailedIndexes")
    assert (cluster.status.completed_indexes, cluster.status.failed, cluster.status.succeeded) == ("0,2", 2, 2)


def test_each_number_waits_on_its_own_10_s_then_twice_that() -> None:
    cluster = numbers(backoff_limit_per_index=5)
    pauses = []
    for _ in range(3):
        cluster.end("Failed", of(cluster, 0), code=1)
        begun = cluster.clock.time() - BATCH_S
        while 0 not in trying_numbers(cluster):
            cluster.run(0.25)
        pauses.append(round(cluster.clock.time() - begun))
        assert {1, 2} <= set(trying_numbers(cluster))
    assert pauses == [10, 20, 40]
    cluster.end("Failed", of(cluster, 1))
    cluster.run(11)
    assert trying_numbers(cluster) == [0, 1, 2], "the first failure of another number is a first one"


def test_more_failed_numbers_than_allowed_fail_the_job_at_once() -> None:
    cluster = numbers(backoff_limit_per_index=0, max_failed_indexes=1)
    cluster.end("Failed", of(cluster, 0))
    assert cluster.conditions() == {}
    cluster.end("Failed", of(cluster, 1))
    cluster.run(5)
    assert cluster.conditions()["Failed"] == ("True", "MaxFailedIndexesExceeded")
    assert cluster.trying() == []
    assert cluster.status.failed_indexes == "0,1"


@pytest.mark.parametrize(
    ("action", "failed", "counts"), [("FailIndex", "0", "0"), ("Ignore", "", "0"), ("Count", "", "1")]
)
def test_a_policy_may_give_a_number_up_or_not_count(action: str, failed: str, counts: str) -> None:
    rule = PodFailurePolicyRule(action=action, on_exit_codes=OnExitCodes(operator="In", values=(42,)))
    cluster = numbers(pod_failure_policy=PodFailurePolicy(rules=(rule,)))
    cluster.end("Failed", of(cluster, 0), code=42)
    assert cluster.status.failed_indexes == failed
    cluster.run(15)
    if action != "FailIndex":
        assert of(cluster, 0).metadata.annotations["batch.kubernetes.io/job-index-failure-count"] == counts


# -- successPolicy (KEP-3998) ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "enough"),
    [
        (SuccessPolicyRule(succeeded_count=1), [2]),
        (SuccessPolicyRule(succeeded_indexes="0,2"), [0, 2]),
        (SuccessPolicyRule(succeeded_indexes="0-1", succeeded_count=1), [1]),
    ],
)
def test_a_job_is_done_when_a_rule_of_its_own_holds_and_the_rest_is_stopped(
    rule: SuccessPolicyRule, enough: list[int]
) -> None:
    never = SuccessPolicyRule(succeeded_indexes="0-2")
    cluster = Cluster(
        completion_mode="Indexed", completions=3, parallelism=3, success_policy=SuccessPolicy(rules=(never, rule))
    )
    for index in enough:
        assert cluster.conditions() == {}
        cluster.end("Succeeded", of(cluster, index))
    assert cluster.conditions()["SuccessCriteriaMet"] == ("True", "SuccessPolicy")
    cluster.run(5)
    assert cluster.conditions()["Complete"] == ("True", "SuccessPolicy")
    assert next(one.message for one in cluster.status.conditions) == "Matched rules at index 1"
    assert (cluster.trying(), cluster.status.succeeded, cluster.status.failed) == ([], len(enough), 0)


def test_without_a_rule_that_holds_all_have_to_succeed() -> None:
    policy = SuccessPolicy(rules=(SuccessPolicyRule(succeeded_indexes="0-1", succeeded_count=2),))
    cluster = Cluster(completion_mode="Indexed", completions=2, parallelism=2, success_policy=policy)
    cluster.end("Succeeded", of(cluster, 1))
    assert cluster.conditions() == {}
    cluster.end("Succeeded", of(cluster, 0))
    assert cluster.conditions()["Complete"][0] == "True"
