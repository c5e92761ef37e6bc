"""What kube-proxy makes of one Service port on one node, before it is written as iptables or nftables rules."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from lab.network.endpoints import Categories, EndpointInfo
from lab.network.node_facts import NodeFacts
from lab.network.packet import DROP, REJECT
from lab.network.program.names import port_name
from lab.network.rule_table import Match, RuleTable
from lab.network.service_rules import ServicePortRule
from lab.network.traffic_policy import CLUSTER_IP, EXTERNAL_IP, LOAD_BALANCER_IP, NODE_PORT


class Port(NamedTuple):
    """One port of one Service, sorted for one node."""

    rule: ServicePortRule
    node: NodeFacts
    categories: Categories

    @property
    def name(self) -> str:
        """As comments call it."""
        return port_name(self.rule)

    @property
    def protocol(self) -> str:
        """In small letters, as rules have it."""
        return self.rule.protocol.lower()

    @property
    def has_endpoints(self) -> bool:
        """Whether any endpoint in the whole cluster is usable; without one everything is refused."""
        return self.categories.has_any

    @property
    def cluster(self) -> tuple[EndpointInfo, ...]:
        """The endpoints for the Cluster policy; none when the Service never uses it."""
        return self.categories.cluster or ()

    @property
    def local(self) -> tuple[EndpointInfo, ...]:
        """The endpoints for the Local policy; none when the Service never uses it."""
        return self.categories.local or ()

    @property
    def pod_cidr(self) -> str:
        """The addresses by which the node recognises Pods of this family; empty when it cannot."""
        cidr = self.node.pod_cidr(self.rule.family)
        return cidr.text if cidr is not None else ""

    @property
    def guarded(self) -> bool:
        """Whether loadBalancerSourceRanges guard its load-balancer addresses."""
        return bool(self.rule.source_ranges and self.rule.load_balancer_ips)

    def is_local(self, kind: str) -> bool:
        """Whether the policy for a kind of address is Local."""
        return self.rule.internal_local if kind == CLUSTER_IP else self.rule.external_local

    def refusal(self, kind: str) -> str:
        """reject or drop for packets that find no endpoint behind a kind of address; empty when they find one."""
        if not self.has_endpoints:
            return REJECT
        return DROP if self.is_local(kind) and not self.local else ""

    def allowed_sources(self) -> list[str]:
        """Who may use the load-balancer addresses, as CIDRs and addresses.

        A node in a range may also come from the balancer's address itself: its kernel takes that as the source
        where the address was added to the node.
        """
        allowed = [cidr.text for cidr in self.rule.source_ranges]
        if any(cidr.holds(ip) for cidr in self.rule.source_ranges for ip in self.node.primary_ips):
            allowed += self.rule.load_balancer_ips
        return allowed


class Claim(NamedTuple):
    """An address of a Service port that reaches this port and no other."""

    kind: str
    ip: str
    """Empty for a node port."""


def port_of(rule: ServicePortRule, node: NodeFacts) -> Port:
    """A rule, sorted for a node."""
    return Port(rule, node, rule.categories(node))


def ports_of(table: RuleTable, node: NodeFacts, family: str, service: str = "") -> list[Port]:
    """The Service ports that a table holds in a family, by the names of their Services; or those of one Service."""
    names = sorted(table.services) if not service else [service]
    rules = (rule for name in names for rule in table.services.get(name, ()))
    return [port_of(rule, node) for rule in rules if rule.family == family]


def claims(table: RuleTable, rule: ServicePortRule) -> Iterator[Claim]:
    """The addresses that lead to this rule; those that another Service has first are left out."""
    kinds = (
        (CLUSTER_IP, (rule.cluster_ip,)),
        (EXTERNAL_IP, rule.external_ips),
        (LOAD_BALANCER_IP, rule.load_balancer_ips),
    )
    for kind, ips in kinds:
        for ip in dict.fromkeys(ips):
            if _holds(table.addresses.get((ip, rule.protocol, rule.port)), rule, kind):
                yield Claim(kind, ip)
    if rule.node_port and _holds(table.node_ports.get((rule.family, rule.protocol, rule.node_port)), rule, NODE_PORT):
        yield Claim(NODE_PORT, "")


def _holds(match: Match | None, rule: ServicePortRule, kind: str) -> bool:
    return match is not None and match.rule is rule and match.kind == kind
