"""Packets through the printed rules in a real kernel: it does with them what `route` says.

The node is a network namespace that only the test has. Where a tool, the permission or a kernel module is missing,
these tests are skipped, and say which.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from lab.network.addresses import IPV4, IPV6, family
from lab.network.cases import case_of
from lab.network.node_facts import IPTABLES, NFTABLES, NodeFacts
from lab.network.packet import DELIVER, Packet
from lab.network.program import written
from lab.network.router import route
from lab.network.rule_table import RuleTable
from lab.network.traffic_policy import EXTERNAL_IP, LOAD_BALANCER_IP
from tests.conformance.vectors import cases
from tests.network.program.kernel_node import End, Sent
from tests.network.program.test_rules_mean_what_route_does import situations
from tests.network.program.test_the_kernel_takes_it import alone, need

LOAD = {
    (NFTABLES, IPV4): ["nft", "-f", "-"],
    (NFTABLES, IPV6): ["nft", "-f", "-"],
    (IPTABLES, IPV4): ["iptables-restore"],
    (IPTABLES, IPV6): ["ip6tables-restore"],
}
WORKER = [sys.executable, str(Path(__file__).with_name("kernel_node.py"))]
DRAWS = 60
"""A multiple of every number of endpoints here, so that every endpoint is drawn."""
MOST = 600
"""How many packets are sent at most to meet every endpoint."""


@pytest.fixture(scope="module")
def kernel() -> None:
    """Skip without a namespace, the tools, or a device for the packets."""
    need(NFTABLES, ["nft", "-f", "-"], "ip", "iptables-restore", "ip6tables-restore")
    need(IPTABLES, ["iptables-restore"])
    tried = alone(WORKER, json.dumps({"load": [], "rules": "", "ips": ["192.168.0.2"], "packets": []}))
    if tried.returncode:
        pytest.skip(f"no tun device here: {tried.stderr.strip().splitlines()[-1]}")


def expected(table: RuleTable, facts: NodeFacts, packet: Packet) -> tuple[set[End], bool]:
    """The ends that `route` knows, and whether session affinity leaves only one of them after the first packet."""
    verdicts = [route(table, facts, packet, draw / DRAWS) for draw in range(DRAWS)]
    ends = {End(v.verdict, v.endpoint.address if v.endpoint else "", v.masquerade) for v in verdicts}
    sticky = any(v.verdict == DELIVER and v.rule is not None and v.rule.affinity_s > 0 for v in verdicts)
    return ends, sticky


def leaves_unseen(table: RuleTable, facts: NodeFacts, packet: Packet) -> bool:
    """Whether it meets no rule of the filter table: what the node itself sends out to an external address.

    KUBE-EXTERNAL-SERVICES is jumped to from INPUT and FORWARD only (iptablesJumpChains in pkg/proxy/iptables), so such
    a packet goes out, and is refused by the node that it comes to next. docs/limits.md says so.
    """
    match = table.addresses.get((packet.dst_ip, packet.protocol, packet.dst_port))
    outward = match is not None and match.kind in (EXTERNAL_IP, LOAD_BALANCER_IP) and packet.dst_ip not in facts.ips
    return facts.mode == IPTABLES and outward and facts.is_local(packet.src_ip)


def compare(table: RuleTable, facts: NodeFacts, packets: list[Packet], wanted: str) -> None:
    """Send every packet, as often as it takes to meet all its endpoints, and none besides."""
    known = [expected(table, facts, packet) for packet in packets]
    sent: list[Sent] = [
        {
            "src": packet.src_ip,
            "dst": packet.dst_ip,
            "port": packet.dst_port,
            "protocol": packet.protocol,
            "wanted": 1 if sticky else len(ends),
            "most": MOST,
        }
        for packet, (ends, sticky) in zip(packets, known, strict=True)
    ]
    rules = "\n".join(written(table, facts, wanted)) + "\n"
    task = {"load": LOAD[facts.mode, wanted], "rules": rules, "ips": list(facts.ips), "packets": sent}
    result = alone(WORKER, json.dumps(task))
    assert result.returncode == 0, f"{result.stderr}\n{rules}"
    for packet, (ends, sticky), seen in zip(packets, known, json.loads(result.stdout), strict=True):
        found = {End(*end) for end in seen}
        if ends == {End("reject", "", False)} and leaves_unseen(table, facts, packet):
            ends = {End("pass", "", False)}
        if sticky:
            assert len(found) == 1, f"{packet}\n{rules}"
            assert found <= ends, f"{packet}\n{rules}"
        else:
            assert found == ends, f"{packet}\n{rules}"


@pytest.mark.usefixtures("kernel")
@pytest.mark.parametrize("case", cases("packet_flows.json"))
def test_packets_of_the_vectors_go_where_kube_proxy_leads_them(case: dict[str, Any]) -> None:
    read = case_of(case)
    packets = [Packet(flow["from"], 40000, flow["to"], flow["port"], flow["protocol"]) for flow in case["flows"]]
    compare(read.table, read.facts, packets, case["proxy"]["ip_family"])


@pytest.mark.usefixtures("kernel")
@given(situation=situations())
@settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.filter_too_much],
)
def test_packets_through_any_table_go_where_route_says(
    situation: tuple[RuleTable, NodeFacts, list[Packet], int],
) -> None:
    table, facts, packets, _ = situation
    compare(table, facts, packets, family(packets[0].dst_ip))
