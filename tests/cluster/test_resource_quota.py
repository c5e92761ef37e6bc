"""Resource quotas: what counts, what is refused and in which words, and what comes back when objects go.

https://kubernetes.io/docs/concepts/policy/resource-quotas/
"""

from __future__ import annotations

from contextlib import suppress
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from lab.clock import Clock
from lab.cluster.admission import Admission
from lab.cluster.controllers.resource_quota import ResourceQuotaController
from lab.cluster.errors import Forbidden, Invalid, StoreError
from lab.cluster.quota.usage import Usage, usage_of
from lab.cluster.store import Store
from lab.journal import Journal
from lab.kube import quantity
from lab.kube.decode import decode
from lab.kube.kinds.configmap import ConfigMap
from lab.kube.kinds.pod import Pod
from lab.kube.kinds.resourcequota import ResourceQuota
from lab.kube.kinds.service import Service, ServicePort
from lab.kube.meta import KubeObject
from lab.settings import Settings


def container(name: str = "web", requests: dict[str, str] | None = None, **limits: str) -> dict[str, Any]:
    return {"name": name, "image": "shop/web", "resources": {"requests": requests or {}, "limits": limits}}


def pod(name: str, *containers: dict[str, Any], **spec: Any) -> KubeObject:
    body = {"containers": list(containers) or [container()], **spec}
    return decode({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "shop"}, "spec": body})


def service(name: str, kind: str = "ClusterIP", ports: int = 1, **spec: Any) -> KubeObject:
    made = [{"name": f"p{number}", "port": 8000 + number} for number in range(ports)]
    meta = {"name": name, "namespace": "shop"}
    body = {"type": kind, "ports": made, **spec}
    return decode({"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": body})


