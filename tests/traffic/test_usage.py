"""What containers use: CPU while workers work, to the microsecond, and memory."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.cluster.runtime import Usage
from lab.kube.kinds.pod import Container, Pod, ResourceRequirements
from lab.traffic.app import AppSpec
from lab.traffic.usage import cores_of_worker, memory_of
from tests.traffic.fakes import LATENCY_S, Bench, app

TRIPS_S = 3 * LATENCY_S
"""From the moment a request is sent to the moment it reaches the app: SYN, answer, request."""


def used(bench: Bench, name: str = "web") -> Usage:
    usage = bench.servers.usage(bench.store.get(Pod, name), "main")
    assert usage is not None
    return usage


def serving(spec: AppSpec) -> Bench:
    """A web server that listens, at the time 1.0."""
    bench = Bench(spec)
    bench.web()
    bench.clock.run_until(1.0)
    return bench


def asking(cpu: str = "", memory: str = "") -> Container:
    requests = {name: amount for name, amount in (("cpu", cpu), ("memory", memory)) if amount}
    return Container(name="web", resources=ResourceRequirements(requests=requests))


def test_all_workers_busy_are_the_whole_cpu_request():
    assert cores_of_worker(AppSpec(workers=8), asking("400m")) * 8 == pytest.approx(0.4)


def test_an_app_says_what_a_worker_uses_whatever_was_requested():
    assert cores_of_worker(AppSpec(workers=8, cpu=0.25), asking("400m")) == 0.25


def test_without_a_request_a_container_counts_as_the_scheduler_counts_it():
    assert cores_of_worker(AppSpec(workers=10), asking()) == pytest.approx(0.01)
    assert memory_of(AppSpec(), asking()) == 100 * 1024**2


def test_memory_is_half_of_the_request_unless_the_app_says():
    assert memory_of(AppSpec(), asking(memory="1Gi")) == 512 * 1024**2
    assert memory_of(AppSpec(memory_bytes=1000), asking(memory="1Gi")) == 1000


def test_an_idle_container_uses_no_cpu_and_need_not_be_sampled():
    bench = Bench(app())
    bench.web()
    bench.clock.run_until(100.0)
    assert used(bench) == Usage(0.0, 0.0, 100 * 1024**2, 0)
    assert list(bench.servers.worked("worker-1")) == []


def test_a_request_in_progress_counts_as_far_as_it_has_come():
    bench = serving(app(service_s=2.0, cpu=0.5))
    bench.traffic.request(bench.source(), "http://web/")
    bench.clock.run_until(1.0 + TRIPS_S + 1.0)
    assert used(bench).cpu_s == pytest.approx(0.5)
    assert list(bench.servers.worked("worker-1")) == [("default", "web")]
    bench.clock.run_until(50.0)
    assert used(bench).cpu_s == pytest.approx(1.0)
    assert used(bench).requests == 1


def test_a_request_in_line_uses_nothing_until_a_worker_takes_it():
    bench = serving(app(service_s=2.0, cpu=1.0, workers=1))
    for _ in range(3):
        bench.traffic.request(bench.source(), "http://web/")
    bench.clock.run_until(1.0 + TRIPS_S + 3.0)
    assert used(bench).cpu_s == pytest.approx(3.0)
    bench.clock.run_until(50.0)
    assert used(bench).cpu_s == pytest.approx(6.0)


def test_waiting_for_another_app_is_no_work():
    """Why an autoscaler that looks at CPU does not help against a slow database."""
    bench = Bench(
        app("shop/front", service_s=0.1, cpu=1.0, calls=("http://back/",)), app("shop/back", service_s=3.0, cpu=1.0)
    )
    front, back = bench.pod("front", 8080, image="shop/front"), bench.pod("back", 8080, image="shop/back")
    bench.expose("front", 80, (front, 8080))
    bench.expose("back", 80, (back, 8080))
    bench.clock.run_until(1.0)
    assert bench.ask("http://front/").ok
    assert (used(bench, "front").cpu_s, used(bench, "back").cpu_s) == (pytest.approx(0.1), pytest.approx(3.0))


def test_a_hung_process_uses_no_more_and_finishes_its_requests_without_working_again():
    bench = serving(app(service_s=1.0, cpu=1.0))
    bench.traffic.request(bench.source(), "http://web/", timeout_s=100.0)
    bench.traffic.hang_pod("default", "web")
    bench.clock.run_until(20.0)
    assert used(bench).cpu_s == pytest.approx(1.0)
    bench.traffic.unhang_pod("default", "web")
    bench.clock.run_until(40.0)
    assert used(bench) == Usage(0.0, pytest.approx(1.0), 100 * 1024**2, 1)  # type: ignore[arg-type]


def test_a_container_that_was_started_again_begins_at_nothing():
    bench = serving(app(service_s=1.0, cpu=1.0))
    pod = bench.store.get(Pod, "web")
    assert bench.ask().ok
    bench.servers.kill(pod, "main")
    assert bench.servers.usage(pod, "main") is None
    assert list(bench.servers.worked("worker-1")) == []
    now = bench.clock.time()
    bench.start(pod)
    assert used(bench)[:2] == (now, 0.0)


@given(
    arrivals=st.lists(st.floats(1.0, 20.0), min_size=1, max_size=30),
    workers=st.integers(1, 4),
    look_s=st.floats(1.0, 40.0),
)
def test_cpu_is_the_exact_integral_of_working_workers_at_every_moment(arrivals, workers, look_s):
    service_s, cores = 0.7, 0.25
    bench = serving(app(service_s=service_s, cpu=cores, workers=workers))
    free = [0.0] * workers
    expected = 0.0
    for at_s in sorted(arrivals):
        bench.clock.at(at_s, bench.traffic.request, bench.source(), "http://web/")
        free.sort()
        begins = max(free[0], at_s + TRIPS_S)
        free[0] = begins + service_s
        expected += max(0.0, min(look_s, free[0]) - begins)
    bench.clock.run_until(look_s)
    assert used(bench).cpu_s == pytest.approx(expected * cores, abs=1e-6)
