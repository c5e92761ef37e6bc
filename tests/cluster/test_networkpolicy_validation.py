"""What the API server refuses in a NetworkPolicy, and what it fills in."""

from __future__ import annotations

from typing import Any

import pytest

from lab.clock import Clock
from lab.cluster.admission import Admission
from lab.cluster.errors import Invalid
from lab.cluster.store import Store
from lab.cluster.validation.networkpolicy import network_policy_errors
from lab.journal import Journal
from lab.kube.defaults import apply
from lab.kube.kinds.namespace import Namespace
from lab.kube.meta import ObjectMeta
from lab.settings import Settings
from tests.network.policies import policy


@pytest.fixture
def store() -> Store:
    made = Store(Clock(), Journal(), Settings())
    Admission(Settings()).attach(made)
    return made


def ingress(**rule: Any) -> Any:
    return policy(ingress=[rule])


def peer(**of: Any) -> Any:
    return policy(egress=[{"to": [of]}])


@pytest.mark.parametrize(
    ("made", "error"),
    [
        (policy(policyTypes=["Inbound"]), 'spec.policyTypes[0]: Unsupported value: "Inbound"'),
        (
            policy(policyTypes=["Ingress", "Egress", "Egress"]),
            'spec.policyTypes: Invalid value: ["Ingress","Egress","Egress"]: may not specify more than two policyTypes',
        ),
        (ingress(ports=[{"port": 0}]), "spec.ingress[0].ports[0].port: Invalid value: 0: must be between 1 and 65535"),
        (ingress(ports=[{"port": "UPPER"}]), 'spec.ingress[0].ports[0].port: Invalid value: "UPPER": must contain'),
        (ingress(ports=[{"protocol": "ICMP"}]), 'spec.ingress[0].ports[0].protocol: Unsupported value: "ICMP"'),
        (
            ingress(ports=[{"port": 90, "endPort": 80}]),
            "spec.ingress[0].ports[0].endPort: Invalid value: 90: must be greater than or equal to `port`",
        ),
        (
            ingress(ports=[{"port": "http", "endPort": 80}]),
            "spec.ingress[0].ports[0].endPort: Invalid value: 80: may not be specified when `port` is non-numeric",
        ),
        (
            ingress(ports=[{"endPort": 80}]),
            "spec.ingress[0].ports[0].endPort: Invalid value: 80: may not be specified when `port` is not specified",
        ),
        (peer(), "spec.egress[0].to[0]: Required value: must specify a peer"),
        (
            peer(podSelector={}, ipBlock={"cidr": "10.0.0.0/8"}),
            "spec.egress[0].to[0]: Forbidden: may not specify both ipBlock and another peer",
        ),
        (peer(ipBlock={}), "spec.egress[0].to[0].ipBlock.cidr: Required value"),
        (
            peer(ipBlock={"cidr": "10.0.0.0"}),
            'spec.egress[0].to[0].ipBlock.cidr: Invalid value: "10.0.0.0": must be a valid CIDR value',
        ),
        (
            peer(ipBlock={"cidr": "10.0.0.0/8", "except": ["192.168.0.0/16"]}),
            'spec.egress[0].to[0].ipBlock.except[0]: Invalid value: "192.168.0.0/16": must be a strict subset',
        ),
        (
            peer(ipBlock={"cidr": "10.0.0.0/8", "except": ["10.0.0.0/8"]}),
            'spec.egress[0].to[0].ipBlock.except[0]: Invalid value: "10.0.0.0/8": must be a strict subset of `cidr`',
        ),
        (
            peer(podSelector={"matchExpressions": [{"key": "app", "operator": "Is", "values": ["web"]}]}),
            'spec.egress[0].to[0].podSelector.matchExpressions[0].operator: Invalid value: "Is": not a valid selector',
        ),
        (
            peer(namespaceSelector={"matchExpressions": [{"key": "app", "operator": "In"}]}),
            "spec.egress[0].to[0].namespaceSelector.matchExpressions[0].values: Required value: must be specified when",
        ),
        (
            peer(podSelector={"matchExpressions": [{"key": "app", "operator": "Exists", "values": ["web"]}]}),
            "spec.egress[0].to[0].podSelector.matchExpressions[0].values: Forbidden: may not be specified when",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_path(made: Any, error: str) -> None:
    assert [text for text in map(str, network_policy_errors(made, None)) if text.startswith(error)]


def test_a_policy_that_says_all_there_is_to_say_is_valid() -> None:
    block = {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16", "10.2.0.0/16"]}
    made = policy(
        policyTypes=["Ingress", "Egress"],
        ingress=[{"from": [{"ipBlock": block}], "ports": [{"port": 80, "endPort": 90}, {"port": "http"}]}],
        egress=[{"to": [{"podSelector": {}, "namespaceSelector": {}}]}, {}],
    )
    assert list(network_policy_errors(made, None)) == []


def test_the_store_refuses_what_is_invalid(store: Store) -> None:
    with pytest.raises(Invalid, match=r'NetworkPolicy\.networking\.k8s\.io "it" is invalid: spec\.egress'):
        store.create(peer())


@pytest.mark.parametrize(
    ("spec", "types"),
    [
        ({}, ("Ingress",)),
        ({"egress": [{}]}, ("Ingress", "Egress")),
        ({"egress": [{}], "policyTypes": ["Egress"]}, ("Egress",)),
    ],
)
def test_policy_types_default_to_ingress_and_to_egress_where_there_are_rules(
    spec: dict[str, Any], types: tuple[str, ...]
) -> None:
    assert apply(policy(**spec)).spec.policy_types == types


def test_ports_default_to_tcp() -> None:
    made = apply(ingress(ports=[{"port": 80}, {"port": 53, "protocol": "UDP"}]))
    assert [port.protocol for port in made.spec.ingress[0].ports] == ["TCP", "UDP"]


def test_every_namespace_has_a_label_with_its_name(store: Store) -> None:
    made = store.create(Namespace(metadata=ObjectMeta(name="shop", labels={"kubernetes.io/metadata.name": "lie"})))
    assert made.metadata.labels == {"kubernetes.io/metadata.name": "shop"}
