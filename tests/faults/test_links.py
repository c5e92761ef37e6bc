"""Links that are cut between groups, and links that are slow, unsteady, lossy or narrow: what requests see."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab.engine import Engine
from lab.kube.kinds.pod import Pod
from lab.traffic.client import ClientSpec, Phase
from tests.commands.test_on_engine import give, ok, start


@pytest.fixture
def engine() -> Iterator[Engine]:
    made = start()
    yield made
    made.close()


def client_node(engine: Engine) -> str:
    return engine.store.get(Pod, "client").spec.node_name


def elsewhere(engine: Engine) -> Pod:
    pods = engine.store.list(Pod, "default", {"app": "web"})
    return next(pod for pod in pods if pod.spec.node_name != client_node(engine))


def latencies(engine: Engine, pod: Pod, count: int) -> list[float]:
    """How long each of some requests from the client to a Pod takes."""
    found: list[float] = []
    source = engine.traffic.sources.find("pod/default/client")
    url = f"http://{pod.status.pod_ip}:8080/"
    for _ in range(count):
        engine.traffic.request(source, url, lambda result: found.append(result.latency_s), timeout_s=60.0)
        engine.run_for(5.0)
    return found


def asks(engine: Engine, pod: Pod, seconds: float = 3.0) -> bool:
    asked = give(engine, f"curl http://{pod.status.pod_ip}:8080/ --from pod/client -m 2", seconds)
    return any("200 OK" in line for line in asked.output)


def test_two_pods_are_kept_apart_and_nobody_else(engine: Engine) -> None:
    web = elsewhere(engine)
    others = [pod for pod in engine.store.list(Pod, "default", {"app": "web"}) if pod.name != web.name]
    ok(engine, f"lab cut link pod/client pod/{web.name}")
    assert not asks(engine, web)
    assert all(asks(engine, other) for other in others)
    asked = give(engine, f"curl http://{web.status.pod_ip}:8080/ --from node/worker-1 -m 2", 3.0)
    assert any("200 OK" in line for line in asked.output)
    assert f"lab heal link pod/default/client pod/default/{web.name}" in "\n".join(ok(engine, "lab faults"))
    ok(engine, f"lab heal link pod/{web.name} pod/client")
    assert asks(engine, web)


def test_a_pod_and_a_zone_are_kept_apart(engine: Engine) -> None:
    web = elsewhere(engine)
    zone = engine.network.hosts[web.spec.node_name].zone
    ok(engine, f"lab cut link pod/client {zone}")
    assert not asks(engine, web)
    ok(engine, f"lab heal link pod/client {zone}")
    assert asks(engine, web)


def test_an_open_connection_of_a_pod_that_is_cut_off_hangs(engine: Engine) -> None:
    web = elsewhere(engine)
    url = f"http://{web.status.pod_ip}:8080/"
    spec = ClientSpec(name="kept", source="pod/client", url=url, phases=(Phase(5.0),), keep_alive=True, timeout_s=1.0)
    engine.traffic.add_client(spec)
    engine.run_for(5.0)
    ok(engine, f"lab cut link pod/client pod/{web.name}", 5.0)
    ok(engine, f"lab heal link pod/client pod/{web.name}", 5.0)
    outcomes = engine.traffic.measure.clients["kept"].outcomes
    assert outcomes["timeout"] >= 15
    assert engine.traffic.measure.clients["kept"].ok >= 40


def test_groups_are_cut_pair_by_pair(engine: Engine) -> None:
    ok(engine, "lab cut link worker-1,worker-2 internet --for=5s")
    assert len(engine.network.topology.down()) == 2
    engine.run_for(6.0)
    assert engine.network.topology.down() == []


def test_delay_is_met_on_each_trip(engine: Engine) -> None:
    web = elsewhere(engine)
    before = latencies(engine, web, 5)
    ok(engine, f"lab impair link {client_node(engine)} {web.spec.node_name} --delay=100ms")
    after = latencies(engine, web, 5)
    trips = 4  # SYN, its answer, the request, its answer
    assert min(after) > trips * 0.1
    assert max(after) - trips * 0.1 == pytest.approx(max(before), abs=0.05)


def test_jitter_spreads_and_is_the_same_again(engine: Engine) -> None:
    web = elsewhere(engine)
    again = start()
    found = []
    for one in (engine, again):
        ok(one, f"lab impair link {client_node(one)} --jitter=50ms")
        found.append(latencies(one, elsewhere(one), 20))
    again.close()
    assert found[0] == found[1]
    assert max(found[0]) - min(found[0]) > 0.05
    assert web.name == elsewhere(engine).name


def test_loss_costs_retransmissions(engine: Engine) -> None:
    web = elsewhere(engine)
    ok(engine, f"lab impair link {client_node(engine)} {web.spec.node_name} --loss=50%")
    found = latencies(engine, web, 40)
    assert sum(latency > 0.2 for latency in found) > 15, "half of the packets are sent again after 200 ms or a second"


def test_a_narrow_link_takes_as_long_as_an_answer_weighs(engine: Engine) -> None:
    web = elsewhere(engine)
    ok(engine, f"lab impair link {web.spec.node_name} --bandwidth=80kbit")
    assert min(latencies(engine, web, 5)) > 10240 * 8 / 80_000


def test_impaired_again_it_is_as_was_said_last_and_restored_as_it_was(engine: Engine) -> None:
    web = elsewhere(engine)
    place = f"{client_node(engine)} {web.spec.node_name}"
    before = max(latencies(engine, web, 5))
    ok(engine, f"lab impair link {place} --delay=1s")
    ok(engine, f"lab impair link {place} --delay=10ms --for=30s")
    assert max(latencies(engine, web, 3)) < 0.5
    engine.run_for(30.0)
    assert max(latencies(engine, web, 5)) < before + 0.04
    assert ok(engine, "lab faults") == ["Nothing is broken."]


def test_without_saying_in_what_way_nothing_is_impaired(engine: Engine) -> None:
    assert give(engine, "lab impair link worker-1").error.endswith("--delay, --jitter, --loss or --bandwidth")


def test_a_slow_kube_proxy_is_late_by_that(engine: Engine) -> None:
    ok(engine, "lab slow proxy worker-1 --by=10s --for=60s")
    ok(engine, "kubectl scale deployment/web --replicas=5", 8.0)
    fast, slow = (engine.network.proxies[name].table.version for name in ("worker-2", "worker-1"))
    assert slow < fast
    engine.run_for(30.0)
    assert engine.network.proxies["worker-1"].table.version == engine.network.proxies["worker-2"].table.version