def other(api_version: str, kind: str, name: str, **body: Any) -> KubeObject:
    return decode({"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "namespace": "shop"}, **body})


class Limited:
    """A namespace `shop` with a quota `compute` that the controller has counted once."""

    def __init__(self, hard: dict[str, str], **spec: Any) -> None:
        self.clock = Clock()
        self.settings = Settings()
        self.store = Store(self.clock, Journal(), self.settings, 1)
        Admission(self.settings, 1).attach(self.store)
        controller = ResourceQuotaController(self.store, self.clock, self.settings, 1)
        self.clock.spawn(controller.run(), controller.name)
        self.add("compute", hard, **spec)
        self.run()

    def add(self, name: str, hard: dict[str, str], **spec: Any) -> None:
        """One more quota."""
        self.store.create(other("v1", "ResourceQuota", name, spec={"hard": hard, **spec}))

    def run(self, seconds: float = 1.0) -> None:
        self.clock.run_until(self.clock.time() + seconds)

    def create(self, *objects: KubeObject) -> None:
        for obj in objects:
            self.store.create(obj)

    def refused(self, obj: KubeObject) -> str:
        with pytest.raises(Forbidden) as refused:
            self.store.create(obj)
        return str(refused.value)

    def really(self, name: str) -> Fraction:
        """What the objects in the store add up to."""
        store = self.store
        kinds = (Pod, Service, ConfigMap)
        there: list[KubeObject] = [*(obj for kind in kinds for obj in store.list(kind, "shop")), *store.kept()]
        amounts = [usage_of(obj, self.clock.time()).get(name, "0") for obj in there]
        return sum(map(quantity.parse, amounts), Fraction(0))

    def used(self, name: str = "compute") -> dict[str, str]:
        return {key: str(value) for key, value in self.store.get(ResourceQuota, name, "shop").status.used.items()}


# -- what counts --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("obj", "usage"),
    [
        (pod("a"), {"count/pods": "1", "pods": "1"}),
        (
            pod("a", container(requests={"cpu": "500m", "memory": "1Gi"}, cpu="1"), container("b", {"cpu": "250m"})),
            {
                "count/pods": "1",
                "pods": "1",
                "cpu": "750m",
                "requests.cpu": "750m",
                "memory": "1Gi",
                "requests.memory": "1Gi",
                "limits.cpu": "1",
            },
        ),
        (
            pod("a", container(requests={"cpu": "100m"}), initContainers=[container("init", {"cpu": "1"})]),
            {"count/pods": "1", "pods": "1", "cpu": "1", "requests.cpu": "1"},
        ),
        (
            pod(
                "a",
                container(requests={"cpu": "100m"}),
                initContainers=[{**container("side", {"cpu": "50m"}), "restartPolicy": "Always"}],
            ),
            {"count/pods": "1", "pods": "1", "cpu": "150m", "requests.cpu": "150m"},
        ),
        (
            pod("a", container(requests={"nvidia.com/gpu": "2"})),
            {"count/pods": "1", "pods": "1", "requests.nvidia.com/gpu": "2"},
        ),
        (
            service("a"),
            {"count/services": "1", "services": "1", "services.nodeports": "0", "services.loadbalancers": "0"},
        ),
        (
            service("a", "NodePort", 2),
            {"count/services": "1", "services": "1", "services.nodeports": "2", "services.loadbalancers": "0"},
        ),
        (
            service("a", "LoadBalancer", 3),
            {"count/services": "1", "services": "1", "services.nodeports": "3", "services.loadbalancers": "1"},
        ),
        (
            service("a", "LoadBalancer", 3, allocateLoadBalancerNodePorts=False),
            {"count/services": "1", "services": "1", "services.nodeports": "0", "services.loadbalancers": "1"},
        ),
        (other("v1", "ConfigMap", "a"), {"count/configmaps": "1", "configmaps": "1"}),
        (other("networking.k8s.io/v1", "Ingress", "a"), {"count/ingresses.networking.k8s.io": "1"}),
        (
            other("v1", "PersistentVolumeClaim", "a", spec={"resources": {"requests": {"storage": "5Gi"}}}),
            {"count/persistentvolumeclaims": "1", "persistentvolumeclaims": "1", "requests.storage": "5Gi"},
        ),
    ],
)
def test_what_an_object_counts_for(obj: KubeObject, usage: Usage) -> None:
    assert usage_of(obj, 0.0) == usage


def test_a_pod_that_has_ended_counts_as_an_object_only():
    ended = pod("a", container(requests={"cpu": "1"}))
    assert isinstance(ended, Pod)
    ended = replace(ended, status=replace(ended.status, phase="Succeeded"))
    assert usage_of(ended, 0.0) == {"count/pods": "1"}


def test_a_pod_that_cannot_end_counts_until_twice_its_grace_is_over():
    """A Pod on a node that is lost must not keep others from taking its place."""
    stuck = pod("a")
    stuck = replace(
        stuck, metadata=replace(stuck.metadata, deletion_timestamp=130.0, deletion_grace_period_seconds=30.0)
    )
    assert "pods" in usage_of(stuck, 160.0)
    assert "pods" not in usage_of(stuck, 160.1)


# -- what is refused ----------------------------------------------------------------------------------------------


def test_what_exceeds_a_quota_is_refused_in_the_api_servers_words():
    world = Limited({"pods": "2"})
    world.create(pod("a"), pod("b"))
    assert world.refused(pod("c")) == (
        'pods "c" is forbidden: exceeded quota: compute, requested: pods=1, used: pods=2, limited: pods=2'
    )


def test_only_what_is_exceeded_is_named():
    world = Limited({"pods": "10", "requests.cpu": "1", "requests.memory": "1Gi"})
    world.create(pod("a", container(requests={"cpu": "600m", "memory": "600Mi"})))
    assert world.refused(pod("b", container(requests={"cpu": "500m", "memory": "500Mi"}))) == (
        'pods "b" is forbidden: exceeded quota: compute, '
        "requested: requests.cpu=500m,requests.memory=500Mi, used: requests.cpu=600m,requests.memory=600Mi, "
        "limited: requests.cpu=1,requests.memory=1Gi"
    )
    world.create(pod("c", container(requests={"cpu": "400m", "memory": "424Mi"})))
    assert world.used() == {"pods": "2", "requests.cpu": "1", "requests.memory": "1Gi"}


def test_a_quota_on_compute_asks_each_container_for_its_share():
    world = Limited({"limits.cpu": "4", "requests.memory": "4Gi"})
    refused = world.refused(pod("a", container(), container("side", {"memory": "1Mi"}, cpu="1")))
    assert refused == (
        'pods "a" is forbidden: failed quota: compute: must specify limits.cpu for: web; requests.memory for: web'
    )


def test_services_node_ports_and_load_balancers():
    world = Limited({"services": "3", "services.nodeports": "2", "services.loadbalancers": "0"})
    world.create(service("a"), service("b", "NodePort", 2))
    assert "requested: services.nodeports=1, used: services.nodeports=2" in world.refused(service("c", "NodePort"))
    assert "limited: services.loadbalancers=0" in world.refused(
        service("c", "LoadBalancer", allocateLoadBalancerNodePorts=False)
    )
    world.create(service("c"))
    assert "used: services=3, limited: services=3" in world.refused(service("d"))


def test_a_service_that_becomes_more_is_charged_for_what_is_new():
    world = Limited({"services": "2", "services.nodeports": "1"})
    world.create(service("a"), service("b", "NodePort"))

    def opened(current: Service) -> Service:
        return replace(current, spec=replace(current.spec, type="NodePort"))

    with pytest.raises(Forbidden, match=r"requested: services\.nodeports=1, used: services\.nodeports=1"):
        world.store.mutate(Service, "a", "shop", opened)
    assert world.store.get(Service, "a", "shop").spec.type == "ClusterIP"


def test_objects_of_any_kind_can_be_counted():
    world = Limited({"count/deployments.apps": "0", "configmaps": "1", "count/ingresses.networking.k8s.io": "1"})
    world.create(other("v1", "ConfigMap", "a"), other("networking.k8s.io/v1", "Ingress", "a"))
    assert "used: configmaps=1, limited: configmaps=1" in world.refused(other("v1", "ConfigMap", "b"))
    assert "count/ingresses.networking.k8s.io=1" in world.refused(other("networking.k8s.io/v1", "Ingress", "b"))
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [container()]}}
    web = {"selector": {"matchLabels": {"app": "web"}}, "template": template}
    assert world.refused(other("apps/v1", "Deployment", "web", spec=web)).startswith('deployments.apps "web" is forb')


