"""NetworkPolicies in a whole cluster: applied from manifests, felt by clients, told by commands."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab.commands.run import run
from lab.engine import ClusterSpec, Engine, plain_nodes
from lab.journal import Decision
from lab.kube.decode import decode
from lab.kube.kinds.networkpolicy import NetworkPolicy
from lab.kube.kinds.pod import Pod
from lab.network.network import Source
from lab.traffic.request import RequestResult
from tests.network.policies import policy

WEB = {"app": "web"}
PROBE = {"httpGet": {"path": "/", "port": "http"}, "periodSeconds": 5}
TEMPLATE = {
    "metadata": {"labels": WEB},
    "spec": {
        "containers": [
            {
                "name": "web",
                "image": "nginx",
                "ports": [{"name": "http", "containerPort": 8080}],
                "readinessProbe": PROBE,
                "livenessProbe": PROBE,
            }
        ]
    },
}
DEPLOYMENT = {"replicas": 2, "selector": {"matchLabels": WEB}, "template": TEMPLATE}
MANIFESTS = [
    {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": DEPLOYMENT},
    {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web"},
        "spec": {"selector": WEB, "ports": [{"port": 80, "targetPort": "http"}]},
    },
    *(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "labels": {"role": name}},
            "spec": {"containers": [{"name": "client", "image": "service-lab/client"}]},
        }
        for name in ("shopper", "stranger")
    ),
]
FROM_SHOPPERS = [{"from": [{"podSelector": {"matchLabels": {"role": "shopper"}}}], "ports": [{"port": "http"}]}]


@pytest.fixture
def engine() -> Iterator[Engine]:
    engine = Engine(ClusterSpec(nodes=plain_nodes(2)), seed=3, settle_s=60.0)
    engine.boot()
    engine.apply([decode(manifest) for manifest in MANIFESTS])
    yield engine
    engine.close()


def ask(engine: Engine, name: str, url: str = "http://web/") -> RequestResult:
    pod = engine.store.get(Pod, name)
    source = Source(f"pod/default/{name}", pod.status.pod_ip, pod.spec.node_name)
    results: list[RequestResult] = []
    engine.traffic.request(source, url, results.append, timeout_s=5.0)
    engine.run_for(30)
    assert len(results) == 1
    return results[0]


def decision(engine: Engine, result: RequestResult) -> Decision:
    found = [event for event in engine.journal.read().events if isinstance(event, Decision)]
    return next(event for event in found if event.id == result.decision)


def test_a_policy_lets_in_whom_it_names_and_leaves_the_others_hanging(engine: Engine) -> None:
    engine.apply([policy("shoppers", pods=WEB, ingress=FROM_SHOPPERS)])
    engine.settle()
    allowed, denied = ask(engine, "shopper"), ask(engine, "stranger")
    assert (allowed.outcome, decision(engine, allowed).policy) == ("ok", "default/shoppers")
    assert denied.outcome == "timeout"
    assert (decision(engine, denied).reason, decision(engine, denied).policy) == ("policy-ingress", "default/shoppers")


def test_kubelets_probe_pods_that_nobody_else_may_reach(engine: Engine) -> None:
    engine.apply([policy("deny", policyTypes=["Ingress", "Egress"])])
    assert engine.settle() == []
    engine.run_for(60)
    assert all(pod.ready for pod in engine.store.list(Pod, "default"))
    restarts = [
        status.restart_count for pod in engine.store.list(Pod, "default") for status in pod.status.container_statuses
    ]
    assert set(restarts) == {0}


def test_a_default_deny_of_egress_lets_no_name_be_found(engine: Engine) -> None:
    engine.apply([policy("deny", policyTypes=["Egress"])])
    engine.settle()
    assert ask(engine, "shopper").outcome != "ok"
    dns = [event for event in engine.journal.read().events if isinstance(event, Decision) and event.dst_port == 53]
    assert {(event.reason, event.policy) for event in dns} == {("policy-egress", "default/deny")}
    engine.store.delete(NetworkPolicy, "deny")
    engine.run_for(1)
    assert ask(engine, "shopper").outcome == "ok"


def test_kubectl_and_explain_show_them(engine: Engine) -> None:
    engine.apply([policy("shoppers", pods=WEB, ingress=FROM_SHOPPERS)])
    engine.settle()
    header, row = run(engine, "kubectl get netpol").output
    assert header.split() == ["NAME", "POD-SELECTOR", "AGE"]
    assert row.split()[:2] == ["shoppers", "app=web"]
    described = "\n".join(run(engine, "kubectl describe networkpolicy shoppers").output)
    assert "  Allowing ingress traffic:\n    To Port: http/TCP\n    From:\n      PodSelector: role=shopper" in described
    explained = "\n".join(run(engine, f"lab explain {ask(engine, 'stranger').decision}").output)
    assert "policy-ingress" in explained
    assert "default/shoppers" in explained


def test_runs_with_policies_are_equal(engine: Engine) -> None:
    def digest() -> str:
        twin = Engine(ClusterSpec(nodes=plain_nodes(2)), seed=3, settle_s=60.0)
        twin.boot()
        twin.apply([*(decode(manifest) for manifest in MANIFESTS), policy("shoppers", pods=WEB, ingress=FROM_SHOPPERS)])
        twin.settle()
        for name in ("shopper", "stranger"):
            ask(twin, name)
        found = twin.journal.digest
        twin.close()
        return found

    assert digest() == digest()
