"""The journal: appending, encoding and hashing a decision."""

from __future__ import annotations

import statistics
import time

from benchmarks.row import Row
from lab.journal import Decision, Journal

EVENTS = 100_000
ROUNDS = 3


def appended_per_s() -> float:
    """Decisions made, appended and hashed in a wall-clock second."""
    journal = Journal()
    hops = ("pod/default/client", "node/worker-1", "node/worker-2", "pod/default/web-1")
    began = time.perf_counter()
    for number in range(EVENTS):
        journal.append(
            Decision(
                number * 0.001,
                number,
                "pod/default/client",
                "worker-1",
                "10.244.0.5",
                40000,
                "10.96.0.20",
                80,
                "TCP",
                "web",
                "default/web",
                "10.244.1.7:8080",
                "default/web-1",
                "deliver",
                "balanced",
                hops,
            )
        )
    journal.digest  # noqa: B018  settles what is pending
    return EVENTS / (time.perf_counter() - began)


def run() -> list[Row]:
    """Events a second."""
    return [Row("append", statistics.median(appended_per_s() for _ in range(ROUNDS)), "events/s", "made, kept, hashed")]
