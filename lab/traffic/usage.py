"""What an app uses of its node: CPU while its workers work, and memory all the time.

A worker that waits for another app works on nothing, so slow targets cost no CPU; neither does a hung process.
"""

from __future__ import annotations

from collections.abc import Mapping

from lab.kube import quantity
from lab.kube.kinds.pod import Container
from lab.kube.struct import Quantity
from lab.traffic.app import AppSpec

SPARE_CPU = "100m"
SPARE_MEMORY = "200Mi"
"""What a container without a request is taken to have asked for (the scheduler's GetNonzeroRequests)."""
MEMORY_SHARE = 0.5
"""How much of its memory request a container holds when its app does not say."""


def cores_of_worker(spec: AppSpec, container: Container) -> float:
    """How many cores a working worker uses: as the app says, or so that all of them use the CPU request together."""
    if spec.cpu is not None:
        return spec.cpu
    return quantity.cpu(_asked(container.resources.requests, "cpu", SPARE_CPU)) / max(spec.workers, 1)


def memory_of(spec: AppSpec, container: Container) -> int:
    """How many bytes a running container holds: as the app says, or a share of its memory request."""
    if spec.memory_bytes is not None:
        return spec.memory_bytes
    return int(quantity.memory(_asked(container.resources.requests, "memory", SPARE_MEMORY)) * MEMORY_SHARE)


def _asked(requests: Mapping[str, Quantity], name: str, spare: str) -> Quantity:
    return requests.get(name, spare)
