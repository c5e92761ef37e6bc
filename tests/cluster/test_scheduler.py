from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from lab.cluster.controllers.replicaset import ReplicaSetController
from lab.cluster.controllers.scheduler import Scheduler
from lab.journal import Noted
from lab.kube.kinds.affinity import Affinity, NodeAffinity, NodeSelector, NodeSelectorRequirement, NodeSelectorTerm
from lab.kube.kinds.node import HOSTNAME_LABEL, ZONE_LABEL, Node, NodeSpec, NodeStatus, Taint
from lab.kube.kinds.pod import Container, Pod, PodSpec, ResourceRequirements, Toleration, TopologySpreadConstraint
from lab.kube.kinds.replicaset import ReplicaSet, ReplicaSetSpec
from lab.kube.meta import LabelSelector, ObjectMeta
from tests.cluster.workloads import Workloads, template


class Cluster(Workloads):
    """Nodes, the scheduler, and Pods that nobody starts."""

    def __init__(self, nodes: int = 0, *, seed: int = 1, zones: tuple[str, ...] = ()) -> None:
        super().__init__(Scheduler, ReplicaSetController, seed=seed)
        self.starts = False
        for index in range(nodes):
            self.add_node(f"worker-{index + 1}", zone=zones[index % len(zones)] if zones else "")

    def add_node(self, name: str, *, zone: str = "", cpu: str = "4", pods: str = "110", **spec: Any) -> Node:
        labels = {HOSTNAME_LABEL: name, **({ZONE_LABEL: zone} if zone else {})}
        status = NodeStatus(allocatable={"cpu": cpu, "memory": "8Gi", "pods": pods})
        return self.store.create(
            Node(metadata=ObjectMeta(name=name, labels=labels), spec=NodeSpec(**spec), status=status)
        )

    def add_pod(self, name: str = "web", cpu: str = "", labels: dict[str, str] | None = None, **spec: Any) -> Pod:
        requests = {"cpu": cpu} if cpu else {}
        container = Container(name="app", image="web:1", resources=ResourceRequirements(requests=requests))
        meta = ObjectMeta(name=name, labels=labels or {})
        return self.store.create(Pod(metadata=meta, spec=PodSpec(containers=(container,), **spec)))

    def node_of(self, name: str = "web") -> str:
        return self.store.get(Pod, name).spec.node_name

    def crowd(self) -> list[int]:
        return sorted(len(self.store.pods_on(node.name)) for node in self.store.list(Node))


def test_a_pod_gets_a_node_a_moment_after_it_appears() -> None:
    cluster = Cluster(1)
    cluster.run(1)
    cluster.add_pod()
    cluster.run(0.029)
    assert cluster.node_of() == ""
    cluster.run(0.002)
    assert cluster.node_of() == "worker-1"
    assert cluster.messages("Scheduled") == ["Successfully assigned default/web to worker-1"]


def test_without_nodes_there_is_nothing_to_choose_from() -> None:
    cluster = Cluster()
    cluster.add_pod()
    cluster.run(1)
    assert cluster.messages("FailedScheduling") == ["no nodes available to schedule pods"]


def test_a_pod_that_fits_nowhere_says_why_once_and_stays_pending() -> None:
    cluster = Cluster(3)
    cluster.add_pod(cpu="5")
    cluster.run(60)
    assert cluster.messages("FailedScheduling") == ["0/3 nodes are available: 3 Insufficient cpu."]
    (condition,) = cluster.store.get(Pod, "web").status.conditions
    assert (condition.type, condition.status, condition.reason) == ("PodScheduled", "False", "Unschedulable")


@pytest.mark.parametrize(
    ("node", "pod", "reason"),
    [
        ({"unschedulable": True}, {}, "node(s) were unschedulable"),
        (
            {"taints": (Taint(key="team", value="db", effect="NoSchedule"),)},
            {},
            "node(s) had untolerated taint {team: db}",
        ),
        ({}, {"node_selector": {"disk": "ssd"}}, "node(s) didn't match Pod's node affinity/selector"),
        ({"pods": "0"}, {}, "Too many pods"),
    ],
)
def test_why_a_node_will_not_do(node: dict[str, Any], pod: dict[str, Any], reason: str) -> None:
    cluster = Cluster()
    cluster.add_node("worker-1", **node)
    cluster.add_pod(**pod)
    cluster.run(1)
    assert cluster.messages("FailedScheduling") == [f"0/1 nodes are available: 1 {reason}."]


def test_reasons_are_counted_over_the_nodes() -> None:
    cluster = Cluster(2)
    cluster.add_node("worker-3", unschedulable=True)
    cluster.add_pod(cpu="5")
    cluster.run(1)
    assert cluster.messages("FailedScheduling") == [
        "0/3 nodes are available: 1 node(s) were unschedulable, 2 Insufficient cpu."
    ]


def test_a_toleration_lets_a_pod_onto_a_tainted_node() -> None:
    cluster = Cluster()
    cluster.add_node("worker-1", taints=(Taint(key="team", value="db", effect="NoSchedule"),))
    cluster.add_pod(tolerations=(Toleration(key="team", value="db"),))
    cluster.run(1)
    assert cluster.node_of() == "worker-1"


def test_a_pending_pod_is_tried_again_when_room_is_made() -> None:
    cluster = Cluster(1)
    cluster.add_pod("first", cpu="3")
    cluster.run(1)
    cluster.add_pod("second", cpu="3")
    cluster.run(5)
    assert cluster.node_of("second") == ""
    cluster.store.delete(Pod, "first", grace_s=0)
    cluster.run(1)
    assert cluster.node_of("second") == "worker-1"


