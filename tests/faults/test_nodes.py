"""A kubelet that is stopped, a machine that stands still, a node that is cut off: what the cluster sees of each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab.engine import Engine
from lab.faults import nodes, pods
from lab.kube.errors import LabError
from lab.kube.kinds.node import Node
from lab.kube.kinds.pod import Pod
from tests.commands.test_on_engine import give, ok, start


@pytest.fixture
def engine() -> Iterator[Engine]:
    made = start()
    yield made
    made.close()


def web_on(engine: Engine, node: str) -> Pod:
    return next(pod for pod in engine.store.pods_on(node) if pod.metadata.labels.get("app") == "web")


def ready(engine: Engine, node: str) -> bool:
    return engine.store.get(Node, node).ready


def answers(engine: Engine, pod: Pod) -> bool:
    asked = give(engine, f"curl http://{pod.status.pod_ip}:8080/ --from node/worker-1 -m 2", 3.0)
    return any("200 OK" in line for line in asked.output)


# -- the kubelet ------------------------------------------------------------------------------------------------------


def test_containers_run_on_without_a_kubelet_and_the_node_is_given_up(engine: Engine) -> None:
    pod = web_on(engine, "worker-3")
    nodes.stop_kubelet(engine, "worker-3")
    assert nodes.without_kubelet(engine) == ["worker-3"]
    engine.run_for(35.0)  # the grace period of this cluster is 20 s
    assert not ready(engine, "worker-3")
    assert answers(engine, pod)
    assert not engine.store.get(Pod, pod.name).ready, "the control plane marks its Pods"


def test_nobody_restarts_what_crashes_without_a_kubelet(engine: Engine) -> None:
    pod = web_on(engine, "worker-3")
    nodes.stop_kubelet(engine, "worker-3")
    pods.crash(engine, "default", pod.name)
    engine.run_for(15.0)
    assert not answers(engine, pod)
    assert engine.store.get(Pod, pod.name).status.container_statuses[0].restart_count == 0
    nodes.start_kubelet(engine, "worker-3")
    engine.run_for(10.0)
    assert answers(engine, pod)
    assert engine.store.get(Pod, pod.name).status.container_statuses[0].restart_count == 1


def test_a_kubelet_that_starts_again_reports_its_node_ready_at_once(engine: Engine) -> None:
    nodes.stop_kubelet(engine, "worker-3")
    engine.run_for(60.0)
    assert not ready(engine, "worker-3")
    nodes.start_kubelet(engine, "worker-3")
    engine.run_for(6.0)
    assert ready(engine, "worker-3")
    engine.run_for(6.0)
    assert engine.store.get(Pod, web_on(engine, "worker-3").name).ready


def test_a_pod_that_is_deleted_stays_terminating_until_the_kubelet_is_back(engine: Engine) -> None:
    pod = web_on(engine, "worker-3")
    nodes.stop_kubelet(engine, "worker-3")
    ok(engine, f"kubectl delete pod {pod.name}", 60.0)
    assert engine.store.get(Pod, pod.name).terminating
    nodes.start_kubelet(engine, "worker-3")
    engine.run_for(60.0)
    assert engine.store.find(Pod, pod.name, "default") is None


# -- standing still ---------------------------------------------------------------------------------------------------


def test_nothing_comes_through_a_node_that_stands_still(engine: Engine) -> None:
    pod = web_on(engine, "worker-3")
    nodes.freeze(engine, "worker-3")
    assert not answers(engine, pod)
    assert nodes.frozen(engine) == ["worker-3"]
    assert nodes.without_kubelet(engine) == [], "its kubelet is not what is wrong"


def test_thawed_before_anybody_noticed_everything_is_as_before(engine: Engine) -> None:
    pod = web_on(engine, "worker-3")
    asked = give(engine, f"curl http://{pod.status.pod_ip}:8080/ --from pod/client -m 20", 0.0)
    nodes.freeze(engine, "worker-3")
    engine.run_for(5.0)
    assert not asked.done or not any("200" in line for line in asked.output)
    nodes.thaw(engine, "worker-3")
    engine.run_for(2.0)
    assert ready(engine, "worker-3")
    assert answers(engine, pod)
    assert engine.store.get(Pod, pod.name).status.container_statuses[0].restart_count == 0


def test_frozen_for_long_it_is_given_up_and_comes_back_with_its_pods(engine: Engine) -> None:
    pod = web_on(engine, "worker-3")
    nodes.freeze(engine, "worker-3")
    engine.run_for(40.0)
    assert not ready(engine, "worker-3")
    nodes.thaw(engine, "worker-3")
    engine.run_for(15.0)
    assert ready(engine, "worker-3")
    assert engine.store.get(Pod, pod.name).ready
    assert answers(engine, pod)


def test_power_off_ends_standing_still(engine: Engine) -> None:
    nodes.freeze(engine, "worker-3")
    nodes.power_off(engine, "worker-3")
    assert nodes.frozen(engine) == []
    nodes.power_on(engine, "worker-3")
    engine.run_for(30.0)
    assert ready(engine, "worker-3")


@pytest.mark.parametrize(("first", "then"), [("power_off", "freeze"), ("power_off", "stop_kubelet")])
def test_what_has_no_power_cannot_be_stopped(engine: Engine, first: str, then: str) -> None:
    getattr(nodes, first)(engine, "worker-3")
    with pytest.raises(LabError, match="has no power: lab recover node/worker-3"):
        getattr(nodes, then)(engine, "worker-3")


def test_a_kubelet_on_a_frozen_node_is_told_to_be_frozen(engine: Engine) -> None:
    nodes.freeze(engine, "worker-3")
    with pytest.raises(LabError, match="stands still: lab thaw node/worker-3"):
        nodes.stop_kubelet(engine, "worker-3")


def test_a_kubelet_that_was_stopped_is_not_started_by_a_thaw(engine: Engine) -> None:
    nodes.stop_kubelet(engine, "worker-3")
    nodes.freeze(engine, "worker-3")
    assert nodes.without_kubelet(engine) == ["worker-3"]
    nodes.thaw(engine, "worker-3")
    engine.run_for(40.0)
    assert not ready(engine, "worker-3"), "nobody renews its lease"
    assert answers(engine, web_on(engine, "worker-3"))
    nodes.start_kubelet(engine, "worker-3")
    engine.run_for(2.0)
    assert ready(engine, "worker-3")


def test_a_kubelet_that_is_to_start_meanwhile_starts_with_the_thaw(engine: Engine) -> None:
    ok(engine, "lab stop kubelet/worker-3 --for=10s")
    ok(engine, "lab freeze worker-3 --for=40s", 39.0)
    assert nodes.without_kubelet(engine) == []
    assert not ready(engine, "worker-3"), "it stands still"
    engine.run_for(15.0)
    assert ready(engine, "worker-3")


# -- the line to the control plane ------------------------------------------------------------------------------------


def test_a_node_that_is_cut_off_serves_by_the_rules_it_has(engine: Engine) -> None:
    ok(engine, "lab cut link worker-3 control-plane", 40.0)
    assert not ready(engine, "worker-3")
    assert answers(engine, web_on(engine, "worker-3"))
    before = engine.network.proxies["worker-3"].table.version
    ok(engine, "kubectl scale deployment/web --replicas=5", 20.0)
    assert engine.network.proxies["worker-3"].table.version == before
    assert engine.network.proxies["worker-1"].table.version > before
    ok(engine, "lab heal link control-plane worker-3", 10.0)
    assert engine.network.proxies["worker-3"].table.version == engine.network.proxies["worker-1"].table.version
    assert ready(engine, "worker-3")
    assert all(pod.ready for pod in engine.store.pods_on("worker-3"))


def test_what_happened_there_meanwhile_is_told_afterwards(engine: Engine) -> None:
    pod = web_on(engine, "worker-3")
    nodes.isolate(engine, "worker-3")
    pods.crash(engine, "default", pod.name)
    engine.run_for(10.0)
    assert answers(engine, pod), "its kubelet restarts it without anybody's leave"
    assert engine.store.get(Pod, pod.name).status.container_statuses[0].restart_count == 0
    nodes.rejoin(engine, "worker-3")
    engine.run_for(2.0)
    assert engine.store.get(Pod, pod.name).status.container_statuses[0].restart_count == 1


def test_a_kube_proxy_that_starts_while_cut_off_touches_no_rule(engine: Engine) -> None:
    ok(engine, "lab cut link worker-3 control-plane")
    ok(engine, "lab stop proxy/worker-3")
    ok(engine, "lab start proxy/worker-3", 60.0)
    held = engine.network.proxies["worker-3"].table.version
    assert held
    ok(engine, "kubectl scale deployment/web --replicas=6", 20.0)
    assert engine.network.proxies["worker-3"].table.version == held


def test_the_internet_has_no_line_to_the_control_plane(engine: Engine) -> None:
    assert "has no line to the control plane" in give(engine, "lab cut link internet control-plane").error
