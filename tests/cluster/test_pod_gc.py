"""The Pod garbage collector: Pods of nodes that are gone or out of service, and ended Pods that are too many."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from lab.cluster.watch import Change
from lab.kube.kinds.daemonset import DaemonSet, DaemonSetSpec
from lab.kube.kinds.deployment import Deployment, DeploymentSpec
from lab.kube.kinds.node import Lease, Node, Taint
from lab.kube.kinds.pod import Pod, PodSpec, PodTemplateSpec
from lab.kube.meta import LabelSelector, ObjectMeta
from lab.settings import Settings
from tests.cluster.small_cluster import SmallCluster, app
from tests.cluster.workloads import template

LABELS = {"app": "web"}


def deploy(cluster: SmallCluster, replicas: int) -> None:
    template = PodTemplateSpec(metadata=ObjectMeta(labels=LABELS), spec=PodSpec(containers=(app(),)))
    spec = DeploymentSpec(replicas=replicas, selector=LabelSelector(match_labels=LABELS), template=template)
    cluster.store.create(Deployment(metadata=ObjectMeta(name="web", namespace="default"), spec=spec))


def gone_after(cluster: SmallCluster, name: str = "web") -> float:
    begun = cluster.clock.time()
    while cluster.exists(name):
        assert cluster.clock.time() - begun < 200, "it stays for ever"
        cluster.run(0.5)
    return cluster.clock.time() - begun


def ended(cluster: SmallCluster, name: str, reason: str = "") -> None:
    pod = cluster.add_pod(name=name, node="", node_selector={"disk": "none"})
    status = replace(pod.status, phase="Failed", reason=reason)
    cluster.store.mutate(Pod, pod.name, pod.namespace, lambda found: replace(found, status=status))


@pytest.mark.parametrize("moment", [60.0, 67.0, 73.0, 79.9])
def test_the_pods_of_a_deleted_node_go_after_40_to_80_s_and_are_replaced(moment: float) -> None:
    cluster = SmallCluster(2)
    deploy(cluster, 4)
    cluster.until(moment)
    lost = [pod.name for pod in cluster.store.pods_on("worker-1")]
    cluster.store.delete(Node, "worker-1", "")
    cluster.run(39)
    assert [pod.name for pod in cluster.store.pods_on("worker-1")] == lost
    cluster.run(41)
    assert cluster.store.pods_on("worker-1") == []
    cluster.run(10)
    assert [pod.ready for pod in cluster.store.pods_on("worker-2")] == [True] * 4


def test_they_have_failed_and_say_why() -> None:
    cluster = SmallCluster(2)
    cluster.add_pod()
    last: list[Pod] = []

    def note(change: Change) -> None:
        if isinstance(change.old, Pod) and change.new is None:
            last.append(change.old)

    cluster.store.subscribe(note, Pod)
    cluster.until(30)
    cluster.store.delete(Node, "worker-1", "")
    gone_after(cluster)
    assert last[0].status.phase == "Failed"
    target = next(each for each in last[0].status.conditions if each.type == "DisruptionTarget")
    assert (target.status, target.reason, target.message) == ("True", "DeletionByPodGC", "PodGC: node no longer exists")


def test_the_machine_ends_the_containers_of_deleted_pods() -> None:
    cluster = SmallCluster(2)
    cluster.add_pod()
    cluster.until(30)
    assert cluster.runtime.running
    cluster.store.delete(Node, "worker-1", "")
    cluster.run(90)
    assert not cluster.runtime.running


def test_a_pod_for_a_node_that_never_was_goes_and_never_runs() -> None:
    cluster = SmallCluster()
    cluster.until(10)
    cluster.add_pod(node="worker-9")
    cluster.run(30)
    assert (cluster.pod().status.phase, cluster.pod().ready) == ("Pending", False)
    assert gone_after(cluster) <= 60


def test_a_node_that_is_back_within_its_quarantine_keeps_its_pods() -> None:
    cluster = SmallCluster()
    cluster.add_pod()
    cluster.until(61)
    node = cluster.node("worker-1")
    cluster.store.delete(Node, "worker-1", "")
    cluster.run(38)
    cluster.store.create(node)
    cluster.run(100)
    assert cluster.pod().ready
    assert cluster.node("worker-1").ready


def test_a_machine_registers_only_when_its_kubelet_starts() -> None:
    cluster = SmallCluster(2)
    cluster.until(30)
    before = cluster.node("worker-1")
    cluster.store.delete(Node, "worker-1", "")
    cluster.run(300)
    assert cluster.store.find(Node, "worker-1") is None
    assert cluster.store.find(Lease, "worker-1", "kube-node-lease") is None
    cluster.plane.kubelets["worker-1"].power_off()
    cluster.plane.kubelets["worker-1"].power_on()
    cluster.run(5)
    after = cluster.node("worker-1")
    assert after.ready
    assert after.metadata.uid != before.metadata.uid
    assert (after.metadata.labels, after.spec.pod_cidr) == (before.metadata.labels, before.spec.pod_cidr)
    lease = cluster.store.get(Lease, "worker-1", "kube-node-lease")
    assert lease.metadata.owner_references[0].uid == after.metadata.uid


def test_a_kubelet_without_a_node_object_takes_no_new_pods() -> None:
    cluster = SmallCluster()
    cluster.until(30)
    cluster.store.delete(Node, "worker-1", "")
    cluster.add_pod()
    cluster.run(5)
    status = cluster.pod().status
    assert (status.phase, status.reason) == ("Failed", "OutOfpods")
    assert cluster.notes("OutOfpods", "web")[0].message.endswith("pods, requested: 1, used: 0, capacity: 0")


def test_terminating_pods_of_a_node_out_of_service_go_without_its_kubelet() -> None:
    cluster = SmallCluster(2)
    cluster.add_pod()
    cluster.until(30)
    cluster.lose(1)
    cluster.run(70)
    taint = Taint(key="node.kubernetes.io/out-of-service", value="nodeshutdown", effect="NoExecute")
    spec = cluster.node("worker-1").spec
    cluster.store.mutate(
        Node, "worker-1", "", lambda node: replace(node, spec=replace(spec, taints=(*spec.taints, taint)))
    )
    assert gone_after(cluster) <= 21


def test_an_out_of_service_taint_on_a_ready_node_is_no_reason_to_force() -> None:
    cluster = SmallCluster()
    cluster.add_pod(app(), termination_grace_period_seconds=100.0)
    cluster.runtime.deaf["default", "web", "app"] = True
    cluster.until(30)
    taint = Taint(key="node.kubernetes.io/out-of-service", effect="NoSchedule")
    cluster.store.mutate(Node, "worker-1", "", lambda node: replace(node, spec=replace(node.spec, taints=(taint,))))
    cluster.store.delete(Pod, "web")
    cluster.run(60)
    assert cluster.exists()


def test_ended_pods_beyond_the_threshold_go_evicted_ones_first_then_the_oldest() -> None:
    cluster = SmallCluster(settings=Settings(pod_gc_terminated_threshold=2))
    for number in range(4):
        ended(cluster, f"job-{number}", "Evicted" if number == 3 else "")
        cluster.run(1)
    cluster.run(20)
    assert [pod.name for pod in cluster.store.list(Pod)] == ["job-1", "job-2"]


def test_without_a_threshold_they_stay() -> None:
    cluster = SmallCluster(settings=Settings(pod_gc_terminated_threshold=0))
    ended(cluster, "job")
    cluster.run(100)
    assert cluster.exists("job")


def test_a_terminating_pod_that_was_never_scheduled_fails_and_goes_when_its_finalizers_have() -> None:
    cluster = SmallCluster()
    pod = cluster.add_pod(node="", node_selector={"disk": "none"})
    meta = replace(pod.metadata, finalizers=("example.com/wait",))
    cluster.store.update(replace(pod, metadata=meta))
    cluster.store.delete(Pod, "web")
    cluster.run(30)
    assert cluster.pod().status.phase == "Failed"
    cluster.store.mutate(
        Pod, "web", "default", lambda found: replace(found, metadata=replace(found.metadata, finalizers=()))
    )
    cluster.run(30)
    assert not cluster.exists()


# -- daemons ----------------------------------------------------------------------------------------------------------


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
