"""A node's rules in ipvs mode: what `ipvsadm -Sn`, `ipset save` and `iptables-save` print.

Structure, names and comments are those of kube-proxy's ipvs backend (pkg/proxy/ipvs). Every address of a Service is on
the dummy interface kube-ipvs0, so packets to it come in at the node itself, and there the kernel's virtual servers take
them. iptables is needed only for what ipvs cannot do, masquerade and filters, and finds addresses and ports in sets: as
many rules for ten thousand Services as for one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lab.network.addresses import IPV4
from lab.network.addresses import family as family_of
from lab.network.endpoints import EndpointInfo
from lab.network.flow import Flow
from lab.network.node_facts import NodeFacts
from lab.network.packet import SCTP, TCP
from lab.network.program import iptables
from lab.network.program.iptables import FILTER, MARK, NAT
from lab.network.program.line import ELEMENT, Line
from lab.network.program.port import Claim, Port, port_of
from lab.network.rule_table import RuleTable
from lab.network.traffic_policy import CLUSTER_IP, EXTERNAL_IP, LOAD_BALANCER_IP, NODE_PORT

IPVS, IPSET = "ipvs", "ipset"
HELPERS: tuple[str, ...] = ()
"""Services have no chains of their own here."""

LOOP_BACK, CLUSTER, VIRTUAL = "KUBE-LOOP-BACK", "KUBE-CLUSTER-IP", "KUBE-IPVS-IPS"
EXTERNAL, EXTERNAL_LOCAL = "KUBE-EXTERNAL-IP", "KUBE-EXTERNAL-IP-LOCAL"
BALANCER, BALANCER_LOCAL, GUARDED = "KUBE-LOAD-BALANCER", "KUBE-LOAD-BALANCER-LOCAL", "KUBE-LOAD-BALANCER-FW"
SOURCE_IP, SOURCE_CIDR = "KUBE-LOAD-BALANCER-SOURCE-IP", "KUBE-LOAD-BALANCER-SOURCE-CIDR"
HEALTH = "KUBE-HEALTH-CHECK-NODE-PORT"
_PORT_SETS = {"TCP": "KUBE-NODE-PORT-TCP", "UDP": "KUBE-NODE-PORT-UDP", SCTP: "KUBE-NODE-PORT-SCTP-HASH"}
_LOCAL_PORT_SETS = {
    "TCP": "KUBE-NODE-PORT-LOCAL-TCP",
    "UDP": "KUBE-NODE-PORT-LOCAL-UDP",
    SCTP: "KUBE-NODE-PORT-LOCAL-SCTP-HASH",
}
_LONGEST_SET_NAME = 31
_LOCAL_NOTE = "with externalTrafficPolicy=local"
_MASQUERADE_NOTE = "for masquerade purpose"
_HASH_NOTE = r"with type \'hash ip:port\'"
"""As iptables-save writes quotes."""
_SETS: dict[str, tuple[str, str]] = {
    LOOP_BACK: ("hash:ip,port,ip", "Kubernetes endpoints dst ip:port, source ip for solving hairpin purpose"),
    CLUSTER: ("hash:ip,port", f"Kubernetes service cluster ip + port {_MASQUERADE_NOTE}"),
    EXTERNAL: ("hash:ip,port", "Kubernetes service external ip + port for masquerade and filter purpose"),
    EXTERNAL_LOCAL: ("hash:ip,port", f"Kubernetes service external ip + port {_LOCAL_NOTE}"),
    BALANCER: ("hash:ip,port", "Kubernetes service lb portal"),
    GUARDED: ("hash:ip,port", "Kubernetes service load balancer ip + port for load balancer with sourceRange"),
    BALANCER_LOCAL: ("hash:ip,port", f"Kubernetes service load balancer ip + port {_LOCAL_NOTE}"),
    SOURCE_IP: (
        "hash:ip,port,ip",
        "Kubernetes service load balancer ip + port + source IP for packet filter purpose",
    ),
    SOURCE_CIDR: (
        "hash:ip,port,net",
        "Kubernetes service load balancer ip + port + source cidr for packet filter purpose",
    ),
    _PORT_SETS["TCP"]: ("bitmap:port", f"Kubernetes nodeport TCP port {_MASQUERADE_NOTE}"),
    _LOCAL_PORT_SETS["TCP"]: ("bitmap:port", f"Kubernetes nodeport TCP port {_LOCAL_NOTE}"),
    _PORT_SETS["UDP"]: ("bitmap:port", f"Kubernetes nodeport UDP port {_MASQUERADE_NOTE}"),
    _LOCAL_PORT_SETS["UDP"]: ("bitmap:port", f"Kubernetes nodeport UDP port {_LOCAL_NOTE}"),
    _PORT_SETS[SCTP]: ("hash:ip,port", f"Kubernetes nodeport SCTP port {_MASQUERADE_NOTE} {_HASH_NOTE}"),
    _LOCAL_PORT_SETS[SCTP]: ("hash:ip,port", f"Kubernetes nodeport SCTP port {_LOCAL_NOTE} {_HASH_NOTE}"),
    HEALTH: ("bitmap:port", "Kubernetes health check node port"),
    VIRTUAL: ("hash:ip", "Addresses on the ipvs interface"),
}
_CHAINS = {
    FILTER: (
        "KUBE-FORWARD",
        "KUBE-IPVS-FILTER",
        "KUBE-IPVS-OUT-FILTER",
        "KUBE-NODE-PORT",
        "KUBE-PROXY-FIREWALL",
        "KUBE-SOURCE-RANGES-FIREWALL",
    ),
    NAT: ("KUBE-LOAD-BALANCER", "KUBE-MARK-MASQ", "KUBE-NODE-PORT", "KUBE-POSTROUTING", "KUBE-SERVICES"),
}
_JUMPS = (
    (NAT, "OUTPUT", "KUBE-SERVICES", "kubernetes service portals"),
    (NAT, "PREROUTING", "KUBE-SERVICES", "kubernetes service portals"),
    (NAT, "POSTROUTING", "KUBE-POSTROUTING", "kubernetes postrouting rules"),
    (FILTER, "FORWARD", "KUBE-FORWARD", "kubernetes forwarding rules"),
    (FILTER, "INPUT", "KUBE-NODE-PORT", "kubernetes health check rules"),
    (FILTER, "INPUT", "KUBE-PROXY-FIREWALL", "kube-proxy firewall rules"),
    (FILTER, "FORWARD", "KUBE-PROXY-FIREWALL", "kube-proxy firewall rules"),
    (FILTER, "INPUT", "KUBE-IPVS-FILTER", "kubernetes ipvs access filter"),
    (FILTER, "OUTPUT", "KUBE-IPVS-OUT-FILTER", "kubernetes ipvs access filter"),
)
_BY_SET = (
    (LOOP_BACK, NAT, "KUBE-POSTROUTING", "MASQUERADE", "dst,dst,src"),
    (BALANCER, NAT, "KUBE-SERVICES", "KUBE-LOAD-BALANCER", "dst,dst"),
    (BALANCER_LOCAL, NAT, "KUBE-LOAD-BALANCER", "RETURN", "dst,dst"),
    (GUARDED, FILTER, "KUBE-PROXY-FIREWALL", "KUBE-SOURCE-RANGES-FIREWALL", "dst,dst"),
    (SOURCE_CIDR, FILTER, "KUBE-SOURCE-RANGES-FIREWALL", "RETURN", "dst,dst,src"),
    (SOURCE_IP, FILTER, "KUBE-SOURCE-RANGES-FIREWALL", "RETURN", "dst,dst,src"),
)
"""The rules that look into one set: (set, table, chain, target, what is looked up)."""
_FLAGS = {"TCP": "-t", "UDP": "-u", SCTP: "--sctp-service"}


def write(lines: Iterable[Line], node: NodeFacts, family: str, *, whole: bool) -> list[str]:
    """The three parts, each after a comment that names the tool; `whole` makes every set and chain of a node."""
    found = list(dict.fromkeys(lines))
    servers, sets = _by_holder(found, IPVS), _by_holder(found, IPSET)
    text = ["# ipvsadm -Sn", *(line for server in servers.values() for line in server), "# ipset save"]
    for base in _SETS:
        name = set_name(base, family)
        if whole or name in sets:
            text += [_create(base, family), *sets.get(name, ())]
    if whole or any(line.table in (FILTER, NAT) for line in found):
        text.append("# iptables-save" if family == IPV4 else "# ip6tables-save")
        text += iptables.write(found, node, family, whole=whole, own=_CHAINS)
    return text


def _by_holder(lines: Iterable[Line], table: str) -> dict[str, dict[str, None]]:
    """What is in each virtual server or set: each line once, also where several Services have the same member."""
    found: dict[str, dict[str, None]] = {}
    for line in lines:
        if line.table == table:
            found.setdefault(line.holder, {})[str(line)] = None
    return found


def set_name(name: str, family: str) -> str:
    """The name of a set: those of IPv6 begin with KUBE-6-, and are cut off where the kernel's names end."""
    return name if family == IPV4 else name.replace("KUBE-", "KUBE-6-", 1)[:_LONGEST_SET_NAME]


