"""`lab rules` on a whole cluster."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab.commands.complete import complete
from lab.commands.run import run
from lab.engine import ClusterSpec, Engine, plain_nodes
from lab.kube.decode import decode

SETUP = (
    "kubectl create deployment web --image=shop/web:1 --replicas=2 --port=8080",
    "kubectl expose deployment web --port=80 --target-port=8080 --type=NodePort",
    "kubectl create namespace shop",
    "kubectl create deployment api --image=shop/api:1 --port=9090 -n shop",
    "kubectl expose deployment api --port=90 --target-port=9090 -n shop",
    "kubectl run client --image=service-lab/client",
)


@pytest.fixture(params=["nftables", "iptables"])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    made = Engine(ClusterSpec(nodes=plain_nodes(2), proxy=request.param))
    made.boot()
    for text in SETUP:
        assert not run(made, text).error
    assert made.settle() == []
    yield made
    made.close()


def printed(engine: Engine, text: str) -> list[str]:
    execution = run(engine, text)
    assert not execution.error
    assert execution.done
    return [line for output in execution.output for line in output.splitlines()]


def test_a_node_prints_its_whole_table(engine: Engine) -> None:
    lines = printed(engine, "lab rules --node worker-1")
    assert lines[0].startswith("# worker-1: kube-proxy in ")
    text = "\n".join(lines)
    assert "default/web" in text or "default/web/tcp/" in text
    assert "9090" in text
    if engine.spec.proxy == "iptables":
        assert [line for line in lines if line[0] == "*"] == ["*filter", "*nat"]
        assert lines.count("COMMIT") == 2
    else:
        assert lines[1] == "table ip kube-proxy {"
        assert lines[-1] == "}"


def test_a_service_is_picked_with_its_namespace(engine: Engine) -> None:
    own = printed(engine, "lab rules --node worker-1 --service=shop/api")
    assert own == printed(engine, "lab rules --node=node/worker-1 --service service/api -n shop")
    text = "\n".join(own)
    assert ":9090" in text
    assert ":8080" not in text
    assert "PREROUTING" not in text
    assert "hook prerouting" not in text


def test_a_node_without_kube_proxy_prints_its_old_rules_and_says_so(engine: Engine) -> None:
    before = printed(engine, "lab rules --node worker-1 --service web")
    run(engine, "lab stop proxy/worker-1")
    run(engine, "kubectl scale deployment web --replicas=0")
    run(engine, "kubectl delete service api -n shop")
    engine.run_for(60.0)
    stale = printed(engine, "lab rules --node worker-1 --service web")
    assert stale[1].startswith("# stale: the newest table is ")
    assert stale[2:] == before[1:]
    assert any(":9090" in line for line in printed(engine, "lab rules --node worker-1 --service shop/api"))
    fresh = printed(engine, "lab rules --node worker-2 --service web")
    assert not any(":8080" in line for line in fresh)
    assert any("no endpoints" in line or "reject-chain" in line for line in fresh)


def test_a_node_without_power_holds_nothing(engine: Engine) -> None:
    run(engine, "lab fail node/worker-2")
    assert printed(engine, "lab rules --node worker-2") == ["# worker-2 has no power, so its kernel holds no rules"]


def test_explain_names_lines_that_rules_prints(engine: Engine) -> None:
    run(engine, "curl http://web --from pod/client")
    engine.run_for(2.0)
    number = next(event.id for event in engine.journal.tail() if getattr(event, "host", "") == "web")
    explanation = engine.network.explain(number)
    assert explanation is not None
    assert len(explanation.rules) >= 2
    lines = {line.strip().rstrip(",") for line in printed(engine, f"lab rules --node {explanation.decision.node}")}
    for rule in explanation.rules:
        inner = rule if rule.startswith("-A") else rule.partition("{ ")[2].removesuffix(" }")
        assert any(inner in line for line in lines), inner
    assert "Rules passed" in "\n".join(printed(engine, f"lab explain {number}"))


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ({"clusterIP": "None", "ports": [{"port": 80}]}, ": it is headless, a matter of DNS alone"),
        ({"type": "ExternalName", "externalName": "example.com"}, ": an ExternalName is a matter of DNS alone"),
        ({"ports": [{"port": 80}]}, " yet"),
    ],
)
def test_what_has_no_rules_says_why(engine: Engine, spec: dict[str, object], why: str) -> None:
    engine.apply([decode({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "quiet"}, "spec": spec})])
    lines = printed(engine, "lab rules --node worker-1 --service quiet")
    assert lines[-1] == f"# Service default/quiet has no rules here{why}"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--service weg --node worker-1", 'did you mean "web"'),
        ("--node worker-9", "worker-9"),
        ("", "--node"),
        ("--node worker-1 --family IPv5", "IPv4"),
    ],
)
def test_mistakes_are_pointed_at(engine: Engine, words: str, said: str) -> None:
    error = run(engine, f"lab rules {words}".strip()).error
    assert said in error, error


def test_services_and_nodes_are_completed(engine: Engine) -> None:
    assert "worker-1" in " ".join(complete(engine, "lab rules --node "))
    assert "web" in complete(engine, "lab rules --node worker-1 --service w")
