"""Groups of clients: rates, ramps, workers, kept connections, and no coordinated omission."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.kube.errors import LabError
from lab.traffic.client import Arrivals, ClientSpec, Phase
from tests.traffic.fakes import Bench, app


def times(*phases: Phase, until_s: float, poisson: bool = False, start_s: float = 0.0) -> list[float]:
    arrivals = Arrivals(phases, start_s, random.Random(1), poisson=poisson)
    found: list[float] = []
    while (due_s := arrivals.next()) <= until_s:
        found.append(due_s)
    return found


def busy_bench(spec: ClientSpec, until_s: float, **more: float) -> Bench:
    bench = Bench(app(**more))
    bench.web()
    bench.clock.run_until(0.5)
    bench.traffic.add_client(spec)
    bench.clock.run_until(until_s)
    return bench


def test_a_constant_rate_is_evenly_spaced() -> None:
    assert times(Phase(2.0), until_s=2.1) == pytest.approx([0.5, 1.0, 1.5, 2.0])


def test_a_ramp_sends_the_area_under_it() -> None:
    due = times(Phase(10.0, 10.0), Phase(10.0, 10.0, to=30.0), until_s=20.0)
    assert len(due) == pytest.approx(100 + 200, abs=1)
    assert sum(1 for t in due if t > 19.0) == pytest.approx(29, abs=1)


def test_a_pause_between_two_phases_sends_nothing_and_the_last_rate_stays() -> None:
    due = times(Phase(5.0, 2.0), Phase(0.0, 10.0), Phase(5.0, 1.0), until_s=20.0)
    assert [t for t in due if 2.0 < t <= 12.0] == []
    assert sum(1 for t in due if t > 12.0) == pytest.approx(40, abs=1)


@given(st.lists(st.tuples(st.floats(0, 50), st.floats(0.1, 5), st.floats(0, 50)), min_size=1, max_size=5))
@settings(max_examples=50, deadline=None)
def test_any_rates_send_what_they_add_up_to_and_never_go_back(parts: list[tuple[float, float, float]]) -> None:
    phases = tuple(Phase(rate, for_s, to) for rate, for_s, to in parts)
    end_s = sum(for_s for _, for_s, _ in parts)
    due = times(*phases, until_s=end_s)
    assert due == sorted(due)
    assert len(due) == pytest.approx(sum((rate + to) / 2 * for_s for rate, for_s, to in parts), abs=1.01)


def test_poisson_arrivals_have_the_rate_and_the_spread() -> None:
    due = times(Phase(100.0), until_s=100.0, poisson=True)
    gaps = [later - earlier for earlier, later in pairwise(due)]
    mean = sum(gaps) / len(gaps)
    variance = sum((gap - mean) ** 2 for gap in gaps) / len(gaps)
    assert mean == pytest.approx(0.01, rel=0.05)
    assert variance**0.5 == pytest.approx(0.01, rel=0.1)


def test_an_open_loop_sends_between_start_and_stop() -> None:
    spec = ClientSpec(
        name="shoppers", url="http://web/", phases=(Phase(10.0),), start_s=5.0, stop_s=15.0, arrivals="constant"
    )
    bench = busy_bench(spec, 30.0)
    assert bench.traffic.measure.clients["shoppers"].requests == pytest.approx(100, abs=1)
    assert bench.traffic.measure.clients["shoppers"].counts(4.9) == (0, 0)


def test_waiting_for_a_free_connection_counts_into_the_latency() -> None:
    spec = ClientSpec(name="c", url="http://web/", phases=(Phase(10.0),), workers=1, arrivals="constant", timeout_s=0.0)
    bench = busy_bench(spec, 10.0, service_s=0.2)
    # One connection answers about 5 requests a second: half of those due are still waiting, some for seconds.
    assert bench.traffic.clients["c"].waiting > 35
    assert bench.traffic.measure.clients["c"].percentile(99) > 4.0


def test_closed_loop_workers_wait_for_each_answer() -> None:
    bench = busy_bench(ClientSpec(name="c", url="http://web/", workers=3), 10.5, service_s=0.096)
    assert bench.traffic.measure.clients["c"].requests == pytest.approx(300, abs=6)


def test_closed_loop_workers_think() -> None:
    bench = busy_bench(ClientSpec(name="c", url="http://web/", workers=10, think_s=1.0), 100.5)
    assert bench.traffic.measure.clients["c"].requests == pytest.approx(1000, rel=0.1)


def test_workers_that_are_refused_do_not_stop_time() -> None:
    bench = Bench()
    bench.network.serve("web", 80)
    bench.traffic.add_client(ClientSpec(name="c", url="http://web/", workers=2))
    bench.clock.run_until(10.0)
    assert 50 < bench.traffic.measure.clients["c"].requests < 300


def test_kept_connections_are_used_again() -> None:
    spec = ClientSpec(name="c", url="http://web/", workers=4, keep_alive=True, addresses=1)
    bench = busy_bench(spec, 5.0)
    assert bench.traffic.measure.clients["c"].requests > 1000
    assert bench.network.connections == 4


def test_a_kept_connection_to_a_server_that_ended_is_opened_anew_without_a_failure() -> None:
    bench = busy_bench(ClientSpec(name="c", url="http://web/", workers=1, think_s=1.0, keep_alive=True), 5.0)
    bench.clock.run_until(next_pause(bench))
    bench.traffic.crash_pod("default", "web")
    bench.clock.run_until(bench.clock.time() + 0.002)
    pod = bench.pod("web-2", 8080)
    bench.expose("web", 80, (pod, 8080))
    bench.clock.run_until(bench.clock.time() + 20.0)
    outcomes = bench.traffic.measure.clients["c"].outcomes
    assert set(outcomes) <= {"refused"}
    assert bench.traffic.measure.pods["default/web-2"].ok > 5


def test_a_kept_connection_over_a_cut_link_hangs() -> None:
    spec = ClientSpec(name="c", url="http://web/", workers=1, keep_alive=True, timeout_s=2.0, addresses=1)
    bench = busy_bench(spec, 5.0)
    bench.network.cut = True
    bench.clock.run_until(8.0)
    assert bench.traffic.measure.clients["c"].outcomes == {"timeout": 1}


def test_a_client_in_a_pod_sends_while_its_pod_runs() -> None:
    bench = Bench(app())
    bench.web()
    pod = bench.pod("client", image="service-lab/client")
    bench.clock.run_until(0.5)
    client = bench.traffic.add_client(
        ClientSpec(name="c", source="pod/client", url="http://web/", phases=(Phase(10.0),), arrivals="constant")
    )
    bench.clock.run_until(10.5)
    assert bench.finished()[-1].client == "c"
    bench.servers.kill(pod, "main")
    bench.clock.run_until(20.5)
    assert bench.traffic.measure.clients["c"].requests == pytest.approx(100, abs=1)
    assert client.unsent == pytest.approx(100, abs=1)


def test_internet_clients_take_turns_and_groups_have_their_own_addresses() -> None:
    bench = Bench()
    first = bench.traffic.sources.origin("internet", addresses=2)
    second = bench.traffic.sources.origin("internet", addresses=1)
    assert [first.next().ip for _ in range(3)] == ["198.51.100.1", "198.51.100.2", "198.51.100.1"]  # type: ignore[union-attr]
    assert second.next().name == "internet/198.51.100.3"  # type: ignore[union-attr]


def test_who_asks_from_the_internet_by_hand_is_the_same_host_each_time() -> None:
    sources = Bench().traffic.sources
    assert sources.find("internet") == sources.find("internet")
    assert sources.find("internet/203.0.113.99").ip == "203.0.113.99"


def test_what_does_not_run_is_nobody_to_ask_from() -> None:
    bench = Bench()
    bench.pod("client")
    with pytest.raises(LabError, match=r'did you mean "pod/default/client"'):
        bench.traffic.sources.find("pod/default/cleint")


def test_a_node_sends_while_it_has_power() -> None:
    bench = Bench()
    origin = bench.traffic.sources.origin("node/worker-1")
    assert [source.ip for source in origin.all()] == ["172.18.0.11"]
    bench.traffic.node_power("worker-1", False)
    assert origin.next() is None


@pytest.mark.parametrize("source", ["moon", "pods/", "node/a/b", "deployment"])
def test_a_source_that_makes_no_sense_is_an_error_for_the_user(source: str) -> None:
    bench = Bench()
    if source == "pods/":
        assert bench.traffic.sources.origin(source + "nobody").next() is None
        return
    with pytest.raises(LabError):
        bench.traffic.sources.origin(source)


def test_two_groups_cannot_have_the_same_name_and_a_removed_one_sends_no_more() -> None:
    spec = ClientSpec(name="c", url="http://web/", phases=(Phase(10.0),))
    bench = busy_bench(spec, 5.0)
    with pytest.raises(LabError, match="already"):
        bench.traffic.add_client(spec)
    bench.traffic.remove_client("c")
    before = bench.traffic.measure.total.requests
    bench.clock.run_until(10.0)
    assert bench.traffic.measure.total.requests <= before + 1
    with pytest.raises(LabError, match="no traffic"):
        bench.traffic.remove_client("c")


def next_pause(bench: Bench) -> float:
    """A moment soon when the only worker thinks."""
    before = bench.traffic.measure.total.requests
    while bench.traffic.measure.total.requests == before:
        bench.clock.step()
    return bench.clock.time() + 0.0005