def _create(name: str, family: str) -> str:
    # kube-proxy's comments on sets stand in the rules that look into them; the sets themselves have none.
    form, _ = _SETS[name]
    kind = "inet" if family == IPV4 else "inet6"
    size = "range 0-65535" if form == "bitmap:port" else f"family {kind} hashsize 1024 maxelem 65536"
    return f"create {set_name(name, family)} {form} {size}"


# -- what every node has --------------------------------------------------------------------------------------


def first_lines(node: NodeFacts, family: str) -> Iterator[Line]:
    """The chains: they look into the sets, so no Service has any of its own."""
    for table, chain, to, note in _JUMPS:
        yield Line(table, chain, f'-m comment --comment "{note}" -j {to}')
    yield Line(NAT, "KUBE-SERVICES", f"-s {'127.0.0.0/8' if family == IPV4 else '::1/128'} -j RETURN")
    for name, *_ in _BY_SET:
        yield by_set(name, family)
    for protocol in _PORT_SETS:
        for name, to in ((_LOCAL_PORT_SETS[protocol], "RETURN"), (_PORT_SETS[protocol], "KUBE-MARK-MASQ")):
            yield _by_port_set(protocol, name, to, family)
    yield mark_cluster_traffic(node, family)
    yield from mark_external_traffic(family)
    yield Line(NAT, "KUBE-SERVICES", "-m addrtype --dst-type LOCAL -j KUBE-NODE-PORT")
    yield mark_balanced_traffic()
    for name in (CLUSTER, BALANCER):
        yield Line(NAT, "KUBE-SERVICES", f"{_match(name, family, 'dst,dst')} -j ACCEPT")
    yield drop_others()
    yield from _forward()
    yield accept_health_checks(family)
    yield from _access_filter(family)
    yield from _masquerade()


