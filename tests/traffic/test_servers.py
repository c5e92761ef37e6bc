"""Containers as the kubelet sees them, and the calls that apps make to one another."""

from __future__ import annotations

import msgspec
import pytest
from msgspec.structs import replace

from lab.kube.errors import LabError
from lab.kube.kinds.configmap import ConfigMap
from lab.kube.kinds.pod import (
    ContainerPort,
    EnvFromSource,
    ExecAction,
    GRPCAction,
    HTTPGetAction,
    ObjectSelector,
    Pod,
    Probe,
    TCPSocketAction,
)
from lab.kube.kinds.service import Service
from lab.kube.meta import ObjectMeta
from tests.traffic.fakes import Bench, app

HTTP = Probe(http_get=HTTPGetAction(port=8080))
TCP = Probe(tcp_socket=TCPSocketAction(port=8080))
EXEC = Probe(exec=ExecAction(command=("true",)))
GRPC = Probe(grpc=GRPCAction(port=8080))


def probe(bench: Bench, probe: Probe, name: str = "web") -> tuple[bool, str]:
    result = bench.servers.probe(bench.store.get(Pod, name), "main", probe)
    return result.success, result.message


@pytest.mark.parametrize("kind", [HTTP, TCP, GRPC], ids=["http", "tcp", "grpc"])
def test_a_probe_is_refused_until_the_app_listens(kind: Probe) -> None:
    bench = Bench(app(startup_s=2.0))
    bench.web()
    bench.clock.run_until(1.9)
    assert probe(bench, kind) == (False, "dial tcp 10.244.0.5:8080: connect: connection refused")
    bench.clock.run_until(2.0)
    assert probe(bench, kind)[0]


@pytest.mark.parametrize(("kind", "expected"), [(HTTP, False), (TCP, True), (EXEC, False), (GRPC, False)])
def test_a_hung_app_accepts_connections_and_answers_nothing(kind: Probe, expected: bool) -> None:
    bench = Bench(app())
    bench.web()
    bench.clock.run_until(1.0)
    bench.traffic.hang_pod("default", "web")
    assert probe(bench, kind)[0] is expected


def test_a_probe_of_a_container_that_is_gone_fails() -> None:
    bench = Bench(app())
    pod = bench.web()
    bench.servers.kill(pod, "main")
    assert probe(bench, EXEC) == (False, "container is not running")
    assert bench.exits == [("web", 137, "Error")]


def test_an_overloaded_app_answers_its_probe_too_late() -> None:
    bench = Bench(app(service_s=2.0, workers=1))
    bench.web()
    bench.clock.run_until(1.0)
    for _ in range(3):
        bench.traffic.request(bench.source(), "http://web/")
    bench.clock.run_until(1.5)
    assert not probe(bench, HTTP)[0]
    assert probe(bench, TCP)[0]


def test_an_abrupt_app_resets_on_sigterm_and_a_graceful_one_finishes() -> None:
    outcomes: dict[str, str] = {}
    for shutdown in ("abrupt", "graceful"):
        bench = Bench(app(service_s=2.0, shutdown=shutdown, shutdown_s=1.0))
        pod = bench.web()
        bench.clock.run_until(1.0)
        bench.traffic.request(bench.source(), "http://web/", lambda r, s=shutdown: outcomes.setdefault(s, r.outcome))
        bench.clock.after(1.0, bench.servers.stop, pod, "main")
        bench.clock.run_until(2.5)
        assert bench.ask().outcome == "refused"
        bench.clock.run_until(10.0)
        assert bench.exits == [("web", *((143, "Error") if shutdown == "abrupt" else (0, "Completed")))]
    assert outcomes == {"abrupt": "reset", "graceful": "ok"}


def test_a_hung_app_ignores_sigterm_and_dies_of_sigkill() -> None:
    bench = Bench(app())
    pod = bench.web()
    bench.clock.run_until(1.0)
    bench.traffic.hang_pod("default", "web")
    bench.servers.stop(pod, "main")
    assert bench.exits == []
    bench.servers.kill(pod, "main")
    assert bench.exits == [("web", 137, "Error")]


