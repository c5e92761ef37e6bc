"""From Pods and a Service to EndpointSlices: endpointslices.json."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from lab.cluster.controllers.endpoints import (
    address_types,
    belongs,
    endpoint_of,
    hints_for,
    own_labels,
    resolved_ports,
    slice_labels,
    topology_mode_auto,
)
from lab.cluster.controllers.endpointslice_packing import SlicePlan, plan_slices
from lab.cluster.controllers.topology_hints import zone_ratios
from lab.cluster.service_update import without_disabled
from lab.kube.decode import decode
from lab.kube.encode import encode
from lab.kube.kinds.endpointslice import Endpoint, EndpointSlice
from lab.kube.kinds.node import Node
from lab.kube.kinds.pod import Pod
from lab.kube.kinds.service import Service
from tests.conformance.services import features_for
from tests.conformance.vectors import cases

Case = dict[str, Any]


def of_kind(*kinds: str) -> list[Any]:
    return [p for p in cases("endpointslices.json") if p.values[0] is None or p.values[0]["kind"] in kinds]


def service_of(case: Case) -> Service:
    found = decode(case["service"])
    assert isinstance(found, Service)
    return without_disabled(found, None, features_for(case))


def pods_of(case: Case) -> list[Pod]:
    made = generated(case["pods_gen"]) if "pods_gen" in case else case["pods"]
    return [pod for pod in map(decode, made) if isinstance(pod, Pod)]


def nodes_of(case: Case) -> dict[str, Node]:
    return {node.name: node for node in map(decode, case["nodes"]) if isinstance(node, Node)}


def generated(recipe: Case, count: int = 0) -> list[Case]:
    first = recipe["index_from"]
    return [generated_pod(recipe, i) for i in range(first, first + (count or recipe["count"]))]


def generated_pod(recipe: Case, i: int) -> Case:
    ready = "False" if recipe["not_ready_when"] == "i mod 3 == 0" and i % 3 == 0 else "True"
    container: Case = {"name": "container-1"}
    if "container_port" in recipe:
        container["ports"] = [{"name": "http", "containerPort": 8080 + i % 5, "protocol": "TCP"}]
    ip = f"10.{i // 62500}.{(i // 250) % 250}.{i % 250 + 1}"
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": f"pod{i}", "namespace": recipe["namespace"], "labels": recipe["labels"]},
        "spec": {"containers": [container], "nodeName": recipe["nodeName"]},
        "status": {
            "phase": "Running",
            "podIP": ip,
            "podIPs": [{"ip": ip}],
            "conditions": [{"type": "Ready", "status": ready}],
        },
    }


def existing_of(case: Case) -> list[EndpointSlice]:
    return [existing_slice(case, entry) for entry in case.get("existing_slices", [])]


def existing_slice(case: Case, entry: Case) -> EndpointSlice:
    body = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": entry.get("name", "slice"), "namespace": "test", "labels": entry.get("labels", {})},
        "addressType": entry["addressType"],
        "ports": entry.get("ports", []),
        "endpoints": entry.get("endpoints") or endpoints_of_pods(case, entry),
    }
    found = decode(body)
    assert isinstance(found, EndpointSlice)
    return found


def endpoints_of_pods(case: Case, entry: Case) -> list[Case]:
    if "endpoints_of_pods" not in entry:
        return []
    where = entry["endpoints_of_pods"]
    before = generated(case["pods_gen"], where["stop"]) if "pods_gen" in case else case["pods"]
    chosen = [decode(pod) for pod in before][where["start"] : where["stop"] : where["step"]]
    node = Node()
    made = [endpoint_of(p, service_of(case), node, entry["addressType"]) for p in chosen if isinstance(p, Pod)]
    return [encode(endpoint) for endpoint in made]


def plan_of(case: Case) -> SlicePlan:
    most = case.get("max_endpoints_per_slice") or 100
    nodes = nodes_of(case)
    ratios = zone_ratios(nodes.values())
    return plan_slices(service_of(case), pods_of(case), nodes.get, existing_of(case), most, lambda: ratios)


def outcome(case: Case, plan: SlicePlan) -> list[EndpointSlice]:
    touched = [found.name for found in (*plan.update, *plan.delete)]
    kept = [found for found in existing_of(case) if found.name not in touched]
    return [*kept, *plan.update, *plan.create]


def shown(endpoint: Endpoint) -> Case:
    return encode(endpoint)


def content(found: EndpointSlice) -> Case:
    return {
        "addressType": found.address_type,
        "ports": [encode_port(encode(port)) for port in found.ports],
        "endpoints": sorted((shown(endpoint) for endpoint in found.endpoints), key=str),
        "labels": found.metadata.labels,
    }


def encode_port(port: Case) -> Case:
    return {"name": "", "protocol": "TCP", **port}


def as_stated(entry: Case) -> Case:
    ports = [encode_port(port) for port in entry["ports"]]
    return {**entry, "ports": ports, "endpoints": sorted(entry["endpoints"], key=str)}


@pytest.mark.parametrize("case", of_kind("endpoint", "endpoint_hostname"))
def test_a_pod_becomes_an_endpoint(case: Case) -> None:
    pod = pods_of(case)[0]
    endpoint = endpoint_of(
        pod, service_of(case), nodes_of(case).get(pod.spec.node_name), case.get("address_type", "IPv4")
    )
    expect = case["expect"]
    if "endpoint" in expect:
        assert shown(endpoint) == expect["endpoint"]
    else:
        assert endpoint.hostname == expect["hostname"]


@pytest.mark.parametrize("case", of_kind("ports"))
def test_ports_are_resolved_on_the_pod(case: Case) -> None:
    ports = resolved_ports(service_of(case), pods_of(case)[0])
    assert [encode_port(encode(port)) for port in ports] == [encode_port(port) for port in case["expect"]["ports"]]


@pytest.mark.parametrize("case", of_kind("address_types"))
def test_a_service_wants_endpoints_of_its_families(case: Case) -> None:
    assert list(address_types(service_of(case))) == case["expect"]["address_types"]


@pytest.mark.parametrize("case", of_kind("labels"))
def test_labels_are_copied_except_the_reserved_ones(case: Case) -> None:
    labels = slice_labels(service_of(case))
    assert labels == case["expect"]["labels"]
    changed = own_labels(case["slice_labels_before"]) != own_labels(labels)
    assert changed == case["expect"]["counts_as_change"]


@pytest.mark.parametrize("case", of_kind("include"))
def test_pods_that_have_ended_or_have_no_address_are_left_out(case: Case) -> None:
    assert belongs(pods_of(case)[0]) == case["expect"]["included"]


@pytest.mark.parametrize("case", of_kind("topology_hints_enabled"))
def test_the_annotation_asks_for_topology_hints(case: Case) -> None:
    assert topology_mode_auto(service_of(case)) == case["expect"]["enabled"]


@pytest.mark.parametrize("case", of_kind("hints"))
def test_endpoints_are_hinted(case: Case) -> None:
    endpoints = [endpoint for found in outcome(case, plan_of(case)) for endpoint in found.endpoints]
    expect = case["expect"]
    if "hints" in expect:
        hinted = {e.target_ref.name: e.hints and encode(e.hints) for e in endpoints if e.target_ref}
        assert hinted == expect["hints"]
    zones = [(e.zone, [zone.name for zone in e.hints.for_zones] if e.hints else []) for e in endpoints]
    if "endpoints_per_zone_hint" in expect:
        assert Counter(zone for _, hinted_zones in zones for zone in hinted_zones) == expect["endpoints_per_zone_hint"]
    if "endpoints_hinted_to_another_zone" in expect:
        elsewhere = [own for own, hinted_zones in zones if hinted_zones and own not in hinted_zones]
        assert len(elsewhere) == expect["endpoints_hinted_to_another_zone"]


@pytest.mark.parametrize("case", of_kind("slice_hints"))
def test_hints_in_place_are_brought_up_to_date(case: Case) -> None:
    before = existing_of(case)[0].endpoints
    hints = [hints_for(service_of(case), endpoint) for endpoint in before]
    assert [entry and encode(entry) for entry in hints] == case["expect"]["hints"]
    assert (hints != [endpoint.hints for endpoint in before]) == case["expect"]["slice_needs_update"]


@pytest.mark.parametrize("case", of_kind("reconcile"))
def test_slices_are_packed_with_few_writes(case: Case) -> None:
    plan, expect = plan_of(case), case["expect"]
    after = outcome(case, plan)
    sizes = sorted((len(found.endpoints) for found in after), reverse=True)
    assert {"create": len(plan.create), "update": len(plan.update), "delete": len(plan.delete)} == expect["actions"]
    assert (len(after), sizes) == (expect["slice_count"], expect["slice_sizes"])
    assert plan.incomplete == expect["sync_error"]
    if "slices" in expect:
        assert sorted(map(content, after), key=str) == sorted(map(as_stated, expect["slices"]), key=str)
    if "labels" in expect:
        assert all(found.metadata.labels == expect["labels"] for found in after)
    if "port_sets" in expect:
        port_sets = [[encode_port(encode(port)) for port in found.ports] for found in after]
        wanted = [[encode_port(port) for port in ports] for ports in expect["port_sets"]]
        assert all(ports in wanted for ports in port_sets)
        assert all(ports in port_sets for ports in wanted)
    if "ready_endpoints" in expect:
        assert sum(bool(e.conditions.ready) for found in after for e in found.endpoints) == expect["ready_endpoints"]
