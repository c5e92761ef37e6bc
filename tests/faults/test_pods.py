"""Apps that are slow, err, listen nowhere or leak: what clients see of it, what the kubelet does, and the recovery."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab.commands.fault import choices
from lab.engine import ClusterSpec, Engine, plain_nodes
from lab.journal import Noted, RequestFinished
from lab.kube.documents import documents_of
from lab.kube.kinds.pod import ContainerStatus, Pod
from lab.traffic.app import AppSpec, Distribution
from lab.traffic.client import ClientSpec, Phase
from lab.views.page import Subject
from tests.commands.test_on_engine import give, ok

MANIFEST = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: shop/web:1
        ports: [{containerPort: 8080}]
        resources: {requests: {memory: 100Mi}, limits: {memory: 200Mi}}
        readinessProbe: {httpGet: {path: /, port: 8080}, periodSeconds: 2, failureThreshold: 1}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  selector: {app: web}
  ports: [{port: 80, targetPort: 8080}]
"""
MIB = 1024**2


def start(**app: object) -> Engine:
    spec = AppSpec(image="shop/web:*", service_time=Distribution.constant(0.01), **app)  # type: ignore[arg-type]
    engine = Engine(ClusterSpec(nodes=plain_nodes(3)), seed=1, apps=(spec,))
    engine.boot()
    engine.apply(documents_of(MANIFEST, "web.yaml").objects)
    ok(engine, "kubectl run client --image=service-lab/client")
    engine.settle()
    return engine


@pytest.fixture
def engine() -> Iterator[Engine]:
    made = start()
    yield made
    made.close()


def webs(engine: Engine) -> list[Pod]:
    return engine.store.list(Pod, "default", {"app": "web"})


def traffic(engine: Engine, url: str, rate: float = 20.0) -> None:
    engine.traffic.add_client(
        ClientSpec(name="shopper", url=url, source="pod/default/client", phases=(Phase(rate),), timeout_s=2.0)
    )


def finished(engine: Engine, since_s: float) -> list[RequestFinished]:
    events = engine.journal.read().events
    return [event for event in events if isinstance(event, RequestFinished) and event.time >= since_s]


def status(engine: Engine, pod: Pod) -> ContainerStatus:
    return engine.store.get(Pod, pod.name).status.container_statuses[0]


def noted(engine: Engine, reason: str) -> list[str]:
    return [
        event.message for event in engine.journal.read().events if isinstance(event, Noted) and event.reason == reason
    ]


def slowest_ms(engine: Engine, since_s: float) -> float:
    return max(event.latency_s for event in finished(engine, since_s)) * 1000


# -- slow -------------------------------------------------------------------------------------------------------------


def test_one_slow_pod_is_seen_in_a_third_of_the_answers_until_it_is_mended(engine: Engine) -> None:
    traffic(engine, "http://web/")
    ok(engine, f"lab slow pod/{webs(engine)[0].name} --by=200ms --for=20s", 20.0)
    late = [event.latency_s > 0.2 for event in finished(engine, 0.0)]
    assert 0.2 < sum(late) / len(late) < 0.47
    engine.run_for(1.0)
    now = engine.now
    engine.run_for(10.0)
    assert slowest_ms(engine, now) < 100


def test_a_factor_multiplies_the_time_and_all_takes_every_pod(engine: Engine) -> None:
    traffic(engine, "http://web/")
    said = ok(engine, "lab slow deployment/web --all --factor=20", 10.0)
    assert len(said) == 3
    assert min(event.latency_s for event in finished(engine, 1.0)) >= 0.2
    ok(engine, "lab quicken deployment/web", 1.0)
    now = engine.now
    engine.run_for(5.0)
    assert slowest_ms(engine, now) < 100
    assert ok(engine, "lab faults") == ["Nothing is broken."]


def test_slower_than_its_probe_waits_it_is_no_longer_ready(engine: Engine) -> None:
    pod = webs(engine)[0]
    ok(engine, f"lab slow pod/{pod.name} --by=2s", 10.0)
    assert not engine.store.get(Pod, pod.name).ready
    ok(engine, f"lab quicken pod/{pod.name}", 10.0)
    assert engine.store.get(Pod, pod.name).ready


def test_how_slow_has_to_be_said(engine: Engine) -> None:
    assert give(engine, "lab slow deployment/web").error == "error: say by how much: --by=200ms, --factor=5"
    assert "a number above 0" in give(engine, "lab slow deployment/web --factor=0").error


# -- errors -----------------------------------------------------------------------------------------------------------


def test_a_share_of_the_answers_are_errors_and_a_restart_does_not_cure_them(engine: Engine) -> None:
    pod = webs(engine)[0]
    traffic(engine, f"http://{pod.status.pod_ip}:8080/", rate=50.0)
    ok(engine, f"lab errors pod/{pod.name} --rate=30%", 1.0)
    ok(engine, f"lab crash pod/{pod.name}", 9.0)
    now = engine.now
    engine.run_for(20.0)
    bad = [event.status == 500 for event in finished(engine, now)]
    assert 0.25 < sum(bad) / len(bad) < 0.35
    ok(engine, f"lab end errors pod/{pod.name}", 1.0)
    now = engine.now
    engine.run_for(10.0)
    assert {event.status for event in finished(engine, now)} == {200}


