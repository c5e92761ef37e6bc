"""Routing cases: objects, the settings of one node's kube-proxy, and packets that arrive there.

A case stands alone: its objects make the rule table, `proxy` makes the node (a Node object of its name gives the
zone), and each flow is a new connection whose every possible verdict is worked out. The form is that of
`packet_flows.json`: a list of cases, or an object with `cases`. A key that is null is absent. What a case expects is
not read.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec

from lab.kube.decode import decode
from lab.kube.errors import LabError
from lab.kube.kinds.endpointslice import EndpointSlice
from lab.kube.kinds.node import Node as NodeObject
from lab.kube.meta import KubeObject
from lab.kube.versions import GATES, features_of
from lab.network.addresses import family, normalize, parse_cidr
from lab.network.builder import RuleBuilder
from lab.network.node_facts import MODES, NodeFacts
from lab.network.packet import Packet
from lab.network.router import Verdict, route
from lab.network.rule_table import RuleTable

RELEASE = "1.35"
"""The release of the kube-proxy that cases are about; their gates change it. Later ones masquerade fewer hairpins."""
SOURCE_PORT = 40000
"""Every flow comes from this port; rules do not look at it."""


class Proxy(msgspec.Struct, frozen=True, kw_only=True):
    """One kube-proxy instance: of one node and one address family."""

    node_name: str
    node_ips: tuple[str, ...] = ()
    primary_node_ip: str = ""
    """Empty for the first address of the family."""
    ip_family: Literal["IPv4", "IPv6"] = "IPv4"
    cluster_cidr: str | None = None
    masquerade_all: bool = False
    node_port_addresses: tuple[str, ...] | None = None
    localhost_node_ports: bool = True
    service_cidrs: tuple[str, ...] | None = None


class CaseFlow(msgspec.Struct, frozen=True, kw_only=True):
    """A packet that opens a connection."""

    source: str = msgspec.field(name="from")
    to: str
    port: int
    protocol: Literal["TCP", "UDP", "SCTP"] = "TCP"
    name: str = ""


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """Objects, a node, and packets."""

    id: str
    proxy_mode: str
    proxy: Proxy
    objects: tuple[dict[str, Any], ...] = ()
    flows: tuple[CaseFlow, ...] = ()
    feature_gates: dict[str, bool] = {}


class Outcome(NamedTuple):
    """What may become of a flow."""

    outcome: str
    """deliver, reject, drop or pass."""
    endpoints: tuple[str, ...]
    """Every endpoint that may be picked, `IP:PORT`, sorted."""
    masquerade: bool


class Node:
    """The node under test with its rules."""

    def __init__(self, case: Case) -> None:
        proxy = case.proxy
        features = features_of(RELEASE).with_gates(
            {gate: on for gate, on in case.feature_gates.items() if gate in GATES}
        )
        objects = [_object(body, index) for index, body in enumerate(case.objects)]
        itself = (obj for obj in objects if isinstance(obj, NodeObject) and obj.name == proxy.node_name)
        primary = proxy.primary_node_ip or next((ip for ip in proxy.node_ips if family(ip) == proxy.ip_family), "")
        builder = RuleBuilder((proxy.ip_family,), ip_mode=features.load_balancer_ip_mode)
        for obj in objects:
            builder.apply(obj)
        builder.refresh()
        self.case = case
        self.table: RuleTable = builder.table
        self.facts = NodeFacts(
            proxy.node_name,
            next((obj.zone for obj in itself), ""),
            proxy.node_ips,
            primary_ips=[primary] if primary else (),
            mode=case.proxy_mode,
            cluster_cidr=proxy.cluster_cidr,
            masquerade_all=proxy.masquerade_all,
            node_port_addresses=proxy.node_port_addresses or (),
            localhost_node_ports=proxy.localhost_node_ports,
            service_cidrs=proxy.service_cidrs or (),
            features=features,
        )
        self._draws = 2 * sum(len(slice_.endpoints) for slice_ in objects if isinstance(slice_, EndpointSlice)) + 1

    def verdicts(self, flow: CaseFlow) -> list[Verdict]:
        """The verdict under every draw that could matter."""
        packet = Packet(normalize(flow.source), SOURCE_PORT, normalize(flow.to), flow.port, flow.protocol)
        return [route(self.table, self.facts, packet, draw / self._draws) for draw in range(self._draws)]

    def outcome(self, flow: CaseFlow) -> Outcome:
        """All verdicts in one."""
        found = self.verdicts(flow)
        return Outcome(
            "/".join(sorted({verdict.verdict for verdict in found})),
            tuple(sorted({verdict.endpoint.address for verdict in found if verdict.endpoint is not None})),
            any(verdict.masquerade for verdict in found),
        )


def read_cases(path: str) -> Iterator[Node]:
    """The cases of a JSON file (`-` for stdin), one after another, with rules built.

    A bad case harms no other: what is wrong with each is said in the `LabError` that is raised after the last good one.
    """
    try:
        bodies = _bodies(_text(path))
    except LabError as error:
        raise LabError(f"{path}: {error}") from None
    wrong: list[str] = []
    for index, body in enumerate(bodies):
        try:
            node = case_of(body, index)
        except LabError as error:
            wrong.append(f"{path}: {error}")
        else:
            yield node
    if wrong:
        raise LabError("\n".join(wrong))


def case_of(body: object, index: int = 0) -> Node:
    """One case from plain data; raises `LabError` that names its id."""
    try:
        return Node(_case(body, f"cases[{index}]"))
    except LabError as error:
        known = body.get("id") if isinstance(body, Mapping) else None
        raise LabError(f'case "{known}": {error}' if isinstance(known, str) else str(error)) from None


def _case(body: object, place: str) -> Case:
    try:
        case = msgspec.convert(_without_nulls(body), Case)
    except msgspec.ValidationError as error:
        what, _, where = str(error).partition(" - at `$")
        raise LabError(f"{place}{where.rstrip('`')}: {_sentence(what)}") from None
    if case.proxy_mode not in MODES:
        raise LabError(f'{place}.proxy_mode: expected one of {", ".join(MODES)}, got "{case.proxy_mode}"')
    _check_addresses(case, place)
    return case


def _without_nulls(body: object) -> object:
    """The case without the keys that are null: its own, and those of its proxy, gates and flows; objects stay."""
    if not isinstance(body, Mapping):
        return body
    present = _present(body)
    for key in ("proxy", "feature_gates"):
        if key in present:
            present[key] = _present(present[key])
    if isinstance(present.get("flows"), list):
        present["flows"] = [_present(flow) for flow in present["flows"]]
    return present


def _present(body: Any) -> Any:
    return {key: value for key, value in body.items() if value is not None} if isinstance(body, Mapping) else body


def results(nodes: Iterable[Node]) -> Iterator[str]:
    """One JSON object a flow: `case`, `flow` (its index), `outcome`, `endpoints`, `masquerade`."""
    for node in nodes:
        for index, flow in enumerate(node.case.flows):
            yield json.dumps({"case": node.case.id, "flow": index, **node.outcome(flow)._asdict()})


def _text(path: str) -> str:
    try:
        return sys.stdin.read() if path == "-" else Path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise LabError("there is no such file") from None
    except UnicodeDecodeError:
        raise LabError("this is not UTF-8 text") from None
    except OSError as error:
        raise LabError(f"cannot be read: {error.strerror}") from None


def _bodies(text: str) -> list[object]:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise LabError(f"this is not JSON: {error}") from None
    if isinstance(found, Mapping):
        found = found.get("cases")
    if not isinstance(found, list):
        raise LabError('expected a list of cases, or an object with "cases"')
    return found


def _object(body: dict[str, Any], index: int) -> KubeObject:
    try:
        return decode(body, f"objects[{index}]")
    except LabError as error:
        raise LabError(str(error).splitlines()[0]) from None


def _check_addresses(case: Case, place: str) -> None:
    """Raise for what should be an address and is none."""
    for index, flow in enumerate(case.flows):
        for name, ip in (("from", flow.source), ("to", flow.to)):
            if not normalize(ip):
                raise LabError(f'{place}.flows[{index}].{name}: "{ip}" is not an IP address')
    for ip in (*case.proxy.node_ips, *filter(None, (case.proxy.primary_node_ip,))):
        if not normalize(ip):
            raise LabError(f'{place}.proxy: "{ip}" is not an IP address')
    cidr = case.proxy.cluster_cidr
    if cidr and parse_cidr(cidr) is None:
        raise LabError(f'{place}.proxy.cluster_cidr: "{cidr}" is not a CIDR')


def _sentence(text: str) -> str:
    """msgspec's message in our words: backquotes become quotes, and it begins small."""
    text = text.replace("`", '"')
    return text[:1].lower() + text[1:]
