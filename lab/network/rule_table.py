"""All rules that a node holds: a persistent map, so that an older table costs only what differs.

A packet is looked up by exact destination address, protocol and port; addresses of Services come before node ports.
`with_service` makes the next version and touches nothing but that Service's entries.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec
from immutables import Map

from lab.network.service_rules import ServicePortRule
from lab.network.traffic_policy import CLUSTER_IP, EXTERNAL_IP, LOAD_BALANCER_IP, NODE_PORT, Plan


class Match(NamedTuple):
    """The rule for an address, and what kind of address of the Service it is."""

    rule: ServicePortRule
    kind: str


AddressKey = tuple[str, str, int]
"""(IP, protocol, port); for node ports the family takes the place of the IP."""


class RuleTable(msgspec.Struct, frozen=True, eq=False):
    """The rules as of one version. Version 0 is a node that has never programmed any."""

    version: int = 0
    addresses: Map[AddressKey, Match] = Map()
    node_ports: Map[AddressKey, Match] = Map()
    health_check_ports: Map[int, str] = Map()
    """Port to `NAMESPACE/NAME`: LoadBalancer Services with the external Local policy."""
    cluster_ips: Map[str, str] = Map()
    """Every cluster IP in use and whose it is; nftables refuses wrong ports on them."""
    virtual_ips: Map[str, int] = Map()
    """Every address of a Service but node ports', and how many ports have it: ipvs makes them the node's own."""
    services: Map[str, tuple[ServicePortRule, ...]] = Map()
    contested: Map[AddressKey, tuple[Match, ...]] = Map()
    """All claims on an address that several Services claim; the first by name holds it."""
    found: dict[tuple[str, int, str, str], tuple[Match, str, Plan]] = msgspec.field(default_factory=dict)
    """A cache that `lab.network.router` fills: what was found for an address and a source; no part of the rules."""

    def with_service(self, service: str, rules: tuple[ServicePortRule, ...]) -> RuleTable:
        """The next version, in which a Service has these rules instead of those it had."""
        edit = _Edit(self)
        for rule in self.services.get(service, ()):
            edit.remove(rule)
        for rule in rules:
            edit.add(rule)
        return edit.finish(service, rules)


class _Edit:
    """A table while one Service's entries are exchanged."""

    def __init__(self, table: RuleTable) -> None:
        self.table = table
        self.addresses = table.addresses.mutate()
        self.node_ports = table.node_ports.mutate()
        self.health_check_ports = table.health_check_ports.mutate()
        self.cluster_ips = table.cluster_ips.mutate()
        self.virtual_ips = table.virtual_ips.mutate()
        self.contested = table.contested.mutate()

    def add(self, rule: ServicePortRule) -> None:
        for entries, key, match in self._entries(rule):
            held = entries.get(key)
            if held is not None:
                claims = (*self.contested.get(key, (held,)), match)
                self.contested[key] = claims = tuple(sorted(claims, key=_claim_order))
                match = claims[0]
            entries[key] = match
        self.cluster_ips[rule.cluster_ip] = rule.service
        for ip in _virtual_ips(rule):
            self.virtual_ips[ip] = self.virtual_ips.get(ip, 0) + 1
        if rule.health_check_port:
            self.health_check_ports[rule.health_check_port] = rule.service

    def remove(self, rule: ServicePortRule) -> None:
        for entries, key, match in self._entries(rule):
            rest = tuple(claim for claim in self.contested.get(key, ()) if claim != match)
            if rest:
                entries[key] = rest[0]
            else:
                entries.pop(key, None)
            if len(rest) > 1:
                self.contested[key] = rest
            else:
                self.contested.pop(key, None)
        for ip in _virtual_ips(rule):
            left = self.virtual_ips.pop(ip) - 1
            if left:
                self.virtual_ips[ip] = left
        if self.cluster_ips.get(rule.cluster_ip) == rule.service:
            del self.cluster_ips[rule.cluster_ip]
        if self.health_check_ports.get(rule.health_check_port) == rule.service:
            del self.health_check_ports[rule.health_check_port]

    def finish(self, service: str, rules: tuple[ServicePortRule, ...]) -> RuleTable:
        services = self.table.services
        return RuleTable(
            version=self.table.version + 1,
            addresses=self.addresses.finish(),
            node_ports=self.node_ports.finish(),
            health_check_ports=self.health_check_ports.finish(),
            cluster_ips=self.cluster_ips.finish(),
            virtual_ips=self.virtual_ips.finish(),
            services=services.set(service, rules)
            if rules
            else services.delete(service)
            if service in services
            else services,
            contested=self.contested.finish(),
        )

    def _entries(self, rule: ServicePortRule):  # type: ignore[no-untyped-def]
        """Every (map, key, match) that belongs to a rule."""
        kinds = (
            (CLUSTER_IP, (rule.cluster_ip,)),
            (EXTERNAL_IP, rule.external_ips),
            (LOAD_BALANCER_IP, rule.load_balancer_ips),
        )
        seen: dict[AddressKey, None] = {}
        for kind, addresses in kinds:
            for ip in addresses:
                key = (ip, rule.protocol, rule.port)
                if key not in seen:
                    seen[key] = None
                    yield self.addresses, key, Match(rule, kind)
        if rule.node_port:
            yield self.node_ports, (rule.family, rule.protocol, rule.node_port), Match(rule, NODE_PORT)


def _claim_order(match: Match) -> tuple[str, str]:
    return match.rule.service, match.kind


def _virtual_ips(rule: ServicePortRule) -> dict[str, None]:
    return dict.fromkeys((rule.cluster_ip, *rule.external_ips, *rule.load_balancer_ips))