def test_other_namespaces_are_not_concerned():
    world = Limited({"pods": "0"})
    elsewhere = pod("a")
    world.create(replace(elsewhere, metadata=replace(elsewhere.metadata, namespace="default")))


def test_every_quota_of_a_namespace_holds():
    world = Limited({"pods": "5"})
    world.add("small", {"pods": "1"})
    world.run()
    world.create(pod("a"))
    assert "exceeded quota: small" in world.refused(pod("b"))
    assert (world.used(), world.used("small")) == ({"pods": "1"}, {"pods": "1"})


def test_what_is_refused_by_one_quota_is_charged_to_none():
    world = Limited({"pods": "5"})
    world.add("tiny", {"pods": "0"})
    world.run()
    world.refused(pod("a"))
    assert (world.used(), world.used("tiny")) == ({"pods": "0"}, {"pods": "0"})


def test_what_is_invalid_is_charged_to_nobody():
    world = Limited({"services": "5", "services.nodeports": "5"})
    with pytest.raises(Invalid):
        world.create(service("a", "NodePort", clusterIP="1.2.3.4"))
    taken = service("b", "NodePort")
    assert isinstance(taken, Service)
    port = ServicePort(name="p", port=80, node_port=31000)
    world.create(replace(taken, spec=replace(taken.spec, ports=(port,))))
    again = service("c", "NodePort")
    assert isinstance(again, Service)
    with pytest.raises(Invalid):
        world.create(replace(again, spec=replace(again.spec, ports=(port,))))
    assert world.used() == {"services": "1", "services.nodeports": "1"}


def test_a_quota_that_was_changed_and_not_counted_yet_lets_nothing_in():
    world = Limited({"pods": "5"})

    def limited(current: ResourceQuota) -> ResourceQuota:
        hard = {"pods": "5", "requests.cpu": "1"}
        return replace(current, status=replace(current.status, hard=hard))

    world.store.mutate(ResourceQuota, "compute", "shop", limited)
    refused = world.refused(pod("a", container(requests={"cpu": "1"})))
    assert refused.endswith("status unknown for quota: compute, resources: pods,requests.cpu")


# -- scopes -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scope", "inside", "outside"),
    [
        ("BestEffort", pod("a"), pod("b", container(requests={"cpu": "1m"}))),
        ("NotBestEffort", pod("a", container(cpu="1")), pod("b")),
        ("Terminating", pod("a", activeDeadlineSeconds=60), pod("b")),
        ("NotTerminating", pod("a"), pod("b", activeDeadlineSeconds=60)),
        ("PriorityClass", pod("a", priorityClassName="high"), pod("b")),
    ],
)
def test_a_scope_tells_which_pods_a_quota_is_about(scope, inside, outside):
    world = Limited({"pods": "0"}, scopes=[scope])
    world.create(outside)
    assert "exceeded quota: compute" in world.refused(inside)


def test_a_scope_with_values():
    expression = {"scopeName": "PriorityClass", "operator": "In", "values": ["high", "higher"]}
    world = Limited({"pods": "1"}, scopeSelector={"matchExpressions": [expression]})
    world.create(pod("a", priorityClassName="low"), pod("b"), pod("c", priorityClassName="high"))
    assert world.used() == {"pods": "1"}
    assert "exceeded quota" in world.refused(pod("d", priorityClassName="higher"))


