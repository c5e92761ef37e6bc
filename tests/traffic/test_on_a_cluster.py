"""Traffic over the real network and control plane: what clients see when Pods, nodes and links come and go."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from lab.engine import ClusterSpec, Engine, plain_nodes
from lab.faults import nodes, pods
from lab.kube.kinds.deployment import Deployment, DeploymentSpec
from lab.kube.kinds.pod import Container, ContainerPort, HTTPGetAction, Pod, PodSpec, PodTemplateSpec, Probe
from lab.kube.kinds.service import Service, ServicePort, ServiceSpec
from lab.kube.meta import KubeObject, LabelSelector, ObjectMeta
from lab.scenario.loader import load
from lab.scenario.player import Player
from lab.traffic.app import AppSpec
from lab.traffic.client import ClientSpec, Phase
from lab.traffic.request import RequestResult
from tests.traffic.fakes import app

LABELS = {"app": "web"}


def web(replicas: int, **service: str) -> list[KubeObject]:
    container = Container(name="web", image="shop/app", ports=(ContainerPort(container_port=8080),))
    template = PodTemplateSpec(metadata=ObjectMeta(labels=LABELS), spec=PodSpec(containers=(container,)))
    spec = DeploymentSpec(replicas=replicas, selector=LabelSelector(match_labels=LABELS), template=template)
    ports = (ServicePort(port=80, target_port=8080),)
    client = PodSpec(containers=(Container(name="client", image="service-lab/client"),))
    return [
        Deployment(metadata=ObjectMeta(name="web", namespace="default"), spec=spec),
        Service(
            metadata=ObjectMeta(name="web", namespace="default"),
            spec=ServiceSpec(selector=LABELS, ports=ports, **service),  # type: ignore[arg-type]
        ),
        Pod(metadata=ObjectMeta(name="client", namespace="default"), spec=client),
    ]


def cluster(replicas: int = 3, *, seed: int = 1, service_s: float = 0.01, **service: str) -> Engine:
    engine = Engine(ClusterSpec(nodes=plain_nodes(3)), seed=seed, apps=(app(service_s=service_s),))
    engine.boot()
    engine.apply(web(replicas, **service))
    assert engine.settle() == []
    return engine


def shoppers(**more: object) -> ClientSpec:
    spec: dict[str, object] = {"source": "pod/client", "url": "http://web/", "phases": (Phase(50.0),), "timeout_s": 2.0}
    return ClientSpec(name="shoppers", **{**spec, **more})  # type: ignore[arg-type]


def ask(engine: Engine, source: str, url: str, timeout_s: float = 5.0) -> RequestResult:
    results: list[RequestResult] = []
    engine.traffic.request(engine.traffic.sources.find(source), url, results.append, timeout_s=timeout_s)
    engine.run_for(timeout_s + 30.0)
    return results[0]


def test_requests_spread_over_the_pods_of_a_service() -> None:
    engine = cluster()
    engine.traffic.add_client(shoppers())
    engine.run_until(20.0)
    measure = engine.traffic.measure
    assert measure.clients["shoppers"].success(engine.now) == 1.0
    shares = [measure.endpoints[key].requests for key in measure.endpoints if key[0] == "default/web"]
    assert len(shares) == 3
    assert min(shares) > 250


def test_a_crashed_pod_costs_little_and_comes_back() -> None:
    engine = cluster()
    engine.traffic.add_client(shoppers())
    engine.run_until(10.0)
    pod = next(pod for pod in engine.store.list(Pod) if pod.name.startswith("web-"))
    pods.crash(engine, "default", pod.name)
    engine.run_until(60.0)
    seen = engine.traffic.measure.clients["shoppers"]
    assert 0 < seen.requests - seen.ok < 100
    assert set(seen.outcomes) <= {"reset", "refused"}
    assert engine.traffic.measure.pods[f"default/{pod.name}"].rate_per_s(engine.now, 5) > 5


def test_a_node_without_power_costs_timeouts_until_the_cluster_notices() -> None:
    engine = cluster()
    engine.traffic.add_client(shoppers())
    client = engine.store.get(Pod, "client")
    lost = next(
        pod.spec.node_name
        for pod in engine.store.list(Pod)
        if pod.name.startswith("web-") and pod.spec.node_name != client.spec.node_name
    )
    engine.run_until(5.0)
    nodes.power_off(engine, lost)
    engine.run_until(120.0)
    seen = engine.traffic.measure.clients["shoppers"]
    assert "timeout" in seen.outcomes
    assert seen.success(engine.now, 20) == 1.0


def test_kept_connections_stay_on_their_pods_when_more_come() -> None:
    engine = cluster(1)
    engine.traffic.add_client(shoppers(phases=(), workers=4, keep_alive=True, think_s=0.05))
    engine.run_until(10.0)
    engine.store.mutate(Deployment, "web", "default", lambda d: _scaled(d, 3))
    engine.run_until(40.0)
    pods = [pod for service, pod in engine.traffic.measure.endpoints if service == "default/web"]
    assert len(pods) == 1


def test_the_cluster_ip_cannot_be_reached_from_outside_and_a_node_port_can() -> None:
    engine = cluster(type="NodePort")
    service = engine.store.get(Service, "web")
    inside = ask(engine, "internet", f"http://{service.spec.cluster_ip}/")
    assert (inside.outcome, inside.reason) == ("timeout", "cluster-ip-from-outside")
    for node in ("worker-1", "worker-2", "worker-3"):
        assert ask(engine, "internet", f"http://{node}:{service.spec.ports[0].node_port}/").ok


def test_a_service_without_pods_refuses_and_a_name_that_is_not_there_does_not_resolve() -> None:
    engine = cluster(0)
    assert ask(engine, "pod/client", "http://web/").outcome == "refused"
    assert ask(engine, "pod/client", "http://webb/").outcome == "nxdomain"


def test_a_pod_deleted_by_force_resets_what_it_was_doing() -> None:
    engine = cluster(1, service_s=3.0)
    results: list[RequestResult] = []
    engine.traffic.request(engine.traffic.sources.find("pod/client"), "http://web/", results.append, timeout_s=10.0)
    engine.run_for(1.0)
    pod = next(pod for pod in engine.store.list(Pod) if pod.name.startswith("web-"))
    engine.store.delete(Pod, pod.name, grace_s=0.0)
    engine.run_for(15.0)
    assert results[0].outcome == "reset"


def test_a_headless_service_is_counted_although_no_rule_knows_it() -> None:
    engine = cluster(cluster_ip="None")
    assert ask(engine, "pod/client", "http://web:8080/").service == "default/web"


def test_coredns_that_hangs_makes_names_time_out() -> None:
    engine = cluster()
    for pod in engine.store.list(Pod, "kube-system"):
        pods.hang(engine, "kube-system", pod.name)
    result = ask(engine, "pod/client", "http://web/", timeout_s=20.0)
    assert (result.outcome, result.reason) == ("timeout", "dns-timeout")


@pytest.mark.parametrize("keep_alive", [False, True])
def test_two_runs_have_the_same_journal(keep_alive: bool) -> None:
    def digest(seed: int) -> str:
        engine = cluster(seed=seed)
        engine.traffic.add_client(shoppers(keep_alive=keep_alive))
        engine.clock.at(5.0, nodes.power_off, engine, "worker-2")
        engine.run_until(15.0)
        return engine.journal.digest

    assert digest(7) == digest(7)
    assert digest(7) != digest(8)


def _scaled(deployment: Deployment, replicas: int) -> Deployment:
    return msgspec.structs.replace(deployment, spec=msgspec.structs.replace(deployment.spec, replicas=replicas))


LISTENS_FOR_ITSELF = """
name: alone
duration: 5s
manifests:
  - {apiVersion: v1, kind: Pod, metadata: {name: one, labels: {app: web}}, spec: {containers: [
      {name: one, image: web, ports: [{containerPort: 8080}], readinessProbe: {PROBE, periodSeconds: 1}}]}}
