"""How many Pods a workload may ask for: many times what the nodes hold, and no more, for every one of them is made.

The API server has no such bound. A typo such as `--replicas=100000` would take a simulation minutes in which nothing
is to be seen.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lab.cluster.errors import FieldError, invalid
from lab.cluster.store import Store
from lab.kube import quantity
from lab.kube.kinds.deployment import Deployment
from lab.kube.kinds.job import Job
from lab.kube.kinds.node import Node
from lab.kube.kinds.replicaset import ReplicaSet
from lab.kube.kinds.statefulset import StatefulSet
from lab.kube.meta import KubeObject
from lab.settings import Settings

ALWAYS_ALLOWED = 1000
"""How many may be asked for on the smallest cluster."""

_ASKED: dict[type[KubeObject], tuple[str, Callable[[Any], int | None]]] = {
    Deployment: ("spec.replicas", lambda spec: spec.replicas),
    ReplicaSet: ("spec.replicas", lambda spec: spec.replicas),
    StatefulSet: ("spec.replicas", lambda spec: spec.replicas),
    Job: ("spec.parallelism", lambda spec: spec.parallelism),
}
"""Where each kind says how many Pods it wants at a time."""


def size_errors(store: Store, settings: Settings, new: KubeObject, old: KubeObject | None) -> list[FieldError]:
    """What is wrong with the size of a workload; what was stored already may stay. Without nodes there is no bound."""
    path, asked_of = _ASKED.get(type(new), ("", lambda spec: 0))
    asked = asked_of(getattr(new, "spec", None)) or 0
    if asked <= ALWAYS_ALLOWED or (old is not None and asked_of(getattr(old, "spec", None)) == asked):
        return []
    room = sum(int(quantity.parse(node.status.capacity.get("pods", "0"))) for node in store.list(Node))
    most = max(int(room * settings.workload_headroom), ALWAYS_ALLOWED)
    if not room or asked <= most:
        return []
    times = f"{settings.workload_headroom:g} times the {room:,} Pods that the nodes hold (setting workload_headroom)"
    why = times if most > ALWAYS_ALLOWED else f"the nodes hold {room:,} Pods"
    return [invalid(path, asked, f"must be less than or equal to {most:,} to be simulated: {why}")]
