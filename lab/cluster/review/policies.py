"""NetworkPolicies that cut their Pods off from the cluster's DNS, select nothing, or name a port that no Pod has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from lab.cluster.review.finding import Finding, warning
from lab.cluster.review.workloads import Workload
from lab.cluster.system_objects import DNS_LABELS, SYSTEM_NAMESPACE
from lab.kube.documents import Document
from lab.kube.errors import nearest
from lab.kube.kinds.networkpolicy import (
    EGRESS,
    NetworkPolicy,
    NetworkPolicyEgressRule,
    NetworkPolicyPeer,
    NetworkPolicyPort,
)
from lab.kube.meta import LabelSelector
from lab.kube.selector import is_empty, matches

DNS_PORT = 53
DNS_PORT_NAME = "dns"
"""The container port of CoreDNS that takes queries over UDP, as every resolver asks first."""
_SYSTEM_LABELS = {"kubernetes.io/metadata.name": SYSTEM_NAMESPACE}


def policy_warnings(documents: Sequence[Document], workloads: Sequence[Workload]) -> Iterator[Finding]:
    """What looks wrong in each NetworkPolicy, given the others and what runs beside them."""
    policies = [each for each in documents if isinstance(each.object, NetworkPolicy)]
    for document in policies:
        policy = document.object
        assert isinstance(policy, NetworkPolicy)
        here = [each for each in workloads if each.namespace == (policy.namespace or "default")]
        selector = policy.spec.pod_selector
        selected = [each for each in here if matches(selector, each.labels)]
        if not selected and not is_empty(selector):
            yield warning(document, "spec.podSelector", "matches no Pod or workload in these files")
        yield from _named_ports(document, policy, selected)
        if EGRESS in policy.spec.isolates:
            labels = [each.labels for each in selected] or [selector.match_labels]
            cut = [each for each in labels if not _dns_allowed(policy, each, policies)]
            if cut:
                yield warning(document, *_without_dns(policy, selected))


def _named_ports(document: Document, policy: NetworkPolicy, selected: Sequence[Workload]) -> Iterator[Finding]:
    """Ingress by a port's name means the ports of the selected Pods; a name that none of them has lets nobody in."""
    for index, rule in enumerate(policy.spec.ingress):
        for place, port in enumerate(rule.ports):
            protocol = port.protocol or "TCP"
            names = [each.name for workload in selected for each in workload.ports if each.protocol == protocol]
            if isinstance(port.port, str) and selected and port.port not in names:
                who = ", ".join(map(str, selected))
                message = f'"{port.port}" is no {protocol} port of {who}{nearest(port.port, filter(None, names))}'
                yield warning(document, f"spec.ingress[{index}].ports[{place}].port", message)


def _without_dns(policy: NetworkPolicy, selected: Sequence[Workload]) -> tuple[str, str]:
    who = ", ".join(map(str, selected)) or "the Pods that it selects"
    path = "spec.egress" if policy.spec.egress else "spec.policyTypes"
    only_tcp = any(_has_dns_port(port, "TCP") for rule in policy.spec.egress for port in rule.ports)
    hint = "; a port without a protocol is TCP" if only_tcp else ""
    message = f"no rule lets {who} reach the cluster's DNS (UDP {DNS_PORT} in {SYSTEM_NAMESPACE}{hint})"
    return path, f"{message}: names will not resolve"


def _dns_allowed(policy: NetworkPolicy, labels: Mapping[str, str], policies: Sequence[Document]) -> bool:
    """Whether any policy that selects Pods with these labels lets them ask for names."""
    for document in policies:
        other = document.object
        assert isinstance(other, NetworkPolicy)
        if (other.namespace or "default") != (policy.namespace or "default") or EGRESS not in other.spec.isolates:
            continue
        concerned = other is policy or matches(other.spec.pod_selector, labels)
        if concerned and any(_allows_dns(rule, other.namespace or "default") for rule in other.spec.egress):
            return True
    return False


def _allows_dns(rule: NetworkPolicyEgressRule, namespace: str) -> bool:
    ports = not rule.ports or any(_has_dns_port(port, "UDP") for port in rule.ports)
    return ports and (not rule.to or any(_reaches_dns(peer, namespace) for peer in rule.to))


def _has_dns_port(port: NetworkPolicyPort, protocol: str) -> bool:
    if (port.protocol or "TCP") != protocol:
        return False
    if isinstance(port.port, int):
        return port.port <= DNS_PORT <= (port.end_port or port.port)
    return port.port in (None, DNS_PORT_NAME)


def _reaches_dns(peer: NetworkPolicyPeer, namespace: str) -> bool:
    if peer.ip_block is not None:
        return True  # which addresses the DNS Pods have is the cluster's affair
    if peer.namespace_selector is None and namespace != SYSTEM_NAMESPACE:
        return False
    spaces = peer.namespace_selector or LabelSelector()
    return _may_match(spaces, _SYSTEM_LABELS) and matches(peer.pod_selector or LabelSelector(), DNS_LABELS)


def _may_match(selector: LabelSelector, labels: Mapping[str, str]) -> bool:
    """Whether it can match: labels that only an administrator could have set are taken to be there."""
    own = {key: value for key, value in selector.match_labels.items() if key in labels}
    return matches(own, labels)
