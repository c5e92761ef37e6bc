"""A cluster without its control plane: kubectl is refused, traffic goes on, nothing is noticed; then all catches up."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab.engine import Engine
from lab.journal import ObjectChanged, RequestFinished
from lab.kube.kinds.endpointslice import EndpointSlice
from lab.kube.kinds.node import Node
from lab.kube.kinds.pod import Pod
from lab.traffic.client import ClientSpec, Phase
from tests.commands.test_on_engine import give, ok, start

REFUSED = "The connection to the server 127.0.0.1:6443 was refused - did you specify the right host or port?"


@pytest.fixture
def engine() -> Iterator[Engine]:
    made = start()
    yield made
    made.close()


def webs(engine: Engine) -> list[Pod]:
    return engine.store.list(Pod, "default", {"app": "web"})


def ready(engine: Engine) -> list[bool]:
    return [node.ready for node in engine.store.list(Node)]


def changes(engine: Engine, since_s: float) -> list[ObjectChanged]:
    events = engine.journal.read().events
    return [event for event in events if isinstance(event, ObjectChanged) and event.time > since_s]


def test_kubectl_is_refused_and_the_labs_own_commands_are_not(engine: Engine) -> None:
    ok(engine, "lab fail control-plane")
    for text in ("kubectl get pods", "kubectl scale deployment/web --replicas=5", "kubectl delete pod client"):
        assert give(engine, text).error == REFUSED
    assert "Nothing" not in ok(engine, "lab faults")[0]
    assert "200 OK" in "\n".join(give(engine, "curl http://web/ --from pod/client", 1.0).output)
    ok(engine, "lab recover control-plane")
    assert len(ok(engine, "kubectl get pods")) == 5


def test_traffic_goes_on_and_nothing_is_written(engine: Engine) -> None:
    spec = ClientSpec(name="shopper", url="http://web/", source="pod/default/client", phases=(Phase(20.0),))
    engine.traffic.add_client(spec)
    ok(engine, "lab fail control-plane", 300.0)
    assert changes(engine, 0.0) == []
    done = [event for event in engine.journal.read().events if isinstance(event, RequestFinished)]
    assert len(done) > 5000
    assert {event.outcome for event in done} == {"ok"}


def test_no_node_is_given_up_when_it_comes_back_however_long_it_was_away(engine: Engine) -> None:
    ok(engine, "lab fail control-plane --for=10m", 599.0)
    engine.run_for(120.0)
    assert ready(engine) == [True, True, True]
    assert not [one for one in changes(engine, 0.0) if one.kind in ("Node", "EndpointSlice", "Pod")]


def test_a_node_that_died_meanwhile_is_noticed_a_grace_after_the_return(engine: Engine) -> None:
    ok(engine, "lab fail control-plane", 10.0)
    ok(engine, "lab fail node/worker-3", 300.0)
    assert ready(engine) == [True, True, True], "nobody watches"
    ok(engine, "lab recover control-plane", 15.0)
    assert ready(engine) == [True, True, True], "the grace of this cluster is 20 s"
    engine.run_for(15.0)
    assert ready(engine) == [True, True, False]


def test_endpoints_stay_as_they_were_and_clients_run_into_what_has_died(engine: Engine) -> None:
    gone = webs(engine)[0]
    ok(engine, "lab fail control-plane", 1.0)
    ok(engine, f"lab close port pod/{gone.name}", 30.0)
    refused = sum(
        "refused" in "\n".join(give(engine, "curl http://web/ --from pod/client", 1.0).output) for _ in range(30)
    )
    assert 3 <= refused <= 20
    slices = engine.store.list(EndpointSlice, "default", {"kubernetes.io/service-name": "web"})
    assert all(endpoint.conditions.ready for one in slices for endpoint in one.endpoints)


def test_containers_are_restarted_and_told_of_afterwards(engine: Engine) -> None:
    pod = webs(engine)[0]
    ok(engine, "lab fail control-plane", 1.0)
    ok(engine, f"lab crash pod/{pod.name}", 20.0)
    assert "200 OK" in give(engine, f"curl http://{pod.status.pod_ip}:8080/ --from pod/client", 1.0).output[0]
    assert engine.store.get(Pod, pod.name).status.container_statuses[0].restart_count == 0
    ok(engine, "lab recover control-plane", 1.0)
    assert engine.store.get(Pod, pod.name).status.container_statuses[0].restart_count == 1


def test_what_was_asked_for_before_is_done_afterwards(engine: Engine) -> None:
    ok(engine, "kubectl scale deployment/web --replicas=6")
    ok(engine, "lab fail control-plane --for=60s", 59.0)
    assert len(webs(engine)) == 3
    engine.run_for(15.0)
    assert [pod.ready for pod in webs(engine)] == [True] * 6


def test_a_machine_that_boots_meanwhile_starts_its_pods_when_it_hears_of_them(engine: Engine) -> None:
    pod = next(pod for pod in webs(engine) if pod.spec.node_name == "worker-2")
    ok(engine, "lab fail control-plane", 1.0)
    ok(engine, "lab fail node/worker-2", 5.0)
    ok(engine, "lab recover node/worker-2", 30.0)
    assert not engine.runs("default", pod.name)
    ok(engine, "lab recover control-plane", 15.0)
    assert engine.runs("default", pod.name)
    assert ready(engine) == [True, True, True]
    assert engine.store.get(Pod, pod.name).ready


def test_a_node_that_is_cut_off_as_well_stays_so(engine: Engine) -> None:
    ok(engine, "lab cut link control-plane worker-1")
    ok(engine, "lab fail control-plane", 30.0)
    assert "lab heal link control-plane worker-2" not in "\n".join(ok(engine, "lab faults"))
    ok(engine, "lab recover control-plane", 40.0)
    assert ready(engine) == [False, True, True]
    ok(engine, "lab heal link control-plane worker-1", 10.0)
    assert ready(engine) == [True, True, True]


def test_all_of_it_at_once_and_back(engine: Engine) -> None:
    """Whatever happens to nodes and Pods meanwhile, nobody but the lab itself writes."""
    ok(engine, "lab fail control-plane")
    for text in (
        "lab fail node/worker-1",
        "lab freeze node/worker-2",
        "lab stop kubelet/worker-3",
        "lab stop proxy/worker-3",
        "lab cut link control-plane worker-3",
        "lab hang pod/client",
        "lab leak deployment/web --all --rate=1Gi",
    ):
        give(engine, text, 10.0)
    engine.run_for(120.0)
    ok(engine, "lab mend", 120.0)
    assert ready(engine) == [True, True, True]
    assert all(pod.ready for pod in webs(engine))
    assert ok(engine, "lab faults") == ["Nothing is broken."]


def test_what_kubectl_mends_is_mended_when_the_api_server_is_back(engine: Engine) -> None:
    ok(engine, "kubectl cordon worker-1 --for=10s")
    ok(engine, "lab fail control-plane --for=30s", 29.0)
    assert engine.store.get(Node, "worker-1").spec.unschedulable
    engine.run_for(3.0)
    assert not engine.store.get(Node, "worker-1").spec.unschedulable
    ok(engine, "kubectl cordon worker-1")
    ok(engine, "lab fail control-plane", 5.0)
    ok(engine, "lab mend")
    assert not engine.store.get(Node, "worker-1").spec.unschedulable
