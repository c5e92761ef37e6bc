"""The tools accept what is printed: nft, iptables-restore, ipset, ipvsadm.

They run in a network namespace that only the test has. Where a tool, the permission or a kernel module is missing,
these tests are skipped, and say which.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess

import pytest
from hypothesis import HealthCheck, assume, given, settings

from lab.network.addresses import IPV4, IPV6, family
from lab.network.node_facts import IPTABLES, IPVS, NFTABLES, NodeFacts
from lab.network.packet import Packet
from lab.network.program import written
from lab.network.rule_table import RuleTable
from tests.network.program.everything import EVERYTHING, node
from tests.network.program.test_rules_mean_what_route_does import situations

FAMILIES = pytest.mark.parametrize("wanted", [IPV4, IPV6])
CHECK = {
    (NFTABLES, IPV4): ["nft", "-c", "-f", "-"],
    (NFTABLES, IPV6): ["nft", "-c", "-f", "-"],
    (IPTABLES, IPV4): ["iptables-restore", "--test"],
    (IPTABLES, IPV6): ["ip6tables-restore", "--test"],
}
PROBE = {
    NFTABLES: "table ip probe {\n\tchain c {\n\t\ttype nat hook postrouting priority 100;\n\t\tmasquerade\n\t}\n}\n",
    IPTABLES: "*nat\n:PROBE - [0:0]\n-A PROBE -m recent --set --name probe --rsource\n"
    "-A PROBE -m statistic --mode random --probability 0.5 -j RETURN\n-A PROBE -m addrtype --dst-type LOCAL\nCOMMIT\n",
    "ipset": "create probe hash:ip,port,net family inet\n",
    IPVS: "-A -t 192.0.2.1:80 -s rr\n",
}


def alone(command: list[str], text: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a new network namespace; who is not root gets a new user namespace, too."""
    namespace = ["unshare", "-n"] if os.geteuid() == 0 else ["unshare", "-rn"]
    return subprocess.run([*namespace, *command], input=text, capture_output=True, text=True, timeout=60, check=False)


def need(mode: str, probe: list[str], *tools: str) -> None:
    """Skip unless these tools are here and may do what a probe tries."""
    for tool in ("unshare", probe[0], *tools):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    if alone(["true"], "").returncode:
        pytest.skip("no permission to make a network namespace")
    tried = alone(probe, PROBE[mode])
    if tried.returncode:
        pytest.skip(f"this kernel does not offer what {mode} needs: {tried.stderr.strip()[:200]}")


@pytest.fixture(scope="module", params=[NFTABLES, IPTABLES])
def mode(request: pytest.FixtureRequest) -> str:
    need(request.param, CHECK[request.param, IPV4], CHECK[request.param, IPV6][0])
    return str(request.param)


def accepted(table: RuleTable, facts: NodeFacts, wanted: str, service: str = "") -> None:
    text = "\n".join(written(table, facts, wanted, service)) + "\n"
    result = alone(CHECK[facts.mode, wanted], text)
    assert result.returncode == 0, f"{result.stderr}\n{text}"


@FAMILIES
def test_the_whole_table_is_accepted(mode: str, wanted: str) -> None:
    accepted(EVERYTHING, node(mode), wanted)
    accepted(EVERYTHING, node(mode, masquerade_all=True, cluster_cidr=None, localhost_node_ports=False), wanted)
    accepted(EVERYTHING, node(mode, node_port_addresses=["192.168.1.0/24", "::/0"]), wanted)
    accepted(RuleTable(), node(mode), wanted)


@pytest.mark.parametrize("service", sorted(EVERYTHING.services))
def test_the_rules_of_one_service_are_accepted_by_themselves(mode: str, service: str) -> None:
    accepted(EVERYTHING, node(mode), EVERYTHING.services[service][0].family, service)


@given(situation=situations())
@settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.filter_too_much],
)
def test_any_table_is_accepted(mode: str, situation: tuple[RuleTable, NodeFacts, list[Packet], int]) -> None:
    table, facts, (packet, *_), _ = situation
    assume(facts.mode == mode)
    accepted(table, facts, family(packet.dst_ip))


