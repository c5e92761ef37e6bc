"""Which UDP conntrack entries kube-proxy deletes after a sync, so that no client keeps sending to where nobody is.

Since 1.32 a reconciler compares all entries for Services with the serving endpoints (pkg/proxy/conntrack); until
1.37 it passes over Services that have none, and it never sees a Service that is deleted. Before, kube-proxy deleted
by event: it took an endpoint that was not ready for one without flows, and a start of its own for the coming of all
Services. TCP flows are left alone by both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from lab.kube.versions import Features
from lab.network.addresses import family, is_loopback
from lab.network.conntrack import Conntrack
from lab.network.endpoints import EndpointInfo
from lab.network.flow import Flow
from lab.network.packet import UDP
from lab.network.rule_table import RuleTable
from lab.network.service_rules import ServicePortRule


def clean_up(
    conntrack: Conntrack,
    features: Features,
    old: RuleTable,
    new: RuleTable,
    changed: Iterable[str],
    *,
    first: bool,
) -> int:
    """Delete what kube-proxy takes for stale when it has gone from one table to another; how many entries.

    `changed` are the Services (`NAMESPACE/NAME`) that differ; `first` says that the process has just started and
    knows of no earlier table.
    """
    if not conntrack.has_udp:
        return 0
    services = dict.fromkeys(changed)
    if features.conntrack_reconciler:
        sees_empty = features.conntrack_reconciler_sees_empty_services
        return conntrack.delete_udp(_not_serving(new, services, sees_empty=sees_empty, all_services=first))
    return conntrack.delete_udp(_by_event(RuleTable() if first else old, new, services, all_services=first))


def destination_of(flow: Flow) -> str:
    """The address that replies come from, as the entry has it: an endpoint's, or the original one without DNAT."""
    return flow.way.ip or flow.packet.dst_ip


def _not_serving(
    table: RuleTable, changed: dict[str, None], *, sees_empty: bool, all_services: bool
) -> Callable[[Flow], bool]:
    serving: dict[str, dict[str, None]] = {}

    def is_stale(flow: Flow) -> bool:
        service = flow.decision.service
        if service and service not in changed and not all_services:
            return False
        rule = _rule_for(table, flow)
        if rule is None:
            return False
        if rule.id not in serving:
            serving[rule.id] = dict.fromkeys(endpoint.ip for endpoint in rule.endpoints if endpoint.serving)
        ips = serving[rule.id]
        return (sees_empty or bool(ips)) and destination_of(flow) not in ips

    return is_stale


def _by_event(
    old: RuleTable, new: RuleTable, changed: dict[str, None], *, all_services: bool
) -> Callable[[Flow], bool]:
    gone: dict[tuple[str, str], None] = {}
    """(Service, address) of endpoints that were ready and are not as they were."""
    active: dict[str, None] = {}
    """Ports that had no ready endpoint and now have one."""
    deleted: dict[str, None] = {}
    for service in new.services if all_services else changed:
        rules = {rule.id: rule for rule in new.services.get(service, ()) if rule.protocol == UDP}
        before = {rule.id: rule for rule in old.services.get(service, ()) if rule.protocol == UDP}
        if before and not new.services.get(service):
            deleted[service] = None
        for id, rule in before.items():
            same = _ready(rules[id]) if id in rules else {}
            gone.update({(service, address): None for address in _ready(rule) if address not in same})
        for id, rule in rules.items():
            if _ready(rule) and not (id in before and _ready(before[id])):
                active[id] = None

    def is_stale(flow: Flow) -> bool:
        service = flow.decision.service
        if service in deleted or (service, flow.decision.endpoint) in gone:
            return True
        rule = _rule_for(new, flow)
        return rule is not None and rule.id in active

    return is_stale


def _ready(rule: ServicePortRule) -> dict[str, EndpointInfo]:
    return {endpoint.address: endpoint for endpoint in rule.endpoints if endpoint.ready}


def _rule_for(table: RuleTable, flow: Flow) -> ServicePortRule | None:
    """The Service port that an entry's original destination belongs to."""
    ip, port, protocol = flow.packet.dst_ip, flow.packet.dst_port, flow.packet.protocol
    match = table.addresses.get((ip, protocol, port))
    if match is None and not is_loopback(ip):
        match = table.node_ports.get((family(ip), protocol, port))
    return match.rule if match is not None else None