apps: [{image: web, listen: ["127.0.0.1:8080"]}]
"""


@pytest.mark.parametrize(
    ("probe", "ready"),
    [("exec: {command: [health]}", True), ("httpGet: {port: 8080}", False), ("tcpSocket: {port: 8080}", False)],
)
def test_what_listens_on_loopback_alone_is_reached_by_nobody_else(tmp_path: Path, probe: str, ready: bool) -> None:
    path = tmp_path / "alone.yaml"
    path.write_text(LISTENS_FOR_ITSELF.replace("PROBE", probe))
    player = Player(load(path))
    player.start()
    engine = player.engine
    assert engine.store.get(Pod, "one").ready is ready
    pod = engine.store.get(Pod, "one")
    assert ask(engine, "node/worker-1", f"http://{pod.status.pod_ip}:8080/").outcome == "refused"


def test_a_health_check_that_asks_the_others_fails_with_them() -> None:
    probe = Probe(http_get=HTTPGetAction(port=8080), period_seconds=1, failure_threshold=1)
    container = Container(
        name="shop", image="shop/front", ports=(ContainerPort(container_port=8080),), readiness_probe=probe
    )
    front = Pod(metadata=ObjectMeta(name="front", namespace="default"), spec=PodSpec(containers=(container,)))
    spec = ClusterSpec(nodes=plain_nodes(3))
    for health, ready in (("own", True), ("calls", False)):
        engine = Engine(spec, apps=(AppSpec(image="shop/front", calls=("http://web/",), health=health), app()))
        engine.boot()
        engine.apply([*web(2), front])
        assert engine.settle() == []
        for pod in engine.store.list(Pod, "default", LABELS):
            pods.hang(engine, "default", pod.name)
        engine.run_for(5.0)
        assert engine.store.get(Pod, "front").ready is ready
        for pod in engine.store.list(Pod, "default", LABELS):
            pods.unhang(engine, "default", pod.name)
        engine.run_for(5.0)
        assert engine.store.get(Pod, "front").ready
        engine.close()