def test_an_app_that_runs_for_a_while_exits_by_itself() -> None:
    bench = Bench(app(runs_s=3.0))
    bench.pod("job")
    bench.clock.run_until(5.0)
    assert bench.exits == [("job", 0, "Completed")]
    with pytest.raises(LabError, match="no container"):
        bench.traffic.crash_pod("default", "job")


def test_it_may_exit_with_an_error_and_while_it_hangs_not_at_all() -> None:
    bench = Bench(app(runs_s=3.0, exit_code=2))
    bench.pod("job")
    bench.clock.run_until(1.0)
    bench.traffic.hang_pod("default", "job")
    bench.clock.run_until(20.0)
    assert bench.exits == []
    bench.servers.hang("default", "job", False)
    bench.clock.run_until(22.0)
    assert bench.exits == [("job", 2, "Error")]


def test_a_service_that_comes_later_opens_the_port() -> None:
    bench = Bench(app())
    pod = bench.pod("web")
    bench.expose("web", 80, (pod, 8080))
    bench.clock.run_until(1.0)
    assert bench.ask().outcome == "refused"
    bench.service("web", 80, 8080)
    assert bench.ask().outcome == "ok"
    bench.store.delete(Service, "web")
    assert bench.ask().outcome == "refused"


# -- calls ------------------------------------------------------------------------------------------------------


def chain(bench: Bench, *, db: bool = True) -> None:
    """web -> api -> db, found in the environment."""
    bench.service("api", 80, 8080)
    bench.service("db", 5432)
    bench.expose("api", 80, (bench.pod("api", 8080, env={"DATABASE_URL": "postgres://u:p@db:5432/x"}), 8080))
    bench.expose("web", 80, (bench.pod("web", 8080, env={"API_ADDR": "api:80"}), 8080))
    if db:
        bench.expose("db", 5432, (bench.pod("db", 5432), 5432))
    else:
        bench.network.serve("db", 5432)
    bench.clock.run_until(1.0)


def test_a_server_answers_after_those_it_calls() -> None:
    bench = Bench(app(service_s=0.1))
    chain(bench)
    result = bench.ask()
    assert result.ok
    assert result.latency_s == pytest.approx(0.3, abs=0.02)
    assert [event.service for event in bench.finished()] == ["default/db", "default/api", "default/web"]
    assert [event.client for event in bench.finished()][:2] == ["pod/default/api", "pod/default/web"]


def test_a_server_answers_503_when_one_that_it_calls_fails() -> None:
    bench = Bench(app())
    chain(bench, db=False)
    assert bench.ask().status == 503
    assert [event.outcome for event in bench.finished()] == ["refused", "error", "error"]


def test_a_server_that_crashed_calls_nobody_any_more() -> None:
    bench = Bench(app(service_s=1.0))
    chain(bench)
    bench.traffic.request(bench.source(), "http://web/")
    bench.clock.after(0.5, bench.traffic.crash_pod, "default", "web")
    bench.clock.run_until(20.0)
    assert [event.outcome for event in bench.finished()] == ["reset"]


def test_a_mentioned_service_that_never_existed_is_not_called_and_a_deleted_one_is() -> None:
    bench = Bench(app())
    bench.expose("web", 80, (bench.pod("web", 8080, env={"ZIPKIN": "zipkin:9411", "CART": "cart:80"}), 8080))
    bench.clock.run_until(1.0)
    assert bench.ask().ok
    bench.service("cart")
    bench.store.delete(Service, "cart")
    assert bench.ask().status == 503
    assert bench.finished()[-2].outcome == "nxdomain"


def test_calls_that_a_scenario_states_are_made_whatever_exists() -> None:
    bench = Bench(app(calls=("http://nobody/",)))
    bench.web()
    bench.clock.run_until(1.0)
    assert bench.ask().status == 503


def test_call_cycles_end() -> None:
    bench = Bench(app())
    bench.service("ping")
    bench.service("pong")
    bench.expose("ping", 80, (bench.pod("ping", 80, env={"P": "pong"}), 80))
    bench.expose("pong", 80, (bench.pod("pong", 80, env={"P": "ping"}), 80))
    bench.clock.run_until(1.0)
    assert bench.ask("http://ping/").ok
    assert len(bench.finished()) == 7


