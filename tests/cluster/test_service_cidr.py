"""ServiceCIDR and IPAddress objects: several ranges, an object for each address in use, and a patient end."""

from __future__ import annotations

import pytest

from lab.cluster.errors import NotServed
from lab.cluster.store import Invalid, NotFound
from lab.cluster.system_objects import default_service_cidr
from lab.kube.kinds.ipaddress import IP_FAMILY_LABEL, IPAddress, IPAddressSpec, ParentReference
from lab.kube.kinds.service import Service, ServicePort, ServiceSpec
from lab.kube.kinds.servicecidr import SERVICE_CIDR_FINALIZER, ServiceCIDR, ServiceCIDRSpec
from lab.kube.meta import ObjectMeta
from lab.settings import Settings
from tests.cluster.small_cluster import SmallCluster

SMALL = "10.1.0.0/30"
"""Two addresses."""


@pytest.fixture
def cluster() -> SmallCluster:
    made = SmallCluster(settings=Settings(service_cidr=SMALL))
    made.store.create(default_service_cidr(made.settings))
    made.run(1)
    return made


def service(cluster: SmallCluster, name: str, **spec: object) -> Service:
    wanted = ServiceSpec(ports=(ServicePort(port=80),), **spec)  # type: ignore[arg-type]
    return cluster.store.create(Service(metadata=ObjectMeta(name=name), spec=wanted))


def cidr(cluster: SmallCluster, name: str, *cidrs: str) -> ServiceCIDR:
    return cluster.store.create(ServiceCIDR(metadata=ObjectMeta(name=name), spec=ServiceCIDRSpec(cidrs=cidrs)))


def addresses(cluster: SmallCluster) -> list[str]:
    return sorted(each.name for each in cluster.store.list(IPAddress))


def exists(cluster: SmallCluster, name: str) -> bool:
    return cluster.store.find(ServiceCIDR, name, "") is not None


def test_each_address_in_use_has_an_object_that_says_whose_it_is(cluster: SmallCluster) -> None:
    ip = service(cluster, "web").spec.cluster_ip
    found = cluster.store.get(IPAddress, ip, "")
    parent = ParentReference(resource="services", namespace="default", name="web")
    assert (found.spec.parent_ref, found.metadata.labels[IP_FAMILY_LABEL]) == (parent, "IPv4")
    cluster.store.delete(Service, "web")
    assert addresses(cluster) == []


def test_a_service_that_gives_its_address_up_loses_the_object(cluster: SmallCluster) -> None:
    service(cluster, "web")
    cluster.store.mutate(
        Service,
        "web",
        "default",
        lambda found: Service(
            metadata=found.metadata, spec=ServiceSpec(type="ExternalName", external_name="db.example.com")
        ),
    )
    assert addresses(cluster) == []


def test_an_object_that_is_deleted_by_hand_comes_back_while_the_service_has_the_address(cluster: SmallCluster) -> None:
    ip = service(cluster, "web").spec.cluster_ip
    cluster.store.delete(IPAddress, ip, "")
    assert addresses(cluster) == [ip]


def test_an_object_made_by_hand_reserves_its_address(cluster: SmallCluster) -> None:
    spec = IPAddressSpec(parent_ref=ParentReference(resource="gateways", name="edge"))
    cluster.store.create(IPAddress(metadata=ObjectMeta(name="10.1.0.1"), spec=spec))
    with pytest.raises(Invalid, match="provided IP is already allocated"):
        service(cluster, "web", cluster_ip="10.1.0.1")
    cluster.store.delete(IPAddress, "10.1.0.1", "")
    assert service(cluster, "web", cluster_ip="10.1.0.1").spec.cluster_ip == "10.1.0.1"


def test_a_second_range_is_used_when_the_first_is_full(cluster: SmallCluster) -> None:
    service(cluster, "one")
    service(cluster, "two")
    with pytest.raises(Invalid, match="range is full"):
        service(cluster, "three")
    cidr(cluster, "more", "10.2.0.0/24")
    assert service(cluster, "three").spec.cluster_ip.startswith("10.2.0.")


def test_a_range_that_is_being_deleted_waits_for_its_addresses(cluster: SmallCluster) -> None:
    cidr(cluster, "more", "10.2.0.0/24")
    cluster.run(1)
    assert cluster.store.get(ServiceCIDR, "more", "").metadata.finalizers == (SERVICE_CIDR_FINALIZER,)
    service(cluster, "web", cluster_ip="10.2.0.7")
    cluster.store.delete(ServiceCIDR, "more", "")
    cluster.run(60)
    ready = cluster.store.get(ServiceCIDR, "more", "").status.conditions[0]
    assert (ready.status, ready.reason) == ("False", "Terminating")
    with pytest.raises(Invalid, match="does not match the current range"):
        service(cluster, "late", cluster_ip="10.2.0.8")
    cluster.store.delete(Service, "web")
    cluster.run(60)
    assert not exists(cluster, "more")


def test_unless_another_range_has_them_too(cluster: SmallCluster) -> None:
    cidr(cluster, "more", "10.2.0.0/24")
    cidr(cluster, "most", "10.2.0.0/16")
    cluster.run(1)
    service(cluster, "web", cluster_ip="10.2.0.7")
    cluster.store.delete(ServiceCIDR, "more", "")
    cluster.run(60)
    assert not exists(cluster, "more")
    with pytest.raises(Invalid, match="already allocated"):
        service(cluster, "other", cluster_ip="10.2.0.7")


def test_the_default_range_comes_back(cluster: SmallCluster) -> None:
    cluster.store.delete(ServiceCIDR, "kubernetes", "")
    cluster.run(60)
    assert cluster.store.get(ServiceCIDR, "kubernetes", "").metadata.deletion_timestamp is None
    assert service(cluster, "web").spec.cluster_ip.startswith("10.1.0.")


@pytest.mark.parametrize(
    ("cidrs", "message"),
    [
        ((), "spec.cidrs: Required value"),
        (("10.1.2.3/16",), "spec.cidrs\\[0\\]: Invalid value"),
        (("10.0.0.0/16", "10.1.0.0/16"), "no more than one IP for each IP family"),
        (("nonsense",), "must be a valid CIDR value"),
    ],
)
def test_ranges_are_checked(cluster: SmallCluster, cidrs: tuple[str, ...], message: str) -> None:
    with pytest.raises(Invalid, match=message):
        cidr(cluster, "more", *cidrs)


def test_addresses_are_named_in_canonical_form(cluster: SmallCluster) -> None:
    spec = IPAddressSpec(parent_ref=ParentReference(resource="services", name="web"))
    with pytest.raises(Invalid, match='must be in canonical form \\("2001:db8::1"\\)'):
        cluster.store.create(IPAddress(metadata=ObjectMeta(name="2001:db8:0::1"), spec=spec))


def test_before_1_33_there_are_no_such_objects() -> None:
    old = SmallCluster(settings=Settings(kubernetes="1.31"))
    old.run(1)
    service(old, "web")
    assert addresses(old) == []
    with pytest.raises(NotFound):
        old.store.get(ServiceCIDR, "kubernetes", "")


def test_before_1_33_there_is_no_such_kind() -> None:
    """KEP-1880: networking.k8s.io/v1 has ServiceCIDR since 1.33."""
    older = SmallCluster(settings=Settings(kubernetes="1.32"))
    older.run(1)
    with pytest.raises(NotServed) as caught:
        cidr(older, "more", "10.2.0.0/24")
    assert str(caught.value) == 'no matches for kind "ServiceCIDR" in version "networking.k8s.io/v1"'
    assert older.store.list(ServiceCIDR) == []
