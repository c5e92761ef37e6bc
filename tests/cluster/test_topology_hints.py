"""Topology-aware hints by CPU (annotation topology-mode Auto), and the order in which slices are filled."""

from __future__ import annotations

from collections import Counter

import pytest
from msgspec.structs import replace

from lab.cluster.controllers.endpointslice_packing import plan_slices
from lab.cluster.controllers.topology_hints import ENABLED, with_auto_hints, zone_ratios
from lab.kube.kinds.endpointslice import Endpoint, EndpointConditions, EndpointSlice
from lab.kube.kinds.node import ZONE_LABEL, Node, NodeStatus
from lab.kube.kinds.pod import Pod, PodIP, PodSpec, PodStatus
from lab.kube.kinds.service import Service, ServicePort, ServiceSpec
from lab.kube.meta import Condition, ObjectMeta
from lab.settings import Settings
from tests.cluster.small_cluster import SmallCluster, app

EQUAL = {"a": 1 / 3, "b": 1 / 3, "c": 1 / 3}
READY = (Condition(type="Ready", status="True"),)
AUTO = {"service.kubernetes.io/topology-mode": "Auto"}


def node(name: str, zone: str, cpu: str = "1", **labels: str) -> Node:
    return Node(
        metadata=ObjectMeta(name=name, labels={ZONE_LABEL: zone, **labels}),
        status=NodeStatus(allocatable={"cpu": cpu}, conditions=READY),
    )


def endpoints(zones: str, first: int = 1) -> EndpointSlice:
    made = (
        Endpoint(addresses=(f"10.244.0.{first + i}",), zone=zone, conditions=EndpointConditions(ready=True))
        for i, zone in enumerate(zones)
    )
    return EndpointSlice(metadata=ObjectMeta(name=f"web-{first}"), endpoints=tuple(made))


def hinted(*found: EndpointSlice) -> Counter[str]:
    hints = [endpoint.hints for each in found for endpoint in each.endpoints]
    return Counter(zone.name for each in hints if each is not None for zone in each.for_zones)


def test_a_zones_share_is_that_of_its_cpu() -> None:
    assert zone_ratios([node("one", "a", "3"), node("two", "b", "500m"), node("three", "b", "500m")]) == {
        "a": 0.75,
        "b": 0.25,
    }


def test_the_control_plane_has_no_share() -> None:
    control_plane = node("cp", "c", **{"node-role.kubernetes.io/control-plane": ""})
    assert zone_ratios([node("one", "a"), node("two", "b"), control_plane]) == {"a": 0.5, "b": 0.5}


@pytest.mark.parametrize("nodes", [[node("one", "a")], [node("one", "a"), node("two", "")], []])
def test_one_zone_or_a_node_without_a_zone_make_shares_unknown(nodes: list[Node]) -> None:
    assert zone_ratios(nodes) == {}


def test_endpoints_are_dealt_out_evenly() -> None:
    after = with_auto_hints([endpoints("abbbcc")], [], [], EQUAL)
    assert (hinted(*after.create), after.message) == (Counter(a=2, b=2, c=2), ENABLED)


@pytest.mark.parametrize(
    ("zones", "ratios", "reason"),
    [
        ("ab", EQUAL, "Insufficient number of endpoints (2 endpoints, 3 zones)"),
        ("aab", {"a": 0.5, "b": 0.5}, "without exceeding overload threshold (3 endpoints, 2 zones)"),
        ("abbbcc", {}, "Insufficient Node information"),
    ],
)
def test_too_few_or_unevenly_many_endpoints_get_no_hints(zones: str, ratios: dict[str, float], reason: str) -> None:
    after = with_auto_hints([endpoints(zones)], [], [], ratios)
    assert reason in after.message


