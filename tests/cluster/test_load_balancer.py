"""EXTERNAL-IP: pending for 5 s, then 203.0.113.10 and up; or pending for ever without a provider."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from msgspec.structs import replace

from lab.kube.kinds.service import Service, ServicePort, ServiceSpec
from lab.kube.meta import ObjectMeta
from lab.kube.versions import settings_of
from lab.settings import Settings
from tests.cluster.small_cluster import SmallCluster


def add(cluster: SmallCluster, name: str, **spec: object) -> None:
    wanted = replace(ServiceSpec(type="LoadBalancer", ports=(ServicePort(port=80),)), **spec)
    cluster.store.create(Service(metadata=ObjectMeta(name=name, namespace="default"), spec=wanted))


def external_ip(cluster: SmallCluster, name: str) -> str:
    ingress = cluster.store.get(Service, name).status.load_balancer.ingress
    return ingress[0].ip if ingress else "<pending>"


def test_an_address_comes_after_the_provisioning_time() -> None:
    cluster = SmallCluster()
    add(cluster, "web")
    cluster.until(5.0)
    assert external_ip(cluster, "web") == "<pending>"
    cluster.until(5.1)
    assert external_ip(cluster, "web") == "203.0.113.10"
    assert cluster.reasons("web") == ["EnsuringLoadBalancer", "EnsuredLoadBalancer"]


DUAL = Settings(pod_cidr="10.244.0.0/16,fd00:10:244::/56", service_cidr="10.96.0.0/12,fd00:10:96::/112")


def addresses(cluster: SmallCluster, name: str) -> list[str]:
    return [ingress.ip for ingress in cluster.store.get(Service, name).status.load_balancer.ingress]


@pytest.mark.parametrize(
    ("spec", "given"),
    [
        ({}, ["203.0.113.10"]),
        ({"ip_families": ("IPv6",)}, ["2001:db8:113::10"]),
        ({"ip_family_policy": "PreferDualStack"}, ["203.0.113.10", "2001:db8:113::10"]),
        (
            {"ip_family_policy": "RequireDualStack", "ip_families": ("IPv6", "IPv4")},
            ["2001:db8:113::10", "203.0.113.10"],
        ),
    ],
)
def test_there_is_an_address_of_each_family_in_the_order_of_the_families(
    spec: dict[str, Any], given: list[str]
) -> None:
    cluster = SmallCluster(settings=DUAL)
    add(cluster, "web", **spec)
    cluster.run(6)
    assert addresses(cluster, "web") == given


def test_a_service_that_becomes_dual_stack_keeps_its_address_and_gets_another() -> None:
    cluster = SmallCluster(settings=DUAL)
    add(cluster, "web")
    cluster.run(6)
    service = cluster.store.get(Service, "web")
    cluster.store.update(replace(service, spec=replace(service.spec, ip_family_policy="PreferDualStack")))
    cluster.run(1)
    assert addresses(cluster, "web") == ["203.0.113.10", "2001:db8:113::10"]
    service = cluster.store.get(Service, "web")
    single = replace(service.spec, ip_family_policy="SingleStack", ip_families=("IPv4",))
    single = replace(single, cluster_ips=service.spec.cluster_ips[:1])
    cluster.store.update(replace(service, spec=single))
    cluster.run(1)
    assert addresses(cluster, "web") == ["203.0.113.10"]


def test_the_lowest_free_address_is_given() -> None:
    cluster = SmallCluster()
    for name in ("a", "b", "c"):
        add(cluster, name)
    cluster.run(6)
    assert [external_ip(cluster, name) for name in "abc"] == ["203.0.113.10", "203.0.113.11", "203.0.113.12"]
    cluster.store.delete(Service, "b")
    cluster.run(1)
    add(cluster, "d")
    cluster.run(6)
    assert external_ip(cluster, "d") == "203.0.113.11"


def test_another_type_gives_the_address_back() -> None:
    cluster = SmallCluster()
    add(cluster, "web")
    cluster.run(6)
    service = cluster.store.get(Service, "web")
    cluster.store.update(replace(service, spec=replace(service.spec, type="NodePort")))
    cluster.run(1)
    assert external_ip(cluster, "web") == "<pending>"
    assert cluster.reasons("web")[-1] == "DeletedLoadBalancer"


def test_a_service_deleted_meanwhile_takes_no_address() -> None:
    cluster = SmallCluster()
    add(cluster, "gone")
    cluster.run(1)
    cluster.store.delete(Service, "gone")
    add(cluster, "web")
    cluster.run(7)
    assert external_ip(cluster, "web") == "203.0.113.10"


def test_a_load_balancer_class_is_left_to_its_own_provider() -> None:
    cluster = SmallCluster()
    add(cluster, "web", load_balancer_class="example.com/other")
    cluster.run(60)
    assert external_ip(cluster, "web") == "<pending>"
    assert cluster.reasons("web") == []


def test_without_a_provider_it_stays_pending() -> None:
    cluster = SmallCluster(settings=Settings(load_balancer="none"))
    add(cluster, "web")
    cluster.run(600)
    assert external_ip(cluster, "web") == "<pending>"


@pytest.mark.parametrize(
    ("profile", "wait_s", "reasons"),
    [
        ("gcp", 5.0, ["EnsuringLoadBalancer", "EnsuredLoadBalancer"]),
        ("aws-nlb", 5.0, ["SuccessfullyReconciled"]),
        ("metallb-l2", 0.1, ["IPAllocated"]),
    ],
)
def test_each_profile_gives_an_address_in_its_own_time_and_words(
    profile: str, wait_s: float, reasons: list[str]
) -> None:
    cluster = SmallCluster(settings=settings_of({"load_balancer": profile}))
    add(cluster, "web")
    cluster.until(wait_s)
    assert external_ip(cluster, "web") == "<pending>"
    cluster.until(wait_s + 0.1)
    assert external_ip(cluster, "web") == "203.0.113.10"
    assert cluster.reasons("web")[: len(reasons)] == reasons


def test_an_nlb_has_a_hostname_so_that_kube_proxy_does_not_intercept_it() -> None:
    cluster = SmallCluster(settings=settings_of({"load_balancer": "aws-nlb"}))
    add(cluster, "web", load_balancer_class="service.k8s.aws/nlb")
    cluster.run(6)
    (ingress,) = cluster.store.get(Service, "web").status.load_balancer.ingress
    assert ingress.hostname.startswith("k8s-default-web-")
    assert ingress.ip_mode == "Proxy"


def test_each_profile_takes_only_its_own_class() -> None:
    cluster = SmallCluster(settings=settings_of({"load_balancer": "metallb-l2"}))
    add(cluster, "web", load_balancer_class="service.k8s.aws/nlb")
    cluster.run(60)
    assert external_ip(cluster, "web") == "<pending>"


def test_beyond_the_quota_the_controller_tries_again_after_5_s_and_doubles_up_to_300_s() -> None:
    cluster = SmallCluster(settings=Settings(lb_quota=1))
    add(cluster, "a")
    cluster.run(6)
    add(cluster, "b")
    cluster.run(1300)
    times = [note.time for note in cluster.notes("SyncLoadBalancerFailed", "b")]
    pauses = [round(later - earlier) for earlier, later in pairwise(times)]
    assert pauses == [5, 10, 20, 40, 80, 160, 300, 300, 300]
    assert "quota of 1" in cluster.notes("SyncLoadBalancerFailed", "b")[0].message
    cluster.store.delete(Service, "a")
    cluster.run(310)
    assert external_ip(cluster, "b") == "203.0.113.10"


def test_while_the_provider_does_not_answer_nothing_is_made_or_taken_away() -> None:
    cluster = SmallCluster()
    add(cluster, "old")
    cluster.run(6)
    cluster.plane.provider.up = False
    service = cluster.store.get(Service, "old")
    cluster.store.update(replace(service, spec=replace(service.spec, type="NodePort")))
    add(cluster, "new")
    cluster.run(30)
    assert "DeletedLoadBalancer" not in cluster.reasons("old")
    assert external_ip(cluster, "new") == "<pending>"
    assert "does not answer" in cluster.notes("SyncLoadBalancerFailed", "old")[0].message
    cluster.plane.provider.up = True
    cluster.run(15)
    assert "DeletedLoadBalancer" in cluster.reasons("old")
    assert external_ip(cluster, "new").startswith("203.0.113.1")