def _forward() -> Iterator[Line]:
    note = '-m comment --comment "kubernetes forwarding rules"'
    yield Line(FILTER, "KUBE-FORWARD", f"{note} -m mark --mark {MARK}/{MARK} -j ACCEPT")
    note = '-m comment --comment "kubernetes forwarding conntrack rule"'
    yield Line(FILTER, "KUBE-FORWARD", f"{note} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT")


def _access_filter(family: str) -> Iterator[Line]:
    """Processes of the node are not to be reached by the addresses of Services, which are the node's own now."""
    for name in (BALANCER, CLUSTER, EXTERNAL, EXTERNAL_LOCAL):
        yield Line(FILTER, "KUBE-IPVS-FILTER", f"{_match(name, family, 'dst,dst')} -j RETURN")
    yield Line(FILTER, "KUBE-IPVS-FILTER", f"{_match(HEALTH, family, 'dst')} -j RETURN")
    yield wrong_port(family)


def _masquerade() -> Iterator[Line]:
    yield Line(NAT, "KUBE-POSTROUTING", f"-m mark ! --mark {MARK}/{MARK} -j RETURN")
    yield Line(NAT, "KUBE-POSTROUTING", f"-j MARK --set-xmark {MARK}/0x0")
    note = '-m comment --comment "kubernetes service traffic requiring SNAT"'
    yield Line(NAT, "KUBE-POSTROUTING", f"{note} -j MASQUERADE --random-fully")
    yield Line(NAT, "KUBE-MARK-MASQ", f"-j MARK --set-xmark {MARK}/{MARK}")


def by_set(name: str, family: str) -> Line:
    """The rule that sends what is in a set to its chain."""
    _, table, chain, to, what = next(each for each in _BY_SET if each[0] == name)
    return Line(table, chain, f"{_note(name)} {_match(name, family, what)} -j {to}")


def _by_port_set(protocol: str, name: str, to: str, family: str) -> Line:
    what = "dst,dst" if protocol == SCTP else "dst"
    return Line(NAT, "KUBE-NODE-PORT", f"-p {protocol.lower()} {_note(name)} {_match(name, family, what)} -j {to}")


def by_node_port(port: Port, family: str) -> Line:
    """The rule that masquerades a node port's traffic, or lets it be under the Local policy."""
    protocol = port.rule.protocol
    if port.rule.external_local:
        return _by_port_set(protocol, _LOCAL_PORT_SETS[protocol], "RETURN", family)
    return _by_port_set(protocol, _PORT_SETS[protocol], "KUBE-MARK-MASQ", family)


