from __future__ import annotations

from lab.kube.kinds.daemonset import DaemonSet, DaemonSetSpec
from lab.kube.kinds.node import Node
from lab.kube.kinds.pod import Pod
from lab.kube.meta import LabelSelector, ObjectMeta
from tests.cluster.small_cluster import SmallCluster
from tests.cluster.workloads import template


def daemons(nodes: int) -> SmallCluster:
    cluster = SmallCluster(nodes)
    spec = DaemonSetSpec(selector=LabelSelector(match_labels={"app": "web"}), template=template())
    cluster.store.create(DaemonSet(metadata=ObjectMeta(name="agent", namespace="default"), spec=spec))
    cluster.run(10)
    return cluster


def where(cluster: SmallCluster) -> list[str]:
    return sorted(pod.spec.node_name for pod in cluster.store.list(Pod))


def test_the_scheduler_binds_each_daemon_pod_to_its_node() -> None:
    cluster = daemons(3)
    assert where(cluster) == ["worker-1", "worker-2", "worker-3"]
    assert cluster.store.get(DaemonSet, "agent").status.number_available == 3


def test_the_pods_of_a_node_that_is_gone_are_deleted_once_that_is_certain() -> None:
    cluster = daemons(3)
    cluster.store.delete(Node, "worker-2")
    cluster.run(35)
    assert where(cluster) == ["worker-1", "worker-2", "worker-3"]
    cluster.run(30)
    assert where(cluster) == ["worker-1", "worker-3"]
    status = cluster.store.get(DaemonSet, "agent").status
    assert (status.desired_number_scheduled, status.number_available) == (2, 2)


def test_a_pod_that_names_no_node_that_there_is_goes_the_same_way() -> None:
    cluster = SmallCluster(1)
    cluster.add_pod(node="worker-9")
    cluster.run(70)
    assert cluster.store.list(Pod) == []


def test_daemons_outlast_a_dead_node() -> None:
    cluster = daemons(2)
    cluster.lose(2)
    cluster.run(700)
    assert where(cluster) == ["worker-1", "worker-2"]
    status = cluster.store.get(DaemonSet, "agent").status
    # The taint unreachable:NoSchedule is not among those that daemons tolerate, so a new Pod would not be made there.
    assert (status.desired_number_scheduled, status.number_misscheduled, status.number_ready) == (1, 1, 1)
