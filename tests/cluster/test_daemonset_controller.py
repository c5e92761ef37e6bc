from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from lab.cluster.controllers.daemon_nodes import target_of
from lab.cluster.controllers.daemonset import DaemonSetController
from lab.cluster.controllers.template_history import HASH_LABEL
from lab.kube.kinds.affinity import Affinity, NodeAffinity, NodeSelector, NodeSelectorRequirement, NodeSelectorTerm
from lab.kube.kinds.controllerrevision import ControllerRevision
from lab.kube.kinds.daemonset import (
    DaemonSet,
    DaemonSetSpec,
    DaemonSetStatus,
    DaemonSetUpdateStrategy,
    RollingUpdateDaemonSet,
)
from lab.kube.kinds.node import Node, NodeSpec, Taint
from lab.kube.kinds.pod import Pod, Toleration
from lab.kube.meta import Condition, LabelSelector, ObjectMeta
from lab.kube.struct import IntOrString
from tests.cluster.workloads import Workloads, template


class Cluster(Workloads):
    """Nodes, and the DaemonSet `agent`."""

    def __init__(self, nodes: int = 3, *, pod: dict[str, Any] | None = None, **spec: Any) -> None:
        super().__init__(DaemonSetController)
        for number in range(1, nodes + 1):
            self.add_node(f"worker-{number}")
        made = template()
        made = replace(made, spec=replace(made.spec, **(pod or {})))
        wanted = DaemonSetSpec(selector=LabelSelector(match_labels={"app": "web"}), template=made, **spec)
        self.store.create(DaemonSet(metadata=ObjectMeta(name="agent"), spec=wanted))

    def add_node(self, name: str, labels: dict[str, str] | None = None, **spec: Any) -> None:
        self.store.create(Node(metadata=ObjectMeta(name=name, labels=labels or {}), spec=NodeSpec(**spec)))

    def change_node(self, name: str, **spec: Any) -> None:
        self.store.mutate(Node, name, "", lambda now: replace(now, spec=replace(now.spec, **spec)))

    def label_node(self, name: str, **labels: str) -> None:
        self.store.mutate(Node, name, "", lambda now: replace(now, metadata=replace(now.metadata, labels=labels)))

    def change(self, **fields: Any) -> None:
        self.store.mutate(DaemonSet, "agent", "default", lambda now: replace(now, spec=replace(now.spec, **fields)))

    def where(self) -> list[str]:
        return sorted(target_of(pod) for pod in self.pods())

    def images(self) -> dict[str, str]:
        return {target_of(pod): pod.spec.containers[0].image for pod in self.pods()}

    @property
    def status(self) -> DaemonSetStatus:
        return self.store.get(DaemonSet, "agent").status

    def end(self, node: str, phase: str) -> None:
        pod = next(pod for pod in self.pods() if target_of(pod) == node)
        self.store.mutate(Pod, pod.name, "default", lambda now: replace(now, status=replace(now.status, phase=phase)))


def rolling(unavailable: IntOrString = 1, surge: IntOrString = 0) -> DaemonSetUpdateStrategy:
    return DaemonSetUpdateStrategy(rolling_update=RollingUpdateDaemonSet(max_unavailable=unavailable, max_surge=surge))


def required(*requirements: NodeSelectorRequirement) -> Affinity:
    selector = NodeSelector(node_selector_terms=(NodeSelectorTerm(match_expressions=requirements),))
    return Affinity(node_affinity=NodeAffinity(required_during_scheduling_ignored_during_execution=selector))


# -- which nodes ------------------------------------------------------------------------------------------------------


def test_each_node_gets_a_pod_that_only_it_can_take() -> None:
    cluster = Cluster(3)
    cluster.run(0.1)
    assert cluster.where() == ["worker-1", "worker-2", "worker-3"]
    affinity = cluster.pods()[0].spec.affinity
    assert affinity is not None
    assert affinity.node_affinity is not None
    wanted = affinity.node_affinity.required_during_scheduling_ignored_during_execution
    assert wanted is not None
    requirement = NodeSelectorRequirement(key="metadata.name", operator="In", values=("worker-1",))
    assert wanted.node_selector_terms == (NodeSelectorTerm(match_fields=(requirement,)),)
    assert cluster.pods()[0].metadata.generate_name == "agent-"


def test_nodes_that_come_get_one_and_those_that_fit_no_more_lose_it() -> None:
    cluster = Cluster(1, pod={"node_selector": {"disk": "ssd"}})
    cluster.run(1)
    assert cluster.where() == []
    cluster.add_node("worker-2", {"disk": "ssd"})
    cluster.label_node("worker-1", disk="ssd")
    cluster.run(1)
    assert cluster.where() == ["worker-1", "worker-2"]
    cluster.label_node("worker-1", disk="hdd")
    cluster.run(5)
    assert cluster.where() == ["worker-2"]


