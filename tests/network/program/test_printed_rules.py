"""What is printed, line by line."""

from __future__ import annotations

import pytest

from lab.kube.versions import NEWEST, VERSIONS
from lab.network.addresses import IPV4, IPV6, parse_cidrs
from lab.network.node_facts import IPTABLES, NFTABLES
from lab.network.program import families, lines_of, written
from lab.network.program.iptables import probability
from lab.network.rule_table import RuleTable
from tests.network.program.everything import EVERYTHING, endpoint, node, rule, table

SVC1 = "KUBE-SVC-XPGD46QRK7WJZT7O"


def printed(mode: str, service: str = "", wanted: str = IPV4, release: str = NEWEST) -> list[str]:
    """The lines without what only sets them out."""
    lines = (line.strip().rstrip(",") for line in written(EVERYTHING, node(mode, release), wanted, service))
    return [line.removeprefix("elements = { ") if line.startswith("elements") else line for line in lines]


def test_iptables_has_both_tables_and_ends_each() -> None:
    lines = printed(IPTABLES)
    assert lines[0] == "*filter"
    assert lines.count("COMMIT") == 2
    declared = [line.split()[0][1:] for line in lines if line.startswith(":")]
    assert all(line.split()[1] in declared for line in lines if line.startswith("-A"))


@pytest.mark.parametrize(
    ("left", "text"), [(1, "1.00000000000"), (2, "0.50000000000"), (3, "0.33333333349"), (4, "0.25000000000")]
)
def test_probabilities_are_written_as_iptables_save_reads_them_from_the_kernel(left: int, text: str) -> None:
    assert probability(left) == text


@pytest.mark.parametrize(
    "line",
    [
        f'-A KUBE-SERVICES -d 172.30.0.41/32 -p tcp -m comment --comment "ns1/svc1:p80 cluster IP" -m tcp '
        f"--dport 80 -j {SVC1}",
        f'-A {SVC1} ! -s 10.0.0.0/8 -d 172.30.0.41/32 -p tcp -m comment --comment "ns1/svc1:p80 cluster IP" '
        "-m tcp --dport 80 -j KUBE-MARK-MASQ",
        f'-A {SVC1} -m comment --comment "ns1/svc1:p80 -> 10.180.0.2:80" -m statistic --mode random '
        "--probability 0.50000000000 -j KUBE-SEP-LXVODXWDISEETFEF",
        '-A KUBE-SEP-SXIVWICOYRO3J4NJ -s 10.180.0.1/32 -m comment --comment "ns1/svc1:p80" -j KUBE-MARK-MASQ',
        '-A KUBE-SEP-SXIVWICOYRO3J4NJ -p tcp -m comment --comment "ns1/svc1:p80" -m tcp -j DNAT '
        "--to-destination 10.180.0.1:80",
        # no endpoint here: the refusal, and the short cuts of the external chain
        '-A KUBE-EXTERNAL-SERVICES -d 1.2.3.4/32 -p tcp -m comment --comment "ns2/svc2:p80 has no local endpoints" '
        "-m tcp --dport 80 -j DROP",
        '-A KUBE-EXT-GNZBNJ2PO5MGZ6GT -s 10.0.0.0/8 -m comment --comment "pod traffic for ns2/svc2:p80 external '
        'destinations" -j KUBE-SVC-GNZBNJ2PO5MGZ6GT',
        '-A KUBE-NODEPORTS -p tcp -m comment --comment "ns2/svc2:p80 health check node port" -m tcp --dport 30000 '
        "-j ACCEPT",
        # source ranges, one of which has this node in it
        '-A KUBE-PROXY-FIREWALL -d 5.6.7.8/32 -p tcp -m comment --comment "ns5/svc5:p80 traffic not accepted by '
        'KUBE-FW-NUKIZ6OKUXPJNT4C" -m tcp --dport 80 -j DROP',
        '-A KUBE-FW-NUKIZ6OKUXPJNT4C -s 203.0.113.0/25 -m comment --comment "ns5/svc5:p80 loadbalancer IP" '
        "-j KUBE-EXT-NUKIZ6OKUXPJNT4C",
        '-A KUBE-FW-NUKIZ6OKUXPJNT4C -s 5.6.7.9/32 -m comment --comment "ns5/svc5:p80 loadbalancer IP" '
        "-j KUBE-EXT-NUKIZ6OKUXPJNT4C",
        '-A KUBE-SVC-NUKIZ6OKUXPJNT4C -m comment --comment "ns5/svc5:p80 -> 10.180.0.3:80" -m recent --rcheck '
        "--seconds 10800 --reap --name KUBE-SEP-I77PXRDZVX7PMWMN --mask 255.255.255.255 --rsource "
        "-j KUBE-SEP-I77PXRDZVX7PMWMN",
        # no endpoint anywhere, and a port without a name
        '-A KUBE-SERVICES -d 172.30.0.46/32 -p tcp -m comment --comment "ns6/svc6 has no endpoints" -m tcp --dport 80 '
        "-j REJECT --reject-with icmp-port-unreachable",
        '-A KUBE-SERVICES -m comment --comment "kubernetes service nodeports; NOTE: this must be the last rule in this '
        'chain" -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS',
    ],
)
def test_iptables_writes(line: str) -> None:
    assert line in printed(IPTABLES)


