"""`lab reach` on a whole cluster: who gets where, why not, and what is open to the outside."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from lab.commands.run import run
from lab.engine import ClusterSpec, Engine, plain_nodes
from lab.kube.decode import decode
from lab.traffic.reachability import reachability

SETUP = (
    "kubectl create deployment web --image=shop/web:1 --replicas=2 --port=8080",
    "kubectl create deployment idle --image=shop/idle:1 --replicas=0 --port=9090",
    "kubectl expose deployment web --port=80 --target-port=8080",
    "kubectl expose deployment web --name=public --port=80 --target-port=8080 --type=LoadBalancer",
    "kubectl expose deployment web --name=wrong --port=80 --target-port=9999",
    "kubectl expose deployment idle --port=80 --target-port=9090",
    "kubectl run client --image=service-lab/client",
)
LOCAL = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "local"},
    "spec": {
        "type": "NodePort",
        "externalTrafficPolicy": "Local",
        "selector": {"app": "web"},
        "ports": [{"port": 80, "targetPort": 8080, "nodePort": 30080}],
    },
}
CLOSED = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "NetworkPolicy",
    "metadata": {"name": "closed"},
    "spec": {
        "podSelector": {"matchLabels": {"app": "web"}},
        "policyTypes": ["Ingress"],
        "ingress": [{"from": [{"podSelector": {"matchLabels": {"app": "web"}}}]}],
    },
}


@pytest.fixture
def engine() -> Iterator[Engine]:
    made = Engine(ClusterSpec(nodes=plain_nodes(3)))
    made.boot()
    for text in SETUP:
        assert not run(made, text).error
    made.apply([decode(LOCAL)])
    assert made.settle() == []
    yield made
    made.close()


def printed(engine: Engine, text: str = "lab reach", **options: Any) -> list[str]:
    execution = run(engine, text, **options)
    assert not execution.error, execution.error
    return execution.output


def table(engine: Engine, words: str = "") -> dict[str, Any]:
    found = json.loads("\n".join(printed(engine, f"lab reach -o json {words}")))
    assert isinstance(found, dict)
    return found


def cells(found: dict[str, Any]) -> dict[tuple[str, str], tuple[str, str]]:
    return {(each["from"], each["to"]): (each["reach"], each["reason"]) for each in found["results"]}


def test_every_source_is_paired_with_every_service_port(engine: Engine) -> None:
    found = table(engine)
    sources = [each["name"] for each in found["sources"]]
    assert sources == [
        "deployment/kube-system/coredns",
        "deployment/default/web",
        "deployment/default/idle",
        "pod/default/client",
        "node/worker-1",
        "node/worker-2",
        "node/worker-3",
        "internet",
    ]
    targets = [each["name"] for each in found["targets"]]
    assert targets[:2] == ["kube-system/kube-dns:53/UDP", "kube-system/kube-dns:53"]
    assert targets[2:] == [f"default/{name}:80" for name in ("web", "public", "wrong", "idle", "local")]
    assert len(found["results"]) == len(sources) * len(targets)


def test_each_pair_that_fails_has_its_reason(engine: Engine) -> None:
    found = cells(table(engine))
    for source in ("pod/default/client", "deployment/default/web", "node/worker-1"):
        assert found[source, "default/web:80"] == ("yes", "")
        assert found[source, "default/public:80"] == ("yes", "")
        assert found[source, "default/wrong:80"] == ("no", "nothing-listens")
        assert found[source, "default/idle:80"] == ("no", "no-endpoints")
    assert found["internet", "default/web:80"] == ("no", "cluster-ip-from-outside")
    assert found["internet", "default/public:80"] == ("yes", "")
    assert found["deployment/default/idle", "default/web:80"] == ("nobody", "")


def test_a_local_policy_is_open_on_some_nodes_only(engine: Engine) -> None:
    found = table(engine)
    assert cells(found)["internet", "default/local:80"] == ("partly", "no-local-endpoints")
    ports = {each["node"]: each["reach"] for each in found["open"] if each["service"] == "default/local"}
    assert sorted(ports.values()) == ["no", "yes", "yes"]
    assert "~ no-local-endpoints   the client sees: timeout" in printed(engine)


def test_a_policy_is_told_from_a_fault(engine: Engine) -> None:
    engine.apply([decode(CLOSED)])
    engine.run_for(5.0)
    found = cells(table(engine))
    assert found["pod/default/client", "default/web:80"] == ("denied", "policy-ingress")
    assert found["deployment/default/web", "default/web:80"] == ("yes", "")
    assert found["pod/default/client", "default/idle:80"] == ("no", "no-endpoints")
    rows = {line.split()[0]: line.split()[1:] for line in printed(engine) if "/" in line and line[0] != " "}
    assert rows["pod/client"] == [".", ".", "#", "#", "#", "X", "#"]


def test_what_is_open_to_the_outside_is_said_plainly(engine: Engine) -> None:
    lines = printed(engine)
    start = lines.index("Open to the outside")
    text = "\n".join(lines[start:])
    assert "load balancer  203.0.113.10:80" in text
    assert ":30080 on 2 nodes" in text
    assert ":30080 on worker-" in text
    assert "timeout (no-local-endpoints)" in text
    assert "worker-1 192.0.2.11" in text


def test_pods_are_targets_on_request(engine: Engine) -> None:
    plain, whole = table(engine), table(engine, "--pods")
    pods = [each["name"] for each in whole["targets"] if each["kind"] == "pod"]
    assert len(whole["targets"]) == len(plain["targets"]) + len(pods)
    web = next(name for name in pods if name.startswith("pod/default/web-") and name.endswith(":8080"))
    assert cells(whole)["pod/default/client", web] == ("yes", "")
    assert cells(whole)["internet", web] == ("no", "pod-ip-from-outside")


@pytest.mark.parametrize("width", [80, 120])
def test_lines_keep_to_the_width(engine: Engine, width: int) -> None:
    for words in ("", " --pods"):
        assert max(map(len, printed(engine, f"lab reach{words}", width=width))) <= width


def test_forty_workloads_and_forty_ports_take_about_a_second() -> None:
    engine = Engine(ClusterSpec(nodes=plain_nodes(4)))
    engine.boot()
    for number in range(40):
        name = f"app-{number}"
        assert not run(engine, f"kubectl create deployment {name} --image=shop/app:1 --replicas=2 --port=8080").error
        assert not run(engine, f"kubectl expose deployment {name} --port=80 --target-port=8080").error
    engine.settle()
    began = time.process_time()
    found = reachability(engine.store, engine.network, engine.traffic)
    took = time.process_time() - began
    engine.close()
    assert len(found.parties) * len(found.goals) > 1900
    assert {cell.state for row in found.cells[:-1] for cell in row} == {"yes"}
    assert took < 5.0, "about half a second on an idle machine"
