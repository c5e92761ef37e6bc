"""What every node with nftables has: the chains at the kernel's hooks, the sets and maps, and the marks.

Which of them there are depends on the release: refusals came before DNAT up to 1.33, and since 1.36 one set tells which
connections are hairpins (`lab.kube.versions`, the features that begin with `nftables_`).
"""

from __future__ import annotations

from collections.abc import Iterator

from lab.network.addresses import IPV4
from lab.network.node_facts import NodeFacts
from lab.network.program.line import ELEMENT, RULE, Line

MARK = "0x4000"
"""What marks a packet that is to be masqueraded."""
HELPERS: tuple[str, ...] = ("mark-for-masquerade", "reject-chain")
"""Chains that those of Services go through."""
HAIRPINS = "hairpin-connections"

_NAT_HOOKS = {
    "nat-prerouting": ("prerouting", -100),
    "nat-output": ("output", -100),
    "nat-postrouting": ("postrouting", 100),
}
_FILTER_HOOKS = {
    "filter-prerouting-pre-dnat": ("prerouting", -110),
    "filter-output-pre-dnat": ("output", -110),
    "filter-input": ("input", 0),
    "filter-forward": ("forward", 0),
    "filter-output": ("output", 0),
}
_EARLY_FILTER_HOOKS = {
    "filter-prerouting": ("prerouting", -110),
    "filter-input": ("input", -110),
    "filter-forward": ("forward", -110),
    "filter-output": ("output", -110),
    "filter-output-post-dnat": ("output", -90),
}
"""Those up to 1.33."""
_FIREWALL, _CLUSTER_IPS = "ct state new jump firewall-check", "ct state new jump cluster-ips-check"
_NODE_PORTS, _SERVICES = "ct state new jump nodeport-endpoints-check", "ct state new jump service-endpoints-check"
_NAT_ENTRANCES: dict[str, tuple[str, ...]] = {
    "nat-prerouting": ("jump services",),
    "nat-output": ("jump services",),
    "nat-postrouting": ("jump masquerading",),
}
_ENTRANCES: dict[str, tuple[str, ...]] = {
    "filter-prerouting-pre-dnat": (_FIREWALL,),
    "filter-output-pre-dnat": (_FIREWALL,),
    "filter-input": (_NODE_PORTS, _SERVICES),
    "filter-forward": (_SERVICES, _CLUSTER_IPS),
    "filter-output": (_SERVICES, _CLUSTER_IPS),
    **_NAT_ENTRANCES,
}
_EARLY_ENTRANCES: dict[str, tuple[str, ...]] = {
    "filter-prerouting": (_FIREWALL,),
    "filter-input": (_NODE_PORTS, _SERVICES),
    "filter-forward": (_SERVICES, _CLUSTER_IPS),
    "filter-output": (_SERVICES, _FIREWALL),
    "filter-output-post-dnat": (_CLUSTER_IPS,),
    **_NAT_ENTRANCES,
}
_CLUSTER_IPS_CHECK = "cluster-ips-check"
_CHAINS = (
    _CLUSTER_IPS_CHECK,
    "firewall-check",
    "mark-for-masquerade",
    "masquerading",
    "nodeport-endpoints-check",
    "service-endpoints-check",
    "services",
)
_REJECT = {"reject-chain": 'comment "helper for @no-endpoint-services / @no-endpoint-nodeports"'}
_KEY = "{address} . inet_proto . inet_service"
_PORT_KEY = "inet_proto . inet_service"
_SETS: dict[str, tuple[str, str, str]] = {
    HAIRPINS: ("set", f"type {{address}} . {_KEY};", "service hairpin connections"),
    "cluster-ips": ("set", "type {address};", "Active ClusterIPs"),
    "nodeport-ips": ("set", "type {address};", "IPs that accept NodePort traffic"),
    "firewall-ips": ("map", f"type {_KEY} : verdict;", "destinations that are subject to LoadBalancerSourceRanges"),
    "no-endpoint-nodeports": (
        "map",
        f"type {_PORT_KEY} : verdict;",
        "vmap to drop or reject packets to service nodeports with no endpoints",
    ),
    "no-endpoint-services": (
        "map",
        f"type {_KEY} : verdict;",
        "vmap to drop or reject packets to services with no endpoints",
    ),
    "service-ips": ("map", f"type {_KEY} : verdict;", "ClusterIP, ExternalIP and LoadBalancer IP traffic"),
    "service-nodeports": ("map", f"type {_PORT_KEY} : verdict;", "NodePort traffic"),
}


# -- what there is --------------------------------------------------------------------------------------------


def heads(node: NodeFacts) -> dict[str, str]:
    """Every chain, and what stands at its beginning: for those that begin at a hook of the kernel, which one."""
    filters = _FILTER_HOOKS if node.features.nftables_post_dnat_filter else _EARLY_FILTER_HOOKS
    found = {chain: f"type filter hook {hook} priority {number};" for chain, (hook, number) in filters.items()}
    found |= {chain: f"type nat hook {hook} priority {number};" for chain, (hook, number) in _NAT_HOOKS.items()}
    return {**found, **_REJECT, **{chain: "" for chain in _CHAINS if _has(node, chain)}}


def sets(node: NodeFacts, family: str) -> dict[str, tuple[str, str, str]]:
    """Every set and map: which of both it is, its type, and its comment."""
    address = "ipv4_addr" if family == IPV4 else "ipv6_addr"
    found = ((name, kind, form, note) for name, (kind, form, note) in _SETS.items() if _has(node, name))
    return {name: (kind, form.format(address=address), note) for name, kind, form, note in found}


