"""A node's rules as a table that `nft -f` reads: `table ip kube-proxy { ... }`, or ip6.

Structure and comments are those of kube-proxy's nftables backend (pkg/proxy/nftables): two maps send a packet to the
chain of its Service with a single look, whatever the number of Services, and a random number picks from a third.
Packets that found no endpoint still have their old destination, and meet their reject or drop in the filter chains.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lab.network.addresses import IPV4
from lab.network.endpoints import EndpointInfo
from lab.network.node_facts import NodeFacts
from lab.network.packet import REJECT
from lab.network.program import names
from lab.network.program.line import ELEMENT, RULE, SET, Line
from lab.network.program.port import Claim, Port
from lab.network.traffic_policy import CLUSTER_IP, LOAD_BALANCER_IP, NODE_PORT

MARK = "0x4000"
"""What marks a packet that is to be masqueraded."""

_HEADS = {
    "filter-prerouting-pre-dnat": "type filter hook prerouting priority -110;",
    "filter-output-pre-dnat": "type filter hook output priority -110;",
    "filter-input": "type filter hook input priority 0;",
    "filter-forward": "type filter hook forward priority 0;",
    "filter-output": "type filter hook output priority 0;",
    "nat-prerouting": "type nat hook prerouting priority -100;",
    "nat-output": "type nat hook output priority -100;",
    "nat-postrouting": "type nat hook postrouting priority 100;",
    "reject-chain": 'comment "helper for @no-endpoint-services / @no-endpoint-nodeports"',
}
"""What stands at the beginning of a chain: for those that begin at a hook of the kernel, which one."""
_CHAINS = (
    "cluster-ips-check",
    "firewall-check",
    "mark-for-masquerade",
    "masquerading",
    "nodeport-endpoints-check",
    "service-endpoints-check",
    "services",
)
HELPERS: tuple[str, ...] = ("mark-for-masquerade", "reject-chain")
"""Chains of every node that those of Services go through."""
_SETS = (
    ("set", "cluster-ips", "type {address};", "Active ClusterIPs"),
    ("set", "nodeport-ips", "type {address};", "IPs that accept NodePort traffic"),
    ("map", "firewall-ips", "type {key} : verdict;", "destinations that are subject to LoadBalancerSourceRanges"),
    (
        "map",
        "no-endpoint-nodeports",
        "type inet_proto . inet_service : verdict;",
        "vmap to drop or reject packets to service nodeports with no endpoints",
    ),
    (
        "map",
        "no-endpoint-services",
        "type {key} : verdict;",
        "vmap to drop or reject packets to services with no endpoints",
    ),
    ("map", "service-ips", "type {key} : verdict;", "ClusterIP, ExternalIP and LoadBalancer IP traffic"),
    ("map", "service-nodeports", "type inet_proto . inet_service : verdict;", "NodePort traffic"),
)
_NEXT_ELEMENT = ",\n\t\t\t     "


def write(lines: Iterable[Line], family: str, *, whole: bool) -> list[str]:
    """The table in the syntax of nft; `whole` declares every chain, set and map that a node has."""
    found = list(lines)
    rules = _by_holder(found, RULE)
    elements = _by_holder(found, ELEMENT)
    blocks = [*_sets(family, elements, whole), *_affinity_sets(family, found)]
    every = (*_HEADS, *_CHAINS) if whole else ()
    for chain in dict.fromkeys((*every, *rules)):
        head = [_HEADS[chain]] if chain in _HEADS else []
        blocks.append([f"\tchain {chain} {{", *(f"\t\t{each}" for each in (*head, *rules.get(chain, ()))), "\t}"])
    note = [['\tcomment "rules for kube-proxy"']] if whole else []
    inside = "\n\n".join("\n".join(block) for block in (*note, *blocks))
    return [f"table {_table(family)} {{", *inside.split("\n"), "}"]


def _by_holder(lines: list[Line], kind: str) -> dict[str, list[str]]:
    """The texts of one kind of line by chain, set or map; no element twice, however many ports share an address."""
    found: dict[str, list[str]] = {}
    for line in lines:
        if line.kind == kind:
            found.setdefault(line.holder, []).append(line.text)
    return found if kind == RULE else {holder: list(dict.fromkeys(texts)) for holder, texts in found.items()}


def _sets(family: str, elements: dict[str, list[str]], whole: bool) -> Iterator[list[str]]:
    address = _address(family)
    for sort, name, form, note in _SETS:
        if whole or name in elements:
            key = f"{address} . inet_proto . inet_service"
            body = [form.format(address=address, key=key), f'comment "{note}"']
            if name in elements:
                body.append(f"elements = {{ {_NEXT_ELEMENT.join(elements[name])} }}")
            yield [f"\t{sort} {name} {{", *(f"\t\t{each}" for each in body), "\t}"]


def _affinity_sets(family: str, lines: list[Line]) -> Iterator[list[str]]:
    for line in lines:
        if line.kind == SET:
            body = (f"type {_address(family)}", "flags dynamic,timeout", line.text)
            yield [f"\tset {line.holder} {{", *(f"\t\t{each}" for each in body), "\t}"]


# -- what every node has --------------------------------------------------------------------------------------


def first_lines(node: NodeFacts, family: str) -> Iterator[Line]:
    """Where a packet enters, the look-ups in the maps, and the marks for masquerading."""
    for chain, jumps in _ENTRANCES.items():
        for text in jumps:
            yield _base(family, chain, text)
    ip = _ip(family)
    key = f"{ip} daddr . meta l4proto . th dport vmap"
    if node.serves_every_address(family):
        loopback = f"{ip} daddr != {'127.0.0.0/8' if family == IPV4 else '::1'}"
        check, here = loopback, f"fib daddr type local {loopback}"
    else:
        check = here = f"{ip} daddr @nodeport-ips"
    yield _base(family, "services", f"{key} @service-ips")
    yield _base(family, "services", f"{here} meta l4proto . th dport vmap @service-nodeports")
    yield _base(family, "service-endpoints-check", f"{key} @no-endpoint-services")
    yield _base(family, "nodeport-endpoints-check", f"{check} meta l4proto . th dport vmap @no-endpoint-nodeports")
    yield _base(family, "firewall-check", f"{key} @firewall-ips")
    yield _base(family, "reject-chain", "reject")
    yield wrong_port(family)
    yield from unallocated(node, family)
    yield _base(family, "mark-for-masquerade", f"mark set mark or {MARK}")
    yield _base(family, "masquerading", f"mark and {MARK} == 0 return")
    yield _base(family, "masquerading", f"mark set mark xor {MARK}")
    yield _base(family, "masquerading", "masquerade fully-random")
    for address in () if node.serves_every_address(family) else node.node_port_ips(family):
        yield _base(family, "nodeport-ips", address, ELEMENT)


_ENTRANCES = {
    "filter-prerouting-pre-dnat": ("ct state new jump firewall-check",),
    "filter-output-pre-dnat": ("ct state new jump firewall-check",),
    "filter-input": ("ct state new jump nodeport-endpoints-check", "ct state new jump service-endpoints-check"),
    "filter-forward": ("ct state new jump service-endpoints-check", "ct state new jump cluster-ips-check"),
    "filter-output": ("ct state new jump service-endpoints-check", "ct state new jump cluster-ips-check"),
    "nat-prerouting": ("jump services",),
    "nat-output": ("jump services",),
    "nat-postrouting": ("jump masquerading",),
}


def wrong_port(family: str) -> Line:
    """Refuse packets to a cluster IP that has no such port."""
    text = f'{_ip(family)} daddr @cluster-ips reject comment "Reject traffic to invalid ports of ClusterIPs"'
    return _base(family, "cluster-ips-check", text)


def unallocated(node: NodeFacts, family: str) -> Iterator[Line]:
    """Drop packets to addresses of the Service CIDRs that no Service has."""
    cidrs = [cidr.text for cidr in node.service_cidrs if cidr.family == family]
    if cidrs:
        text = f'{_ip(family)} daddr {{ {", ".join(cidrs)} }} drop comment "Drop traffic to unallocated ClusterIPs"'
        yield _base(family, "cluster-ips-check", text)


# -- one Service port -----------------------------------------------------------------------------------------


def service_lines(port: Port, claims: Iterable[Claim]) -> Iterator[Line]:
    """Everything that is there for one port: elements of the sets and maps, then its chains."""
    yield _element(port, "cluster-ips", port.rule.cluster_ip)
    for claim in claims:
        if port.has_endpoints and not (claim.kind is CLUSTER_IP and port.refusal(CLUSTER_IP)):
            yield entry(port, claim)
        if port.refusal(claim.kind):
            yield refuse(port, claim)
        if claim.kind is LOAD_BALANCER_IP and port.guarded:
            yield guard(port, claim)
    if port.guarded:
        yield drop_others(port)
    if not port.has_endpoints:
        return
    if not port.refusal(CLUSTER_IP):
        yield from mark_cluster_traffic(port)
    if port.rule.reachable_from_outside:
        yield from external_lines(port)
    yield from choices(port, names.NFT_CLUSTER_CHAIN, port.cluster)
    yield from choices(port, names.NFT_LOCAL_CHAIN, port.local)
    for endpoint in port.categories.reachable:
        yield from endpoint_lines(port, endpoint)


def list_chain(port: Port, *, local: bool) -> str:
    """The chain that chooses among the endpoints of a policy."""
    return names.nft_name(names.NFT_LOCAL_CHAIN if local else names.NFT_CLUSTER_CHAIN, port.rule)


def entry(port: Port, claim: Claim) -> Line:
    """The element that sends an address of the Service to its chain."""
    if claim.kind is CLUSTER_IP:
        to = list_chain(port, local=port.rule.internal_local)
    else:
        to = names.nft_name(names.NFT_EXTERNAL_CHAIN, port.rule)
    holder = "service-nodeports" if claim.kind is NODE_PORT else "service-ips"
    return _element(port, holder, f"{_key(port, claim)} : goto {to}")


def refuse(port: Port, claim: Claim) -> Line:
    """The element that rejects or drops what found no endpoint."""
    verdict = "goto reject-chain" if port.refusal(claim.kind) == REJECT else "drop"
    holder = "no-endpoint-nodeports" if claim.kind is NODE_PORT else "no-endpoint-services"
    return _element(port, holder, f'{_key(port, claim)} comment "{port.name}" : {verdict}')


def guard(port: Port, claim: Claim) -> Line:
    """The element that has a load-balancer address checked for who sent the packet."""
    to = names.nft_name(names.NFT_FIREWALL_CHAIN, port.rule)
    return _element(port, "firewall-ips", f"{_key(port, claim)} : goto {to}")


def drop_others(port: Port) -> Line:
    """Drop what comes from outside the source ranges."""
    chain = names.nft_name(names.NFT_FIREWALL_CHAIN, port.rule)
    return _rule(port, chain, f"{_port_ip(port)} saddr != {{ {', '.join(port.allowed_sources())} }} drop")


def mark_cluster_traffic(port: Port) -> Iterator[Line]:
    """Masquerade what comes to the cluster IP from no Pod, so that answers come back through this node."""
    if port.node.masquerade_all or port.pod_cidr:
        ip = _port_ip(port)
        source = "" if port.node.masquerade_all else f" {ip} saddr != {port.pod_cidr}"
        text = f"{ip} daddr {port.rule.cluster_ip}{source} jump mark-for-masquerade"
        yield _rule(port, list_chain(port, local=port.rule.internal_local), text)


def external_lines(port: Port) -> Iterator[Line]:
    """The external chain: masquerade, or short cuts for Pods and the node itself around a Local policy."""
    chain = names.nft_name(names.NFT_EXTERNAL_CHAIN, port.rule)
    if port.rule.external_local:
        yield from short_cut_for_pods(port)
        yield from short_cut_for_node(port)
    else:
        yield mark_external_traffic(port)
    if not port.refusal(NODE_PORT):
        yield _rule(port, chain, f"goto {list_chain(port, local=port.rule.external_local)}")


def mark_external_traffic(port: Port) -> Line:
    """Masquerade all of it: the endpoint may be on another node and must answer through this one."""
    return _rule(port, names.nft_name(names.NFT_EXTERNAL_CHAIN, port.rule), "jump mark-for-masquerade")


def short_cut_for_pods(port: Port) -> Iterator[Line]:
    """Pods are under no external policy, as if they went out and came in again."""
    if port.pod_cidr:
        to = f'goto {list_chain(port, local=False)} comment "short-circuit pod traffic"'
        chain = names.nft_name(names.NFT_EXTERNAL_CHAIN, port.rule)
        yield _rule(port, chain, f"{_port_ip(port)} saddr {port.pod_cidr} {to}")


def short_cut_for_node(port: Port) -> Iterator[Line]:
    """The node itself is under no external policy either; its source may be the balancer's address: masquerade."""
    chain = names.nft_name(names.NFT_EXTERNAL_CHAIN, port.rule)
    local = "fib saddr type local"
    yield _rule(port, chain, f'{local} jump mark-for-masquerade comment "masquerade local traffic"')
    to = list_chain(port, local=False)
    yield _rule(port, chain, f'{local} goto {to} comment "short-circuit local traffic"')


