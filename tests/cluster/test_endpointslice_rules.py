"""From Pods and a Service to EndpointSlices: rules 19 to 24 of the Service API."""

from __future__ import annotations

from typing import Any

import pytest

from lab.cluster.controllers.endpoints import (
    address_types,
    belongs,
    endpoint_of,
    resolved_ports,
    slice_labels,
    topology_mode_auto,
)
from lab.cluster.controllers.endpointslice_packing import SlicePlan, plan_slices
from lab.cluster.controllers.topology_hints import zone_ratios
from lab.kube.decode import decode
from lab.kube.encode import encode
from lab.kube.kinds.endpointslice import Endpoint, EndpointSlice
from lab.kube.kinds.node import Node
from lab.kube.kinds.pod import Pod
from lab.kube.kinds.service import Service
from tests.cluster.service_api import Body, defaulted, service

# -- EndpointSlices -----------------------------------------------------------------------------------------------


def pod(
    name: str = "web-1", ip: str = "10.244.0.2", *, ready: bool = True, meta: Body | None = None, **spec: Any
) -> Pod:
    status: Body = {"phase": spec.pop("phase", "Running"), "podIP": ip, "podIPs": [{"ip": ip}] if ip else []}
    status["conditions"] = [{"type": "Ready", "status": str(ready)}]
    body = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "default", "labels": {"app": "web"}, **(meta or {})},
        "spec": {"nodeName": "worker-1", "containers": [{"name": "app"}], **spec},
        "status": status,
    }
    found = decode(body)
    assert isinstance(found, Pod)
    return found


ZONED = decode(
    {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": "worker-1", "labels": {"topology.kubernetes.io/zone": "zone-a"}},
    }
)
GOING = {"deletionTimestamp": "2026-01-01T00:00:00Z"}


def node(name: str) -> Node | None:
    assert isinstance(ZONED, Node)
    return ZONED if name == "worker-1" else None


def web(**spec: Any) -> Service:
    return defaulted(service(selector={"app": "web"}, clusterIP="10.96.0.9", ipFamilies=["IPv4"], **spec))


def plan(found: Service, *pods: Pod, existing: list[EndpointSlice] | None = None, most: int = 100) -> SlicePlan:
    return plan_slices(found, list(pods), node, existing or [], most, lambda: zone_ratios([]))


def endpoint(found: Pod, **spec: Any) -> Endpoint:
    return endpoint_of(found, web(**spec), node(found.spec.node_name), "IPv4")


def test_rule_19_one_set_of_slices_for_each_family_and_set_of_ports() -> None:
    named = web(ports=[{"port": 80, "targetPort": "http"}])
    old = pod("old", "10.244.0.2", containers=[{"name": "a", "ports": [{"name": "http", "containerPort": 8080}]}])
    new = pod("new", "10.244.0.3", containers=[{"name": "a", "ports": [{"name": "http", "containerPort": 9090}]}])
    made = plan(named, old, new).create
    assert sorted((each.ports[0].port, each.endpoints[0].addresses) for each in made) == [
        (8080, ("10.244.0.2",)),
        (9090, ("10.244.0.3",)),
    ]
    assert address_types(web(ipFamilyPolicy="RequireDualStack")) == ("IPv4",)
    many = [pod(f"web-{number}", f"10.244.1.{number}") for number in range(1, 251)]
    assert sorted(len(each.endpoints) for each in plan(web(), *many).create) == [50, 100, 100]


@pytest.mark.parametrize(
    ("found", "belongs_"),
    [
        (pod(), True),
        (pod(phase="Failed"), False),
        (pod(phase="Succeeded"), False),
        (pod(ip=""), False),
        (pod(meta=GOING), True),
    ],
)
def test_rule_19_pods_that_have_ended_or_have_no_address_are_no_endpoints(found: Pod, belongs_: bool) -> None:
    assert belongs(found) is belongs_


@pytest.mark.parametrize(
    ("found", "spec", "conditions"),
    [
        (pod(), {}, (True, True, False)),
        (pod(ready=False), {}, (False, False, False)),
        (pod(meta=GOING), {}, (False, True, True)),
        (pod(meta=GOING, ready=False), {}, (False, False, True)),
        (pod(ready=False), {"publishNotReadyAddresses": True}, (True, False, False)),
        (pod(meta=GOING), {"publishNotReadyAddresses": True}, (True, True, True)),
    ],
)
def test_rule_20_ready_serving_and_terminating(found: Pod, spec: Body, conditions: tuple[bool, ...]) -> None:
    told = endpoint(found, **spec).conditions
    assert (told.ready, told.serving, told.terminating) == conditions