def _has(node: NodeFacts, name: str) -> bool:
    """Whether the node's release has this chain or set."""
    features = node.features
    if name == HAIRPINS:
        return features.nftables_hairpin_set
    if name == "mark-for-masquerade":
        return not features.nftables_hairpin_set
    return name not in (_CLUSTER_IPS_CHECK, "cluster-ips") or features.nftables_cluster_ips_check


# -- the lines ------------------------------------------------------------------------------------------------


def first_lines(node: NodeFacts, family: str) -> Iterator[Line]:
    """Where a packet enters, the look-ups in the maps, and the marks for masquerading."""
    entrances = _ENTRANCES if node.features.nftables_post_dnat_filter else _EARLY_ENTRANCES
    for chain, jumps in entrances.items():
        for text in jumps:
            if text != _CLUSTER_IPS or node.features.nftables_cluster_ips_check:
                yield _line(family, chain, text)
    yield from _look_ups(node, family)
    yield _line(family, "reject-chain", "reject")
    if node.features.nftables_cluster_ips_check:
        yield wrong_port(family)
        yield from unallocated(node, family)
    yield from _masquerade(node, family)
    for address in () if node.serves_every_address(family) else node.node_port_ips(family):
        yield _line(family, "nodeport-ips", address, ELEMENT)


def _look_ups(node: NodeFacts, family: str) -> Iterator[Line]:
    ip = ip_of(family)
    key = f"{ip} daddr . meta l4proto . th dport vmap"
    if node.serves_every_address(family):
        loopback = f"{ip} daddr != {'127.0.0.0/8' if family == IPV4 else '::1'}"
        check, here = loopback, f"fib daddr type local {loopback}"
    else:
        check = here = f"{ip} daddr @nodeport-ips"
    yield from mark_cluster_traffic(node, family)
    yield _line(family, "services", f"{key} @service-ips")
    yield _line(family, "services", f"{here} meta l4proto . th dport vmap @service-nodeports")
    yield _line(family, "service-endpoints-check", f"{key} @no-endpoint-services")
    yield _line(family, "nodeport-endpoints-check", f"{check} meta l4proto . th dport vmap @no-endpoint-nodeports")
    yield _line(family, "firewall-check", f"{key} @firewall-ips")


def _masquerade(node: NodeFacts, family: str) -> Iterator[Line]:
    if node.features.nftables_hairpin_set:
        text = f"mark and {MARK} != 0 mark set mark xor {MARK} masquerade fully-random"
        yield _line(family, "masquerading", text)
        yield masquerade_hairpins(family)
        return
    yield _line(family, "mark-for-masquerade", f"mark set mark or {MARK}")
    yield _line(family, "masquerading", f"mark and {MARK} == 0 return")
    yield _line(family, "masquerading", f"mark set mark xor {MARK}")
    yield _line(family, "masquerading", "masquerade fully-random")


def to_masquerade(node: NodeFacts) -> str:
    """The end of a rule that has a packet masqueraded later on."""
    return f"mark set mark or {MARK}" if node.features.nftables_hairpin_set else "jump mark-for-masquerade"


def masquerade_hairpins(family: str) -> Line:
    """Masquerade a Pod that reaches itself: it would answer itself directly, and be confused."""
    ip = ip_of(family)
    key = f"{ip} saddr . {ip} daddr . meta l4proto . th dport"
    return _line(family, "masquerading", f"ct status dnat {key} @{HAIRPINS} masquerade fully-random")


def mark_cluster_traffic(node: NodeFacts, family: str) -> Iterator[Line]:
    """Since 1.36 one rule has all masqueraded that comes to a cluster IP from no Pod."""
    cidr, ip = node.pod_cidr(family), ip_of(family)
    if not node.features.nftables_hairpin_set or not (node.masquerade_all or cidr is not None):
        return
    if node.masquerade_all or cidr is None:
        text = f"{ip} daddr @cluster-ips {to_masquerade(node)}"
    else:
        note = 'comment "masquerade clusterIP traffic from outside cluster"'
        text = f"{ip} daddr @cluster-ips {ip} saddr != {cidr.text} {to_masquerade(node)} {note}"
    yield _line(family, "services", text)


def wrong_port(family: str) -> Line:
    """Refuse packets to a cluster IP that has no such port."""
    text = f'{ip_of(family)} daddr @cluster-ips reject comment "Reject traffic to invalid ports of ClusterIPs"'
    return _line(family, _CLUSTER_IPS_CHECK, text)


def unallocated(node: NodeFacts, family: str) -> Iterator[Line]:
    """Drop packets to addresses of the Service CIDRs that no Service has."""
    cidrs = [cidr.text for cidr in node.service_cidrs if cidr.family == family]
    if cidrs:
        text = f'{ip_of(family)} daddr {{ {", ".join(cidrs)} }} drop comment "Drop traffic to unallocated ClusterIPs"'
        yield _line(family, _CLUSTER_IPS_CHECK, text)


# -- words ----------------------------------------------------------------------------------------------------


def ip_of(family: str) -> str:
    """What nft calls a family's header: ip or ip6."""
    return "ip" if family == IPV4 else "ip6"


def table_of(family: str) -> str:
    """The family and name of the table."""
    return f"{ip_of(family)} kube-proxy"


def _line(family: str, holder: str, text: str, kind: str = RULE) -> Line:
    return Line(table_of(family), holder, text, kind=kind)
