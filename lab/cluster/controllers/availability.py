"""When a Pod counts as available: it has been Ready for minReadySeconds (podutil.IsPodAvailable)."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

from lab.cluster.watch import Change
from lab.kube.kinds.pod import Pod


class Readiness(NamedTuple):
    """How many of some Pods are ready and available, and when the next ready one becomes available."""

    ready: int
    available: int
    next_s: float | None
    """Virtual time, or None when nothing will become available just by waiting."""


def active(pods: Iterable[Pod]) -> list[Pod]:
    """The Pods that count as replicas: neither ended nor being deleted."""
    return [pod for pod in pods if not pod.terminating and not pod.finished]


def ready_since(pod: Pod) -> float | None:
    """When the Pod last became Ready, in virtual seconds; None when it is not Ready."""
    for condition in pod.status.conditions:
        if condition.type == "Ready":
            return (condition.last_transition_time or 0.0) if condition.status == "True" else None
    return None


def count(pods: Iterable[Pod], min_ready_s: float, now: float) -> Readiness:
    """How many of `pods` are ready, and available at the moment `now`."""
    ready = available = 0
    next_s = math.inf
    for pod in pods:
        since = ready_since(pod)
        if since is None:
            continue
        ready += 1
        if min_ready_s <= 0 or since + min_ready_s <= now:
            available += 1
        else:
            next_s = min(next_s, since + min_ready_s)
    return Readiness(ready, available, None if next_s == math.inf else next_s)


def changes_count(change: Change) -> bool:
    """Whether a Pod's change can alter how many Pods a controller has: most changes of status cannot."""
    old, new = change.old, change.new
    if not isinstance(old, Pod) or not isinstance(new, Pod):
        return True
    if old.terminating != new.terminating or old.finished != new.finished or ready_since(old) != ready_since(new):
        return True
    before, after = old.metadata, new.metadata
    return before.labels != after.labels or before.owner_references != after.owner_references
