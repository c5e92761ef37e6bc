"""`lab conntrack` and `lab upstream` on a whole cluster, and a UDP client that keeps its socket."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from lab.engine import ClusterSpec, Engine, plain_nodes
from lab.journal import Decision, NetworkChanged, RequestFinished
from lab.kube.decode import decode
from lab.kube.kinds.pod import Pod
from lab.settings import Settings
from lab.traffic.client import ClientSpec, Phase
from tests.commands.test_on_engine import give, ok

SETUP = (
    "kubectl create deployment web --image=shop/web:1 --replicas=2 --port=8080",
    "kubectl expose deployment web --port=80 --target-port=8080",
    "kubectl run client --image=service-lab/client",
)


@pytest.fixture
def engine() -> Iterator[Engine]:
    made = Engine(ClusterSpec(nodes=plain_nodes(2)), seed=1)
    made.boot()
    for text in SETUP:
        ok(made, text)
    assert made.settle() == []
    yield made
    made.close()


def node_of(engine: Engine, pod: str) -> str:
    found = engine.store.find(Pod, pod)
    assert found is not None
    return found.spec.node_name


def test_a_request_and_its_name_leave_two_entries(engine: Engine) -> None:
    ok(engine, "curl http://web/ --from pod/client", 1.0)
    node = node_of(engine, "client")
    lines = ok(engine, f"lab conntrack --node {node}")
    assert re.fullmatch(
        r"tcp      6 119 TIME_WAIT src=10\.244\.\S+ dst=10\.\S+ sport=\d+ dport=80 "
        r"src=10\.244\.\S+ dst=10\.244\.\S+ sport=8080 dport=\d+ \[ASSURED\] mark=0 use=1",
        next(line for line in lines if line.startswith("tcp")),
    )
    assert any(line.startswith("udp      17 2") and "dport=53" in line for line in lines)
    assert re.fullmatch(rf"# conntrack: \d flow entries have been shown; {node} holds \d of at most 131072", lines[-1])
    only = ok(engine, f"lab conntrack --node {node} --service web")
    assert [line.split()[0] for line in only] == ["tcp", "#"]
    assert ok(engine, f"lab conntrack --node {node} -p tcp --delete")[-1].endswith(f"deleted on {node}")
    assert not any(line.startswith("tcp") for line in ok(engine, f"lab conntrack --node {node}"))


def test_what_is_no_node_service_or_protocol_is_pointed_at(engine: Engine) -> None:
    assert "not found" in give(engine, "lab conntrack --node worker-9").error
    assert '"--node" is not set' in give(engine, "lab conntrack").error
    assert 'no Service "default/wbe"' in give(engine, "lab conntrack --node worker-1 --service wbe").error
    assert '"icmp" is not one of' in give(engine, "lab conntrack --node worker-1 -p icmp").error


def test_a_broken_upstream_fails_names_outside_and_none_inside(engine: Engine) -> None:
    ok(engine, "lab upstream servfail")
    assert ";; status: SERVFAIL, ANSWER: 0" in ok(engine, "dig worker-1. --from pod/client", 20.0)
    assert ";; status: NOERROR, ANSWER: 1" in ok(engine, "dig web --from pod/client", 1.0)
    assert ok(engine, "curl http://worker-1/ --from pod/client", 20.0) == ["curl: (6) Could not resolve host: worker-1"]
    ok(engine, "lab upstream up")
    engine.run_for(6.0)
    assert ";; status: NOERROR, ANSWER: 1" in ok(engine, "dig worker-1. --from pod/client", 20.0)
    events = [event for event in engine.journal.read().events if isinstance(event, NetworkChanged)]
    assert [(event.what, event.state) for event in events] == [("dns/upstream", "servfail"), ("dns/upstream", "up")]


STATSD = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "statsd"},
    "spec": {"selector": {"app": "web"}, "ports": [{"port": 8125, "targetPort": 8125, "protocol": "UDP"}]},
}


@pytest.mark.parametrize(("kubernetes", "last"), [("1.36", "stale-conntrack-entry"), ("1.37", "no-endpoints")])
def test_a_udp_client_keeps_its_socket_and_so_its_stale_entry(kubernetes: str, last: str) -> None:
    engine = Engine(ClusterSpec(nodes=plain_nodes(2), settings=Settings(kubernetes=kubernetes)), seed=1)
    engine.boot()
    engine.apply([decode(STATSD)])
    ok(engine, "kubectl create deployment web --image=shop/statsd:1 --replicas=2")
    ok(engine, "kubectl run client --image=service-lab/client")
    assert engine.settle() == []
    client = ClientSpec(
        name="statsd",
        source="pod/client",
        url="udp://statsd:8125",
        phases=(Phase(5.0),),
        keep_alive=True,
        timeout_s=0.5,
    )
    engine.traffic.add_client(client)
    engine.run_for(20.0)
    made = [event for event in engine.journal.read().events if isinstance(event, Decision)]
    statsd = [event for event in made if event.service == "default/statsd"]
    assert len(statsd) == 1
    assert all(event.outcome == "ok" for event in engine.journal.read().events if isinstance(event, RequestFinished))
    ok(engine, "kubectl scale deployment/web --replicas=0")
    engine.run_for(60.0)
    events = engine.journal.read().events
    newest = [event for event in events if isinstance(event, Decision) and event.service == "default/statsd"][-1]
    assert newest.reason == last
    assert newest.src_port == statsd[0].src_port
    outcome = [event.outcome for event in events if isinstance(event, RequestFinished)][-1]
    assert outcome == ("timeout" if kubernetes == "1.36" else "refused")
    ok(engine, f"lab conntrack --node {node_of(engine, 'client')} --service statsd --delete")
    ok(engine, "kubectl scale deployment/web --replicas=1", 20.0)
    assert [event.outcome for event in engine.journal.read().events if isinstance(event, RequestFinished)][-1] == "ok"
    engine.close()
