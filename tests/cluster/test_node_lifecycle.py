"""A node that falls silent: noticed 50 s after its last lease, its Pods evicted 300 s later, zone by zone at 0.1/s."""

from __future__ import annotations

import itertools

import pytest
from msgspec.structs import replace

from lab.kube.kinds.node import Lease, Node, NodeStatus, Taint
from lab.kube.kinds.pod import Pod, Toleration
from lab.kube.meta import Condition, ObjectMeta
from lab.settings import Settings
from tests.cluster.small_cluster import SmallCluster

UNREACHABLE = ["node.kubernetes.io/unreachable:NoExecute", "node.kubernetes.io/unreachable:NoSchedule"]


def status(cluster: SmallCluster, number: int) -> str:
    return next(c.status for c in cluster.node(f"worker-{number}").status.conditions if c.type == "Ready")


def noticed_after(cluster: SmallCluster, number: int) -> float:
    """Cut a node's power; how long until the control plane calls it NotReady, in seconds."""
    begun = cluster.clock.time()
    cluster.lose(number)
    while cluster.node(f"worker-{number}").ready:
        cluster.run(0.1)
    return cluster.clock.time() - begun


def tainted_at(cluster: SmallCluster, *numbers: int) -> list[float]:
    """When the eviction of each node began."""
    taints = [t for n in numbers for t in cluster.node(f"worker-{n}").spec.taints if t.effect == "NoExecute"]
    return sorted(taint.time_added or 0.0 for taint in taints)


def test_a_lease_is_renewed_every_10_s() -> None:
    cluster = SmallCluster()
    renewals = []
    for _ in range(100):
        cluster.run(1)
        renewals.append(cluster.store.get(Lease, "worker-1", "kube-node-lease").spec.renew_time or 0.0)
    moments = list(dict.fromkeys(renewals))[1:]
    assert [round(later - sooner, 6) for sooner, later in itertools.pairwise(moments)] == [10.0] * 9


@pytest.mark.parametrize("moment", [60.0, 61.7, 63.3, 65.0, 66.9, 68.4])
def test_power_loss_is_noticed_after_40_to_55_s(moment: float) -> None:
    cluster = SmallCluster(3)
    cluster.until(moment)
    assert 40 <= noticed_after(cluster, 2) <= 55.1
    assert status(cluster, 2) == "Unknown"


def test_before_kubernetes_1_32_it_took_10_s_less() -> None:
    cluster = SmallCluster(3, settings=Settings(node_monitor_grace_s=40))
    cluster.until(60)
    assert 30 <= noticed_after(cluster, 2) <= 45.1


def test_its_pods_are_marked_not_ready_and_nothing_else_happens_to_them() -> None:
    cluster = SmallCluster(2)
    cluster.add_pod()
    cluster.until(10)
    assert cluster.pod().ready
    noticed_after(cluster, 1)
    assert not cluster.pod().ready
    assert cluster.pod().status.phase == "Running"
    assert not cluster.pod().terminating
    cluster.run(0.1)
    assert cluster.taints(1) == UNREACHABLE


def test_its_pods_are_evicted_300_s_later_and_stay_terminating() -> None:
    cluster = SmallCluster(2)
    cluster.add_pod()
    cluster.until(10)
    noticed_after(cluster, 1)
    noticed = cluster.clock.time()
    cluster.until(noticed + 299)
    assert not cluster.pod().terminating
    cluster.until(noticed + 301)
    assert cluster.pod().terminating
    assert cluster.notes("TaintManagerEviction")[0].message == "Marking for deletion Pod default/web"
    cluster.run(600)
    assert cluster.exists()


def test_a_node_that_comes_back_in_time_keeps_its_pods() -> None:
    cluster = SmallCluster(2)
    cluster.add_pod()
    cluster.until(10)
    cluster.lose(1)
    cluster.until(200)
    cluster.plane.kubelets["worker-1"].power_on()
    cluster.until(210)
    assert cluster.node("worker-1").ready
    assert cluster.taints(1) == []
    assert cluster.pod().ready
    cluster.until(600)
    assert cluster.pod().ready
    assert not cluster.pod().terminating


def test_containers_count_a_restart_after_the_node_was_down() -> None:
    cluster = SmallCluster(2)
    cluster.add_pod()
    cluster.until(10)
    cluster.lose(1)
    cluster.until(20)
    cluster.plane.kubelets["worker-1"].power_on()
    cluster.until(30)
    last = cluster.container().last_state
    assert cluster.container().restart_count == 1
    assert last is not None
    assert last.exit_code == 255
    assert cluster.notes("SandboxChanged")


def test_a_pod_evicted_meanwhile_is_gone_when_the_node_is_back() -> None:
    cluster = SmallCluster(2)
    cluster.add_pod()
    cluster.until(10)
    cluster.lose(1)
    cluster.until(400)
    assert cluster.pod().terminating
    cluster.plane.kubelets["worker-1"].power_on()
    cluster.run(1)
    assert not cluster.exists()


def test_without_power_nothing_is_written() -> None:
    cluster = SmallCluster(1)
    cluster.add_pod()
    cluster.until(1)
    cluster.lose(1)
    version = cluster.store.version
    cluster.until(30)
    assert cluster.store.version == version


def taint(cluster: SmallCluster, *taints: Taint) -> None:
    cluster.store.mutate(Node, "worker-1", "", lambda node: replace(node, spec=replace(node.spec, taints=taints)))


