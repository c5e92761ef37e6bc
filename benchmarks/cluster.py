"""A small cluster for a while, headless: wall-clock seconds and memory."""

from __future__ import annotations

import resource
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from benchmarks._cluster import settled
from benchmarks.row import Row
from lab.traffic.app import AppSpec, Distribution
from lab.traffic.client import ClientSpec, Phase

MINUTES = 10
RATE_PER_S = 20.0


def run() -> list[Row]:
    """Ten minutes of three nodes at 20 requests a second, and what that means for an hour."""
    # In a process of its own, so that its peak memory is its own.
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(measured).result()


def measured() -> list[Row]:
    """The figures of this process."""
    before_mib = peak_memory_mib()
    began = time.perf_counter()
    app = AppSpec(image="bench/web", service_time=Distribution.lognormal(0.004, 0.02))
    engine = settled(app, replicas=3)
    booted_s = time.perf_counter() - began
    engine.traffic.add_client(
        ClientSpec(name="load", source="pod/client", url="http://web/", phases=(Phase(RATE_PER_S),))
    )
    began = time.perf_counter()
    engine.run_until(MINUTES * 60.0)
    took_s = time.perf_counter() - began
    return [
        Row("boot and settle, 3 nodes", booted_s, "s", "60 virtual seconds"),
        Row(f"{MINUTES} minutes at {RATE_PER_S:g} requests/s", took_s, "s"),
        Row("an hour of the same", took_s * 60 / MINUTES, "s", f"extrapolated from {MINUTES} minutes"),
        Row("peak memory of this process", peak_memory_mib(), "MiB", f"{before_mib:.0f} MiB before the cluster"),
    ]


def peak_memory_mib() -> float:
    """The most memory that this process has had resident, in MiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 * 1024 if sys.platform == "darwin" else 1024)
