"""The rules of a Service port in the words that kube-proxy would have programmed, for iptables and for nftables.

Chain names are the real ones: `KUBE-SVC-` and so on with the first 16 letters of a base32 SHA-256 of the Service
port's name (pkg/proxy/iptables). Only what concerns one Service port on one node is written.
"""

from __future__ import annotations

import base64
import hashlib

from lab.network.endpoints import EndpointInfo
from lab.network.node_facts import NFTABLES, NodeFacts
from lab.network.rule_table import Match
from lab.network.service_rules import ServicePortRule
from lab.network.traffic_policy import CLUSTER_IP, LOAD_BALANCER_IP, NODE_PORT, Plan


def rule_text(match: Match, plan: Plan, node: NodeFacts) -> tuple[str, ...]:
    """The rules that a packet to this address meets, in the order in which it meets them."""
    return _nftables(match, plan, node) if node.mode == NFTABLES else _iptables(match, plan, node)


# -- iptables -------------------------------------------------------------------------------------------------


def _chain(prefix: str, rule: ServicePortRule, more: str = "") -> str:
    name = f"{rule.service}:{rule.port_name}" if rule.port_name else rule.service
    digest = hashlib.sha256(f"{name}{rule.protocol.lower()}{more}".encode()).digest()
    return prefix + base64.b32encode(digest).decode()[:16]


def _iptables(match: Match, plan: Plan, node: NodeFacts) -> tuple[str, ...]:
    rule, kind = match
    protocol = rule.protocol.lower()
    if kind == NODE_PORT:
        entry = f"-A KUBE-NODEPORTS -p {protocol} -m {protocol} --dport {rule.node_port}"
    else:
        entry = f"-A KUBE-SERVICES -d {_block(_address(match))} -p {protocol} -m {protocol} --dport {rule.port}"
    if not plan.endpoints:
        target = "REJECT" if plan.verdict == "reject" else "DROP"
        chain = "KUBE-SERVICES" if kind == CLUSTER_IP else "KUBE-EXTERNAL-SERVICES"
        return (f"{entry.replace('KUBE-SERVICES', chain).replace('KUBE-NODEPORTS', chain)} -j {target}",)
    list_chain = _chain("KUBE-SVC-" if plan.list_name == "cluster" else "KUBE-SVL-", rule)
    lines: list[str] = []
    if kind == CLUSTER_IP:
        lines.append(f"{entry} -j {list_chain}")
        if node.masquerade_all:
            lines.append(f"-A {list_chain} -d {_block(rule.cluster_ip)} -j KUBE-MARK-MASQ")
        elif node.cluster_cidr is not None:
            cidr = node.cluster_cidr.text
            lines.append(f"-A {list_chain} ! -s {cidr} -d {_block(rule.cluster_ip)} -j KUBE-MARK-MASQ")
    else:
        external = _chain("KUBE-EXT-", rule)
        if kind == LOAD_BALANCER_IP and rule.source_ranges:
            firewall = _chain("KUBE-FW-", rule)
            lines.append(f"-A KUBE-PROXY-FIREWALL -d {_block(_address(match))} -p {protocol} -j {firewall}")
            lines += [f"-A {firewall} -s {cidr.text} -j RETURN" for cidr in rule.source_ranges]
            lines.append(f"-A {firewall} -j DROP")
        lines.append(f"{entry} -j {external}")
        lines += _iptables_external(rule, external, node)
        lines.append(f"-A {external} -j {_chain('KUBE-SVL-' if rule.external_local else 'KUBE-SVC-', rule)}")
    return (*lines, *_iptables_endpoints(rule, list_chain, plan.endpoints))


def _iptables_external(rule: ServicePortRule, external: str, node: NodeFacts) -> list[str]:
    if not rule.external_local:
        return [f"-A {external} -j KUBE-MARK-MASQ"]
    cluster = _chain("KUBE-SVC-", rule)
    lines = [f"-A {external} -s {node.cluster_cidr.text} -j {cluster}"] if node.cluster_cidr is not None else []
    lines.append(f"-A {external} -m addrtype --src-type LOCAL -j KUBE-MARK-MASQ")
    lines.append(f"-A {external} -m addrtype --src-type LOCAL -j {cluster}")
    return lines


