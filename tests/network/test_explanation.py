"""Explanations: the same decision again, told step by step."""

from __future__ import annotations

import pytest

from lab.network.explanation import Explanation
from lab.network.reasons import REASONS
from tests.network.small_cluster import CLIENT, LB_IP, WEB_IP, SmallCluster, endpoint


def told(explanation: Explanation) -> dict[str, str]:
    return {step.stage: step.text for step in explanation.steps}


def test_every_step_of_a_delivery_is_told() -> None:
    cluster = SmallCluster().web()
    flow = cluster.connect(cluster.pod("client", 1, "10.244.0.9"))
    explanation = cluster.explain(flow)
    assert [step.stage for step in explanation.steps] == [
        "node",
        "match",
        "policy",
        "choice",
        "DNAT",
        "masquerade",
        "verdict",
    ]
    assert told(explanation)["match"] == "10.96.0.12:80/TCP is a cluster IP of Service default/web, port 80"
    assert flow.decision.endpoint in told(explanation)["DNAT"]
    assert explanation.before is not None
    assert explanation.after is not None
    assert explanation.before == ("10.244.0.9:32768", "10.96.0.12:80")
    assert explanation.after == ("10.244.0.9:32768", flow.decision.endpoint)
    assert explanation.hops == flow.hops
    assert explanation.meaning == REASONS["balanced"].meaning


def test_each_endpoint_has_its_reason() -> None:
    cluster = SmallCluster()
    cluster.service(internalTrafficPolicy="Local")
    cluster.slice(
        "web",
        endpoint("10.244.0.2", 1),
        endpoint("10.244.0.3", 1, ready=False),
        endpoint("10.244.0.4", 1, ready=False, serving=True, terminating=True),
        endpoint("10.244.1.2", 2),
    )
    cluster.run()
    explanation = cluster.explain(cluster.connect(cluster.pod("client", 1, "10.244.0.9")))
    assert [(candidate.eligible, candidate.why) for candidate in explanation.candidates] == [
        (True, "ready"),
        (False, "not ready"),
        (False, "terminating while others are ready"),
        (False, "not on worker-1, and the policy is Local"),
    ]


def test_it_goes_by_the_table_that_the_node_held_then() -> None:
    cluster = SmallCluster().web()
    client = cluster.pod("client", 1, "10.244.0.9")
    flow = cluster.connect(client)
    before = cluster.explain(flow)
    cluster.slice("web", endpoint("10.244.1.2", 2, "web-2"))
    cluster.run()
    cluster.connect(client)
    assert cluster.explain(flow) == before
    assert len(before.candidates) == 2


def test_other_nodes_say_what_they_would_have_done() -> None:
    cluster = SmallCluster(3).web()
    cluster.network.proxies["worker-1"].stop()
    cluster.slice("web", endpoint("10.244.1.2", 2, "web-2"))
    cluster.run()
    explanation = cluster.explain(cluster.connect(cluster.pod("client", 1, "10.244.0.9")))
    assert explanation.table == 1
    assert [(other.node, other.eligible) for other in explanation.elsewhere] == [("worker-2", 1), ("worker-3", 1)]
    assert explanation.newest == explanation.elsewhere[0].table == 2


@pytest.mark.parametrize("mode", ["iptables", "nftables"])
def test_the_rules_are_those_of_the_mode(mode: str) -> None:
    cluster = SmallCluster(mode=mode).web(type="NodePort", ports=[{"port": 80, "nodePort": 30080}])
    explanation = cluster.explain(cluster.connect(CLIENT, "192.0.2.11", 30080))
    text = "\n".join(explanation.rules)
    wanted = {
        "iptables": ["KUBE-NODEPORTS", "-A KUBE-EXT-", "-A KUBE-SVC-", "-A KUBE-SEP-", "KUBE-MARK-MASQ"],
        "nftables": [
            "service-nodeports {",
            "chain external-",
            "chain service-",
            "dnat ip addr . port to numgen random mod 2",
        ],
    }
    assert all(part in text for part in wanted[mode])
    assert explanation.decision.endpoint in explanation.rules[-1].replace(" . ", ":")
    assert "masquerade" in told(explanation)
    assert "172.18.0.11" in told(explanation)["masquerade"]


def test_affinity_is_explained_as_it_was() -> None:
    cluster = SmallCluster().web(sessionAffinity="ClientIP")
    client = cluster.pod("client", 1, "10.244.0.9")
    first, second = cluster.connect(client), cluster.connect(client)
    assert "numgen" in told(cluster.explain(first))["choice"]
    assert "session affinity" in told(cluster.explain(second))["choice"]


@pytest.mark.parametrize(
    ("ip", "port", "reason"), [(WEB_IP, 80, "cluster-ip-from-outside"), (LB_IP, 81, "unknown-address")]
)
def test_what_reached_no_node_has_a_meaning_and_advice(ip: str, port: int, reason: str) -> None:
    cluster = SmallCluster().web()
    flow = cluster.connect(CLIENT, ip, port)
    explanation = cluster.explain(flow)
    assert flow.reason == reason
    assert (explanation.steps, explanation.meaning) == ((), REASONS[reason].meaning)
    assert explanation.advice


def test_a_refusal_comes_with_advice() -> None:
    cluster = SmallCluster()
    cluster.service()
    cluster.run()
    explanation = cluster.explain(cluster.connect(cluster.pod("client", 1, "10.244.0.9")))
    assert "selector" in explanation.advice
    assert told(explanation)["verdict"].startswith("reject (no-endpoints)")
    assert "no-endpoint-services" in explanation.rules[0]


def test_decisions_that_are_not_kept_have_no_explanation() -> None:
    cluster = SmallCluster().web()
    assert cluster.network.explain(1) is None
    flow = cluster.connect(CLIENT, LB_IP)
    assert cluster.network.explain(flow.decision.id + 1) is None
    assert cluster.network.explain(0) is None