@pytest.mark.parametrize(
    "line",
    [
        "172.30.0.42 . tcp . 80 : goto service-42NFTM6N-ns2/svc2/tcp/p80",
        "192.168.99.22 . tcp . 80 : goto external-42NFTM6N-ns2/svc2/tcp/p80",
        "tcp . 3001 : goto external-42NFTM6N-ns2/svc2/tcp/p80",
        'tcp . 3001 comment "ns2/svc2:p80" : drop',
        '1.2.3.4 . tcp . 80 comment "ns2/svc2:p80" : drop',
        '5.6.7.10 . tcp . 80 comment "ns6/svc6" : goto reject-chain }',
        'ip saddr 10.0.0.0/8 goto service-42NFTM6N-ns2/svc2/tcp/p80 comment "short-circuit pod traffic"',
        'fib saddr type local goto service-42NFTM6N-ns2/svc2/tcp/p80 comment "short-circuit local traffic"',
        "ip saddr != { 203.0.113.0/25, 192.168.0.0/16, 5.6.7.8, 5.6.7.9 } drop",
        "chain endpoint-GTK6MW7G-ns5/svc5/tcp/p80__10.180.0.3/80 {",
        "update @affinity-GTK6MW7G-ns5/svc5/tcp/p80__10.180.0.3/80 { ip saddr }",
        "timeout 10800s",
        "192.168.0.2 }",
    ],
)
@pytest.mark.parametrize("release", VERSIONS)
def test_nftables_writes(release: str, line: str) -> None:
    assert line in printed(NFTABLES, release=release)


MARK = "jump mark-for-masquerade"


