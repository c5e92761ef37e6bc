"""Laws of the allocator, over any writes: no number is given twice, and none is lost."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as some
from msgspec.structs import replace

from lab.clock import Clock
from lab.cluster.admission import Admission
from lab.cluster.service_addresses import addresses_of
from lab.cluster.service_node_ports import held_ports
from lab.cluster.store import Invalid, Store
from lab.journal import Journal
from lab.kube.kinds.ipaddress import IPAddress
from lab.kube.kinds.service import Service, ServicePort, ServiceSpec
from lab.kube.meta import ObjectMeta
from lab.settings import Settings

SMALL = Settings(service_cidr="10.0.0.0/28,fd00::/124", node_port_range="30000-30011")

ports = some.builds(
    ServicePort,
    port=some.sampled_from([53, 80]),
    protocol=some.sampled_from(["TCP", "UDP"]),
    node_port=some.sampled_from([0, 0, 30001, 30005]),
)
specs = some.builds(
    ServiceSpec,
    type=some.sampled_from(["ClusterIP", "NodePort", "LoadBalancer", "ExternalName"]),
    ports=some.lists(ports, min_size=1, max_size=2).map(
        lambda found: tuple(replace(port, name=f"p{index}") for index, port in enumerate(found))
    ),
    cluster_ip=some.sampled_from(["", "", "", "10.0.0.3", "None"]),
    external_traffic_policy=some.sampled_from(["", "Local"]),
    ip_family_policy=some.sampled_from([None, "PreferDualStack", "SingleStack"]),
    external_name=some.just("db.example.com"),
)
writes = some.lists(some.tuples(some.sampled_from("abcdef"), some.one_of(some.none(), specs)), max_size=25)


@settings(max_examples=50, deadline=None)
@given(writes)
def test_no_number_is_given_twice_and_none_is_lost(steps: list[tuple[str, ServiceSpec | None]]) -> None:
    store = Store(Clock(), Journal(), SMALL)
    chain = Admission(SMALL)
    chain.attach(store)
    pools = chain.addresses
    for name, spec in steps:
        write(store, name, spec)
        services = store.list(Service)
        addresses = [address for each in services for address in addresses_of(each.spec)]
        numbers = [number for each in services for number in held_ports(each.spec)]
        assert len(set(addresses)) == len(addresses) == len(pools.ips)
        assert sorted(each.name for each in store.list(IPAddress)) == sorted(addresses)
        assert len(set(numbers)) == len(numbers) == len(pools.node_ports)


def write(store: Store, name: str, spec: ServiceSpec | None) -> None:
    found = store.find(Service, name)
    try:
        if spec is None:
            if found is not None:
                store.delete(Service, name)
        elif found is None:
            store.create(Service(metadata=ObjectMeta(name=name), spec=spec))
        else:
            store.update(replace(found, spec=spec))
    except Invalid:
        pass
