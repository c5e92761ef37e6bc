"""What a Service's traffic policies mean on one node for one kind of destination and source.

A `Plan` says which endpoints are eligible, whether the source address is masqueraded, and what happens when nothing
is eligible. It depends only on the rule, the node, the kind of address that was used and who sent the packet, so it
is worked out once and kept on the rule.
"""

from __future__ import annotations

from typing import NamedTuple, cast

from lab.network import reasons
from lab.network.endpoints import Categories, EndpointInfo
from lab.network.node_facts import FROM_NODE, FROM_OUTSIDE, FROM_POD, IPVS, NodeFacts
from lab.network.packet import DELIVER, DROP, REJECT
from lab.network.service_rules import ServicePortRule

CLUSTER_IP = "cluster IP"
EXTERNAL_IP = "external IP"
_KEEPS = "externalTrafficPolicy Local keeps the client's address"
LOAD_BALANCER_IP = "load-balancer IP"
NODE_PORT = "node port"

CLUSTER_LIST = "cluster"
LOCAL_LIST = "local"


class Plan(NamedTuple):
    """What a node does with connections of one sort."""

    verdict: str
    """deliver, reject or drop."""
    reason: str
    endpoints: tuple[EndpointInfo, ...]
    masquerade: bool
    why_masquerade: str
    list_name: str
    """CLUSTER_LIST or LOCAL_LIST: where the endpoints come from; empty when there are none at all."""
    categories: Categories


def plan_for(rule: ServicePortRule, kind: str, source: str, node: NodeFacts) -> Plan:
    """The plan for packets from `source` to the rule's address of a `kind`, worked out at most once per node."""
    key = (node.key, kind, source)
    plan = rule.plans.get(key)
    if plan is None:
        plan = rule.plans[key] = make_plan(rule, kind, source, node)
    return cast(Plan, plan)


def make_plan(rule: ServicePortRule, kind: str, source: str, node: NodeFacts) -> Plan:
    """Work a plan out: the internal policy governs cluster IPs, the external policy all other addresses."""
    categories = rule.categories(node)
    if not categories.has_any:
        # Nobody anywhere can answer. Saying so at once beats letting the client hang.
        return Plan(REJECT, reasons.NO_ENDPOINTS, (), False, "", "", categories)
    if node.mode == IPVS:
        return _with_ipvs(rule, kind, source, node, categories)
    if kind == CLUSTER_IP:
        masquerade, why = masquerade_to_cluster_ip(rule, source, node)
        if rule.internal_local:
            return _local(categories, masquerade, why)
        return _cluster(categories, reasons.BALANCED, masquerade, why)
    if not rule.external_local:
        # The endpoint may be on another node and must answer through this one, so the source becomes this node.
        return _cluster(categories, reasons.BALANCED, True, "externalTrafficPolicy is Cluster")
    if source == FROM_POD:
        return _cluster(categories, reasons.SHORT_CIRCUIT_POD, False, "the source is a Pod")
    if source == FROM_NODE:
        return _cluster(categories, reasons.SHORT_CIRCUIT_NODE, True, "the source is the node itself")
    return _local(categories, False, _KEEPS)


def _with_ipvs(rule: ServicePortRule, kind: str, source: str, node: NodeFacts, categories: Categories) -> Plan:
    """ipvs has no short cuts: a virtual server has the same real servers for everybody (proxier.go, syncEndpoint).

    Those of a Local policy are the local endpoints, or where there are none, the cluster list if the Service has one.
    """
    if kind == CLUSTER_IP:
        is_local, (masquerade, why) = rule.internal_local, masquerade_to_cluster_ip(rule, source, node)
    elif rule.external_local:
        is_local, masquerade, why = True, False, _KEEPS
    else:
        is_local, masquerade, why = False, True, "externalTrafficPolicy is Cluster"
    if not is_local:
        plan = _cluster(categories, reasons.BALANCED, masquerade, why)
        return plan._replace(reason=reasons.SCHEDULED) if plan.reason == reasons.BALANCED else plan
    if categories.local:
        return _local(categories, masquerade, why)
    if not categories.cluster:
        return Plan(REJECT, reasons.NO_REAL_SERVER, (), False, "", LOCAL_LIST, categories)
    if kind != CLUSTER_IP and source == FROM_OUTSIDE:
        return Plan(DROP, reasons.ANSWER_DISCARDED, (), False, "", LOCAL_LIST, categories)
    return _cluster(categories, reasons.ANY_FOR_LOCAL, masquerade, why)


def masquerade_to_cluster_ip(rule: ServicePortRule, source: str, node: NodeFacts) -> tuple[bool, str]:
    """Whether to hide the source behind the node, so that answers come back through it."""
    if node.masquerade_all:
        return True, "masqueradeAll is on"
    if node.pod_cidr(rule.family) is None:
        return False, f"no cluster CIDR for {rule.family} is configured"
    if source == FROM_POD:
        return False, "the source is in the cluster CIDR"
    return True, "the source is not in the cluster CIDR"


def _cluster(categories: Categories, reason: str, masquerade: bool, why: str) -> Plan:
    endpoints = categories.cluster or ()
    if reason == reasons.BALANCED:
        reason = reasons.TOPOLOGY if categories.topology else reason
        reason = reason if endpoints[0].ready else reasons.TERMINATING
    return Plan(DELIVER, reason, endpoints, masquerade, why, CLUSTER_LIST, categories)


def _local(categories: Categories, masquerade: bool, why: str) -> Plan:
    endpoints = categories.local
    if not endpoints:
        return Plan(DROP, reasons.NO_LOCAL_ENDPOINTS, (), False, "", LOCAL_LIST, categories)
    reason = reasons.LOCAL if endpoints[0].ready else reasons.TERMINATING
    return Plan(DELIVER, reason, endpoints, masquerade, why, LOCAL_LIST, categories)