def _iptables_endpoints(rule: ServicePortRule, chain: str, endpoints: tuple[EndpointInfo, ...]) -> list[str]:
    lines: list[str] = []
    protocol = rule.protocol.lower()
    chains = [_chain("KUBE-SEP-", rule, endpoint.address) for endpoint in endpoints]
    if rule.affinity_s:
        seconds = f"--seconds {rule.affinity_s:g} --reap"
        lines += [f"-A {chain} -m recent --name {sep} --rcheck {seconds} -j {sep}" for sep in chains]
    for index, sep in enumerate(chains):
        left = len(chains) - index
        odds = f" -m statistic --mode random --probability {1 / left:.11f}" if left > 1 else ""
        lines.append(f"-A {chain}{odds} -j {sep}")
    for endpoint, sep in zip(endpoints, chains, strict=True):
        lines.append(f"-A {sep} -s {_block(endpoint.ip)} -j KUBE-MARK-MASQ")
        recent = f" -m recent --name {sep} --set" if rule.affinity_s else ""
        lines.append(f"-A {sep} -p {protocol}{recent} -m {protocol} -j DNAT --to-destination {endpoint.address}")
    return lines


# -- nftables -------------------------------------------------------------------------------------------------


def _nft_name(rule: ServicePortRule) -> str:
    return f"{rule.service}/{rule.protocol.lower()}/{rule.port_name}"


def _nftables(match: Match, plan: Plan, node: NodeFacts) -> tuple[str, ...]:
    rule, kind = match
    protocol = rule.protocol.lower()
    if kind == NODE_PORT:
        key, lookup = f"{protocol} . {rule.node_port}", "service-nodeports"
    else:
        key, lookup = f"{_address(match)} . {protocol} . {rule.port}", "service-ips"
    if not plan.endpoints:
        no_endpoints = "no-endpoint-nodeports" if kind == NODE_PORT else "no-endpoint-services"
        return (f"map {no_endpoints} {{ {key} : {'goto reject-chain' if plan.verdict == 'reject' else 'drop'} }}",)
    service, external = f"service-{_nft_name(rule)}", f"external-{_nft_name(rule)}"
    list_chain = service if plan.list_name == "cluster" else f"service-local-{_nft_name(rule)}"
    lines: list[str] = []
    if kind == LOAD_BALANCER_IP and rule.source_ranges:
        ranges = ", ".join(cidr.text for cidr in rule.source_ranges)
        lines.append(f"map firewall-ips {{ {key} : goto firewall-{_nft_name(rule)} }}")
        lines.append(f"chain firewall-{_nft_name(rule)} {{ ip saddr != {{ {ranges} }} drop }}")
    lines.append(f"map {lookup} {{ {key} : goto {list_chain if kind == CLUSTER_IP else external} }}")
    if kind != CLUSTER_IP:
        last = f"service-local-{_nft_name(rule)}" if rule.external_local else service
        lines.append(f"chain {external} {{ {_nft_external(rule, node, service)}goto {last} }}")
    elif node.masquerade_all:
        lines.append(f"chain {list_chain} {{ ip daddr {rule.cluster_ip} jump mark-for-masquerade }}")
    elif node.cluster_cidr is not None:
        guard = f"ip daddr {rule.cluster_ip} ip saddr != {node.cluster_cidr.text}"
        lines.append(f"chain {list_chain} {{ {guard} jump mark-for-masquerade }}")
    return (*lines, *_nft_endpoints(rule, list_chain, plan.endpoints))


def _nft_external(rule: ServicePortRule, node: NodeFacts, service: str) -> str:
    if not rule.external_local:
        return "jump mark-for-masquerade; "
    pods = f"ip saddr {node.cluster_cidr.text} goto {service}; " if node.cluster_cidr is not None else ""
    local = f"fib saddr type local jump mark-for-masquerade; fib saddr type local goto {service}; "
    return pods + local


def _nft_endpoints(rule: ServicePortRule, chain: str, endpoints: tuple[EndpointInfo, ...]) -> list[str]:
    names = [f"endpoint-{_nft_name(rule)}__{endpoint.ip}/{endpoint.port}" for endpoint in endpoints]
    lines: list[str] = []
    if rule.affinity_s:
        lines += [f"chain {chain} {{ ip saddr @affinity-{name} goto {name} }}" for name in names]
    choices = ", ".join(f"{index} : goto {name}" for index, name in enumerate(names))
    lines.append(f"chain {chain} {{ numgen random mod {len(names)} vmap {{ {choices} }} }}")
    for endpoint, name in zip(endpoints, names, strict=True):
        update = f"update @affinity-{name} {{ ip saddr }} " if rule.affinity_s else ""
        mark = f"ip saddr {endpoint.ip} jump mark-for-masquerade; "
        lines.append(
            f"chain {name} {{ {mark}{update}meta l4proto {rule.protocol.lower()} dnat to {endpoint.address} }}"
        )
    return lines


def _address(match: Match) -> str:
    """The Service's address of the kind that was matched."""
    rule, kind = match
    if kind == CLUSTER_IP:
        return rule.cluster_ip
    return (rule.load_balancer_ips if kind == LOAD_BALANCER_IP else rule.external_ips)[0]


def _block(ip: str) -> str:
    """An address as a CIDR of one."""
    return f"{ip}/128" if ":" in ip else f"{ip}/32"
