"""A table with every feature that a Service can have, in both families, and nodes that hold it."""

from __future__ import annotations

from typing import Any

from lab.kube.versions import NEWEST, features_of
from lab.network.addresses import join, parse_cidrs
from lab.network.endpoints import EndpointInfo
from lab.network.node_facts import NodeFacts
from lab.network.rule_table import RuleTable
from lab.network.service_rules import ServicePortRule


def endpoint(ip: str, node: str = "w1", port: int = 80, **more: Any) -> EndpointInfo:
    return EndpointInfo(join(ip, port), ip, port, node, **more)


def rule(service: str, ip: str, *endpoints: EndpointInfo, **more: Any) -> ServicePortRule:
    given = {"port_name": "p80", "protocol": "TCP", "port": 80, **more}
    return ServicePortRule(service=service, cluster_ip=ip, endpoints=endpoints, **given)


def table(*rules: ServicePortRule) -> RuleTable:
    made = RuleTable()
    for service in dict.fromkeys(one.service for one in rules):
        made = made.with_service(service, tuple(one for one in rules if one.service == service))
    return made


def node(mode: str, release: str = NEWEST, **more: Any) -> NodeFacts:
    """`w1`, as in kube-proxy's own unit tests."""
    ips = ["192.168.0.2", "192.168.1.2", "2001:db8::1"]
    given = {"cluster_cidr": "10.0.0.0/8", "service_cidrs": ["172.30.0.0/16", "fd00:10:96::/112"], **more}
    return NodeFacts("w1", "", ips, primary_ips=[ips[0], ips[2]], mode=mode, features=features_of(release), **given)


EVERYTHING = table(
    rule("ns1/svc1", "172.30.0.41", endpoint("10.180.0.1"), endpoint("10.180.0.2", "w2"), endpoint("10.180.0.3")),
    rule(
        "ns2/svc2",
        "172.30.0.42",
        endpoint("10.180.0.2", "w2"),
        node_port=3001,
        external_ips=("192.168.99.22",),
        load_balancer_ips=("1.2.3.4",),
        external_local=True,
        health_check_port=30000,
    ),
    rule(
        "ns2/svc2",
        "172.30.0.42",
        endpoint("10.180.0.2", "w2", 53),
        port_name="dns",
        protocol="UDP",
        port=53,
        internal_local=True,
    ),
    rule("ns3/svc3", "172.30.0.43", endpoint("10.180.0.3"), node_port=3003),
    rule(
        "ns4/svc4",
        "172.30.0.44",
        endpoint("10.180.0.4", ""),
        endpoint("10.180.0.5"),
        protocol="SCTP",
        external_ips=("192.168.99.33",),
        external_local=True,
    ),
    rule(
        "ns5/svc5",
        "172.30.0.45",
        endpoint("10.180.0.3"),
        endpoint("10.180.0.4", "w2"),
        node_port=3002,
        load_balancer_ips=("5.6.7.8", "5.6.7.9"),
        source_ranges=parse_cidrs(["203.0.113.0/25", "192.168.0.0/16"]),
        affinity_s=10800.0,
    ),
    rule("ns6/svc6", "172.30.0.46", port_name="", node_port=3006, load_balancer_ips=("5.6.7.10",)),
    rule(
        "ns7/svc7",
        "fd00:10:96::1",
        endpoint("fd00:10::1"),
        endpoint("fd00:10::2", "w2"),
        node_port=3007,
        load_balancer_ips=("2001:db8:5::1",),
        source_ranges=parse_cidrs(["2001:db8:203::/64"]),
        affinity_s=600.0,
        external_local=True,
        health_check_port=30007,
    ),
    rule("ns8/svc8", "fd00:10:96::2", node_port=3008),
)
