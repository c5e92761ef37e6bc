"""From a Pod that is bound to a node to one that is Ready."""

from __future__ import annotations

from itertools import pairwise

import pytest
from msgspec.structs import replace

from lab.cluster.runtime import Lifetime, ProbeResult
from lab.kube.kinds.pod import (
    Container,
    ContainerState,
    ExecAction,
    HTTPGetAction,
    Lifecycle,
    LifecycleHandler,
    Pod,
    PodReadinessGate,
    SleepAction,
)
from lab.kube.meta import Condition
from lab.settings import Settings
from tests.cluster.small_cluster import SmallCluster, app, tcp_probe

QUICK = Settings(image_pull_s=0.0)


def test_a_pod_goes_through_every_condition_in_order() -> None:
    cluster = SmallCluster()
    cluster.add_pod()
    cluster.run(5)
    moments = [
        cluster.ready_since(type)
        for type in ("PodScheduled", "PodReadyToStartContainers", "Initialized", "ContainersReady", "Ready")
    ]
    assert moments == sorted(moments)
    assert cluster.pod().status.phase == "Running"
    assert cluster.pod().status.pod_ip == "10.244.0.2"
    assert cluster.pod().status.host_ip == "172.18.0.11"


def test_a_pod_is_pending_while_its_image_is_pulled() -> None:
    cluster = SmallCluster()
    cluster.add_pod()
    cluster.run(1)
    assert cluster.pod().status.phase == "Pending"
    assert cluster.container().state == ContainerState(state="waiting", reason="ContainerCreating")


def test_events_tell_what_kubectl_would_show() -> None:
    cluster = SmallCluster()
    cluster.add_pod()
    cluster.run(5)
    assert cluster.reasons("web") == ["Pulling", "Pulled", "Created", "Started"]


def test_a_pod_without_pull_and_init_starts_well_within_the_objective_of_5_s() -> None:
    cluster = SmallCluster(settings=QUICK)
    cluster.add_pod()
    cluster.run(5)
    assert cluster.ready_since() < 1.0


def test_an_image_is_pulled_once_a_node() -> None:
    cluster = SmallCluster()
    cluster.add_pod(name="first")
    cluster.run(5)
    cluster.add_pod(name="second")
    cluster.run(5)
    assert cluster.notes("Pulling", "second") == []
    assert cluster.notes("Pulled", "second")[0].message == 'Container image "shop/web:1" already present on machine'


def test_images_are_pulled_one_at_a_time() -> None:
    cluster = SmallCluster()
    cluster.add_pod(app(image="a:1"), name="a")
    cluster.add_pod(app(image="b:1"), name="b")
    cluster.run(10)
    first, second = cluster.notes("Pulled")
    assert first.time - 0.41 >= 0.75
    assert second.time - first.time >= 0.75


def test_images_are_pulled_side_by_side_when_the_setting_says_so() -> None:
    cluster = SmallCluster(settings=Settings(image_pull_parallel=True))
    for name in "abcd":
        cluster.add_pod(app(image=f"{name}:1"), name=name)
    cluster.run(10)
    assert max(note.time for note in cluster.notes("Pulled")) < 0.41 + 2.26


def test_an_image_that_cannot_be_pulled_is_tried_again_after_10_20_and_40_s() -> None:
    cluster = SmallCluster(settings=QUICK)
    cluster.plane.registry.removed["docker.io/shop/web:1"] = None
    cluster.add_pod()
    cluster.run(75)
    tries = [note.time for note in cluster.notes("Pulling")]
    assert [round(later - sooner) for sooner, later in pairwise(tries)] == [10, 20, 40]
    assert cluster.container().state.reason == "ImagePullBackOff"
    assert cluster.pod().status.phase == "Pending"


def test_a_pull_back_off_ends_at_300_s_and_an_image_that_appears_is_taken() -> None:
    cluster = SmallCluster(settings=QUICK)
    cluster.plane.registry.removed["docker.io/shop/web:1"] = None
    cluster.add_pod()
    cluster.run(1300)
    tries = [note.time for note in cluster.notes("Pulling")]
    assert round(tries[-1] - tries[-2]) == 300
    cluster.plane.registry.removed.clear()
    cluster.run(301)
    assert cluster.pod().ready


def test_an_image_whose_name_is_none_is_never_asked_for() -> None:
    cluster = SmallCluster(settings=QUICK)
    cluster.add_pod(app(image="shop/a b"))
    cluster.run(5)
    assert cluster.container().state.reason == "InvalidImageName"
    said = cluster.notes("InspectFailed")[0].message
    assert said.endswith("""couldn't parse image name "shop/a b": invalid reference format""")
    assert not cluster.notes("Pulling")


def test_init_containers_run_one_after_the_other_before_the_others() -> None:
    cluster = SmallCluster(settings=QUICK)
    inits = (Container(name="one", image="init:1"), Container(name="two", image="init:1"))
    cluster.add_pod(init_containers=inits)
    cluster.run(2)
    assert cluster.container().state.reason == "PodInitializing"
    cluster.run(5)
    assert [note.message for note in cluster.notes("Started")] == [
        "Started container one",
        "Started container two",
        "Started container app",
    ]
    assert cluster.ready_since("Initialized") > 2.0
    assert [s.state.reason for s in cluster.pod().status.init_container_statuses] == ["Completed", "Completed"]


INIT = (Container(name="migrate", image="migrate:1"),)


def failing_init(**spec: object) -> SmallCluster:
    cluster = SmallCluster(settings=QUICK)
    cluster.runtime.lifetimes["default", "web", "migrate"] = Lifetime(2.0, 1)
    cluster.add_pod(init_containers=INIT, **spec)
    return cluster


