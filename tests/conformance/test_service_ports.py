"""A Service to its ports per address family: service_ports.json."""

from __future__ import annotations

from typing import Any

import pytest

from lab.kube.decode import decode
from lab.kube.kinds.service import Service
from lab.network.addresses import normalize
from lab.network.service_rules import ServicePortRule, build_rules
from tests.conformance.vectors import cases


def stated(rule: ServicePortRule) -> dict[str, Any]:
    return {
        "clusterIP": rule.cluster_ip,
        "port": rule.port,
        "protocol": rule.protocol,
        "healthCheckNodePort": rule.health_check_port,
        "externalIPs": list(rule.external_ips),
        "loadBalancerSourceRanges": [cidr.text for cidr in rule.source_ranges],
        "loadBalancerVIPs": list(rule.load_balancer_ips),
    }


@pytest.mark.parametrize("case", cases("service_ports.json"))
def test_a_service_becomes_one_rule_per_port(case: dict[str, Any]) -> None:
    found: dict[str, dict[str, Any]] = {}
    ip_mode = case.get("feature_gates", {}).get("LoadBalancerIPMode", True)
    for obj in map(decode, case["objects"]):
        assert isinstance(obj, Service)
        for rule in build_rules(obj, {}, (case["ip_family"],), ip_mode=ip_mode):
            found[rule.id] = stated(rule)
    assert found == {key: respelled(value) for key, value in case["expect"].items()}


def respelled(expect: dict[str, Any]) -> dict[str, Any]:
    """The same addresses in the one spelling that the lab uses."""
    changed: dict[str, Any] = {"clusterIP": normalize(expect["clusterIP"])}
    for field in ("externalIPs", "loadBalancerVIPs"):
        changed[field] = [normalize(ip) for ip in expect[field]]
    return {**expect, **changed}
