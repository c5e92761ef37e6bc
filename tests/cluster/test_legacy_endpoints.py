"""The Endpoints object of a Service, and slices that mirror one made by hand."""

from __future__ import annotations

from lab.cluster.controllers.endpoints import CONTROLLER_NAME
from lab.cluster.controllers.endpoints_mirroring import MIRRORING, SKIP_MIRROR
from lab.cluster.controllers.legacy_endpoints import endpoints_of
from lab.kube.kinds.endpoints import OVER_CAPACITY, EndpointAddress, Endpoints, EndpointsPort, EndpointSubset
from lab.kube.kinds.endpointslice import MANAGED_BY_LABEL, Endpoint, EndpointConditions, EndpointPort, EndpointSlice
from lab.kube.kinds.pod import Pod
from lab.kube.kinds.service import Service, ServicePort, ServiceSpec
from lab.kube.meta import ObjectMeta
from lab.settings import Settings
from tests.cluster.small_cluster import SmallCluster, app, tcp_probe

QUICK = Settings(image_pull_s=0.0)
READY, UNREADY = EndpointConditions(ready=True), EndpointConditions(ready=False, serving=False)


def serving() -> SmallCluster:
    cluster = SmallCluster(2, settings=QUICK)
    cluster.add_service(cluster_ip="10.96.0.12")
    for number in (1, 2):
        cluster.add_pod(app(readiness_probe=tcp_probe()), name=f"pod-{number}", node=f"worker-{number}")
    cluster.run(5)
    return cluster


def names(addresses: tuple[EndpointAddress, ...]) -> list[str]:
    return sorted(each.target_ref.name for each in addresses if each.target_ref is not None)


def test_it_lists_ready_and_unready_pods() -> None:
    cluster = serving()
    subset = cluster.store.get(Endpoints, "web").subsets[0]
    assert (names(subset.addresses), subset.not_ready_addresses) == (["pod-1", "pod-2"], ())
    cluster.answer(False, name="pod-1")
    cluster.run(40)
    subset = cluster.store.get(Endpoints, "web").subsets[0]
    assert (names(subset.addresses), names(subset.not_ready_addresses)) == (["pod-2"], ["pod-1"])


def test_a_terminating_pod_is_in_it_no_more() -> None:
    cluster = serving()
    cluster.runtime.deaf[("default", "pod-1", "app")] = True
    cluster.store.delete(Pod, "pod-1")
    cluster.run(2)
    subset = cluster.store.get(Endpoints, "web").subsets[0]
    assert (names(subset.addresses), subset.not_ready_addresses) == (["pod-2"], ())


def test_it_goes_with_its_service() -> None:
    cluster = serving()
    cluster.store.delete(Service, "web")
    cluster.run(2)
    assert cluster.store.find(Endpoints, "web") is None


def test_it_is_cut_off_at_a_thousand_and_keeps_the_ready_ones() -> None:
    web = Service(metadata=ObjectMeta(name="web", namespace="default"), spec=ServiceSpec(ip_families=("IPv4",)))
    port = (EndpointPort(name="http", port=80),)
    made = tuple(
        Endpoint(addresses=(f"10.{i // 250}.0.{i % 250 + 1}",), conditions=READY if i >= 300 else UNREADY)
        for i in range(1200)
    )
    found = endpoints_of(web, [EndpointSlice(ports=port, endpoints=made)])
    (subset,) = found.subsets
    assert (len(subset.addresses), len(subset.not_ready_addresses)) == (900, 100)
    assert found.metadata.annotations == {OVER_CAPACITY: "truncated"}


def test_large_clusters_go_without() -> None:
    cluster = SmallCluster(settings=Settings(endpoints_most_services=0))
    cluster.add_service(cluster_ip="10.96.0.12")
    cluster.run(5)
    assert cluster.store.list(Endpoints) == []


# -- made by hand -----------------------------------------------------------------------------------------------


def by_hand(**labels: str) -> SmallCluster:
    cluster = SmallCluster()
    spec = ServiceSpec(ports=(ServicePort(port=5432),))
    cluster.store.create(Service(metadata=ObjectMeta(name="db"), spec=spec))
    subset = EndpointSubset(
        addresses=(EndpointAddress(ip="192.0.2.7"), EndpointAddress(ip="2001:db8::7")),
        not_ready_addresses=(EndpointAddress(ip="192.0.2.8"),),
        ports=(EndpointsPort(port=5432),),
    )
    cluster.store.create(Endpoints(metadata=ObjectMeta(name="db", labels=labels), subsets=(subset,)))
    cluster.run(1)
    return cluster


def mirrored(cluster: SmallCluster) -> list[tuple[str, list[tuple[str, bool | None]]]]:
    found = cluster.store.list(EndpointSlice, "default", {MANAGED_BY_LABEL: MIRRORING})
    return [(each.address_type, [(e.addresses[0], e.conditions.ready) for e in each.endpoints]) for each in found]


def test_slices_mirror_it_by_family() -> None:
    assert mirrored(by_hand()) == [
        ("IPv4", [("192.0.2.7", True), ("192.0.2.8", False)]),
        ("IPv6", [("2001:db8::7", True)]),
    ]


def test_slices_follow_it() -> None:
    cluster = by_hand()
    before = cluster.store.list(EndpointSlice)[0].name
    subset = EndpointSubset(addresses=(EndpointAddress(ip="192.0.2.9"),), ports=(EndpointsPort(port=5432),))
    cluster.store.mutate(
        Endpoints, "db", "default", lambda found: Endpoints(metadata=found.metadata, subsets=(subset,))
    )
    cluster.run(1)
    assert mirrored(cluster) == [("IPv4", [("192.0.2.9", True)])]
    assert cluster.store.list(EndpointSlice)[0].name == before
    cluster.store.delete(Endpoints, "db")
    cluster.run(1)
    assert mirrored(cluster) == []


def test_nothing_is_mirrored_where_the_object_says_so() -> None:
    assert mirrored(by_hand(**{SKIP_MIRROR: "true"})) == []


def test_a_selector_ends_the_mirroring() -> None:
    cluster = by_hand()
    cluster.store.mutate(
        Service,
        "db",
        "default",
        lambda found: Service(
            metadata=found.metadata, spec=ServiceSpec(ports=(ServicePort(port=5432),), selector={"app": "db"})
        ),
    )
    cluster.run(1)
    assert mirrored(cluster) == []
    assert len(cluster.store.list(EndpointSlice, "default", {MANAGED_BY_LABEL: CONTROLLER_NAME})) == 1
