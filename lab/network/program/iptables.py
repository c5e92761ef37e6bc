"""A node's rules as `iptables-save` and `ip6tables-save` print them.

Structure and comments are those of kube-proxy's iptables backend (pkg/proxy/iptables): the nat table sends a packet
from KUBE-SERVICES or KUBE-NODEPORTS through KUBE-EXT-, KUBE-FW-, KUBE-SVC- and KUBE-SVL- chains to the KUBE-SEP-
chain of one endpoint; whatever found no endpoint there still has its old destination, and meets its REJECT or DROP in
the filter table.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from lab.network.addresses import IPV4
from lab.network.endpoints import EndpointInfo
from lab.network.node_facts import NodeFacts
from lab.network.packet import REJECT
from lab.network.program import names
from lab.network.program.line import Line
from lab.network.program.port import Claim, Port
from lab.network.traffic_policy import CLUSTER_IP, EXTERNAL_IP, LOAD_BALANCER_IP, NODE_PORT

FILTER, NAT = "filter", "nat"
MARK = "0x4000"
"""What marks a packet that is to be masqueraded."""
HELPERS: tuple[str, ...] = ("KUBE-MARK-MASQ",)
"""Chains of every node that those of Services go through."""

_BUILT_IN = {FILTER: ("INPUT", "FORWARD", "OUTPUT"), NAT: ("PREROUTING", "INPUT", "OUTPUT", "POSTROUTING")}
_OWN = {
    FILTER: (
        "KUBE-EXTERNAL-SERVICES",
        "KUBE-FIREWALL",
        "KUBE-FORWARD",
        "KUBE-NODEPORTS",
        "KUBE-PROXY-FIREWALL",
        "KUBE-SERVICES",
    ),
    NAT: ("KUBE-MARK-MASQ", "KUBE-NODEPORTS", "KUBE-POSTROUTING", "KUBE-SERVICES"),
}
_WHAT = {CLUSTER_IP: "cluster IP", EXTERNAL_IP: "external IP", LOAD_BALANCER_IP: "loadbalancer IP"}
_NEW = "-m conntrack --ctstate NEW "
_PORTALS, _EXTERNAL = "kubernetes service portals", "kubernetes externally-visible service portals"
_BALANCERS, _HEALTH = "kubernetes load balancer firewall", "kubernetes health check service ports"


def write(
    lines: Iterable[Line],
    node: NodeFacts,
    family: str,
    *,
    whole: bool,
    own: Mapping[str, tuple[str, ...]] | None = None,
) -> list[str]:
    """Both tables in the syntax of iptables-save; `whole` declares every chain that a node has.

    `own` are kube-proxy's chains by table, where they are not those of its iptables mode.
    """
    every = own or _OWN
    found = list(lines)
    text: list[str] = []
    for table in (FILTER, NAT):
        rules: dict[str, list[Line]] = {}
        for line in found:
            if line.table == table:
                rules.setdefault(line.holder, []).append(line)
        built_in = _BUILT_IN[table] if whole else ()
        chains = dict.fromkeys((*(every[table] if whole else ()), *(chain for chain in rules if chain not in built_in)))
        targets = (_target(line.text) for holder in rules.values() for line in holder)
        chains.update(dict.fromkeys(target for target in targets if target.startswith("KUBE-")))
        order = (*built_in, *sorted(chains))
        text.append(f"*{table}")
        text += [f":{chain} {'ACCEPT' if chain in built_in else '-'} [0:0]" for chain in order]
        text += [str(line) for chain in order for line in rules.get(chain, ())]
        text.append("COMMIT")
    return text


def _target(text: str) -> str:
    return text.rpartition("-j ")[2].partition(" ")[0] if "-j " in text else ""


# -- what every node has --------------------------------------------------------------------------------------


def first_lines(node: NodeFacts, family: str) -> Iterator[Line]:
    """Where kube-proxy's chains begin, and the marks for masquerading."""
    yield _jump(FILTER, "INPUT", "KUBE-PROXY-FIREWALL", _BALANCERS, _NEW)
    yield _jump(FILTER, "INPUT", "KUBE-NODEPORTS", _HEALTH)
    yield _jump(FILTER, "INPUT", "KUBE-EXTERNAL-SERVICES", _EXTERNAL, _NEW)
    yield Line(FILTER, "INPUT", "-j KUBE-FIREWALL")
    yield _jump(FILTER, "FORWARD", "KUBE-PROXY-FIREWALL", _BALANCERS, _NEW)
    yield _jump(FILTER, "FORWARD", "KUBE-FORWARD", "kubernetes forwarding rules")
    yield _jump(FILTER, "FORWARD", "KUBE-SERVICES", _PORTALS, _NEW)
    yield _jump(FILTER, "FORWARD", "KUBE-EXTERNAL-SERVICES", _EXTERNAL, _NEW)
    yield _jump(FILTER, "OUTPUT", "KUBE-PROXY-FIREWALL", _BALANCERS, _NEW)
    yield _jump(FILTER, "OUTPUT", "KUBE-SERVICES", _PORTALS, _NEW)
    yield Line(FILTER, "OUTPUT", "-j KUBE-FIREWALL")
    if family == IPV4 and node.localhost_node_ports:
        local = '! -s 127.0.0.0/8 -d 127.0.0.0/8 -m comment --comment "block incoming localnet connections"'
        yield Line(FILTER, "KUBE-FIREWALL", f"{local} -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP")
    marked = f"-m mark --mark {MARK}/{MARK}"
    yield Line(FILTER, "KUBE-FORWARD", "-m conntrack --ctstate INVALID -j DROP")
    yield Line(FILTER, "KUBE-FORWARD", f'-m comment --comment "kubernetes forwarding rules" {marked} -j ACCEPT')
    known = '-m comment --comment "kubernetes forwarding conntrack rule" -m conntrack --ctstate RELATED,ESTABLISHED'
    yield Line(FILTER, "KUBE-FORWARD", f"{known} -j ACCEPT")
    yield _jump(NAT, "PREROUTING", "KUBE-SERVICES", _PORTALS)
    yield _jump(NAT, "OUTPUT", "KUBE-SERVICES", _PORTALS)
    yield _jump(NAT, "POSTROUTING", "KUBE-POSTROUTING", "kubernetes postrouting rules")
    yield Line(NAT, "KUBE-MARK-MASQ", f"-j MARK --set-xmark {MARK}/{MARK}")
    yield Line(NAT, "KUBE-POSTROUTING", f"-m mark ! --mark {MARK}/{MARK} -j RETURN")
    yield Line(NAT, "KUBE-POSTROUTING", f"-j MARK --set-xmark {MARK}/0x0")
    snat = '-m comment --comment "kubernetes service traffic requiring SNAT"'
    yield Line(NAT, "KUBE-POSTROUTING", f"{snat} -j MASQUERADE --random-fully")