def test_another_pod_of_the_same_name_is_well(engine: Engine) -> None:
    ok(engine, "lab errors pod/client --rate=100%")
    ok(engine, "kubectl delete pod client --now", 10.0)
    ok(engine, "kubectl run client --image=service-lab/client", 10.0)
    assert ok(engine, "lab faults") == ["Nothing is broken."]


# -- ports ------------------------------------------------------------------------------------------------------------


def test_a_closed_port_refuses_at_once_and_takes_the_pod_out_of_the_service(engine: Engine) -> None:
    pod = webs(engine)[0]
    ok(engine, f"lab close port pod/{pod.name} --for=20s")
    asked = give(engine, f"curl http://{pod.status.pod_ip}:8080/ --from pod/client", 1.0)
    assert "refused" in "\n".join(asked.output)
    assert status(engine, pod).state.state == "running"
    engine.run_for(5.0)
    assert not engine.store.get(Pod, pod.name).ready
    assert any("connect: connection refused" in message for message in noted(engine, "Unhealthy"))
    engine.run_for(30.0)
    asked = give(engine, f"curl http://{pod.status.pod_ip}:8080/ --from pod/client", 1.0)
    assert "200 OK" in asked.output[0]
    assert engine.store.get(Pod, pod.name).ready


# -- memory -----------------------------------------------------------------------------------------------------------


def test_a_leak_past_the_limit_is_oomkilled_restarted_and_held_back(engine: Engine) -> None:
    pod = webs(engine)[0]
    ok(engine, f"lab leak pod/{pod.name} --rate=10Mi", 14.9)
    assert status(engine, pod).restart_count == 0, "50 MiB grow to 200 MiB in 15 s"
    engine.run_for(5.0)
    first = status(engine, pod)
    assert (first.restart_count, first.state.state) == (1, "running"), "the first restart comes at once"
    assert first.last_state is not None
    assert (first.last_state.exit_code, first.last_state.reason) == (137, "OOMKilled")
    engine.run_for(15.0)
    again = status(engine, pod)
    assert (again.state.state, again.state.reason) == ("waiting", "CrashLoopBackOff")
    assert noted(engine, "BackOff") == [
        f"Back-off restarting failed container web in pod {pod.name}_default({pod.metadata.uid})"
    ]
    ok(engine, f"lab end leak pod/{pod.name}", 60.0)
    assert status(engine, pod).restart_count == 2
    assert engine.store.get(Pod, pod.name).ready


def test_a_leak_is_seen_in_kubectl_top(engine: Engine) -> None:
    pod = webs(engine)[0]
    ok(engine, f"lab leak pod/{pod.name} --rate=1Mi --for=60s", 90.0)
    row = next(line for line in ok(engine, "kubectl top pod") if pod.name in line)
    assert row.split()[-1] == "110Mi", "what has leaked stays held"
    assert status(engine, pod).restart_count == 0


def test_an_app_may_leak_by_itself() -> None:
    engine = start(memory_bytes=100 * MIB, memory_growth=MIB)
    engine.run_for(10.0)
    last = [status(engine, pod).last_state for pod in webs(engine)]
    assert {state.reason for state in last if state is not None} == {"OOMKilled"}
    ran = [(state.finished_at or 0.0) - (state.started_at or 0.0) for state in last if state is not None]
    assert {round(seconds) for seconds in ran} == {100}
    engine.close()


def test_an_app_that_holds_more_than_its_limit_is_oomkilled_at_once() -> None:
    engine = start(memory_bytes=201 * MIB)
    for pod in webs(engine):
        found = status(engine, pod)
        assert found.last_state is not None
        assert (found.last_state.exit_code, found.last_state.reason) == (137, "OOMKilled")
        assert found.restart_count >= 4
        assert not engine.store.get(Pod, pod.name).ready
    engine.close()


def test_what_is_within_the_limit_or_has_none_is_left_alone() -> None:
    engine = start(memory_bytes=200 * MIB)
    assert [status(engine, pod).restart_count for pod in webs(engine)] == [0, 0, 0]
    ok(engine, "lab leak pod/client --rate=1Gi", 300.0)
    assert status(engine, engine.store.get(Pod, "client")).restart_count == 0
    engine.close()


# -- the menu ---------------------------------------------------------------------------------------------------------


def test_the_menu_breaks_each_and_then_mends_it(engine: Engine) -> None:
    name = webs(engine)[0].name
    subject = Subject("Pod", "default", name)
    breaks = {
        f"lab slow pod/{name} --by=500ms": f"lab quicken pod/{name}",
        f"lab errors pod/{name} --rate=30%": f"lab end errors pod/{name}",
        f"lab close port pod/{name}": f"lab open port pod/{name}",
        f"lab leak pod/{name} --rate=10Mi": f"lab end leak pod/{name}",
    }
    assert set(breaks) <= {choice.command for choice in choices(engine, subject)}
    for text in breaks:
        ok(engine, text)
    assert set(breaks.values()) <= {choice.command for choice in choices(engine, subject)}
    ok(engine, "lab mend")
    assert ok(engine, "lab faults") == ["Nothing is broken."]


def test_what_stands_still_does_not_grow(engine: Engine) -> None:
    pod = webs(engine)[0]
    ok(engine, f"lab leak pod/{pod.name} --rate=10Mi", 10.0)
    ok(engine, f"lab hang pod/{pod.name} --for=30s", 30.0)
    assert status(engine, pod).restart_count == 0
    engine.run_for(6.0)
    assert status(engine, pod).restart_count == 1