@pytest.mark.parametrize(
    ("first", "last", "line"),
    [
        # what is refused before DNAT, and after it
        ("1.29", "1.33", "type filter hook input priority -110;"),
        ("1.29", "1.33", "chain filter-prerouting {"),
        ("1.29", "1.33", "chain filter-output-post-dnat {"),
        ("1.34", "1.37", "type filter hook input priority 0;"),
        ("1.34", "1.37", "chain filter-output-pre-dnat {"),
        # cluster IPs that nobody has
        ("1.30", "1.37", 'ip daddr { 172.30.0.0/16 } drop comment "Drop traffic to unallocated ClusterIPs"'),
        ("1.30", "1.37", 'ip daddr @cluster-ips reject comment "Reject traffic to invalid ports of ClusterIPs"'),
        # masquerade
        ("1.29", "1.33", f"ip daddr 172.30.0.41 tcp dport 80 ip saddr != 10.0.0.0/8 {MARK}"),
        ("1.34", "1.35", f"ip daddr 172.30.0.41 ip saddr != 10.0.0.0/8 {MARK}"),
        (
            "1.36",
            "1.37",
            "ip daddr @cluster-ips ip saddr != 10.0.0.0/8 mark set mark or 0x4000 "
            'comment "masquerade clusterIP traffic from outside cluster"',
        ),
        ("1.29", "1.35", f'fib saddr type local {MARK} comment "masquerade local traffic"'),
        ("1.36", "1.37", 'fib saddr type local mark set mark or 0x4000 comment "masquerade local traffic"'),
        ("1.29", "1.35", "ip saddr 10.180.0.1 jump mark-for-masquerade"),
        ("1.36", "1.37", "10.180.0.1 . 10.180.0.1 . tcp . 80"),
        (
            "1.36",
            "1.37",
            "ct status dnat ip saddr . ip daddr . meta l4proto . th dport @hairpin-connections masquerade fully-random",
        ),
        # endpoints
        ("1.29", "1.35", "chain endpoint-5OJB2KTY-ns1/svc1/tcp/p80__10.180.0.1/80 {"),
        ("1.29", "1.35", "meta l4proto tcp dnat to 10.180.0.1:80"),
        (
            "1.36",
            "1.37",
            "meta l4proto tcp dnat ip addr . port to numgen random mod 3 map "
            "{ 0 : 10.180.0.1 . 80, 1 : 10.180.0.2 . 80, 2 : 10.180.0.3 . 80 }",
        ),
    ],
)
def test_what_nftables_writes_from_one_release_to_another(first: str, last: str, line: str) -> None:
    found = [release for release in VERSIONS if line in printed(NFTABLES, release=release)]
    assert found == [release for release in VERSIONS if first <= release <= last]


@pytest.mark.parametrize(
    ("release", "rule"),
    [
        ("1.35", "numgen random mod 1 vmap { 0 : goto endpoint-SGOXE6O3-ns2/svc2/tcp/p80__10.180.0.2/80 }"),
        ("1.36", "meta l4proto tcp dnat ip addr . port to numgen random mod 1 map { 0 : 10.180.0.2 . 80 }"),
        ("1.37", "meta l4proto tcp dnat to 10.180.0.2:80"),
    ],
)
def test_how_nftables_finds_the_only_endpoint(release: str, rule: str) -> None:
    lines = printed(NFTABLES, "ns2/svc2", release=release)
    assert lines[lines.index("chain service-42NFTM6N-ns2/svc2/tcp/p80 {") + 1 :][release < "1.36"] == rule


def test_nftables_lists_a_cluster_ip_once_however_many_ports_it_has() -> None:
    assert printed(NFTABLES).count("172.30.0.42") == 1


def test_ipv6_has_a_table_of_its_own() -> None:
    assert families(EVERYTHING) == (IPV4, IPV6)
    assert families(EVERYTHING, "ns7/svc7") == (IPV6,)
    assert families(RuleTable()) == (IPV4,)
    nft = printed(NFTABLES, wanted=IPV6)
    assert nft[0] == "table ip6 kube-proxy {"
    assert "meta l4proto tcp dnat to [fd00:10::1]:80" in nft
    assert not [line for line in nft if "172.30." in line]
    iptables = printed(IPTABLES, wanted=IPV6)
    assert any("-d fd00:10:96::1/128" in line for line in iptables)
    assert any(line.endswith("--reject-with icmp6-port-unreachable") for line in iptables)
    assert any("! -d ::1/128 " in line for line in iptables)


@pytest.mark.parametrize("mode", [IPTABLES, NFTABLES])
def test_the_rules_of_one_service_are_those_of_the_whole_that_are_there_for_it(mode: str) -> None:
    for service, rules in EVERYTHING.services.items():
        wanted = rules[0].family
        whole = [line for line in lines_of(EVERYTHING, node(mode), wanted) if line.service == service]
        assert lines_of(EVERYTHING, node(mode), wanted, service) == whole
        assert whole


