"""Routing cases: what may be left out, and a bad case among good ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lab.kube.errors import LabError
from lab.network.cases import case_of, read_cases, results

SERVICE = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "web", "namespace": "default"},
    "spec": {"clusterIP": "10.96.0.50", "clusterIPs": ["10.96.0.50"], "ports": [{"port": 80}]},
}
SLICE = {
    "apiVersion": "discovery.k8s.io/v1",
    "kind": "EndpointSlice",
    "metadata": {"name": "web-1", "namespace": "default", "labels": {"kubernetes.io/service-name": "web"}},
    "addressType": "IPv4",
    "ports": [{"name": "", "port": 8080, "protocol": "TCP"}],
    "endpoints": [
        {"addresses": ["10.0.1.1"], "nodeName": "n", "hints": {"forZones": [{"name": "a"}]}},
        {"addresses": ["10.0.2.1"], "nodeName": "m", "hints": {"forZones": [{"name": "b"}]}},
    ],
}
CASE: dict[str, Any] = {
    "id": "one",
    "proxy_mode": "nftables",
    "proxy": {"node_name": "n"},
    "objects": [SERVICE, SLICE],
    "flows": [{"from": "10.0.0.2", "to": "10.96.0.50", "port": 80}],
}
OPTIONAL = (
    "node_ips",
    "primary_node_ip",
    "ip_family",
    "cluster_cidr",
    "masquerade_all",
    "node_port_addresses",
    "localhost_node_ports",
    "service_cidrs",
)
NODE = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n", "labels": {"topology.kubernetes.io/zone": "a"}}}


def answers(case: dict[str, Any]) -> list[str]:
    return list(results([case_of(case)]))


@pytest.mark.parametrize("key", OPTIONAL)
def test_null_in_the_proxy_is_absent(key: str) -> None:
    assert answers({**CASE, "proxy": {"node_name": "n", key: None}}) == answers(CASE)


def test_null_in_the_case_or_a_flow_is_absent() -> None:
    flow = {**CASE["flows"][0], "protocol": None, "name": None}
    assert answers({**CASE, "feature_gates": None, "flows": [flow]}) == answers(CASE)
    assert answers({**CASE, "feature_gates": {"LoadBalancerIPMode": None}}) == answers(CASE)
    assert answers({**CASE, "flows": None}) == []


def test_null_for_what_must_be_there_is_an_error_that_names_the_case() -> None:
    with pytest.raises(LabError, match=r'^case "one": cases\[0\].proxy: object missing required field "node_name"$'):
        case_of({**CASE, "proxy": {"node_name": None}})


def test_the_node_object_of_the_node_under_test_gives_its_zone() -> None:
    assert json.loads(answers(CASE)[0])["endpoints"] == ["10.0.1.1:8080", "10.0.2.1:8080"]
    case = {**CASE, "objects": [{**NODE, "metadata": {**NODE["metadata"], "name": "m"}}, *CASE["objects"]]}
    assert json.loads(answers(case)[0])["endpoints"] == ["10.0.1.1:8080", "10.0.2.1:8080"]
    case = {**CASE, "objects": [*CASE["objects"], NODE]}
    assert json.loads(answers(case)[0])["endpoints"] == ["10.0.1.1:8080"]


def test_the_primary_address_is_of_the_proxys_family_where_none_is_given() -> None:
    proxy = {"node_name": "n", "node_ips": ["192.168.0.2", "2001:db8::1"], "ip_family": "IPv6"}
    assert case_of({**CASE, "proxy": proxy}).facts.primary_ips == ("2001:db8::1",)


def test_bad_cases_are_told_after_all_others_were_answered(tmp_path: Path) -> None:
    path = tmp_path / "cases.json"
    bad = [{**CASE, "id": "ebpf", "proxy_mode": "ebpf"}, {**CASE, "id": "less", "objects": [{"kind": "Service"}]}, 7]
    path.write_text(json.dumps([bad[0], CASE, *bad[1:], {**CASE, "id": "last"}]), encoding="utf-8")
    answered = results(read_cases(str(path)))
    assert [json.loads(next(answered))["case"] for _ in range(2)] == ["one", "last"]
    with pytest.raises(LabError) as raised:
        next(answered)
    first, second, third = str(raised.value).splitlines()
    assert first.startswith(f'{path}: case "ebpf": cases[0].proxy_mode: expected one of iptables')
    assert second.startswith(f'{path}: case "less": objects[0]')
    assert third == f'{path}: cases[3]: expected "object", got "int"'