def choices(port: Port, prefix: str, endpoints: tuple[EndpointInfo, ...]) -> Iterator[Line]:
    """A chain that takes one of some endpoints: the one remembered for the client, else at random."""
    if endpoints:
        for endpoint in endpoints if port.rule.affinity_s else ():
            yield return_to(port, prefix, endpoint)
        yield choose(port, prefix, endpoints)


def return_to(port: Port, prefix: str, endpoint: EndpointInfo) -> Line:
    """Take an endpoint again that the client had less than the affinity's time ago."""
    known = names.nft_endpoint_name(names.NFT_AFFINITY_SET, port.rule, endpoint)
    to = names.nft_endpoint_name(names.NFT_ENDPOINT_CHAIN, port.rule, endpoint)
    return _rule(port, names.nft_name(prefix, port.rule), f"{_port_ip(port)} saddr @{known} goto {to}")


def choose(port: Port, prefix: str, endpoints: tuple[EndpointInfo, ...]) -> Line:
    """Draw a number and take the endpoint that has it."""
    chains = (names.nft_endpoint_name(names.NFT_ENDPOINT_CHAIN, port.rule, endpoint) for endpoint in endpoints)
    choices_ = ", ".join(f"{number} : goto {chain}" for number, chain in enumerate(chains))
    text = f"numgen random mod {len(endpoints)} vmap {{ {choices_} }}"
    return _rule(port, names.nft_name(prefix, port.rule), text)