def test_a_pending_pod_is_tried_again_when_a_node_comes_or_is_uncordoned() -> None:
    cluster = Cluster()
    node = cluster.add_node("worker-1", unschedulable=True)
    cluster.add_pod()
    cluster.run(5)
    cluster.store.mutate(Node, node.name, "", lambda now: replace(now, spec=replace(now.spec, unschedulable=False)))
    cluster.run(1)
    assert cluster.node_of() == "worker-1"


def test_a_pod_that_is_bound_already_takes_its_room() -> None:
    cluster = Cluster(1)
    cluster.add_pod("bound", cpu="3", node_name="worker-1")
    cluster.add_pod(cpu="2")
    cluster.run(1)
    assert cluster.messages("FailedScheduling") == ["0/1 nodes are available: 1 Insufficient cpu."]


def replica_set(replicas: int, **spec: Any) -> ReplicaSet:
    made = template()
    selector = LabelSelector(match_labels=made.metadata.labels)
    wanted = ReplicaSetSpec(
        replicas=replicas, selector=selector, template=replace(made, spec=replace(made.spec, **spec))
    )
    return ReplicaSet(metadata=ObjectMeta(name="web"), spec=wanted)


def test_the_pods_of_one_owner_are_spread_over_nodes() -> None:
    cluster = Cluster(3)
    cluster.store.create(replica_set(7))
    cluster.run(5)
    assert cluster.crowd() == [2, 2, 3]


def test_even_when_one_node_has_much_more_room() -> None:
    cluster = Cluster()
    cluster.add_node("worker-1", cpu="64")
    cluster.add_node("worker-2", cpu="2")
    cluster.store.create(replica_set(4))
    cluster.run(5)
    assert cluster.crowd() == [2, 2]


@pytest.mark.parametrize("seed", range(5))
def test_and_over_zones(seed: int) -> None:
    cluster = Cluster(4, zones=("zone-a", "zone-a", "zone-a", "zone-b"), seed=seed)
    cluster.store.create(replica_set(2))
    cluster.run(5)
    zones = {cluster.store.get(Node, pod.spec.node_name).zone for pod in cluster.store.list(Pod)}
    assert zones == {"zone-a", "zone-b"}


def test_a_hard_spread_constraint_leaves_pods_pending_rather_than_skewed() -> None:
    cluster = Cluster(2, zones=("zone-a", "zone-b"))
    cluster.add_node("worker-3")
    cordoned = cluster.store.get(Node, "worker-2")
    cluster.store.update(replace(cordoned, spec=replace(cordoned.spec, unschedulable=True)))
    constraint = TopologySpreadConstraint(
        max_skew=1, topology_key=ZONE_LABEL, label_selector=LabelSelector(match_labels={"app": "web"})
    )
    cluster.store.create(replica_set(2, topology_spread_constraints=(constraint,)))
    cluster.run(5)
    assert [pod.spec.node_name for pod in cluster.store.list(Pod)] == ["worker-1", ""]
    assert cluster.messages("FailedScheduling") == [
        "0/3 nodes are available: 1 node(s) didn't match pod topology spread constraints, "
        "1 node(s) didn't match pod topology spread constraints (missing required label), "
        "1 node(s) were unschedulable."
    ]


def test_of_equal_nodes_the_emptiest_is_taken() -> None:
    cluster = Cluster(2)
    cluster.add_pod("big", cpu="2", node_name="worker-1")
    cluster.add_pod()
    cluster.run(1)
    assert cluster.node_of() == "worker-2"


def test_ties_are_broken_the_same_way_for_the_same_seed() -> None:
    def placed(seed: int) -> list[str]:
        cluster = Cluster(5, seed=seed)
        for index in range(5):
            cluster.add_pod(f"web-{index}", cpu="100m")
        cluster.run(1)
        events = cluster.journal.read().events
        return [event.message for event in events if isinstance(event, Noted)]

    assert placed(1) == placed(1)
    assert len({tuple(placed(seed)) for seed in range(5)}) > 1


def affinity(*terms: NodeSelectorTerm) -> Affinity:
    selector = NodeSelector(node_selector_terms=terms)
    return Affinity(node_affinity=NodeAffinity(required_during_scheduling_ignored_during_execution=selector))


def on_label(key: str, *values: str) -> NodeSelectorTerm:
    return NodeSelectorTerm(match_expressions=(NodeSelectorRequirement(key=key, operator="In", values=values),))


def on_name(*names: str) -> NodeSelectorTerm:
    requirement = NodeSelectorRequirement(key="metadata.name", operator="In", values=names)
    return NodeSelectorTerm(match_fields=(requirement,))


def test_required_node_affinity_leaves_out_nodes() -> None:
    cluster = Cluster(4)
    cluster.add_pod(affinity=affinity(on_label(HOSTNAME_LABEL, "worker-3")))
    cluster.add_pod("nowhere", affinity=affinity(on_label(HOSTNAME_LABEL, "worker-9")))
    cluster.run(1)
    assert cluster.node_of() == "worker-3"
    assert cluster.messages("FailedScheduling") == [
        "0/4 nodes are available: 4 node(s) didn't match Pod's node affinity/selector."
    ]


def test_one_matching_term_is_enough() -> None:
    cluster = Cluster(2)
    cluster.add_pod(affinity=affinity(on_label("disk", "ssd"), on_name("worker-2")))
    cluster.run(1)
    assert cluster.node_of() == "worker-2"


def test_nodes_that_an_affinity_does_not_name_are_not_looked_at() -> None:
    cluster = Cluster(3)
    cluster.add_pod(cpu="5", affinity=affinity(on_name("worker-2")))
    cluster.run(1)
    assert cluster.messages("FailedScheduling") == [
        "0/3 nodes are available: 1 Insufficient cpu, 2 node(s) didn't satisfy plugin(s) [NodeAffinity]."
    ]
