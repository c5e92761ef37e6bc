"""`kubectl drain`, as kubectl does it: what it evicts, how it waits for budgets, what it says, when it gives up.

https://kubernetes.io/docs/tasks/administer-cluster/safely-drain-node/
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.cluster.store import Change
from lab.commands.execution import Execution
from lab.commands.run import run
from lab.engine import ClusterSpec, Engine, plain_nodes
from lab.faults import pods
from lab.kube.decode import decode
from lab.kube.kinds.node import Node
from lab.kube.kinds.pod import Container, Lifecycle, LifecycleHandler, Pod, PodSpec, SleepAction
from lab.kube.kinds.poddisruptionbudget import PodDisruptionBudget
from lab.kube.meta import ObjectMeta, OwnerReference
from lab.settings import Settings

DAEMON = OwnerReference(api_version="apps/v1", kind="DaemonSet", name="agent", uid="d1", controller=True)
OWNED = (OwnerReference(api_version="apps/v1", kind="ReplicaSet", name="some", uid="r1", controller=True),)


class Drained:
    """Two workers; the cluster's DNS is on them as well."""

    def __init__(self, nodes: int = 2, *, replicas: int = 0, **budget: Any) -> None:
        self.engine = Engine(ClusterSpec(nodes=plain_nodes(nodes), settings=Settings()))
        self.engine.boot()
        if replicas:
            self.ok(f"kubectl create deployment web --image=shop/web --replicas={replicas}")
        if budget:
            self.budget(**budget)
        self.engine.settle()

    def budget(self, **spec: Any) -> None:
        body = {
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": {"name": "web", "namespace": "default"},
            "spec": {"selector": {"matchLabels": {"app": "web"}}, **spec},
        }
        self.engine.store.create(decode(body))

    def pod(self, name: str, node: str = "worker-1", **changes: Any) -> Pod:
        meta = {key: changes.pop(key) for key in ("annotations", "owner_references") if key in changes}
        containers = (Container(name="app", image="shop/web"),)
        spec = PodSpec(**{"containers": containers, "node_name": node, **changes})
        return self.engine.store.create(
            Pod(metadata=ObjectMeta(name=name, namespace="default", labels={"app": name}, **meta), spec=spec)
        )

    def ok(self, text: str) -> list[str]:
        execution = run(self.engine, text)
        assert not execution.error
        return execution.output

    def drain(self, flags: str = "", seconds: float = 60.0, node: str = "worker-1") -> Execution:
        execution = run(self.engine, f"kubectl drain {node} {flags}")
        self.engine.run_for(seconds)
        return execution

    def pods(self, node: str = "worker-1") -> list[str]:
        return sorted(pod.name for pod in self.engine.store.pods_on(node))

    def web(self, node: str) -> list[str]:
        return [name for name in self.pods(node) if name.startswith("web-")]


@pytest.fixture
def drained() -> Iterator[Callable[..., Drained]]:
    """Makes clusters, and closes them afterwards."""
    made: list[Drained] = []

    def make(*arguments: Any, **more: Any) -> Drained:
        made.append(Drained(*arguments, **more))
        return made[-1]

    yield make
    for each in made:
        each.engine.close()


def test_it_cordons_evicts_and_waits_until_all_are_gone(drained):
    world = drained(replicas=4)
    going = world.pods()
    execution = world.drain()
    assert execution.done
    assert not execution.error
    assert execution.output[0] == "node/worker-1 cordoned"
    assert execution.output[-1] == "node/worker-1 drained"
    namespaces = {name: "kube-system" if name.startswith("coredns") else "default" for name in going}
    assert sorted(execution.output[1:-1]) == sorted(
        [f"evicting pod {namespaces[name]}/{name}" for name in going] + [f"pod/{name} evicted" for name in going]
    )
    assert world.pods() == []
    assert world.engine.store.get(Node, "worker-1").spec.unschedulable
    assert len(world.web("worker-2")) == 4


def test_it_returns_at_once_and_goes_on_while_the_clock_runs(drained):
    world = drained(replicas=4)
    execution = run(world.engine, "kubectl drain worker-1")
    assert not execution.done
    assert world.pods()