def test_an_init_container_that_fails_is_tried_again_with_back_off_and_holds_up_the_rest() -> None:
    cluster = failing_init()
    cluster.run(60)
    starts = [note.time for note in cluster.notes("Started")]
    # At once, then 10 s and 20 s after it has failed again; each run takes 2 s, and 0.2 s to be made.
    assert [round(later - sooner, 1) for sooner, later in pairwise(starts)] == [2.2, 12.2, 22.2]
    pod = cluster.pod()
    assert (pod.status.phase, pod.status.init_container_statuses[0].restart_count) == ("Pending", 3)
    assert pod.status.init_container_statuses[0].state.reason == "CrashLoopBackOff"
    cluster.runtime.lifetimes.clear()
    cluster.run(60)
    assert cluster.pod().ready


def test_where_nothing_is_restarted_a_failing_init_container_fails_the_pod() -> None:
    cluster = failing_init(restart_policy="Never")
    cluster.run(10)
    assert cluster.pod().status.phase == "Failed"
    assert [note.message for note in cluster.notes("Started")] == ["Started container migrate"]


def test_what_comes_after_a_sidecar_waits_for_its_startup_probe() -> None:
    cluster = SmallCluster(settings=QUICK)
    probe = tcp_probe(period_seconds=1, failure_threshold=60)
    mesh = Container(name="mesh", image="mesh:1", restart_policy="Always", startup_probe=probe)
    cluster.runtime.verdicts["default", "web", "mesh"] = ProbeResult(False, "connection refused")
    cluster.add_pod(init_containers=(mesh, *INIT))
    cluster.run(20)
    assert [note.message for note in cluster.notes("Started")] == ["Started container mesh"]
    cluster.runtime.verdicts.clear()
    cluster.run(5)
    assert [note.message.split()[-1] for note in cluster.notes("Started")] == ["mesh", "migrate", "app"]
    assert cluster.pod().ready


def test_a_sidecar_that_ends_is_started_again_whatever_the_pods_policy_says() -> None:
    cluster = SmallCluster(settings=QUICK)
    mesh = Container(name="mesh", image="mesh:1", restart_policy="Always")
    cluster.add_pod(init_containers=(mesh,), restart_policy="Never")
    cluster.run(5)
    cluster.runtime.exit(cluster.pod(), "mesh", 1, "Error")
    cluster.run(1)
    status = cluster.pod().status.init_container_statuses[0]
    assert (status.restart_count, status.state.state) == (1, "running")


@pytest.mark.parametrize(
    ("handler", "took_s"),
    [
        (LifecycleHandler(sleep=SleepAction(seconds=4)), 4.0),
        (LifecycleHandler(exec=ExecAction(command=("sh", "-c", "sleep 3"))), 3.0),
        (LifecycleHandler(sleep=SleepAction(seconds=0)), 0.0),
    ],
    ids=["sleep", "exec", "sleep 0"],
)
def test_a_container_is_ready_when_its_post_start_hook_is_done(handler: LifecycleHandler, took_s: float) -> None:
    cluster = SmallCluster(settings=QUICK)
    cluster.add_pod(app(lifecycle=Lifecycle(post_start=handler)))
    cluster.run(10)
    started = cluster.notes("Started")[0].time
    assert cluster.ready_since() - started == pytest.approx(took_s, abs=0.1)


def test_a_post_start_hook_that_fails_ends_the_container() -> None:
    cluster = SmallCluster(settings=QUICK)
    cluster.answer(False)
    hook = LifecycleHandler(http_get=HTTPGetAction(port=8080))
    cluster.add_pod(app(lifecycle=Lifecycle(post_start=hook)))
    cluster.run(5)
    assert cluster.notes("FailedPostStartHook")
    assert not cluster.pod().ready
    assert cluster.container().restart_count >= 1


def test_a_sidecar_starts_first_and_stays() -> None:
    cluster = SmallCluster(settings=QUICK)
    cluster.add_pod(init_containers=(Container(name="mesh", image="mesh:1", restart_policy="Always"),))
    cluster.run(5)
    assert cluster.pod().ready
    status = cluster.pod().status.init_container_statuses[0]
    assert (status.state.state, status.ready) == ("running", True)


def test_a_readiness_gate_holds_back_ready() -> None:
    cluster = SmallCluster(settings=QUICK)
    cluster.add_pod(readiness_gates=(PodReadinessGate(condition_type="lab/balanced"),))
    cluster.run(5)
    assert not cluster.pod().ready
    gate = Condition(type="lab/balanced", status="True")
    cluster.store.mutate(
        Pod,
        "web",
        "default",
        lambda pod: replace(pod, status=replace(pod.status, conditions=(*pod.status.conditions, gate))),
    )
    cluster.run(1)
    assert cluster.pod().ready


def test_a_pod_that_may_end_succeeds_or_fails() -> None:
    cluster = SmallCluster(settings=QUICK)
    cluster.add_pod(name="good", restart_policy="Never")
    cluster.add_pod(name="bad", restart_policy="Never")
    cluster.run(5)
    cluster.runtime.exit(cluster.pod("good"), "app", 0)
    cluster.crash("bad")
    cluster.run(1)
    assert [cluster.pod(name).status.phase for name in ("good", "bad")] == ["Succeeded", "Failed"]
    assert not cluster.pod("good").ready


def test_the_first_probe_waits_for_the_initial_delay() -> None:
    cluster = SmallCluster(settings=QUICK)
    cluster.add_pod(app(readiness_probe=tcp_probe(initial_delay_seconds=7)))
    cluster.run(20)
    started = cluster.notes("Started")[0].time
    assert 7.0 <= cluster.ready_since() - started < 7.2
