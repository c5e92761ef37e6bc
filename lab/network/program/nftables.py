"""A node's rules as a table that `nft -f` reads: `table ip kube-proxy { ... }`, or ip6.

Structure and comments are those of kube-proxy's nftables backend (pkg/proxy/nftables): two maps send a packet to the
chain of its Service with a single look, whatever the number of Services, and a random number picks from a third.
Packets that found no endpoint still have their old destination, and meet their reject or drop in the filter chains.
What every node has, however many Services there are, is in `nftables_node.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lab.network.addresses import IPV4
from lab.network.endpoints import EndpointInfo
from lab.network.node_facts import NodeFacts
from lab.network.packet import REJECT
from lab.network.program import names
from lab.network.program.line import ELEMENT, RULE, SET, Line
from lab.network.program.nftables_node import (
    HAIRPINS,
    HELPERS,
    first_lines,
    heads,
    ip_of,
    sets,
    table_of,
    to_masquerade,
)
from lab.network.program.port import Claim, Port
from lab.network.traffic_policy import CLUSTER_IP, LOAD_BALANCER_IP, NODE_PORT

__all__ = ["HELPERS", "first_lines", "service_lines", "write"]

_NEXT_ELEMENT = ",\n\t\t\t     "


def write(lines: Iterable[Line], node: NodeFacts, family: str, *, whole: bool) -> list[str]:
    """The table in the syntax of nft; `whole` declares every chain, set and map that a node has."""
    found = list(lines)
    rules, elements = _by_holder(found, RULE), _by_holder(found, ELEMENT)
    blocks = [*_sets(node, family, elements, whole), *_affinity_sets(family, found)]
    beginnings = heads(node)
    for chain in dict.fromkeys((*(beginnings if whole else ()), *rules)):
        head = [beginnings[chain]] if beginnings.get(chain) else []
        blocks.append([f"\tchain {chain} {{", *(f"\t\t{each}" for each in (*head, *rules.get(chain, ()))), "\t}"])
    note = [['\tcomment "rules for kube-proxy"']] if whole else []
    inside = "\n\n".join("\n".join(block) for block in (*note, *blocks))
    return [f"table {table_of(family)} {{", *inside.split("\n"), "}"]


def _by_holder(lines: list[Line], kind: str) -> dict[str, list[str]]:
    """The texts of one kind of line by chain, set or map; no element twice, however many ports share an address."""
    found: dict[str, list[str]] = {}
    for line in lines:
        if line.kind == kind:
            found.setdefault(line.holder, []).append(line.text)
    return found if kind == RULE else {holder: list(dict.fromkeys(texts)) for holder, texts in found.items()}


def _sets(node: NodeFacts, family: str, elements: dict[str, list[str]], whole: bool) -> Iterator[list[str]]:
    for name, (kind, form, note) in sets(node, family).items():
        if whole or name in elements:
            body = [form, f'comment "{note}"']
            if name in elements:
                body.append(f"elements = {{ {_NEXT_ELEMENT.join(elements[name])} }}")
            yield [f"\t{kind} {name} {{", *(f"\t\t{each}" for each in body), "\t}"]


def _affinity_sets(family: str, lines: list[Line]) -> Iterator[list[str]]:
    address = "ipv4_addr" if family == IPV4 else "ipv6_addr"
    for line in lines:
        if line.kind == SET:
            body = (f"type {address}", "flags dynamic,timeout", line.text)
            yield [f"\tset {line.holder} {{", *(f"\t\t{each}" for each in body), "\t}"]


# -- one Service port -----------------------------------------------------------------------------------------


def service_lines(port: Port, claims: Iterable[Claim]) -> Iterator[Line]:
    """Everything that is there for one port: elements of the sets and maps, then its chains."""
    if port.node.features.nftables_cluster_ips_check:
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
    node, ip = port.node, _port_ip(port)
    if node.features.nftables_hairpin_set or not (node.masquerade_all or port.pod_cidr):
        return
    again = "" if node.features.nftables_post_dnat_filter else f" {port.protocol} dport {port.rule.port}"
    source = "" if node.masquerade_all else f" {ip} saddr != {port.pod_cidr}"
    text = f"{ip} daddr {port.rule.cluster_ip}{again}{source} {to_masquerade(node)}"
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
    return _rule(port, names.nft_name(names.NFT_EXTERNAL_CHAIN, port.rule), to_masquerade(port.node))


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
    yield _rule(port, chain, f'{local} {to_masquerade(port.node)} comment "masquerade local traffic"')
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
    """Draw a number and take the endpoint that has it: go to its chain, or where it has none, right to its address."""
    chain = names.nft_name(prefix, port.rule)
    draw = f"numgen random mod {len(endpoints)}"
    if has_chains(port):
        ends = (names.nft_endpoint_name(names.NFT_ENDPOINT_CHAIN, port.rule, endpoint) for endpoint in endpoints)
        return _rule(port, chain, f"{draw} vmap {{ {_numbered(f'goto {end}' for end in ends)} }}")
    rewrite_ = f"meta l4proto {port.protocol} dnat"
    if len(endpoints) == 1 and port.node.features.nftables_direct_dnat:
        return _rule(port, chain, f"{rewrite_} to {endpoints[0].address}")
    places = _numbered(f"{endpoint.ip} . {endpoint.port}" for endpoint in endpoints)
    return _rule(port, chain, f"{rewrite_} {_port_ip(port)} addr . port to {draw} map {{ {places} }}")


def _numbered(values: Iterable[str]) -> str:
    return ", ".join(f"{number} : {value}" for number, value in enumerate(values))


def has_chains(port: Port) -> bool:
    """Whether endpoints have chains of their own: since 1.36 only for session affinity."""
    return bool(port.rule.affinity_s) or not port.node.features.nftables_hairpin_set


def endpoint_lines(port: Port, endpoint: EndpointInfo) -> Iterator[Line]:
    """What there is for an endpoint: who reaches itself is masqueraded, then the destination is rewritten."""
    yield from mark_hairpin(port, endpoint)
    if port.rule.affinity_s:
        yield affinity_set(port, endpoint)
        yield remember(port, endpoint)
    if has_chains(port):
        yield rewrite(port, endpoint)


def mark_hairpin(port: Port, endpoint: EndpointInfo) -> Iterator[Line]:
    """A Pod that reaches itself would answer itself directly, and be confused; since 1.36 a set has those Pods."""
    if not port.node.features.nftables_hairpin_set:
        yield _of_endpoint(port, endpoint, f"{_port_ip(port)} saddr {endpoint.ip} {to_masquerade(port.node)}")
    elif endpoint.local_to(port.node.name):
        yield _element(port, HAIRPINS, f"{endpoint.ip} . {endpoint.ip} . {port.protocol} . {endpoint.port}")


def affinity_set(port: Port, endpoint: EndpointInfo) -> Line:
    """The clients that were sent to an endpoint, each for the affinity's time."""
    name = names.nft_endpoint_name(names.NFT_AFFINITY_SET, port.rule, endpoint)
    return Line(table_of(port.rule.family), name, f"timeout {port.rule.affinity_s:.0f}s", port.rule.service, SET)


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


def _port_ip(port: Port) -> str:
    return ip_of(port.rule.family)


def _rule(port: Port, chain: str, text: str) -> Line:
    return Line(table_of(port.rule.family), chain, text, port.rule.service)


def _element(port: Port, holder: str, text: str) -> Line:
    return Line(table_of(port.rule.family), holder, text, port.rule.service, ELEMENT)
