"""How a NetworkPolicy is listed and described."""

from __future__ import annotations

from lab.views.kinds import describe, view_of
from tests.network.policies import policy
from tests.views.kinds.world import context, pod

FULL = policy(
    "shop",
    pods={"app": "web"},
    policyTypes=["Ingress", "Egress"],
    ingress=[
        {
            "ports": [{"port": 8080}, {"port": 9000, "endPort": 9100, "protocol": "UDP"}, {"protocol": "SCTP"}],
            "from": [
                {"podSelector": {"matchLabels": {"role": "shopper"}}, "namespaceSelector": {}},
                {"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16", "10.2.0.0/16"]}},
            ],
        },
        {},
    ],
)


def test_the_columns_are_kubectls() -> None:
    view = view_of("NetworkPolicy")
    assert view.columns == ("NAME", "POD-SELECTOR", "AGE")
    assert view.row(FULL, context())[:2] == ("shop", "app=web")
    assert view.row(policy("all"), context())[:2] == ("all", "<none>")


def test_its_state_says_how_many_pods_it_is_about() -> None:
    view, seen = view_of("NetworkPolicy"), context()
    assert view.state(FULL, seen).word == "selects no Pod"
    seen.store.create(pod())
    assert view.state(policy("all"), seen).word == "selects 1 Pod"


def test_a_description_tells_every_rule() -> None:
    lines = describe(FULL, context())
    spec = lines[lines.index("Spec:") : -1]
    assert spec == [
        "Spec:",
        "  PodSelector:     app=web",
        "  Allowing ingress traffic:",
        "    To Port: 8080/TCP",
        "    To Port: 9000-9100/UDP",
        "    To Port: <any>/SCTP",
        "    From:",
        "      NamespaceSelector: <none>",
        "      PodSelector: role=shopper",
        "    From:",
        "      IPBlock:",
        "        CIDR: 10.0.0.0/8",
        "        Except: 10.1.0.0/16, 10.2.0.0/16",
        "    ----------",
        "    To Port: <any> (traffic allowed to all ports)",
        "    From: <any> (traffic not restricted by source)",
        "  Allowing egress traffic:",
        "    <none> (Selected pods are isolated for egress connectivity)",
        "  Policy Types: Ingress, Egress",
    ]


def test_a_direction_that_it_does_not_isolate_is_not_affected() -> None:
    lines = describe(policy("in"), context())
    assert "  PodSelector:     <none> (Allowing the specific traffic to all pods in this namespace)" in lines
    assert "  Not affecting egress traffic" in lines