def mark_cluster_traffic(node: NodeFacts, family: str) -> Line:
    """Masquerade what comes to a cluster IP from no Pod; without a cluster CIDR, what comes from such an address."""
    cidr = node.pod_cidr(family)
    source = "" if node.masquerade_all or cidr is None else f"! -s {cidr.text} "
    what = "dst,dst" if node.masquerade_all or cidr is not None else "src,dst"
    text = f"{source}{_note(CLUSTER)} {_match(CLUSTER, family, what)} -j KUBE-MARK-MASQ"
    return Line(NAT, "KUBE-SERVICES", text)


def mark_external_traffic(family: str) -> Iterator[Line]:
    """Masquerade what comes to an external IP, unless its policy is Local."""
    for name in (EXTERNAL, EXTERNAL_LOCAL):
        match = f"{_note(name)} {_match(name, family, 'dst,dst')}"
        if name == EXTERNAL:
            yield Line(NAT, "KUBE-SERVICES", f"{match} -j KUBE-MARK-MASQ")
        yield Line(
            NAT, "KUBE-SERVICES", f"{match} -m physdev ! --physdev-is-in -m addrtype ! --src-type LOCAL -j ACCEPT"
        )
        yield Line(NAT, "KUBE-SERVICES", f"{match} -m addrtype --dst-type LOCAL -j ACCEPT")


def mark_balanced_traffic() -> Line:
    """Masquerade what comes to a load-balancer IP; that of a Local policy has returned before."""
    return Line(NAT, "KUBE-LOAD-BALANCER", "-j KUBE-MARK-MASQ")


def drop_others() -> Line:
    """The DROP for sources in none of the ranges."""
    return Line(FILTER, "KUBE-SOURCE-RANGES-FIREWALL", "-j DROP")


def accept_health_checks(family: str) -> Line:
    """The ACCEPT for health check ports, on every address of the node."""
    return Line(FILTER, "KUBE-NODE-PORT", f"{_note(HEALTH)} {_match(HEALTH, family, 'dst')} -j ACCEPT")


def wrong_port(family: str) -> Line:
    """The REJECT for a Service's address with a port that it does not have."""
    refusal = f"REJECT --reject-with icmp{'' if family == IPV4 else '6'}-port-unreachable"
    return Line(FILTER, "KUBE-IPVS-FILTER", f"-m conntrack --ctstate NEW {_match(VIRTUAL, family, 'dst')} -j {refusal}")


def _note(name: str) -> str:
    return f'-m comment --comment "{_SETS[name][1]}"'


def _match(name: str, family: str, what: str) -> str:
    return f"-m set --match-set {set_name(name, family)} {what}"


# -- one Service port -----------------------------------------------------------------------------------------


def service_lines(port: Port, claims: Iterable[Claim]) -> Iterator[Line]:
    """The virtual servers of a port, their real servers, and the port's members in the sets."""
    for claim in claims:
        for ip in _ips(port, claim):
            yield virtual_server(port, claim, ip)
            yield from (real_server(port, claim, ip, endpoint.address) for endpoint in real_servers(port, claim.kind))
        yield from members(port, claim)
    for endpoint in port.rule.endpoints:
        if endpoint.local_to(port.node.name):
            yield hairpin(port, endpoint)
    if port.rule.health_check_port:
        yield _member(port, HEALTH, str(port.rule.health_check_port))


def real_servers(port: Port, kind: str) -> tuple[EndpointInfo, ...]:
    """Those of one sort of virtual server: with a Local policy the local ones, or where there are none, all."""
    return (port.local or port.cluster) if port.is_local(kind) else port.cluster


def virtual_server(port: Port, claim: Claim, ip: str) -> Line:
    """A virtual server: an address and port, with the scheduler and perhaps the time of its affinity."""
    where = _where(port, claim, ip)
    sticky = f" -p {port.rule.affinity_s:.0f}" if port.rule.affinity_s else ""
    return Line(IPVS, where, f"-A {where} -s {port.node.scheduler}{sticky}", port.rule.service)


def real_server(port: Port, claim: Claim, ip: str, address: str, weight: int = 1) -> Line:
    """One endpoint of a virtual server; with weight 0 it gets no new connections."""
    where = _where(port, claim, ip)
    return Line(IPVS, where, f"-a {where} -r {address} -m -w {weight}", port.rule.service)


