"""A cluster with both families: nodes, Pods, Services and their slices have addresses of each."""

from __future__ import annotations

import pytest

from lab.cluster.pod_cidrs import PodCIDRs, most_nodes
from lab.kube.errors import LabError
from lab.kube.kinds.endpointslice import EndpointSlice
from lab.kube.kinds.service import Service, ServicePort, ServiceSpec
from lab.kube.meta import ObjectMeta
from lab.settings import Settings
from tests.cluster.small_cluster import SmallCluster, app

DUAL = Settings(
    pod_cidr="10.244.0.0/16,fd00:10:244::/56", service_cidr="10.96.0.0/12,fd00:10:96::/112", image_pull_s=0.0
)


def serving() -> SmallCluster:
    cluster = SmallCluster(2, settings=DUAL)
    spec = ServiceSpec(ports=(ServicePort(port=80),), selector={"app": "web"}, ip_family_policy="PreferDualStack")
    cluster.store.create(Service(metadata=ObjectMeta(name="web"), spec=spec))
    cluster.add_pod(app(), name="one", node="worker-2")
    cluster.run(5)
    return cluster


def test_nodes_have_a_pod_cidr_and_an_address_of_each_family() -> None:
    node = serving().node("worker-2")
    assert node.spec.pod_cidrs == ("10.244.1.0/24", "fd00:10:244:1::/64")
    internal = [each.address for each in node.status.addresses if each.type == "InternalIP"]
    assert internal == ["172.18.0.12", "fd00:172:18::12"]
    external = [each.address for each in node.status.addresses if each.type == "ExternalIP"]
    assert external == ["192.0.2.12", "2001:db8:2::12"]


def test_nodes_of_an_ipv6_cluster_have_ipv6_addresses_only() -> None:
    cluster = SmallCluster(1, settings=Settings(pod_cidr="fd00:10:244::/56", service_cidr="fd00:10:96::/112"))
    cluster.run(1)
    addresses = [(each.type, each.address) for each in cluster.node("worker-1").status.addresses]
    assert addresses == [
        ("InternalIP", "fd00:172:18::11"),
        ("ExternalIP", "2001:db8:2::11"),
        ("Hostname", "worker-1"),
    ]


def test_pods_have_both() -> None:
    status = serving().pod("one").status
    assert (status.pod_ip, [each.ip for each in status.pod_ips]) == ("10.244.1.2", ["10.244.1.2", "fd00:10:244:1::2"])


def test_a_service_and_its_slices_have_both() -> None:
    cluster = serving()
    spec = cluster.store.get(Service, "web").spec
    assert spec.ip_families == ("IPv4", "IPv6")
    assert [address.startswith(start) for address, start in zip(spec.cluster_ips, ("10.", "fd00:10:96::"), strict=True)]
    slices = {each.address_type: each.endpoints[0].addresses[0] for each in cluster.store.list(EndpointSlice)}
    assert slices == {"IPv4": "10.244.1.2", "IPv6": "fd00:10:244:1::2"}


def test_one_family_alone_is_as_before() -> None:
    cluster = SmallCluster()
    cluster.add_pod()
    cluster.run(5)
    assert [each.ip for each in cluster.pod().status.pod_ips] == ["10.244.0.2"]
    assert cluster.node("worker-1").spec.pod_cidrs == ("10.244.0.0/24",)


@pytest.mark.parametrize(
    ("cidr", "parts", "most"),
    [
        ("10.244.0.0/16", ("10.244.0.0/24",), 256),
        ("10.244.0.0/16,fd00::/56", ("10.244.0.0/24", "fd00::/64"), 256),
        ("fd00::/48", ("fd00::/64",), 65536),
        ("fd00::/64", ("fd00::/72",), 256),
    ],
)
def test_parts_of_pod_networks(cidr: str, parts: tuple[str, ...], most: int) -> None:
    assert (PodCIDRs(cidr).take(), most_nodes(cidr)) == (parts, most)


def test_a_network_that_is_used_up_is_named() -> None:
    cidrs = PodCIDRs("10.244.0.0/24")
    cidrs.take()
    with pytest.raises(LabError, match=r"pod_cidr 10.244.0.0/24 has no /24 left for node 2"):
        cidrs.take()
