"""A workload asks for no more Pods than a simulation can make: many times what the nodes hold."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from lab.clock import Clock
from lab.cluster.admission import Admission
from lab.cluster.errors import Invalid
from lab.cluster.store import Store
from lab.cluster.workload_size import ALWAYS_ALLOWED
from lab.commands.run import run
from lab.engine import ClusterSpec, Engine, plain_nodes
from lab.journal import Journal
from lab.kube.decode import decode
from lab.kube.kinds.deployment import Deployment
from lab.kube.kinds.node import Node, NodeStatus
from lab.kube.kinds.pod import Pod
from lab.kube.meta import KubeObject, ObjectMeta
from lab.settings import Settings

LABELS = {"app": "web"}
TEMPLATE = {"metadata": {"labels": LABELS}, "spec": {"containers": [{"name": "web", "image": "web:1"}]}}


def store(nodes: int, headroom: float = 10.0, pods: int = 110) -> Store:
    settings = Settings(workload_headroom=headroom)
    made = Store(Clock(), Journal(), settings)
    Admission(settings).attach(made)
    for number in range(nodes):
        status = NodeStatus(capacity={"pods": str(pods)})
        made.create(Node(metadata=ObjectMeta(name=f"worker-{number}"), status=status))
    return made


def workload(kind: str, count: int) -> KubeObject:
    job = kind == "Job"
    template = {**TEMPLATE, "spec": {**TEMPLATE["spec"], "restartPolicy": "Never"}} if job else TEMPLATE
    asked = {"parallelism": count} if job else {"replicas": count, "selector": {"matchLabels": LABELS}}
    spec: dict[str, Any] = {**asked, "template": template}
    api = "batch/v1" if job else "apps/v1"
    return decode({"apiVersion": api, "kind": kind, "metadata": {"name": "web", "namespace": "default"}, "spec": spec})


@pytest.mark.parametrize("kind", ["Deployment", "ReplicaSet", "StatefulSet", "Job"])
def test_what_is_beyond_ten_times_the_room_is_refused(kind: str) -> None:
    with pytest.raises(Invalid) as refused:
        store(3).create(workload(kind, 3301))
    field = "parallelism" if kind == "Job" else "replicas"
    assert f"spec.{field}: Invalid value: 3301: must be less than or equal to 3,300 to be simulated" in str(
        refused.value
    )
    assert "10 times the 330 Pods that the nodes hold (setting workload_headroom)" in str(refused.value)
    assert store(3).create(workload(kind, 3300)) is not None


def test_the_setting_moves_the_bound() -> None:
    assert store(3, headroom=1000.0).create(workload("Deployment", 100_000)) is not None
    with pytest.raises(Invalid, match="less than or equal to 1,650 "):
        store(3, headroom=5.0).create(workload("Deployment", 1651))


def test_a_small_cluster_may_be_asked_for_more_than_it_holds_all_the_same() -> None:
    assert store(1, pods=2).create(workload("Deployment", ALWAYS_ALLOWED)) is not None
    with pytest.raises(Invalid, match="less than or equal to 1,000 to be simulated: the nodes hold 2 Pods"):
        store(1, pods=2).create(workload("Deployment", ALWAYS_ALLOWED + 1))


def test_without_nodes_there_is_no_bound() -> None:
    assert store(0).create(workload("Deployment", 100_000)) is not None


def test_what_was_allowed_when_it_was_written_may_be_changed_otherwise() -> None:
    made = store(3)
    deployment = made.create(workload("Deployment", 3300))
    made.delete(Node, "worker-0")
    labelled = replace(deployment.metadata, labels={"a": "b"})
    assert made.update(replace(deployment, metadata=labelled)).metadata.labels == {"a": "b"}
    with pytest.raises(Invalid):
        made.mutate(Deployment, "web", "default", lambda found: replace(found, spec=replace(found.spec, replicas=3299)))


def test_a_typo_at_the_prompt_is_answered_at_once() -> None:
    engine = Engine(ClusterSpec(nodes=plain_nodes(3)))
    engine.boot()
    run(engine, "kubectl create deployment web --image=web:1")
    error = run(engine, "kubectl scale deployment/web --replicas=100000").error
    assert error.startswith(
        'Error from server (Invalid): Deployment.apps "web" is invalid: spec.replicas: Invalid value'
    )
    assert engine.store.get(Deployment, "web").spec.replicas == 1
    engine.close()


def test_pods_that_fit_nowhere_are_left_alone_until_something_changes() -> None:
    engine = Engine(ClusterSpec(nodes=plain_nodes(1), settings=Settings(node_pods=5)))
    engine.boot()
    run(engine, "kubectl create deployment web --image=web:1 --replicas=300")
    engine.run_until(0.0)
    pending = [pod for pod in engine.store.list(Pod) if not pod.spec.node_name]
    assert len(pending) > 290
    tries: list[str] = []
    scheduler = next(each for each in engine.control_plane.controllers if each.name == "default-scheduler")
    once = scheduler.reconcile

    async def counted(key: tuple[str, str]) -> None:
        tries.append(key[1])
        await once(key)

    scheduler.reconcile = counted  # type: ignore[method-assign]
    engine.run_for(300.0)
    assert tries == []
    run(engine, "kubectl delete pods -n kube-system --all")
    engine.run_for(10.0)
    assert len(pending) <= len(set(tries)) <= len(tries) <= 3 * len(pending)
    engine.close()
