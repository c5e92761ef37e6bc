"""Pools that run out: what the API server and the kernel refuse then, and that it is over with the fault."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab.cluster.errors import Invalid
from lab.engine import Engine
from lab.journal import RequestFinished
from lab.kube.kinds.service import Service, ServicePort, ServiceSpec
from lab.kube.meta import ObjectMeta
from lab.traffic.client import ClientSpec, Phase
from tests.commands.test_on_engine import give, ok, start


@pytest.fixture
def engine() -> Iterator[Engine]:
    made = start()
    yield made
    made.close()


def expose(engine: Engine, name: str, type: str = "ClusterIP") -> str:
    return give(engine, f"kubectl expose deployment web --name={name} --port=80 --type={type}").error


def make(engine: Engine, name: str, cluster_ip: str) -> None:
    spec = ServiceSpec(selector={"app": "web"}, cluster_ip=cluster_ip, ports=(ServicePort(port=80),))
    engine.apply([Service(metadata=ObjectMeta(name=name), spec=spec)])


def finished(engine: Engine, since_s: float) -> list[RequestFinished]:
    events = engine.journal.read().events
    return [one for one in events if isinstance(one, RequestFinished) and one.time >= since_s]


def test_without_addresses_services_are_refused_in_the_words_of_the_api_server(engine: Engine) -> None:
    ok(engine, "lab exhaust addresses --leave=2 --for=60s")
    assert [expose(engine, name) for name in ("one", "two")] == ["", ""]
    assert 'Service "three" is invalid: spec.clusterIPs: Invalid value: []: ' in expose(engine, "three")
    assert "failed to allocate a serviceIP: range is full" in expose(engine, "three")
    assert engine.store.find(Service, "three") is None
    ok(engine, "kubectl delete service one")
    assert expose(engine, "three") == "", "who gives back makes room"
    engine.run_for(61.0)
    assert expose(engine, "four") == ""


def test_a_headless_service_needs_no_address_and_another_network_is_the_remedy(engine: Engine) -> None:
    ok(engine, "lab exhaust addresses")
    make(engine, "bare", "None")
    assert expose(engine, "full")
    pools = engine.control_plane.admission.addresses.ips
    pools.add("10.200.0.0/24")
    assert expose(engine, "full") == ""
    assert engine.store.get(Service, "full").spec.cluster_ip.startswith("10.200.0.")


def test_an_address_that_is_asked_for_is_taken_as_well(engine: Engine) -> None:
    ok(engine, "lab exhaust addresses")
    with pytest.raises(Invalid, match="provided IP is already allocated"):
        make(engine, "own", "10.96.0.200")


def test_without_node_ports_only_services_that_need_one_are_refused(engine: Engine) -> None:
    ok(engine, "lab exhaust node-ports")
    assert expose(engine, "inside") == ""
    said = expose(engine, "outside", "NodePort")
    assert "spec.ports[0].nodePort: Invalid value: 0: failed to allocate a nodePort: range is full" in said
    assert "200 OK" in give(engine, "curl http://web/", 1.0).output[0], "those that there are go on"
    ok(engine, "lab release node-ports")
    assert expose(engine, "outside", "NodePort") == ""


def test_a_full_conntrack_table_drops_new_connections_until_there_is_room(engine: Engine) -> None:
    ip = engine.store.get(Service, "web").spec.cluster_ip
    ok(engine, "lab exhaust conntrack node/worker-1 --leave=1 --for=30s")
    first = give(engine, f"curl http://{ip}/ --from node/worker-1 -m 3", 4.0)
    assert "200 OK" in first.output[0]
    second = give(engine, f"curl http://{ip}/ --from node/worker-1 -m 3", 4.0)
    assert "(28)" in second.output[0]
    assert "table full, dropping packet" in "\n".join(second.output)
    other = give(engine, f"curl http://{ip}/ --from node/worker-2 -m 3", 4.0)
    assert "200 OK" in other.output[0], "each node has its own"
    engine.run_for(30.0)
    again = give(engine, f"curl http://{ip}/ --from node/worker-1 -m 3", 4.0)
    assert "200 OK" in again.output[0]


def test_connections_that_there_are_go_on_past_a_full_table(engine: Engine) -> None:
    ip = engine.store.get(Service, "web").spec.cluster_ip
    spec = ClientSpec(
        name="kept", source="node/worker-1", url=f"http://{ip}/", phases=(Phase(5.0),), keep_alive=True, workers=1
    )
    engine.traffic.add_client(spec)
    engine.run_for(5.0)
    ok(engine, "lab exhaust conntrack", 1.0)
    now = engine.now
    engine.run_for(20.0)
    assert {one.outcome for one in finished(engine, now)} == {"ok"}


def test_a_reboot_empties_the_table(engine: Engine) -> None:
    ok(engine, "lab exhaust conntrack node/worker-1", 1.0)
    ok(engine, "lab fail node/worker-1", 1.0)
    ok(engine, "lab recover node/worker-1", 1.0)
    assert ok(engine, "lab faults") == ["Nothing is broken."]


def test_only_conntrack_tables_belong_to_a_node(engine: Engine) -> None:
    assert "only conntrack tables belong to a node" in give(engine, "lab exhaust addresses node/worker-1").error


def test_everything_is_mended_at_once(engine: Engine) -> None:
    for text in ("lab exhaust addresses", "lab exhaust node-ports", "lab exhaust conntrack zone/zone-a"):
        ok(engine, text)
    assert len(ok(engine, "lab faults")) == 5
    ok(engine, "lab mend")
    assert ok(engine, "lab faults") == ["Nothing is broken."]
    assert expose(engine, "outside", "NodePort") == ""
