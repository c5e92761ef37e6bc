"""What kube-proxy would have programmed on a node: its table in the syntax of iptables-save, nft or ipvsadm.

    names.py      chains and sets, named as kube-proxy names them
    port.py       one Service port, sorted for one node: which endpoints, which refusals, which addresses
    iptables.py   the filter and nat tables
    nftables.py   the table kube-proxy with its maps; what every node has is in nftables_node.py
    ipvs.py       virtual servers, the sets, and the few chains that look into them
    passed.py     which of these lines a packet passed

Everything here is a pure function of a `RuleTable` and a node's facts, so a node that goes by an old table prints its
old rules.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from lab.network.addresses import IPV4, IPV6
from lab.network.flow import Flow
from lab.network.node_facts import IPTABLES, IPVS, NFTABLES, NodeFacts
from lab.network.program import iptables, ipvs, nftables
from lab.network.program.line import Line
from lab.network.program.passed import missed_lines, rule_lines
from lab.network.program.port import Claim, Port, claims, ports_of
from lab.network.rule_table import RuleTable

__all__ = ["Line", "families", "lines_of", "missed_lines", "rule_lines", "written"]


def families(table: RuleTable, service: str = "") -> tuple[str, ...]:
    """The address families in which a table holds rules (of one Service); IPv4 when it holds none at all."""
    names = (service,) if service else table.services
    held = {rule.family for name in names for rule in table.services.get(name, ())}
    return tuple(family for family in (IPV4, IPV6) if family in held) or (IPV4,)


def lines_of(table: RuleTable, node: NodeFacts, family: str, service: str = "") -> list[Line]:
    """Every line for one family on a node; with a Service (`NAMESPACE/NAME`), only those that are there for it."""
    backend = _BACKENDS[node.mode]
    lines: list[Line] = [] if service else list(backend.first_lines(node, family))
    for port in ports_of(table, node, family, service):
        lines += backend.service_lines(port, claims(table, port.rule))
    if node.mode == IPTABLES and not service:
        lines += iptables.last_lines(node, family)
    return lines


def written(table: RuleTable, node: NodeFacts, family: str, service: str = "", flows: Iterable[Flow] = ()) -> list[str]:
    """The rules of one family as the tools of the node's mode print and read them.

    With a Service, the chains that every node has are there only where that Service's lines lead to them. `flows` are
    the node's connections: ipvs keeps an endpoint that is gone, with weight 0, as long as it has any.
    """
    lines = lines_of(table, node, family, service)
    if node.mode == IPVS:
        lines += ipvs.draining(table, node, family, service, flows)
    backend = _BACKENDS[node.mode]
    if service:
        used = [helper for helper in backend.HELPERS if any(helper in line.text for line in lines)]
        lines += [line for line in backend.first_lines(node, family) if line.holder in used]
    return backend.write(lines, node, family, whole=not service)


class _Backend(Protocol):
    """What every mode's module has."""

    HELPERS: tuple[str, ...]

    def first_lines(self, node: NodeFacts, family: str) -> Iterable[Line]: ...

    def service_lines(self, port: Port, claims: Iterable[Claim]) -> Iterable[Line]: ...

    def write(self, lines: Iterable[Line], node: NodeFacts, family: str, *, whole: bool) -> list[str]: ...


_BACKENDS: dict[str, _Backend] = {IPTABLES: iptables, IPVS: ipvs, NFTABLES: nftables}