@pytest.mark.parametrize(
    ("requirement", "expected"),
    [
        (NodeSelectorRequirement(key="disk", operator="In", values=("ssd", "nvme")), ["worker-2", "worker-3"]),
        (NodeSelectorRequirement(key="disk", operator="NotIn", values=("ssd",)), ["worker-1", "worker-3"]),
        (NodeSelectorRequirement(key="disk", operator="Exists"), ["worker-2", "worker-3"]),
        (NodeSelectorRequirement(key="disk", operator="DoesNotExist"), ["worker-1"]),
        (NodeSelectorRequirement(key="cores", operator="Gt", values=("8",)), ["worker-3"]),
        (NodeSelectorRequirement(key="cores", operator="Lt", values=("8",)), ["worker-2"]),
    ],
)
def test_node_affinity_says_which_nodes(requirement: NodeSelectorRequirement, expected: list[str]) -> None:
    cluster = Cluster(1, pod={"affinity": required(requirement)})
    cluster.add_node("worker-2", {"disk": "ssd", "cores": "4"})
    cluster.add_node("worker-3", {"disk": "nvme", "cores": "16"})
    cluster.run(1)
    assert cluster.where() == expected


def test_a_term_that_says_nothing_matches_no_node() -> None:
    cluster = Cluster(2, pod={"affinity": required()})
    cluster.run(1)
    assert cluster.where() == []


@pytest.mark.parametrize(
    ("taint", "there"),
    [
        (Taint(key="node.kubernetes.io/not-ready", effect="NoExecute"), True),
        (Taint(key="node.kubernetes.io/unreachable", effect="NoExecute"), True),
        (Taint(key="node.kubernetes.io/disk-pressure", effect="NoSchedule"), True),
        (Taint(key="node.kubernetes.io/memory-pressure", effect="NoSchedule"), True),
        (Taint(key="node.kubernetes.io/pid-pressure", effect="NoSchedule"), True),
        (Taint(key="node.kubernetes.io/unschedulable", effect="NoSchedule"), True),
        (Taint(key="node.kubernetes.io/network-unavailable", effect="NoSchedule"), False),
        (Taint(key="dedicated", value="db", effect="NoSchedule"), False),
        (Taint(key="dedicated", value="db", effect="PreferNoSchedule"), True),
    ],
)
def test_daemons_tolerate_what_befalls_a_node_but_not_what_somebody_says_of_it(taint: Taint, there: bool) -> None:
    cluster = Cluster(0)
    cluster.add_node("worker-1", taints=(taint,))
    cluster.run(1)
    assert bool(cluster.pods()) == there


def test_on_the_hosts_network_they_do_not_wait_for_the_pods() -> None:
    cluster = Cluster(0, pod={"host_network": True})
    cluster.add_node("worker-1", taints=(Taint(key="node.kubernetes.io/network-unavailable", effect="NoSchedule"),))
    cluster.run(1)
    assert cluster.where() == ["worker-1"]


def test_its_own_tolerations_count_too() -> None:
    control_plane = Toleration(key="node-role.kubernetes.io/control-plane", operator="Exists")
    cluster = Cluster(0, pod={"tolerations": (control_plane,)})
    taint = Taint(key="node-role.kubernetes.io/control-plane", effect="NoSchedule")
    cluster.add_node("master", taints=(taint,))
    cluster.run(1)
    assert cluster.where() == ["master"]
    assert control_plane in cluster.pods()[0].spec.tolerations


def test_a_cordoned_node_keeps_its_pod_and_gets_a_new_one() -> None:
    cluster = Cluster(2)
    cluster.run(5)
    cluster.change_node("worker-1", unschedulable=True)
    cluster.run(5)
    assert cluster.where() == ["worker-1", "worker-2"]
    cluster.store.delete(Pod, next(pod.name for pod in cluster.pods() if target_of(pod) == "worker-1"))
    cluster.run(5)
    assert cluster.where() == ["worker-1", "worker-2"]


def test_a_taint_that_comes_later_drives_off_only_with_no_execute() -> None:
    cluster = Cluster(2)
    cluster.run(5)
    cluster.change_node("worker-1", taints=(Taint(key="dedicated", effect="NoSchedule"),))
    cluster.run(5)
    assert cluster.where() == ["worker-1", "worker-2"]
    assert (cluster.status.desired_number_scheduled, cluster.status.number_misscheduled) == (1, 1)
    cluster.change_node("worker-1", taints=(Taint(key="dedicated", effect="NoExecute"),))
    cluster.run(5)
    assert cluster.where() == ["worker-2"]