def test_a_node_that_is_cordoned_already(drained):
    world = drained()
    world.ok("kubectl cordon worker-1")
    assert world.drain().output[0] == "node/worker-1 already cordoned"


def test_what_a_budget_refuses_is_tried_again_every_five_seconds(drained):
    world = drained(replicas=4, minAvailable=3)
    first, second = world.web("worker-1")
    execution = world.drain(seconds=0.5)
    refused = f'error when evicting pods/"{second}" -n "default" (will retry after 5s): '
    assert f"{refused}Cannot evict pod as it would violate the pod's disruption budget." in execution.output
    assert execution.output.count(f"evicting pod default/{second}") == 1
    world.engine.run_for(5.0)
    assert execution.output.count(f"evicting pod default/{second}") == 2
    world.engine.run_for(60.0)
    assert execution.output[-1] == "node/worker-1 drained"
    assert world.web("worker-1") == []
    assert first not in world.web("worker-2")


def test_a_budget_that_never_allows_anything_keeps_it_waiting_until_its_timeout(drained):
    world = drained(replicas=2, minAvailable=2)
    (pod,) = world.web("worker-1")
    execution = world.drain("--timeout=20s", seconds=19.0)
    assert not execution.done
    world.engine.run_for(2.0)
    assert execution.done
    why = f'error when evicting pods/"{pod}" -n "default": global timeout reached: 20s'
    assert execution.error == f"error: {why}"
    assert f'There are pending pods in node "worker-1" when an error occurred: {why}' in execution.output
    assert f"pod/{pod}" in execution.output
    assert f'error: unable to drain node "worker-1" due to error: {why}, continuing command...' in execution.output
    assert world.web("worker-1") == [pod]
    assert world.engine.store.get(Node, "worker-1").spec.unschedulable, "it stays cordoned"


def test_without_a_timeout_it_waits_for_ever(drained):
    world = drained(replicas=2, minAvailable=2)
    assert not world.drain(seconds=3600.0).done


def test_a_pod_that_takes_longer_than_the_timeout_to_end(drained):
    world = drained()
    wait = Lifecycle(pre_stop=LifecycleHandler(sleep=SleepAction(seconds=120)))
    slow = Container(name="app", image="shop/web", lifecycle=wait)
    world.pod("slow", owner_references=OWNED, containers=(slow,), termination_grace_period_seconds=300)
    world.engine.run_for(5.0)
    execution = world.drain("--timeout=30s", seconds=40.0)
    why = 'error when waiting for pod "slow" in namespace "default" to terminate: global timeout reached: 30s'
    assert execution.error == f"error: {why}"


def test_a_grace_period_of_ones_own(drained):
    world = drained()
    world.pod("slow", owner_references=OWNED)
    world.engine.run_for(5.0)
    pods.hang(world.engine, "default", "slow")
    execution = run(world.engine, "kubectl drain worker-1 --grace-period=7")
    world.engine.run_for(6.0)
    assert "slow" in world.pods()
    world.engine.run_for(4.0)
    assert execution.output[-1] == "node/worker-1 drained"


# -- Pods that are not simply evicted -----------------------------------------------------------------------------


def test_pods_without_a_controller_need_force(drained):
    world = drained()
    world.pod("alone")
    execution = world.drain()
    why = "cannot delete Pods that declare no controller (use --force to override): default/alone"
    assert execution.output == [
        "node/worker-1 cordoned",
        f'error: unable to drain node "worker-1" due to error: {why}, continuing command...',
        "There are pending nodes to be drained:",
        " worker-1",
    ]
    assert execution.error == f"error: {why}"
    forced = world.drain("--force")
    assert "Warning: deleting Pods that declare no controller: default/alone" in forced.output
    assert "pod/alone evicted" in forced.output


def with_daemon(world: Drained) -> str:
    """A DaemonSet; the name of its Pod on the node that is drained."""
    labels = {"app": "agent"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "agent", "image": "agent"}]}}
    spec = {"selector": {"matchLabels": labels}, "template": template}
    meta = {"name": "agent", "namespace": "default"}
    world.engine.store.create(decode({"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": meta, "spec": spec}))
    world.engine.run_for(10.0)
    [pod] = [pod for pod in world.engine.store.list(Pod, "default", labels) if pod.spec.node_name == "worker-1"]
    return pod.name