@pytest.mark.parametrize(
    ("spec", "hostname"),
    [
        ({"hostname": "web-1", "subdomain": "web"}, "web-1"),
        ({"hostname": "web-1", "subdomain": "other"}, ""),
        ({"hostname": "web-1"}, ""),
    ],
)
def test_rule_21_an_endpoint_has_a_hostname_if_its_subdomain_is_the_service(spec: Body, hostname: str) -> None:
    told = endpoint(pod(**spec))
    assert (told.hostname, told.zone, told.node_name) == (hostname, "zone-a", "worker-1")


def test_rule_21_named_target_ports_are_looked_up_by_name_and_protocol() -> None:
    ports = [{"name": "dns", "containerPort": 53, "protocol": "UDP"}, {"name": "dns", "containerPort": 5353}]
    found = pod(containers=[{"name": "a", "ports": ports}])
    wanted = [
        {"name": "u", "port": 53, "targetPort": "dns", "protocol": "UDP"},
        {"name": "t", "port": 53, "targetPort": "dns"},
        {"name": "x", "port": 80, "targetPort": "http"},
    ]
    told = resolved_ports(web(ports=wanted), found)
    assert [(port.name, port.port) for port in told] == [("u", 53), ("t", 5353)]


def full(name: str, count: int, first: int = 1) -> EndpointSlice:
    body = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": name, "namespace": "default", "labels": slice_labels(web())},
        "addressType": "IPv4",
        "ports": [{"name": "", "port": 80, "protocol": "TCP"}],
        "endpoints": [encode(endpoint(pod(f"web-{n}", f"10.244.1.{n}"))) for n in range(first, first + count)],
    }
    found = decode(body)
    assert isinstance(found, EndpointSlice)
    return found


def test_rule_22_new_endpoints_go_where_they_fit_best_with_few_writes() -> None:
    pods = [pod(f"web-{number}", f"10.244.1.{number}") for number in range(1, 18)]

    def writes(count: int) -> tuple[list[tuple[str, int]], list[int]]:
        done = plan(web(), *pods[:count], existing=[full("a", 6), full("b", 8, 7)], most=10)
        return [(each.name, len(each.endpoints)) for each in done.update], [len(each.endpoints) for each in done.create]

    assert writes(14) == ([], [])
    assert writes(16) == ([("b", 10)], []), "it ends closest to full"
    assert writes(17) == ([("a", 9)], []), "three more fit there alone"
    done = plan(web(), *pods, existing=[full("a", 7), full("b", 7, 8)], most=9)
    assert ([each.name for each in done.update], [len(each.endpoints) for each in done.create]) == ([], [3])
    gone = plan(web(), *pods[1:16], existing=[full("a", 6), full("b", 8, 7)], most=10)
    assert [(each.name, len(each.endpoints)) for each in gone.update] == [("a", 7)], "one that is written anyway"


def test_rule_22_without_endpoints_there_is_one_empty_slice() -> None:
    made = plan(web()).create
    assert [(each.endpoints, each.ports, each.address_type) for each in made] == [((), (), "IPv4")]


def test_rule_23_labels_are_copied_except_the_reserved_ones() -> None:
    labels = {"team": "a", "kubernetes.io/service-name": "mine", "endpointslice.kubernetes.io/managed-by": "me"}
    own = {
        "kubernetes.io/service-name": "web",
        "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
    }
    assert slice_labels(service(clusterIP="10.96.0.9", meta={"labels": labels})) == {**own, "team": "a"}
    headless = slice_labels(service(clusterIP="None", meta={"labels": labels}))
    assert headless == {**own, "team": "a", "service.kubernetes.io/headless": ""}


@pytest.mark.parametrize(
    ("wish", "zones", "nodes"),
    [
        (None, None, None),
        ("PreferClose", ["zone-a"], []),
        ("PreferSameZone", ["zone-a"], []),
        ("PreferSameNode", ["zone-a"], ["worker-1"]),
    ],
)
def test_rule_24_hints_follow_traffic_distribution(wish: str | None, zones: Any, nodes: Any) -> None:
    spec = {"trafficDistribution": wish} if wish else {}
    (made,) = plan(web(**spec), pod(), pod("late", "10.244.0.3", ready=False)).create
    hints = {each.target_ref.name: each.hints for each in made.endpoints if each.target_ref}
    assert hints["late"] is None, "only ready endpoints get hints"
    told = hints["web-1"]
    if zones is None:
        assert told is None
    else:
        assert told is not None
        assert ([zone.name for zone in told.for_zones], [each.name for each in told.for_nodes]) == (zones, nodes)


def test_rule_24_the_annotation_beats_traffic_distribution() -> None:
    annotation = {"annotations": {"service.kubernetes.io/topology-mode": "Auto"}}
    both = web(meta=annotation, trafficDistribution="PreferSameNode")
    assert topology_mode_auto(both)
    (made,) = plan(both, pod()).create
    assert made.endpoints[0].hints is None, "one zone has no hints"