def draining(table: RuleTable, node: NodeFacts, family: str, service: str, flows: Iterable[Flow]) -> Iterator[Line]:
    """Real servers that are no endpoints any more, and stay for the TCP connections that they still have.

    Other protocols have no graceful termination (graceful_termination.go).
    """
    for flow in flows:
        packet, name = flow.packet, flow.decision.service
        if not name or packet.protocol != TCP or (service and name != service):
            continue
        match = table.addresses.get((packet.dst_ip, TCP, packet.dst_port))
        match = match or table.node_ports.get((family_of(packet.dst_ip), TCP, packet.dst_port))
        if match is None or match.rule.service != name or match.rule.family != family:
            continue
        port, address = port_of(match.rule, node), flow.decision.endpoint
        if address and all(address != server.address for server in real_servers(port, match.kind)):
            # The cloud's 1:1 NAT: a node port's packets came to the node's own address.
            ip = packet.dst_ip if match.kind is not NODE_PORT else next(iter(node.node_port_ips(family)), "")
            yield real_server(port, Claim(match.kind, packet.dst_ip), ip, address, weight=0)


def members(port: Port, claim: Claim) -> Iterator[Line]:
    """An address's place in the sets."""
    rule = port.rule
    if claim.kind is NODE_PORT:
        names = (_PORT_SETS, _LOCAL_PORT_SETS) if rule.external_local else (_PORT_SETS,)
        ips = _ips(port, claim) if rule.protocol == SCTP else ("",)
        for each in names:
            for ip in ips:
                number = f"{ip},sctp:{rule.node_port}" if ip else str(rule.node_port)
                yield _member(port, each[rule.protocol], number)
        return
    for name in _sets_of(port, claim):
        yield member(port, claim, name)
    if claim.kind is LOAD_BALANCER_IP and rule.source_ranges:
        sources = port.allowed_sources()
        yield from (allow(port, claim, source) for source in sources)
        if claim.ip not in sources:
            yield keep_node_out(port, claim)
    yield _member(port, VIRTUAL, claim.ip)


def _sets_of(port: Port, claim: Claim) -> tuple[str, ...]:
    """The sets that an address and port are in."""
    local = port.rule.external_local
    if claim.kind == CLUSTER_IP:
        return (CLUSTER,)
    if claim.kind == EXTERNAL_IP:
        return (EXTERNAL_LOCAL if local else EXTERNAL,)
    return (BALANCER, *((BALANCER_LOCAL,) if local else ()), *((GUARDED,) if port.guarded else ()))


def member(port: Port, claim: Claim, name: str) -> Line:
    """An address and port in a set."""
    return _member(port, name, _address_and_port(port, claim))


def allow(port: Port, claim: Claim, source: str) -> Line:
    """A source that may use a load-balancer IP: a network, or the address itself."""
    name = SOURCE_CIDR if "/" in source else SOURCE_IP
    return _member(port, name, f"{_address_and_port(port, claim)},{source}")


def keep_node_out(port: Port, claim: Claim) -> Line:
    """The DROP for the node itself where no range has it: its kernel takes the address as the source, too."""
    vserver = f"-m ipvs --vaddr {claim.ip} --vproto {port.protocol} --vport {port.rule.port}"
    return Line(FILTER, "KUBE-IPVS-OUT-FILTER", f"-s {iptables.block(claim.ip)} {vserver} -j DROP", port.rule.service)


def hairpin(port: Port, endpoint: EndpointInfo) -> Line:
    """An endpoint that must be masqueraded when it reaches itself."""
    return _member(port, LOOP_BACK, f"{endpoint.ip},{port.protocol}:{endpoint.port},{endpoint.ip}")


def virtual_ip(port: Port, ip: str) -> Line:
    """An address of kube-ipvs0."""
    return _member(port, VIRTUAL, ip)


def _member(port: Port, name: str, text: str) -> Line:
    return Line(IPSET, set_name(name, port.rule.family), text, port.rule.service, ELEMENT)


def _address_and_port(port: Port, claim: Claim) -> str:
    return f"{claim.ip},{port.protocol}:{port.rule.port}"


def _ips(port: Port, claim: Claim) -> tuple[str, ...]:
    """The addresses that a claim stands for: for a node port every one of the node's."""
    return (claim.ip,) if claim.kind is not NODE_PORT else port.node.node_port_ips(port.rule.family)


def _where(port: Port, claim: Claim, ip: str) -> str:
    number = port.rule.node_port if claim.kind is NODE_PORT else port.rule.port
    return f"{_FLAGS[port.rule.protocol]} {ip if ':' not in ip else f'[{ip}]'}:{number}"