def endpoint_lines(port: Port, endpoint: EndpointInfo) -> Iterator[Line]:
    """The chain of an endpoint: masquerade who reaches itself, then rewrite the destination."""
    yield mark_hairpin(port, endpoint)
    if port.rule.affinity_s:
        yield affinity_set(port, endpoint)
        yield remember(port, endpoint)
    yield rewrite(port, endpoint)


def mark_hairpin(port: Port, endpoint: EndpointInfo) -> Line:
    """A Pod that reaches itself would answer itself directly, and be confused."""
    return _of_endpoint(port, endpoint, f"{_port_ip(port)} saddr {endpoint.ip} jump mark-for-masquerade")


def affinity_set(port: Port, endpoint: EndpointInfo) -> Line:
    """The clients that were sent to an endpoint, each for the affinity's time."""
    name = names.nft_endpoint_name(names.NFT_AFFINITY_SET, port.rule, endpoint)
    return Line(_table(port.rule.family), name, f"timeout {port.rule.affinity_s:.0f}s", port.rule.service, SET)


def remember(port: Port, endpoint: EndpointInfo) -> Line:
    """For session affinity: note who was sent here; the time begins anew with each connection."""
    name = names.nft_endpoint_name(names.NFT_AFFINITY_SET, port.rule, endpoint)
    return _of_endpoint(port, endpoint, f"update @{name} {{ {_port_ip(port)} saddr }}")