def test_an_app_does_not_call_the_service_in_front_of_itself() -> None:
    bench = Bench(app())
    bench.service("web", 80, 8080)
    bench.expose("web", 80, (bench.pod("web", 8080, env={"ADVERTISED": "web:80"}), 8080))
    bench.clock.run_until(1.0)
    bench.ask()
    assert len(bench.finished()) == 1


def test_an_app_that_listens_nowhere_calls_its_targets_by_itself() -> None:
    bench = Bench(app(drives=2.0))
    bench.web()
    bench.pod("load", args=("--host", "http://web"))
    bench.clock.run_until(5.0)
    assert bench.finished() == []
    bench.service("web", 80, 8080)
    bench.clock.run_until(15.0)
    assert bench.traffic.measure.clients["pod/default/load"].ok == pytest.approx(20, abs=1)


def test_well_known_images_call_what_they_always_call() -> None:
    bench = Bench()
    bench.service("redis", 6379)
    bench.service("db", 5432)
    for name, port in (("redis", 6379), ("db", 5432)):
        bench.expose(
            name, port, (bench.pod(name, port, image={"redis": "redis:alpine", "db": "postgres:15"}[name]), port)
        )
    bench.pod("worker", image="dockersamples/examplevotingapp_worker")
    bench.clock.run_until(10.0)
    assert bench.traffic.measure.between[("pod/default/worker", "default/redis")].ok > 5
    assert bench.traffic.measure.between[("pod/default/worker", "default/db")].ok > 5


def test_two_runs_are_the_same_to_the_byte() -> None:
    def digest(seed: int) -> str:
        bench = Bench(app(error_rate=0.1), seed=seed)
        chain(bench)
        bench.pod("load", args=("http://web",))
        bench.service("web", 80, 8080)
        bench.clock.run_until(30.0)
        return bench.journal.digest

    assert digest(1) == digest(1)
    assert digest(1) != digest(2)


def test_named_ports_are_found_for_probes() -> None:
    bench = Bench(app())
    pod = bench.pod("web", run=False)
    container = pod.spec.containers[0]
    named = msgspec.structs.replace(container, ports=(ContainerPort(container_port=8080, name="http"),))
    pod = msgspec.structs.replace(pod, spec=msgspec.structs.replace(pod.spec, containers=(named,)))
    bench.start(pod)
    bench.clock.run_until(1.0)
    assert bench.servers.probe(pod, "main", Probe(http_get=HTTPGetAction(port="http"))).success
    assert not bench.servers.probe(pod, "main", Probe(http_get=HTTPGetAction(port="admin"))).success


def test_a_pod_answers_while_it_runs_and_does_not_hang() -> None:
    bench = Bench(app())
    bench.web()
    assert not bench.network.dns.serving("default/web")
    bench.clock.run_until(1.0)
    assert bench.network.dns.serving("default/web")
    bench.traffic.hang_pod("default", "web")
    assert not bench.network.dns.serving("default/web")
    assert not bench.network.dns.serving("default/nobody")


def test_a_pod_is_called_by_its_own_name_when_its_service_exists() -> None:
    bench = Bench(app())
    bench.service("pg", port=5432)
    hosts = "postgres://u:p@pg-0.pg.default.svc.cluster.local:5432,pg-1.pg.default.svc.cluster.local:5432/x"
    web = bench.pod("web", 8080, env={"URL": hosts, "REPLICA": "pg-2.pg:5432", "HOME": "www.example.com:80"})
    bench.clock.run_until(2.0)
    server = bench.servers.pods[f"default/{web.name}"]["main"]
    assert [target.url for target in server.calls] == [
        "tcp://pg-0.pg.default.svc.cluster.local:5432",
        "tcp://pg-2.pg:5432",
    ]


def test_an_app_calls_what_its_config_map_names() -> None:
    bench = Bench(app())
    bench.service("api")
    bench.store.create(ConfigMap(metadata=ObjectMeta(name="conf", namespace="default"), data={"API": "http://api"}))
    web = bench.pod("web", 8080, run=False)
    source = EnvFromSource(config_map_ref=ObjectSelector(name="conf"))
    container = replace(web.spec.containers[0], env_from=(source,))
    web = bench.store.update(replace(web, spec=replace(web.spec, containers=(container,))))
    bench.start(web)
    assert [target.url for target in bench.servers.pods["default/web"]["main"].calls] == ["http://api:80"]
