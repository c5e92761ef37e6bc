"""Full simulated requests against a SimPy model of the same arrivals, line and service.

The lab's request is resolved, routed by the node's rules, tracked, carried over links, served, answered and
journaled; SimPy's waits for one of the same number of workers and is served. Both in turn, several rounds.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Generator
from typing import Any

import simpy

from benchmarks._cluster import settled
from benchmarks.row import Row
from lab.traffic.app import AppSpec, Distribution
from lab.traffic.client import ClientSpec, Phase

RATE_PER_S = 1000.0
WORKERS = 16
SERVICE_S = 0.01
SECONDS = 20.0
ROUNDS = 5


def lab_requests_per_s(*, keep_alive: bool = False) -> float:
    """Requests the lab simulates in a wall-clock second, from a client Pod through a cluster IP."""
    app = AppSpec(image="bench/web", workers=WORKERS, backlog=10_000, service_time=Distribution.exponential(SERVICE_S))
    engine = settled(app)
    engine.traffic.add_client(
        ClientSpec(
            name="load",
            source="pod/client",
            url="http://web/",
            phases=(Phase(RATE_PER_S),),
            keep_alive=keep_alive,
            timeout_s=5.0,
        )
    )
    began = time.perf_counter()
    engine.run_until(SECONDS)
    took_s = time.perf_counter() - began
    load = engine.traffic.measure.clients["load"]
    if load.ok != load.requests or not load.requests:
        raise RuntimeError(f"{load.outcomes} of {load.requests} requests failed")
    return load.requests / took_s


def simpy_requests_per_s() -> float:
    """Requests that a SimPy model of the same queue simulates in a wall-clock second."""
    rng = random.Random(1)
    env = simpy.Environment()
    workers = simpy.Resource(env, WORKERS)
    latencies: list[float] = []

    def customer() -> Generator[Any, Any, None]:
        arrived = env.now
        with workers.request() as turn:
            yield turn
            yield env.timeout(rng.expovariate(1.0 / SERVICE_S))
        latencies.append(env.now - arrived)

    def arrivals() -> Generator[Any, Any, None]:
        while True:
            yield env.timeout(rng.expovariate(RATE_PER_S))
            env.process(customer())

    env.process(arrivals())
    began = time.perf_counter()
    env.run(SECONDS)
    return len(latencies) / (time.perf_counter() - began)


def run() -> list[Row]:
    """The lab's requests a second, SimPy's, and the median ratio of the rounds."""
    rounds = [(lab_requests_per_s(), simpy_requests_per_s()) for _ in range(ROUNDS)]
    kept = statistics.median(lab_requests_per_s(keep_alive=True) for _ in range(2))
    lab, peer = (statistics.median(figures) for figures in zip(*rounds, strict=True))
    ratio = statistics.median(ours / theirs for ours, theirs in rounds)
    return [
        Row("lab, a connection a request", lab, "requests/s", "resolve, route, track, serve, answer, journal"),
        Row("lab, connections kept", kept, "requests/s"),
        Row("SimPy, queue and service only", peer, "requests/s", f"{WORKERS} workers, Poisson {RATE_PER_S:g}/s"),
        Row("lab / SimPy", ratio, "x", f"median of {ROUNDS} rounds in turn; above 1 the lab is faster"),
    ]