def last_lines(node: NodeFacts, family: str) -> Iterator[Line]:
    """The way to the node ports, after all addresses of Services."""
    note = '-m comment --comment "kubernetes service nodeports; NOTE: this must be the last rule in this chain"'
    if node.serves_every_address(family):
        loopback = "! -d ::1/128 " if family != IPV4 else "" if node.localhost_node_ports else "! -d 127.0.0.0/8 "
        text = f"{loopback}{note} -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS"
        yield Line(NAT, "KUBE-SERVICES", text)
    else:
        for ip in node.node_port_ips(family):
            yield Line(NAT, "KUBE-SERVICES", f"-d {block(ip)} {note} -j KUBE-NODEPORTS")


def _jump(table: str, chain: str, to: str, note: str, when: str = "") -> Line:
    return Line(table, chain, f'{when}-m comment --comment "{note}" -j {to}')


# -- one Service port -----------------------------------------------------------------------------------------


def service_lines(port: Port, claims: Iterable[Claim]) -> Iterator[Line]:
    """Everything that is there for one port: its entries, refusals and chains."""
    for claim in claims:
        yield from _entry(port, claim)
        if port.refusal(claim.kind):
            yield refuse(port, claim)
        if claim.kind is LOAD_BALANCER_IP and uses_firewall(port):
            yield drop_the_rest(port, claim)
    if port.rule.health_check_port:
        yield accept_health_checks(port)
    if not port.has_endpoints:
        return
    if not port.refusal(CLUSTER_IP):
        yield from mark_cluster_traffic(port)
    if port.rule.reachable_from_outside:
        yield from external_lines(port)
    if uses_firewall(port):
        yield from firewall_lines(port)
    yield from choices(port, names.CLUSTER_CHAIN, port.cluster)
    yield from choices(port, names.LOCAL_CHAIN, port.local)
    for endpoint in port.categories.reachable:
        yield from endpoint_lines(port, endpoint)


def uses_firewall(port: Port) -> bool:
    """Whether source ranges are checked: only where there is somebody to protect."""
    return port.has_endpoints and port.guarded


def list_chain(port: Port, *, local: bool) -> str:
    """The chain that chooses among the endpoints of a policy."""
    return names.chain(names.LOCAL_CHAIN if local else names.CLUSTER_CHAIN, port.rule)


def _entry(port: Port, claim: Claim) -> Iterator[Line]:
    if port.has_endpoints and not (claim.kind is CLUSTER_IP and port.refusal(CLUSTER_IP)):
        yield entry(port, claim)


