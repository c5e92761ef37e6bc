from __future__ import annotations

import pytest
from msgspec.structs import replace

from lab.clock import Clock
from lab.cluster.admission import Admission
from lab.cluster.store import Invalid, Store
from lab.journal import Journal
from lab.kube.kinds.service import Service, ServicePort, ServiceSpec
from lab.kube.meta import ObjectMeta
from lab.settings import Settings


class Api:
    """A store with the admission chain, and short ways to write Services."""

    def __init__(self) -> None:
        self.store = Store(Clock(), Journal(), Settings(), seed=1)
        chain = Admission(Settings(), seed=1)
        chain.attach(self.store)
        self.addresses = chain.addresses

    def create(self, name: str = "web", *ports: ServicePort, **spec: object) -> Service:
        wanted = ServiceSpec(ports=ports or (ServicePort(port=80),), selector={"app": name}, **spec)  # type: ignore[arg-type]
        return self.store.create(Service(metadata=ObjectMeta(name=name), spec=wanted))

    def put(self, name: str = "web", **spec: object) -> Service:
        """Replace the whole spec but for ports and selector, as a PUT would."""
        old = self.store.get(Service, name)
        ports = tuple(replace(port, node_port=0) for port in old.spec.ports)
        fields = {"ports": ports, "selector": old.spec.selector, **spec}
        return self.store.update(replace(old, spec=ServiceSpec(**fields)))  # type: ignore[arg-type]


@pytest.fixture
def api() -> Api:
    return Api()


class TestClusterIPs:
    def test_each_service_gets_one_of_its_own_above_the_static_band(self, api: Api) -> None:
        addresses = [api.create(f"web-{i}").spec.cluster_ip for i in range(20)]
        assert len(set(addresses)) == 20
        assert not any(address.startswith("10.96.0.") for address in addresses)

    def test_the_service_says_its_family(self, api: Api) -> None:
        spec = api.create().spec
        assert (spec.cluster_ips, spec.ip_families, spec.ip_family_policy) == (
            (spec.cluster_ip,),
            ("IPv4",),
            "SingleStack",
        )

    def test_one_that_is_asked_for_is_given_once(self, api: Api) -> None:
        assert api.create("one", cluster_ip="10.96.0.10").spec.cluster_ip == "10.96.0.10"
        with pytest.raises(
            Invalid, match=r'Service "two" is invalid: spec.clusterIPs: Invalid value: \["10.96.0.10"\]'
        ):
            api.create("two", cluster_ip="10.96.0.10")

    def test_headless_and_external_name_get_none(self, api: Api) -> None:
        assert api.create("headless", cluster_ip="None").spec.cluster_ips == ("None",)
        assert api.create("away", type="ExternalName", external_name="db.example.com").spec.cluster_ip == ""
        assert len(api.addresses.ips) == 0

    def test_a_put_without_it_keeps_it(self, api: Api) -> None:
        before = api.create().spec.cluster_ip
        assert api.put(type="NodePort").spec.cluster_ip == before

    def test_it_may_not_change(self, api: Api) -> None:
        api.create()
        with pytest.raises(Invalid, match="may not change once set"):
            api.put(cluster_ip="10.96.7.7")

    def test_it_goes_back_with_the_service_or_its_type(self, api: Api) -> None:
        api.create("one", cluster_ip="10.96.0.10")
        api.put("one", type="ExternalName", external_name="db.example.com")
        api.create("two", cluster_ip="10.96.0.10")
        api.store.delete(Service, "two")
        assert api.create("three", cluster_ip="10.96.0.10").spec.cluster_ip == "10.96.0.10"


class TestNodePorts:
    def test_are_given_to_node_port_and_load_balancer(self, api: Api) -> None:
        assert api.create("inside").spec.ports[0].node_port == 0
        assert api.create("node", type="NodePort").spec.ports[0].node_port in range(30086, 32768)
        assert api.create("lb", type="LoadBalancer").spec.ports[0].node_port in range(30086, 32768)

    def test_outside_of_the_range_are_refused(self, api: Api) -> None:
        with pytest.raises(Invalid) as refused:
            api.create("web", ServicePort(port=80, node_port=20000), type="NodePort")
        assert str(refused.value) == (
            'Service "web" is invalid: spec.ports[0].nodePort: Invalid value: 20000: provided port is not in the valid '
            "range. The range of valid ports is 30000-32767"
        )

    def test_that_are_taken_are_refused(self, api: Api) -> None:
        api.create("one", ServicePort(port=80, node_port=30080), type="NodePort")
        with pytest.raises(Invalid, match="Invalid value: 30080: provided port is already allocated"):
            api.create("two", ServicePort(port=80, node_port=30080), type="NodePort")

    def test_a_refused_service_has_taken_nothing(self, api: Api) -> None:
        ports = ServicePort(port=80, name="a", node_port=30080), ServicePort(port=81, name="b", node_port=1)
        with pytest.raises(Invalid):
            api.create("web", *ports, type="NodePort")
        assert (len(api.addresses.node_ports), len(api.addresses.ips)) == (0, 0)

    def test_the_same_port_over_two_protocols_shares_one(self, api: Api) -> None:
        ports = ServicePort(port=53, name="dns"), ServicePort(port=53, name="dns-udp", protocol="UDP")
        numbers = [port.node_port for port in api.create("dns", *ports, type="NodePort").spec.ports]
        assert numbers[0] == numbers[1] != 0

    def test_a_put_keeps_them_by_port_name(self, api: Api) -> None:
        ports = ServicePort(port=80, name="http"), ServicePort(port=443, name="https")
        http, https = (port.node_port for port in api.create("web", *ports, type="NodePort").spec.ports)
        after = api.put(type="NodePort", ports=ports[::-1])
        assert [port.node_port for port in after.spec.ports] == [https, http]

    def test_they_go_back_when_the_type_no_longer_has_them(self, api: Api) -> None:
        port = ServicePort(port=80, node_port=30080)
        api.create("one", port, type="NodePort")
        api.put("one", type="ClusterIP", ports=(port,))
        assert api.store.get(Service, "one").spec.ports[0].node_port == 0
        assert api.create("two", port, type="NodePort").spec.ports[0].node_port == 30080

    def test_a_load_balancer_can_do_without(self, api: Api) -> None:
        made = api.create("web", type="LoadBalancer", allocate_load_balancer_node_ports=False)
        assert made.spec.ports[0].node_port == 0


class TestHealthCheckNodePort:
    def test_is_given_to_a_load_balancer_with_local_policy(self, api: Api) -> None:
        made = api.create("web", type="LoadBalancer", external_traffic_policy="Local")
        assert made.spec.health_check_node_port in range(30086, 32768)
        assert api.create("other", type="LoadBalancer").spec.health_check_node_port == 0

    def test_goes_back_with_the_policy(self, api: Api) -> None:
        api.create("web", type="LoadBalancer", external_traffic_policy="Local")
        after = api.put(type="LoadBalancer", external_traffic_policy="Cluster")
        assert after.spec.health_check_node_port == 0
        assert len(api.addresses.node_ports) == 1

    def test_all_is_given_back_in_the_end(self, api: Api) -> None:
        api.create("web", type="LoadBalancer", external_traffic_policy="Local")
        api.store.delete(Service, "web")
        assert (len(api.addresses.node_ports), len(api.addresses.ips)) == (0, 0)
