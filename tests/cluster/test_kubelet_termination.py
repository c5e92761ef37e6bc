"""How a Pod ends: preStop inside the grace period, SIGTERM, SIGKILL after 30 s, and its object last of all."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from lab.kube.kinds.pod import Container, ExecAction, Lifecycle, LifecycleHandler, Pod, SleepAction
from lab.settings import Settings
from tests.cluster.small_cluster import SmallCluster, app

QUICK = Settings(image_pull_s=0.0)
SLEEP_5 = LifecycleHandler(sleep=SleepAction(seconds=5))
EXEC_SLEEP_5 = LifecycleHandler(exec=ExecAction(command=("/bin/sh", "-c", "sleep 5 && nginx -s quit")))


def running(container: Container | None = None, *, deaf: bool = False, **spec: object) -> SmallCluster:
    cluster = SmallCluster(settings=QUICK)
    cluster.add_pod(container or app(), **spec)
    cluster.runtime.deaf[("default", "web", "app")] = deaf
    cluster.until(10)
    return cluster


def gone_after(cluster: SmallCluster, grace_s: float | None = None) -> float:
    """Delete the Pod; how long its object stays, in seconds."""
    begun = cluster.clock.time()
    cluster.store.delete(Pod, "web", grace_s=grace_s)
    while cluster.exists():
        cluster.run(0.05)
    return cluster.clock.time() - begun


def test_a_pod_that_listens_to_sigterm_is_gone_at_once() -> None:
    cluster = running()
    assert gone_after(cluster) < 0.3
    assert cluster.notes("Killing")[0].message == "Stopping container app"
    assert cluster.runtime.running == {}


def test_a_deaf_one_is_killed_after_30_s() -> None:
    assert gone_after(running(deaf=True)) == pytest.approx(30, abs=0.3)


def test_its_own_grace_period_counts() -> None:
    assert gone_after(running(deaf=True, termination_grace_period_seconds=7)) == pytest.approx(7, abs=0.3)


@pytest.mark.parametrize("handler", [SLEEP_5, EXEC_SLEEP_5], ids=["sleep", "exec"])
def test_a_pre_stop_hook_delays_sigterm(handler: LifecycleHandler) -> None:
    cluster = running(app(lifecycle=Lifecycle(pre_stop=handler)))
    assert gone_after(cluster) == pytest.approx(5, abs=0.3)


def test_a_pre_stop_hook_counts_inside_the_grace_period() -> None:
    cluster = running(app(lifecycle=Lifecycle(pre_stop=SLEEP_5)), deaf=True)
    assert gone_after(cluster) == pytest.approx(30, abs=0.3)


def test_a_hook_longer_than_the_grace_period_leaves_2_s() -> None:
    hook = Lifecycle(pre_stop=LifecycleHandler(exec=ExecAction(command=("sleep", "60"))))
    cluster = running(app(lifecycle=hook), deaf=True, termination_grace_period_seconds=10)
    assert gone_after(cluster) == pytest.approx(12, abs=0.3)
    assert cluster.notes("FailedPreStopHook")


def test_a_forced_delete_takes_the_object_first() -> None:
    cluster = running(deaf=True)
    assert gone_after(cluster, 0) == 0
    assert cluster.runtime.running
    cluster.run(1.5)
    assert cluster.runtime.running == {}


def test_a_second_delete_brings_the_end_forward() -> None:
    cluster = running(deaf=True)
    cluster.store.delete(Pod, "web")
    cluster.run(5)
    cluster.store.delete(Pod, "web", grace_s=1)
    cluster.run(1.5)
    assert not cluster.exists()


def test_sidecars_end_after_the_app() -> None:
    cluster = running(init_containers=(Container(name="mesh", image="mesh:1", restart_policy="Always"),))
    gone_after(cluster)
    assert [note.message for note in cluster.notes("Killing")] == ["Stopping container app", "Stopping container mesh"]


def sidecar(name: str, **fields: object) -> Container:
    return replace(Container(name=name, image=f"{name}:1", restart_policy="Always"), **fields)


def test_sidecars_get_sigterm_one_after_the_other_last_one_first(monkeypatch: pytest.MonkeyPatch) -> None:
    four = Lifecycle(pre_stop=LifecycleHandler(sleep=SleepAction(seconds=4)))
    cluster = running(app(lifecycle=four), init_containers=(sidecar("first"), sidecar("second")))
    begun, stop, told = cluster.clock.time(), cluster.runtime.stop, []

    def hear(pod: Pod, container: str) -> None:
        told.append((container, round(cluster.clock.time() - begun, 3)))
        stop(pod, container)

    monkeypatch.setattr(cluster.runtime, "stop", hear)
    gone_after(cluster)
    assert [name for name, _ in told] == ["app", "second", "first"]
    assert all(moment == pytest.approx(4, abs=0.1) for _, moment in told)


def test_when_the_grace_is_over_nobody_waits_for_his_turn_any_more() -> None:
    cluster = running(deaf=True, init_containers=(sidecar("mesh"),), termination_grace_period_seconds=6)
    cluster.runtime.deaf["default", "web", "mesh"] = True
    assert gone_after(cluster) == pytest.approx(8, abs=0.3)


def test_a_sidecars_pre_stop_hook_begins_with_those_of_the_others() -> None:
    """Its five seconds are over when the app has taken its eight, so SIGTERM comes at once."""
    mesh = sidecar("mesh", lifecycle=Lifecycle(pre_stop=SLEEP_5))
    eight = Lifecycle(pre_stop=LifecycleHandler(sleep=SleepAction(seconds=8)))
    assert gone_after(running(app(lifecycle=eight), init_containers=(mesh,))) == pytest.approx(8, abs=0.3)


def test_a_pod_deleted_while_it_starts_never_runs() -> None:
    cluster = SmallCluster()
    cluster.add_pod()
    cluster.run(0.5)
    assert gone_after(cluster) < 0.3
    cluster.run(10)
    assert cluster.notes("Started") == []


def test_the_address_is_not_given_to_another_pod_for_30_s() -> None:
    cluster = running()
    gone_after(cluster)
    cluster.add_pod(name="next")
    cluster.run(5)
    assert cluster.pod("next").status.pod_ip == "10.244.0.3"
    cluster.run(30)
    cluster.add_pod(name="later")
    cluster.run(5)
    assert cluster.pod("later").status.pod_ip == "10.244.0.2"