def entry(port: Port, claim: Claim) -> Line:
    """The rule that sends an address of the Service to its chain."""
    if claim.kind is CLUSTER_IP:
        to = list_chain(port, local=port.rule.internal_local)
    else:
        prefix = names.FIREWALL_CHAIN if claim.kind is LOAD_BALANCER_IP and port.guarded else names.EXTERNAL_CHAIN
        to = names.chain(prefix, port.rule)
    if claim.kind is NODE_PORT:
        match = f"{_protocol(port)} {_note(port)} {_to_port(port, port.rule.node_port)}"
        return _nat(port, "KUBE-NODEPORTS", f"{match} -j {to}")
    match = f"-d {block(claim.ip)} {_protocol(port)} {_note(port, f' {_WHAT[claim.kind]}')} {_to_port(port)}"
    return _nat(port, "KUBE-SERVICES", f"{match} -j {to}")


def refuse(port: Port, claim: Claim) -> Line:
    """The REJECT or DROP for what found no endpoint."""
    verdict = port.refusal(claim.kind)
    note = _note(port, " has no endpoints" if verdict == REJECT else " has no local endpoints")
    chain = "KUBE-SERVICES" if claim.kind is CLUSTER_IP else "KUBE-EXTERNAL-SERVICES"
    if claim.kind is NODE_PORT:
        local = "-m addrtype --dst-type LOCAL"
        match = f"{_protocol(port)} {note} {local} {_to_port(port, port.rule.node_port)}"
    else:
        match = f"-d {block(claim.ip)} {_protocol(port)} {note} {_to_port(port)}"
    return _filter(port, chain, f"{match} -j {_refusal(port) if verdict == REJECT else 'DROP'}")


def drop_the_rest(port: Port, claim: Claim) -> Line:
    """The DROP for what the firewall chain did not let through."""
    note = _note(port, f" traffic not accepted by {names.chain(names.FIREWALL_CHAIN, port.rule)}")
    text = f"-d {block(claim.ip)} {_protocol(port)} {note} {_to_port(port)} -j DROP"
    return _filter(port, "KUBE-PROXY-FIREWALL", text)


def accept_health_checks(port: Port) -> Line:
    """The ACCEPT for the healthCheckNodePort, on every address of the node."""
    note = _note(port, " health check node port")
    text = f"-p tcp {note} -m tcp --dport {port.rule.health_check_port} -j ACCEPT"
    return _filter(port, "KUBE-NODEPORTS", text)


def mark_cluster_traffic(port: Port) -> Iterator[Line]:
    """Masquerade what comes to the cluster IP from no Pod, so that answers come back through this node."""
    if not (port.node.masquerade_all or port.pod_cidr):
        return
    source = "" if port.node.masquerade_all else f"! -s {port.pod_cidr} "
    match = f"{source}-d {block(port.rule.cluster_ip)} {_protocol(port)} {_note(port, ' cluster IP')} {_to_port(port)}"
    chain = list_chain(port, local=port.rule.internal_local)
    yield _nat(port, chain, f"{match} -j KUBE-MARK-MASQ")


def external_lines(port: Port) -> Iterator[Line]:
    """The KUBE-EXT- chain: masquerade, or short cuts for Pods and the node itself around a Local policy."""
    chain = names.chain(names.EXTERNAL_CHAIN, port.rule)
    if port.rule.external_local:
        yield from short_cut_for_pods(port)
        yield from short_cut_for_node(port)
    else:
        yield mark_external_traffic(port)
    if not port.refusal(NODE_PORT):
        yield _nat(port, chain, f"-j {list_chain(port, local=port.rule.external_local)}")


def mark_external_traffic(port: Port) -> Line:
    """Masquerade all of it: the endpoint may be on another node and must answer through this one."""
    chain = names.chain(names.EXTERNAL_CHAIN, port.rule)
    note = f'-m comment --comment "masquerade traffic for {port.name} external destinations"'
    return _nat(port, chain, f"{note} -j KUBE-MARK-MASQ")


def short_cut_for_pods(port: Port) -> Iterator[Line]:
    """Pods are under no external policy, as if they went out and came in again."""
    if port.pod_cidr:
        chain = names.chain(names.EXTERNAL_CHAIN, port.rule)
        note = f'-m comment --comment "pod traffic for {port.name} external destinations"'
        yield _nat(port, chain, f"-s {port.pod_cidr} {note} -j {list_chain(port, local=False)}")


def short_cut_for_node(port: Port) -> Iterator[Line]:
    """The node itself is under no external policy either; its source may be the balancer's address: masquerade."""
    chain = names.chain(names.EXTERNAL_CHAIN, port.rule)
    for what, to in (("masquerade", "KUBE-MARK-MASQ"), ("route", list_chain(port, local=False))):
        note = f'-m comment --comment "{what} LOCAL traffic for {port.name} external destinations"'
        yield _nat(port, chain, f"{note} -m addrtype --src-type LOCAL -j {to}")


