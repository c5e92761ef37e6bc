"""What `lab rules` prints for a node with ipvs, and that it means what `route` does."""

from __future__ import annotations

from itertools import product

import pytest

from lab.network import reasons
from lab.network.addresses import IPV4, IPV6, parse_cidrs
from lab.network.endpoints import EndpointInfo
from lab.network.node_facts import IPVS, NodeFacts
from lab.network.packet import DELIVER, Packet
from lab.network.program import rule_lines, written
from lab.network.router import Record, route
from lab.network.rule_table import RuleTable
from lab.network.service_rules import ServicePortRule
from tests.network.program.everything import EVERYTHING, node
from tests.network.program.test_rules_mean_what_route_does import HERE, LEAVING, THERE, V4, packets
from tests.network.program.walk_ipvs import Walker

LINES = [
    "-A -t 172.30.0.41:80 -s rr",
    "-a -t 172.30.0.41:80 -r 10.180.0.1:80 -m -w 1",
    "-A -t 192.168.0.2:3001 -s rr",
    "-A -t 192.168.1.2:3001 -s rr",
    "-A -u 172.30.0.42:53 -s rr",
    "-A --sctp-service 172.30.0.44:80 -s rr",
    "-A -t 172.30.0.45:80 -s rr -p 10800",
    "-A -t 172.30.0.46:80 -s rr",
    "create KUBE-CLUSTER-IP hash:ip,port family inet hashsize 1024 maxelem 65536",
    "create KUBE-NODE-PORT-TCP bitmap:port range 0-65535",
    "add KUBE-CLUSTER-IP 172.30.0.41,tcp:80",
    "add KUBE-EXTERNAL-IP-LOCAL 192.168.99.22,tcp:80",
    "add KUBE-LOAD-BALANCER-LOCAL 1.2.3.4,tcp:80",
    "add KUBE-LOAD-BALANCER-FW 5.6.7.8,tcp:80",
    "add KUBE-LOAD-BALANCER-SOURCE-CIDR 5.6.7.8,tcp:80,203.0.113.0/25",
    "add KUBE-LOAD-BALANCER-SOURCE-IP 5.6.7.8,tcp:80,5.6.7.8",
    "add KUBE-NODE-PORT-TCP 3001",
    "add KUBE-NODE-PORT-LOCAL-TCP 3001",
    "add KUBE-HEALTH-CHECK-NODE-PORT 30000",
    "add KUBE-LOOP-BACK 10.180.0.1,tcp:80,10.180.0.1",
    "add KUBE-IPVS-IPS 172.30.0.41",
    '-A KUBE-SERVICES ! -s 10.0.0.0/8 -m comment --comment "Kubernetes service cluster ip + port for masquerade '
    'purpose" -m set --match-set KUBE-CLUSTER-IP dst,dst -j KUBE-MARK-MASQ',
    "-A KUBE-IPVS-FILTER -m conntrack --ctstate NEW -m set --match-set KUBE-IPVS-IPS dst -j REJECT --reject-with "
    "icmp-port-unreachable",
]


@pytest.mark.parametrize("line", LINES)
def test_ipvs_writes(line: str) -> None:
    assert line in written(EVERYTHING, node(IPVS), IPV4)


def test_a_virtual_server_without_endpoints_has_no_real_servers() -> None:
    text = written(EVERYTHING, node(IPVS), IPV4, "ns6/svc6")
    assert "-A -t 172.30.0.46:80 -s rr" in text
    assert not [line for line in text if line.startswith("-a ")]


def test_the_sets_of_ipv6_have_names_of_their_own() -> None:
    text = written(EVERYTHING, node(IPVS), IPV6)
    assert any(line.startswith("add KUBE-6-CLUSTER-IP fd00:") for line in text)
    assert not any("KUBE-CLUSTER-IP" in line for line in text)


def test_the_scheduler_is_the_one_of_the_settings() -> None:
    assert "-A -t 172.30.0.41:80 -s lc" in written(EVERYTHING, node(IPVS, scheduler="lc"), IPV4)


def test_the_chains_are_the_same_for_any_number_of_services() -> None:
    def chains(table: RuleTable) -> list[str]:
        text = written(table, node(IPVS), IPV4)
        return [line for line in text[text.index("# iptables-save") :] if line.startswith("-A KUBE-SERVICES")]

    assert chains(EVERYTHING) == chains(RuleTable(1))


@pytest.mark.parametrize("cidr", [V4["cidr"], None])
@pytest.mark.parametrize("endpoints", [(), (HERE,), (THERE,), (HERE, THERE), (THERE, LEAVING)], ids=len)
def test_printed_rules_do_what_route_does(cidr: str | None, endpoints: tuple[EndpointInfo, ...]) -> None:
    facts = NodeFacts("w1", "", V4["node"], mode=IPVS, cluster_cidr=cidr, service_cidrs=[V4["services"]])
    for internal_local, external_local, guarded, outside in product([False, True], repeat=4):
        rule = ServicePortRule(
            "ns1/svc1",
            "http",
            "TCP",
            80,
            V4["cluster"].format(1),
            (V4["external"].format(1),) if outside else (),
            (V4["balancer"].format(1),) if outside else (),
            30081 if outside else 0,
            internal_local,
            external_local,
            0.0,
            parse_cidrs([V4["ranges"], V4["nodes"]]) if guarded else (),
            31001,
            endpoints,
        )
        table = RuleTable().with_service(rule.service, (rule,))
        walker = Walker(written(table, facts, IPV4), list(facts.ips))
        for packet in packets(V4):
            _compare(table, facts, walker, packet)


def _compare(table: RuleTable, facts: NodeFacts, walker: Walker, packet: Packet) -> None:
    found = {route(table, facts, packet, draw / 12) for draw in range(12)}
    expected = {(v.verdict, v.endpoint.address if v.endpoint else "", v.masquerade) for v in found}
    walked = {(end.outcome, end.endpoint, end.masquerade) for end in walker.walk(packet)}
    if {verdict.reason for verdict in found} == {reasons.ANSWER_DISCARDED}:
        # ipvs itself sends it on, and the client will not take the answer.
        assert all(end[0] == DELIVER and not end[2] for end in walked)
    else:
        assert walked == expected, packet
    printed = written(table, facts, IPV4)
    for draw in range(12):
        record = Record()
        route(table, facts, packet, draw / 12, None, record)
        lines = rule_lines(table, facts, packet, record)
        assert [str(line) for line in lines if str(line) not in printed] == []