@pytest.mark.parametrize(
    ("mode", "release", "service", "chains"),
    [
        (IPTABLES, NEWEST, "ns1/svc1", ["-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000"]),
        (IPTABLES, NEWEST, "ns6/svc6", []),
        (NFTABLES, "1.35", "ns1/svc1", ["mark set mark or 0x4000"]),
        (NFTABLES, NEWEST, "ns1/svc1", []),
        (NFTABLES, NEWEST, "ns6/svc6", ["reject"]),
    ],
)
def test_with_one_service_come_only_the_common_chains_that_it_uses(
    mode: str, release: str, service: str, chains: list[str]
) -> None:
    common = lines_of(RuleTable(), node(mode, release), IPV4)
    texts = [str(line) if mode == IPTABLES else line.text for line in common]
    assert [line for line in printed(mode, service, release=release) if line in texts] == chains


@pytest.mark.parametrize("mode", [IPTABLES, NFTABLES])
def test_every_node_has_its_own_local_endpoints(mode: str) -> None:
    port = rule("a/b", "172.30.0.1", endpoint("10.180.0.1"), endpoint("10.180.0.2", "w2"), internal_local=True)
    text = "\n".join(written(table(port), node(mode), IPV4))
    assert "10.180.0.1:80" in text
    assert "10.180.0.2:80" not in text


def test_an_address_that_two_services_claim_is_written_for_the_one_that_gets_the_packets() -> None:
    ports = [
        rule(f"ns/{name}", f"172.30.0.{number}", endpoint("10.180.0.1"), external_ips=("192.168.99.1",))
        for number, name in enumerate("ab")
    ]
    lines = [line for line in written(table(*reversed(ports)), node(IPTABLES), IPV4) if "192.168.99.1/32" in line]
    assert len(lines) == 1
    assert "ns/a:p80 external IP" in lines[0]


def test_node_ports_on_listed_addresses_only() -> None:
    listed = node(IPTABLES, node_port_addresses=["192.168.1.0/24", "127.0.0.0/8"])
    lines = [line for line in written(EVERYTHING, listed, IPV4) if line.endswith("-j KUBE-NODEPORTS")]
    assert [line.split()[3] for line in lines if "-d " in line] == ["192.168.1.2/32", "127.0.0.1/32"]
    off = node(IPTABLES, node_port_addresses=["127.0.0.0/8"], localhost_node_ports=False)
    assert not [line for line in written(EVERYTHING, off, IPV4) if "NOTE: this must be the last rule" in line]
    everywhere = written(EVERYTHING, node(NFTABLES, node_port_addresses=["0.0.0.0/0"]), IPV4)
    assert any("fib daddr type local ip daddr != 127.0.0.0/8" in line for line in everywhere)


def test_masquerade_all_and_no_detector() -> None:
    everything = "\n".join(written(EVERYTHING, node(NFTABLES, "1.35", masquerade_all=True), IPV4, "ns1/svc1"))
    assert "ip daddr 172.30.0.41 jump mark-for-masquerade" in everything
    assert "ip daddr @cluster-ips mark set mark or 0x4000" in "\n".join(
        written(EVERYTHING, node(NFTABLES, masquerade_all=True), IPV4)
    )
    nothing = "\n".join(written(EVERYTHING, node(IPTABLES, cluster_cidr=None), IPV4, "ns1/svc1"))
    assert "! -s" not in nothing


def test_source_ranges_without_endpoints_matter_to_nftables_only() -> None:
    port = rule("a/b", "172.30.0.1", load_balancer_ips=("5.6.7.8",), source_ranges=parse_cidrs(["203.0.113.0/25"]))
    assert "FIREWALL" not in "\n".join(written(table(port), node(IPTABLES), IPV4, "a/b"))
    assert "firewall-ips" in "\n".join(written(table(port), node(NFTABLES), IPV4, "a/b"))