def firewall_lines(port: Port) -> Iterator[Line]:
    """The KUBE-FW- chain: one rule for each source that is let through."""
    for source in port.allowed_sources():
        yield allow(port, source)
    yield leave_to_firewall(port)


def allow(port: Port, source: str) -> Line:
    """Let one source on to the external chain."""
    chain = names.chain(names.FIREWALL_CHAIN, port.rule)
    to = names.chain(names.EXTERNAL_CHAIN, port.rule)
    return _nat(port, chain, f"-s {block(source)} {_note(port, ' loadbalancer IP')} -j {to}")


def leave_to_firewall(port: Port) -> Line:
    """A rule that does nothing but say what comes."""
    chain = names.chain(names.FIREWALL_CHAIN, port.rule)
    note = f'-m comment --comment "other traffic to {port.name} will be dropped by KUBE-PROXY-FIREWALL"'
    return _nat(port, chain, note)


def choices(port: Port, prefix: str, endpoints: tuple[EndpointInfo, ...]) -> Iterator[Line]:
    """A chain that takes one of some endpoints: the one remembered for the client, else at random."""
    for endpoint in endpoints if port.rule.affinity_s else ():
        yield return_to(port, prefix, endpoint)
    for index, endpoint in enumerate(endpoints):
        yield choose(port, prefix, endpoint, len(endpoints) - index)


def return_to(port: Port, prefix: str, endpoint: EndpointInfo) -> Line:
    """Take an endpoint again that the client had less than the affinity's time ago."""
    to = names.endpoint_chain(port.rule, endpoint)
    recent = f"-m recent --rcheck --seconds {port.rule.affinity_s:.0f} --reap {_list(port, to)}"
    return _nat(port, names.chain(prefix, port.rule), f"{_to_note(port, endpoint)} {recent} -j {to}")


def choose(port: Port, prefix: str, endpoint: EndpointInfo, left: int) -> Line:
    """Take an endpoint with the probability 1/left; the last one for sure."""
    to = names.endpoint_chain(port.rule, endpoint)
    odds = f" -m statistic --mode random --probability {probability(left)}" if left > 1 else ""
    return _nat(port, names.chain(prefix, port.rule), f"{_to_note(port, endpoint)}{odds} -j {to}")


def endpoint_lines(port: Port, endpoint: EndpointInfo) -> Iterator[Line]:
    """The KUBE-SEP- chain: masquerade who reaches itself, then rewrite the destination."""
    yield mark_hairpin(port, endpoint)
    yield rewrite(port, endpoint)


def mark_hairpin(port: Port, endpoint: EndpointInfo) -> Line:
    """A Pod that reaches itself would answer itself directly, and be confused."""
    return _nat(
        port,
        names.endpoint_chain(port.rule, endpoint),
        f"-s {block(endpoint.ip)} {_note(port)} -j KUBE-MARK-MASQ",
    )


def rewrite(port: Port, endpoint: EndpointInfo) -> Line:
    """DNAT, and for session affinity a note of who was sent here."""
    chain = names.endpoint_chain(port.rule, endpoint)
    recent = f"-m recent --set {_list(port, chain)} " if port.rule.affinity_s else ""
    match = f"{_protocol(port)} {_note(port)} {recent}-m {port.protocol}"
    return _nat(port, chain, f"{match} -j DNAT --to-destination {endpoint.address}")


def probability(left: int) -> str:
    """1/left with ten digits as kube-proxy gives it, in the 31 bits that the kernel keeps of it."""
    return f"{round(float(f'{1 / left:.10f}') * 2**31) / 2**31:.11f}"


def block(text: str) -> str:
    """An address as a CIDR of one; a CIDR as it is."""
    if "/" in text:
        return text
    return f"{text}/128" if ":" in text else f"{text}/32"


def _nat(port: Port, chain: str, text: str) -> Line:
    return Line(NAT, chain, text, port.rule.service)


def _filter(port: Port, chain: str, text: str) -> Line:
    return Line(FILTER, chain, text, port.rule.service)


def _protocol(port: Port) -> str:
    return f"-p {port.protocol}"


def _note(port: Port, more: str = "") -> str:
    return f'-m comment --comment "{port.name}{more}"'


def _to_note(port: Port, endpoint: EndpointInfo) -> str:
    return f'-m comment --comment "{port.name} -> {endpoint.address}"'


def _to_port(port: Port, number: int = 0) -> str:
    return f"-m {port.protocol} --dport {number or port.rule.port}"


def _list(port: Port, name: str) -> str:
    mask = "255.255.255.255" if port.rule.family == IPV4 else ":".join(["ffff"] * 8)
    return f"--name {name} --mask {mask} --rsource"


def _refusal(port: Port) -> str:
    return f"REJECT --reject-with icmp{'' if port.rule.family == IPV4 else '6'}-port-unreachable"