def test_a_taint_that_is_not_tolerated_evicts_at_once() -> None:
    cluster = SmallCluster(2)
    cluster.add_pod()
    cluster.until(10)
    taint(cluster, Taint(key="maintenance", effect="NoExecute"))
    cluster.run(1)
    assert not cluster.exists()


def test_a_taint_that_is_taken_away_in_time_evicts_nobody() -> None:
    cluster = SmallCluster(2)
    patience = Toleration(key="maintenance", operator="Exists", toleration_seconds=60)
    cluster.add_pod(tolerations=(patience,))
    cluster.until(10)
    taint(cluster, Taint(key="maintenance", effect="NoExecute"))
    cluster.until(65)
    taint(cluster)
    cluster.until(200)
    assert cluster.pod().ready
    assert cluster.notes("TaintManagerEviction")[0].message == "Cancelling deletion of Pod default/web"


def test_nodes_of_a_zone_are_given_up_10_s_apart() -> None:
    cluster = SmallCluster(8)
    cluster.until(60)
    cluster.lose(1, 2, 3)
    cluster.until(180)
    first, second, third = tainted_at(cluster, 1, 2, 3)
    assert second - first == pytest.approx(10, abs=0.1)
    assert third - second == pytest.approx(10, abs=0.1)


def test_a_small_zone_that_lost_55_percent_is_not_evicted() -> None:
    cluster = SmallCluster(10, zones=("a", "b"))
    cluster.until(60)
    cluster.lose(1, 3, 5)  # three of the five in zone a
    cluster.until(300)
    assert sum("unreachable:NoSchedule" in taint for n in (1, 3, 5) for taint in cluster.taints(n)) == 3
    assert len(tainted_at(cluster, 1, 3, 5)) <= 1  # what was begun before the third was missed


def test_a_zone_that_is_gone_is_evicted_while_another_is_well() -> None:
    cluster = SmallCluster(4, zones=("a", "b"))
    cluster.until(60)
    cluster.lose(1, 3)
    cluster.until(180)
    assert len(tainted_at(cluster, 1, 3)) == 2


def test_when_every_zone_is_gone_nobody_is_evicted() -> None:
    cluster = SmallCluster(2)
    cluster.add_pod()
    cluster.until(60)
    cluster.lose(1, 2)
    cluster.until(600)
    assert not cluster.node("worker-1").ready
    assert tainted_at(cluster, 1, 2) == []
    assert not cluster.pod().terminating


def test_a_large_zone_that_lost_55_percent_is_evicted_ten_times_as_slowly() -> None:
    cluster = SmallCluster(8, settings=Settings(node_large_cluster_size=7))
    cluster.until(60)
    cluster.lose(1, 2, 3, 4, 5)  # more than 55 % of eight, and some are well
    cluster.until(400)
    moments = tainted_at(cluster, 1, 2, 3, 4, 5)
    # What fell silent within one look is one step; then one node each 1 / 0.01 s.
    slow = [later - sooner for sooner, later in itertools.pairwise(moments) if later - sooner > 11]
    assert slow == [pytest.approx(100, abs=0.1)] * len(slow)
    assert len(slow) >= 2


def test_the_55_percent_are_a_bound_that_54_do_not_reach() -> None:
    cluster = SmallCluster(13)
    cluster.until(60)
    cluster.lose(*range(1, 8))  # 7 of 13 are 53.8 %
    cluster.until(220)
    assert len(tainted_at(cluster, *range(1, 8))) == 7


def test_a_node_that_never_said_anything_is_given_60_s() -> None:
    cluster = SmallCluster(1)
    cluster.until(100)
    made = replace(cluster.node("worker-1"), metadata=ObjectMeta(name="ghost"), status=NodeStatus())
    cluster.store.create(made)
    cluster.until(159)
    assert not cluster.notes("NodeNotReady", "ghost")
    cluster.until(166)
    assert [note.time for note in cluster.notes("NodeNotReady", "ghost")] == [165.0]


@pytest.mark.parametrize(
    ("condition", "taint"),
    [
        ("MemoryPressure", "memory-pressure"),
        ("DiskPressure", "disk-pressure"),
        ("PIDPressure", "pid-pressure"),
        ("NetworkUnavailable", "network-unavailable"),
    ],
)
def test_a_condition_of_a_node_keeps_new_pods_away(condition: str, taint: str) -> None:
    cluster = SmallCluster()
    cluster.add_pod(name="old")
    cluster.run(5)

    def say(status: str) -> None:
        def change(node: Node) -> Node:
            others = tuple(each for each in node.status.conditions if each.type != condition)
            told = Condition(type=condition, status=status)
            return replace(node, status=replace(node.status, conditions=(*others, told)))

        cluster.store.mutate(Node, "worker-1", "", change)
        cluster.run(2)

    say("True")
    assert cluster.taints(1) == [f"node.kubernetes.io/{taint}:NoSchedule"]
    cluster.add_pod(name="new", node="")
    cluster.run(5)
    assert cluster.pod("old").ready
    assert not cluster.pod("new").spec.node_name
    say("False")
    cluster.run(5)
    assert cluster.pod("new").spec.node_name == "worker-1"


def test_a_cordoned_node_is_tainted_for_the_scheduler() -> None:
    cluster = SmallCluster()
    cluster.run(1)
    cluster.store.mutate(Node, "worker-1", "", lambda node: replace(node, spec=replace(node.spec, unschedulable=True)))
    cluster.run(1)
    assert cluster.taints(1) == ["node.kubernetes.io/unschedulable:NoSchedule"]
    assert cluster.store.list(Pod) == []