def rewrite(port: Port, endpoint: EndpointInfo) -> Line:
    """DNAT."""
    return _of_endpoint(port, endpoint, f"meta l4proto {port.protocol} dnat to {endpoint.address}")


def _of_endpoint(port: Port, endpoint: EndpointInfo, text: str) -> Line:
    return _rule(port, names.nft_endpoint_name(names.NFT_ENDPOINT_CHAIN, port.rule, endpoint), text)


def _key(port: Port, claim: Claim) -> str:
    """What a packet is looked up by."""
    if claim.kind is NODE_PORT:
        return f"{port.protocol} . {port.rule.node_port}"
    return f"{claim.ip} . {port.protocol} . {port.rule.port}"


def _ip(family: str) -> str:
    return "ip" if family == IPV4 else "ip6"


def _address(family: str) -> str:
    return "ipv4_addr" if family == IPV4 else "ipv6_addr"


def _port_ip(port: Port) -> str:
    return _ip(port.rule.family)


def _table(family: str) -> str:
    return f"{_ip(family)} kube-proxy"


def _base(family: str, holder: str, text: str, kind: str = RULE) -> Line:
    return Line(_table(family), holder, text, kind=kind)


def _rule(port: Port, chain: str, text: str) -> Line:
    return Line(_table(port.rule.family), chain, text, port.rule.service)


def _element(port: Port, holder: str, text: str) -> Line:
    return Line(_table(port.rule.family), holder, text, port.rule.service, ELEMENT)