def test_a_pod_that_is_deleted_is_replaced_once_it_has_gone() -> None:
    cluster = Cluster(1)
    cluster.run(5)
    first = cluster.pods()[0]
    cluster.store.delete(Pod, first.name)
    cluster.run(0.5)
    assert cluster.pods() == []
    cluster.run(5)
    assert [pod.metadata.uid != first.metadata.uid for pod in cluster.pods()] == [True]


def test_a_second_pod_on_a_node_goes_and_the_oldest_stays() -> None:
    cluster = Cluster(1)
    cluster.run(5)
    first = cluster.pods()[0]
    meta = replace(first.metadata, name="agent-twin")
    cluster.store.create(replace(first, metadata=meta))
    cluster.run(5)
    assert [pod.name for pod in cluster.pods()] == [first.name]


def test_a_failed_pod_is_replaced_and_a_second_time_only_after_a_pause() -> None:
    cluster = Cluster(1)
    cluster.run(5)
    gone = []
    for _ in range(3):
        cluster.end("worker-1", "Failed")
        failed = cluster.pods()[0].metadata.uid
        begun = cluster.clock.time()
        while cluster.store.exists(failed):
            cluster.run(0.1)
        gone.append(cluster.clock.time() - begun)
        cluster.run(0.1)
    assert gone[0] < 0.2
    assert 0.5 < gone[1] < 1.2
    assert 1.2 < gone[2] < 2.2
    assert cluster.reasons().count("FailedDaemonPod") == 3


def test_what_it_owns_goes_with_it() -> None:
    cluster = Cluster(2)
    cluster.run(5)
    cluster.store.delete(DaemonSet, "agent")
    cluster.run(5)
    assert (cluster.store.count(Pod), cluster.store.count(ControllerRevision)) == (0, 0)


# -- what it says -----------------------------------------------------------------------------------------------------


def test_status_counts_nodes() -> None:
    cluster = Cluster(3, min_ready_seconds=10)
    cluster.run(4)
    status = cluster.status
    assert (status.desired_number_scheduled, status.current_number_scheduled, status.number_ready) == (3, 3, 3)
    assert (status.number_available, status.number_unavailable, status.updated_number_scheduled) == (0, 3, 3)
    cluster.run(10)
    assert (cluster.status.number_available, cluster.status.number_unavailable) == (3, 0)
    assert cluster.status.observed_generation == 1


def test_pods_are_labelled_with_the_hash_of_their_revision() -> None:
    cluster = Cluster(1)
    cluster.run(1)
    (revision,) = cluster.store.list(ControllerRevision)
    hash_value = cluster.pods()[0].metadata.labels[HASH_LABEL]
    assert revision.name == f"agent-{hash_value}"
    assert revision.metadata.labels[HASH_LABEL] == hash_value
    assert revision.revision == 1


# -- updates ----------------------------------------------------------------------------------------------------------


def test_a_rolling_update_goes_node_by_node() -> None:
    cluster = Cluster(4, update_strategy=rolling(1))
    cluster.run(10)
    cluster.change(template=template("web:2"))
    most = 0
    for _ in range(400):
        cluster.run(0.1)
        ready = sum(pod.ready for pod in cluster.pods())
        most = max(most, 4 - ready)
    assert most == 1
    assert set(cluster.images().values()) == {"web:2"}
    assert cluster.status.updated_number_scheduled == 4


def test_how_many_may_be_unavailable_can_be_a_share_that_is_rounded_up() -> None:
    cluster = Cluster(5, update_strategy=rolling("30%"))
    cluster.run(10)
    cluster.change(template=template("web:2"))
    cluster.run(0.2)
    assert len(cluster.pods()) == 3


def test_an_unavailable_old_pod_is_replaced_first_and_costs_nothing() -> None:
    cluster = Cluster(3, update_strategy=rolling(1))
    cluster.run(10)
    broken = next(pod for pod in cluster.pods() if target_of(pod) == "worker-3")
    unready = (Condition(type="Ready", status="False"),)
    cluster.store.mutate(
        Pod, broken.name, "default", lambda now: replace(now, status=replace(now.status, conditions=unready))
    )
    cluster.run(1)
    cluster.change(template=template("web:2"))
    cluster.run(0.2)
    assert cluster.where() == ["worker-1", "worker-2"]


def test_min_ready_seconds_slow_an_update_down() -> None:
    cluster = Cluster(2, update_strategy=rolling(1), min_ready_seconds=30)
    cluster.run(40)
    cluster.change(template=template("web:2"))
    cluster.run(20)
    assert sorted(cluster.images().values()) == ["web:1", "web:2"]
    cluster.run(25)
    assert sorted(cluster.images().values()) == ["web:2", "web:2"]