# -- the status ---------------------------------------------------------------------------------------------------


def test_what_is_there_already_is_counted():
    world = Limited({"pods": "9"})
    world.create(pod("a"), pod("b", container(requests={"cpu": "1"})))
    world.add("late", {"pods": "1", "requests.cpu": "2"})
    assert world.store.get(ResourceQuota, "late", "shop").status.used == {}
    world.run()
    assert world.used("late") == {"pods": "2", "requests.cpu": "1"}


def test_a_creation_is_charged_in_the_same_moment():
    world = Limited({"pods": "9"})
    world.create(pod("a"))
    assert world.used() == {"pods": "1"}


def test_what_goes_is_given_back_as_soon_as_the_controller_hears_of_it():
    world = Limited({"pods": "1"})
    world.create(pod("a"))
    world.store.delete(Pod, "a", "shop")
    world.refused(pod("b"))
    world.run(0.1)
    assert world.used() == {"pods": "0"}
    world.create(pod("b"))


def test_a_pod_that_ends_gives_back_what_it_had():
    world = Limited({"pods": "1", "count/pods": "2"})
    world.create(pod("a"))
    world.store.mutate(Pod, "a", "shop", lambda now: replace(now, status=replace(now.status, phase="Failed")))
    world.run()
    assert world.used() == {"pods": "0", "count/pods": "1"}
    world.create(pod("b"))
    assert "used: count/pods=2" in world.refused(pod("c"))


def test_another_limit_holds_as_soon_as_the_controller_has_seen_it():
    world = Limited({"pods": "1"})
    world.create(pod("a"))
    world.store.mutate(
        ResourceQuota, "compute", "shop", lambda now: replace(now, spec=replace(now.spec, hard={"pods": "2"}))
    )
    world.run()
    world.create(pod("b"))
    world.refused(pod("c"))


def test_what_time_alone_changes_is_counted_anew_every_five_minutes():
    world = Limited({"pods": "1"})
    stuck = pod("a", nodeName="worker-1", terminationGracePeriodSeconds=30)
    world.create(stuck)
    world.store.delete(Pod, "a", "shop")
    world.run(200.0)
    assert world.used() == {"pods": "1"}
    world.run(200.0)
    assert world.used() == {"pods": "0"}


# -- the law ------------------------------------------------------------------------------------------------------

LIMITS = {"pods": "4", "requests.cpu": "1", "services": "3", "services.nodeports": "2", "count/configmaps": "2"}

names = st.sampled_from("abcdef")
steps = st.lists(
    st.one_of(
        st.tuples(st.just("pod"), names, st.integers(1, 600)),
        st.tuples(st.just("service"), names, st.sampled_from(["ClusterIP", "NodePort", "LoadBalancer"])),
        st.tuples(st.just("configmap"), names, st.none()),
        st.tuples(st.just("delete pod"), names, st.none()),
        st.tuples(st.just("end pod"), names, st.none()),
        st.tuples(st.just("change service"), names, st.sampled_from(["ClusterIP", "NodePort", "LoadBalancer"])),
        st.tuples(st.just("delete service"), names, st.none()),
        st.tuples(st.just("wait"), names, st.none()),
    ),
    max_size=40,
)


@given(steps=steps)
@settings(max_examples=60, deadline=None)
def test_no_quota_is_ever_exceeded_whatever_is_written_in_which_order(steps):
    world = Limited(LIMITS)
    for step in steps:
        with suppress(StoreError):
            _write(world, *step)
        for name, most in LIMITS.items():
            assert world.really(name) <= quantity.parse(most)
            assert quantity.parse(world.used()[name]) >= world.really(name), "the status never says less than there is"
    world.run()
    assert all(quantity.parse(world.used()[name]) == world.really(name) for name in LIMITS)


def _write(world: Limited, what: str, name: str, value: Any) -> None:
    store = world.store
    match what:
        case "pod":
            world.create(pod(name, container(requests={"cpu": f"{value}m"})))
        case "service":
            world.create(service(name, value))
        case "configmap":
            world.create(other("v1", "ConfigMap", name))
        case "delete pod":
            store.delete(Pod, name, "shop")
        case "end pod":
            store.mutate(Pod, name, "shop", lambda now: replace(now, status=replace(now.status, phase="Succeeded")))
        case "change service":
            store.mutate(Service, name, "shop", lambda now: replace(now, spec=replace(now.spec, type=value)))
        case "delete service":
            store.delete(Service, name, "shop")
        case "wait":
            world.run(0.005)