@pytest.mark.parametrize("wanted", [IPV4, IPV6])
def test_iptables_save_says_it_back_word_for_word(wanted: str) -> None:
    tool = "iptables" if wanted == IPV4 else "ip6tables"
    need(IPTABLES, [f"{tool}-restore"], f"{tool}-save", "sh")
    text = "\n".join(written(EVERYTHING, node(IPTABLES), wanted)) + "\n"
    result = alone(["sh", "-c", f"{tool}-restore && {tool}-save"], text)
    assert result.returncode == 0, result.stderr
    assert [line for line in result.stdout.splitlines() if line[:1] != "#"] == text.splitlines()


@FAMILIES
def test_nft_loads_it(wanted: str) -> None:
    need(NFTABLES, ["nft", "-f", "-"], "sh")
    text = "\n".join(written(EVERYTHING, node(NFTABLES), wanted)) + "\n"
    result = alone(["sh", "-c", "nft -f - && nft list ruleset"], text)
    assert result.returncode == 0, result.stderr
    chains = [line.strip() for line in result.stdout.splitlines() if line.strip().startswith("chain ")]
    assert sorted(chains) == sorted(line.strip() for line in text.splitlines() if line.strip().startswith("chain "))


# -- ipvs: three tools ----------------------------------------------------------------------------------------------

FIRST_LINES = {"ipvsadm": "# ipvsadm -Sn", "ipset": "# ipset save", "iptables": "# iptables-save"}


def part(tool: str, wanted: str, **more: str) -> list[str]:
    """What is printed for one of the tools."""
    parts: dict[str, list[str]] = {}
    for line in written(EVERYTHING, node(IPVS, **more), wanted):
        if line.startswith("# "):
            parts[line.replace("ip6tables", "iptables")] = []
        else:
            parts[list(parts)[-1]].append(line)
    return parts[FIRST_LINES[tool]]


@FAMILIES
def test_ipset_save_says_it_back(wanted: str) -> None:
    """The members of a set in the kernel's own order, and what a set is made with beyond what kube-proxy says."""
    need("ipset", ["ipset", "restore"], "sh")
    lines = part("ipset", wanted)
    result = alone(["sh", "-c", "ipset restore && ipset save"], "\n".join(lines) + "\n")
    assert result.returncode == 0, result.stderr
    said = [re.sub(" bucketsize .*", "", line) for line in result.stdout.splitlines()]
    assert sorted(said) == sorted(lines)
    assert [line for line in said if line.startswith("create")] == [line for line in lines if line.startswith("create")]


@FAMILIES
def test_iptables_save_says_back_what_looks_into_the_sets(wanted: str) -> None:
    tool = "iptables" if wanted == IPV4 else "ip6tables"
    need("ipset", ["ipset", "restore"], "sh", f"{tool}-save")
    need(IPTABLES, [f"{tool}-restore"])
    sets = "\n".join(line for line in part("ipset", wanted) if line.startswith("create"))
    # The match `ipvs` exists only where the kernel has ipvs.
    text = "\n".join(line for line in part("iptables", wanted) if "-m ipvs" not in line)
    script = f"ipset restore <<END\n{sets}\nEND\n{tool}-restore <<END\n{text}\nEND\n{tool}-save"
    result = alone(["sh", "-e"], script.replace("\\", "\\\\"))
    assert result.returncode == 0, result.stderr
    assert [line for line in result.stdout.splitlines() if line[:1] != "#"] == text.splitlines()


@FAMILIES
@pytest.mark.parametrize("scheduler", ["rr", "lc", "sh"])
def test_ipvsadm_says_it_back(wanted: str, scheduler: str) -> None:
    need(IPVS, ["ipvsadm", "-R"], "sh")
    lines = part("ipvsadm", wanted, scheduler=scheduler)
    result = alone(["sh", "-c", "ipvsadm -R && ipvsadm -Sn"], "\n".join(lines) + "\n")
    assert result.returncode == 0, result.stderr
    assert sorted(line.strip() for line in result.stdout.splitlines()) == sorted(lines)