def test_with_surge_the_old_pod_stays_until_the_new_one_is_available() -> None:
    cluster = Cluster(2, update_strategy=rolling(0, 1))
    cluster.run(10)
    cluster.change(template=template("web:2"))
    least, most = 2, 0
    for _ in range(200):
        cluster.run(0.1)
        there = Counter(target_of(pod) for pod in cluster.pods() if pod.ready)
        least = min(least, len(there))
        most = max(most, len(cluster.pods()))
    assert (least, most) == (2, 3)
    assert cluster.images() == {"worker-1": "web:2", "worker-2": "web:2"}
    assert len(cluster.pods()) == 2


def test_with_surge_an_old_pod_goes_as_soon_as_it_is_not_ready() -> None:
    cluster = Cluster(1, update_strategy=rolling(0, 1))
    cluster.run(10)
    old = cluster.pods()[0]
    cluster.change(template=template("web:2"))
    cluster.run(0.2)
    assert len(cluster.pods()) == 2
    unready = (Condition(type="Ready", status="False"),)
    cluster.store.mutate(
        Pod, old.name, "default", lambda now: replace(now, status=replace(now.status, conditions=unready))
    )
    cluster.run(0.2)
    assert cluster.images() == {"worker-1": "web:2"}
    assert len(cluster.pods()) == 1


def test_with_surge_a_second_pod_of_one_revision_goes_too() -> None:
    cluster = Cluster(1, update_strategy=rolling(0, 1))
    cluster.run(10)
    first = cluster.pods()[0]
    cluster.store.create(replace(first, metadata=replace(first.metadata, name="agent-twin")))
    cluster.run(0.2)
    assert [pod.name for pod in cluster.pods()] == [first.name]


def test_on_delete_waits_for_somebody_to_delete_pods() -> None:
    cluster = Cluster(2, update_strategy=DaemonSetUpdateStrategy(type="OnDelete"))
    cluster.run(10)
    cluster.change(template=template("web:2"))
    cluster.run(20)
    assert set(cluster.images().values()) == {"web:1"}
    assert cluster.status.updated_number_scheduled == 0
    cluster.store.delete(Pod, next(pod.name for pod in cluster.pods() if target_of(pod) == "worker-1"))
    cluster.run(10)
    assert cluster.images() == {"worker-1": "web:2", "worker-2": "web:1"}


def test_going_back_makes_the_old_revision_the_newest() -> None:
    cluster = Cluster(1)
    cluster.run(10)
    for image in ("web:2", "web:1"):
        cluster.change(template=template(image))
        cluster.run(20)
    assert sorted(one.revision for one in cluster.store.list(ControllerRevision)) == [2, 3]
    assert set(cluster.images().values()) == {"web:1"}


def test_only_so_many_old_revisions_are_kept() -> None:
    cluster = Cluster(1, revision_history_limit=2)
    cluster.run(10)
    for number in range(2, 8):
        cluster.change(template=template(f"web:{number}"))
        cluster.run(20)
    assert sorted(one.revision for one in cluster.store.list(ControllerRevision)) == [5, 6, 7]


# -- laws -------------------------------------------------------------------------------------------------------------

STEPS = st.lists(
    st.sampled_from(["image", "cordon", "taint", "free", "add", "remove", "delete", "fail", "wait"]), max_size=12
)


def take(cluster: Cluster, step: str, number: int) -> None:
    nodes = [node.name for node in cluster.store.list(Node)]
    node = nodes[number % len(nodes)] if nodes else ""
    pods = cluster.pods()
    match step:
        case "image":
            cluster.change(template=template(f"web:{number % 3}"))
        case "add":
            cluster.add_node(f"extra-{number}-{cluster.store.version}")
        case "cordon" if node:
            cluster.change_node(node, unschedulable=True)
        case "taint" if node:
            cluster.change_node(node, taints=(Taint(key="dedicated", effect="NoExecute"),))
        case "free" if node:
            cluster.change_node(node, taints=(), unschedulable=False)
        case "remove" if node:
            cluster.store.delete(Node, node)
        case "delete" if pods:
            cluster.store.delete(Pod, pods[number % len(pods)].name)
        case "fail" if pods:
            cluster.end(target_of(pods[number % len(pods)]), "Failed")


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=40)
@given(STEPS, st.integers(0, 100), st.booleans())
def test_never_two_on_one_node_but_while_surging_and_in_the_end_one_on_each(
    steps: list[str], number: int, surge: bool
) -> None:
    cluster = Cluster(3, update_strategy=rolling(0, 1) if surge else rolling(1))
    for step in [*steps, "wait"]:
        take(cluster, step, number)
        for _ in range(8):
            cluster.run(0.3)
            there = Counter(target_of(pod) for pod in cluster.pods() if not pod.finished)
            assert max(there.values(), default=0) <= (2 if surge else 1)
    cluster.run(120)
    nodes = [node.name for node in cluster.store.list(Node) if not node.spec.taints]
    assert [name for name in cluster.where() if cluster.store.find(Node, name) is not None] == sorted(nodes)