def test_pods_of_a_daemon_set_stay(drained):
    world = drained()
    daemon = with_daemon(world)
    refused = world.drain()
    why = f"cannot delete DaemonSet-managed Pods (use --ignore-daemonsets to ignore): default/{daemon}"
    assert refused.error == f"error: {why}"
    execution = world.drain("--ignore-daemonsets")
    assert f"Warning: ignoring DaemonSet-managed Pods: default/{daemon}" in execution.output
    assert execution.output[-1] == "node/worker-1 drained"
    assert world.engine.store.find(Pod, daemon, "default") is not None


def test_pods_of_a_daemon_set_that_is_gone_need_force(drained):
    world = drained()
    world.pod("agent-1", owner_references=(DAEMON,))
    world.engine.run_for(3.0)
    assert 'daemonsets.apps "agent" not found' in world.drain("--ignore-daemonsets").error
    assert world.drain("--ignore-daemonsets --force").output[-1] == "node/worker-1 drained"


def test_mirror_pods_are_left_to_their_kubelet(drained):
    world = drained()
    world.pod("static-1", annotations={"kubernetes.io/config.mirror": "abc"})
    world.engine.run_for(3.0)
    execution = world.drain()
    assert execution.output[-1] == "node/worker-1 drained"
    assert world.pods() == ["static-1"]


def test_pods_with_local_data_need_to_be_said(drained):
    world = drained()
    world.pod("cache", owner_references=OWNED, extra={"volumes": [{"name": "tmp", "emptyDir": {}}]})
    world.engine.run_for(3.0)
    why = "cannot delete Pods with local storage (use --delete-emptydir-data to override): default/cache"
    assert world.drain().error == f"error: {why}"
    execution = world.drain("--delete-emptydir-data")
    assert "Warning: deleting Pods with local storage: default/cache" in execution.output
    assert execution.output[-1] == "node/worker-1 drained"


def test_everything_that_stands_in_the_way_is_told_at_once(drained):
    world = drained()
    with_daemon(world)
    world.pod("alone")
    text = "\n".join(world.drain().output)
    assert "due to error: [cannot delete DaemonSet-managed Pods" in text
    assert ", cannot delete Pods that declare no controller" in text


def test_only_some_pods(drained):
    world = drained(replicas=4)
    before = world.pods()
    world.drain("--pod-selector=app=web")
    assert world.pods() == [name for name in before if not name.startswith("web-")]


def test_without_eviction_no_budget_is_asked(drained):
    world = drained(replicas=2, minAvailable=2)
    (pod,) = world.web("worker-1")
    execution = world.drain("--disable-eviction")
    assert f"pod/{pod} deleted" in execution.output
    assert world.web("worker-1") == []


# -- the law ------------------------------------------------------------------------------------------------------


@given(
    replicas=st.integers(1, 8),
    bound=st.sampled_from(["minAvailable", "maxUnavailable"]),
    amount=st.integers(0, 8) | st.sampled_from(["0%", "20%", "50%", "80%", "100%"]),
    nodes=st.lists(st.integers(1, 3), min_size=1, max_size=3, unique=True),
    together=st.booleans(),
)
@settings(max_examples=25, deadline=None)
def test_no_drain_leaves_fewer_healthy_pods_than_the_budget_wants(replicas, bound, amount, nodes, together):
    world = Drained(4, replicas=replicas, **{bound: amount})
    try:
        _drain_and_count(world, replicas, nodes, together)
    finally:
        world.engine.close()


def _drain_and_count(world: Drained, replicas: int, nodes: list[int], together: bool) -> None:
    store = world.engine.store
    desired = store.get(PodDisruptionBudget, "web").status.desired_healthy
    healthy = [replicas]

    def count(change: Change) -> None:
        pods = store.list(Pod, "default", {"app": "web"})
        healthy.append(sum(pod.ready and not pod.terminating for pod in pods))

    store.subscribe(count, Pod)
    for number in nodes:
        run(world.engine, f"kubectl drain worker-{number} --timeout=60s")
        world.engine.run_for(0.0 if together else 70.0)
    world.engine.run_for(100.0)
    assert min(healthy) >= min(desired, replicas)
    if desired < replicas:
        assert all(world.web(f"worker-{number}") == [] for number in nodes)