def test_endpoints_without_a_zone_turn_hints_off() -> None:
    nowhere = replace(endpoints("a", 9).endpoints[0], zone="")
    found = endpoints("abc")
    assert not with_auto_hints([replace(found, endpoints=(*found.endpoints, nowhere))], [], [], EQUAL).enabled


def test_a_slice_that_still_does_is_not_written_again() -> None:
    before = with_auto_hints([endpoints("abc")], [], [], EQUAL).create[0]
    after = with_auto_hints([endpoints("abc", 11)], [], [before], EQUAL)
    assert (len(after.create), after.update) == (1, [])


def test_a_slice_with_too_many_for_one_zone_is_written_again() -> None:
    before = with_auto_hints([endpoints("aabbcc")], [], [], EQUAL).create[0]
    after = with_auto_hints([], [], [before], {"a": 0.7, "b": 0.15, "c": 0.15})
    assert hinted(*after.update) == Counter(a=4, b=1, c=1)


def test_hints_are_taken_away_when_they_no_longer_work() -> None:
    before = with_auto_hints([endpoints("abc")], [], [], EQUAL).create[0]
    after = with_auto_hints([], [], [before], {})
    assert hinted(*after.update) == Counter()


def test_a_service_says_that_it_has_hints_and_why_it_has_lost_them() -> None:
    cluster = SmallCluster(2, zones=("zone-a", "zone-b"), settings=Settings(image_pull_s=0.0))
    cluster.add_service(cluster_ip="10.96.0.12", ip_families=("IPv4",))
    cluster.store.mutate(Service, "web", "default", annotated)
    for number in (1, 2):
        cluster.add_pod(app(), name=f"pod-{number}", node=f"worker-{number}")
    cluster.run(5)
    assert hinted(*cluster.store.list(EndpointSlice)) == Counter({"zone-a": 1, "zone-b": 1})
    cluster.store.delete(Pod, "pod-1", grace_s=0)
    cluster.run(5)
    assert hinted(*cluster.store.list(EndpointSlice)) == Counter()
    assert [reason for reason in cluster.reasons("web") if "Hints" in reason][-2:] == [
        "TopologyAwareHintsEnabled",
        "TopologyAwareHintsDisabled",
    ]


def annotated(found: Service) -> Service:
    return replace(found, metadata=replace(found.metadata, annotations=AUTO))


# -- packing ----------------------------------------------------------------------------------------------------


def pod(number: int) -> Pod:
    address = f"10.244.1.{number}"
    return Pod(
        metadata=ObjectMeta(name=f"pod-{number}", namespace="default"),
        spec=PodSpec(node_name="one"),
        status=PodStatus(phase="Running", pod_ip=address, pod_ips=(PodIP(ip=address),), conditions=READY),
    )


def test_the_fullest_of_the_slices_that_are_written_anyway_is_filled_first() -> None:
    web = Service(
        metadata=ObjectMeta(name="web", namespace="default"),
        spec=ServiceSpec(ports=(ServicePort(port=80),), ip_families=("IPv4",), cluster_ip="10.96.0.12"),
    )
    here = node("one", "a")

    def plan(numbers: list[int], existing: list[EndpointSlice]) -> list[EndpointSlice]:
        found = plan_slices(web, [pod(number) for number in numbers], {"one": here}.get, existing, 5)
        assert not found.create
        return found.update

    def holding(name: str, *numbers: int) -> EndpointSlice:
        made = plan_slices(web, [pod(number) for number in numbers], {"one": here}.get, [], 5).create[0]
        return EndpointSlice(
            metadata=ObjectMeta(name=name, namespace="default", labels=made.metadata.labels),
            ports=made.ports,
            endpoints=made.endpoints,
        )

    emptier, fuller = holding("emptier", 1, 2, 99), holding("fuller", 3, 4, 5, 98)
    updated = plan([1, 2, 3, 4, 5, 6, 7], [emptier, fuller])
    assert {found.name: len(found.endpoints) for found in updated} == {"fuller": 5, "emptier": 2}
