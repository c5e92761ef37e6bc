"""How many replicas a metric asks for: `ceil(replicas * current / target)`, with care for Pods that are not measured.

https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/#algorithm-details
All values are in thousandths, as the API compares quantities.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from lab.cluster.controllers.autoscaling.metrics import Samples
from lab.kube import quantity
from lab.kube.errors import LabError
from lab.kube.kinds.pod import Container, Pod
from lab.settings import Settings


class Tolerance(NamedTuple):
    """How far below and above its target a metric may be, as shares, before replicas are taken away or added."""

    down: float
    up: float

    def holds(self, ratio: float) -> bool:
        """Whether a ratio of current to target is near enough to 1."""
        return 1.0 - self.down <= ratio <= 1.0 + self.up


class Proposal(NamedTuple):
    """What one metric asks for, and what it is now."""

    replicas: int
    average_milli: int
    utilization: int | None = None
    """Percent of the requests, for metrics that are compared with them."""


class Groups(NamedTuple):
    """The Pods of a workload by what can be said of them."""

    ready: int
    unready: tuple[str, ...]
    """Starting, or not Ready: on the way up they count as using nothing."""
    missing: tuple[str, ...]
    """Without a sample: on the way up they count as using nothing, on the way down as using what they should."""
    ignored: tuple[str, ...]
    """Being deleted, or failed."""


def group_pods(pods: Iterable[Pod], samples: Samples, settings: Settings, now: float, *, cpu: bool) -> Groups:
    """Tell the Pods apart; only for CPU does it matter whether a Pod is Ready, and since when."""
    ready = 0
    unready, missing, ignored = [], [], []
    for pod in pods:
        if pod.terminating or pod.status.phase == "Failed":
            ignored.append(pod.name)
        elif pod.status.phase == "Pending":
            unready.append(pod.name)
        elif pod.name not in samples:
            missing.append(pod.name)
        elif cpu and _still_starting(pod, samples, settings, now):
            unready.append(pod.name)
        else:
            ready += 1
    return Groups(ready, tuple(unready), tuple(missing), tuple(ignored))


def _still_starting(pod: Pod, samples: Samples, settings: Settings, now: float) -> bool:
    """Whether a Pod's CPU says nothing yet: what it needs to start is not what it needs to serve."""
    condition = next((each for each in pod.status.conditions if each.type == "Ready"), None)
    started_s = pod.status.start_time
    if condition is None or started_s is None:
        return True
    since_s = condition.last_transition_time or 0.0
    if started_s + settings.hpa_cpu_initialization_period_s > now:
        sample = samples[pod.name]
        return condition.status == "False" or sample.timestamp_s < since_s + sample.window_s
    return condition.status == "False" and started_s + settings.hpa_initial_readiness_delay_s > since_s


# -- percent of the request -----------------------------------------------------------------------------------------


def by_utilization(
    current: int, target: int, samples: Samples, groups: Groups, requests: Mapping[str, int], tolerance: Tolerance
) -> Proposal:
    """Replicas so that usage is `target` percent of the requests. Raises LabError when nothing was measured."""
    values = _measured(samples, groups)
    ratio, utilization, average = _utilization(values, requests, target)
    proposal = Proposal(current, average, utilization)
    more_ignored = bool(groups.unready) and ratio > 1.0
    if not more_ignored and not groups.missing:
        return proposal if tolerance.holds(ratio) else proposal._replace(replicas=math.ceil(ratio * groups.ready))
    for name in groups.missing:
        if ratio < 1.0:
            values[name] = requests[name] * max(100, target) // 100
        elif ratio > 1.0:
            values[name] = 0
    if more_ignored:
        values.update(dict.fromkeys(groups.unready, 0))
    again, _, _ = _utilization(values, requests, target)
    return proposal._replace(replicas=_second_thought(current, ratio, again, len(values), tolerance))


def _utilization(values: Mapping[str, int], requests: Mapping[str, int], target: int) -> tuple[float, int, int]:
    """The ratio to the target, percent of the requests in whole numbers, and the average usage."""
    known = {name: value for name, value in values.items() if name in requests}
    requested = sum(requests[name] for name in known)
    if not requested:
        raise LabError("no metrics returned matched known pods")
    percent = sum(known.values()) * 100 // requested
    return percent / target, percent, sum(known.values()) // len(known)


# -- plain values ---------------------------------------------------------------------------------------------------


def by_average(current: int, target_milli: int, samples: Samples, groups: Groups, tolerance: Tolerance) -> Proposal:
    """Replicas so that the average Pod has `target_milli`. Raises LabError when nothing was measured."""
    values = _measured(samples, groups)
    ratio, average = _average(values, target_milli)
    proposal = Proposal(current, average)
    more_ignored = bool(groups.unready) and ratio > 1.0
    if not more_ignored and not groups.missing:
        return proposal if tolerance.holds(ratio) else proposal._replace(replicas=math.ceil(ratio * groups.ready))
    for name in groups.missing:
        values[name] = target_milli if ratio < 1.0 else 0
    if more_ignored:
        values.update(dict.fromkeys(groups.unready, 0))
    again, _ = _average(values, target_milli)
    return proposal._replace(replicas=_second_thought(current, ratio, again, len(values), tolerance))


def _average(values: Mapping[str, int], target_milli: int) -> tuple[float, int]:
    average = sum(values.values()) // len(values)
    return average / target_milli, average


# -- both -----------------------------------------------------------------------------------------------------------


def _measured(samples: Samples, groups: Groups) -> dict[str, int]:
    without = (*groups.unready, *groups.ignored)
    values = {name: sample.milli for name, sample in samples.items() if name not in without}
    if not values:
        raise LabError("did not receive metrics for targeted pods (pods might be unready)")
    return values


def _second_thought(current: int, first: float, again: float, counted: int, tolerance: Tolerance) -> int:
    """With guesses for some Pods: never the other way than the measured ones ask for, and not for a trifle."""
    if tolerance.holds(again) or (first < 1.0 < again) or (again < 1.0 < first):
        return current
    replicas = math.ceil(again * counted)
    if (again < 1.0 and replicas > current) or (again > 1.0 and replicas < current):
        return current
    return replicas


def requests_of(pods: Iterable[Pod], resource: str, container: str = "") -> dict[str, int]:
    """What each Pod requests, or one container of each. Raises LabError when a container requests none."""
    return {pod.name: sum(_requests(pod, resource, container)) for pod in pods}


def _requests(pod: Pod, resource: str, container: str) -> list[int]:
    sidecars = [each for each in pod.spec.init_containers if each.restart_policy == "Always"]
    counted = [each for each in (*pod.spec.containers, *sidecars) if container in ("", each.name)]
    return [_request(pod, each, resource) for each in counted]


def _request(pod: Pod, container: Container, resource: str) -> int:
    amount = container.resources.requests.get(resource)
    if amount is None:
        raise LabError(f"missing request for {resource} in container {container.name} of Pod {pod.name}")
    return math.ceil(quantity.parse(amount) * 1000)
