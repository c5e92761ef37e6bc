"""Replicas from samples: Pods that are starting, not measured, going or failed.

https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/#algorithm-details
"""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from lab.cluster.controllers.autoscaling.metrics import Sample, Samples
from lab.cluster.controllers.autoscaling.replica_calculator import (
    Groups,
    Proposal,
    Tolerance,
    by_average,
    by_utilization,
    group_pods,
    requests_of,
)
from lab.kube.errors import LabError
from lab.kube.kinds.pod import Container, Pod, ResourceRequirements
from lab.settings import Settings
from tests.cluster.autoscaled import web_pod

NOW = 1000.0
TENTH = Tolerance(0.1, 0.1)


def samples(*milli: int | None, at: float = NOW) -> Samples:
    """Of web-0, web-1 and so on; None for a Pod that was not measured."""
    return {f"web-{i}": Sample(value, at, 15.0) for i, value in enumerate(milli) if value is not None}


def pods(count: int) -> list[Pod]:
    return [web_pod(f"web-{i}") for i in range(count)]


def grouped(found: list[Pod], values: Samples, *, cpu: bool = True) -> Groups:
    return group_pods(found, values, Settings(), NOW, cpu=cpu)


def of_cpu(found: list[Pod], values: Samples, target: int = 50) -> Proposal:
    groups = grouped(found, values)
    return by_utilization(len(found), target, values, groups, requests_of(found, "cpu"), TENTH)


# -- which Pods count ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pod", "group"),
    [
        (web_pod("web-0"), "ready"),
        (web_pod("web-0", phase="Pending"), "unready"),
        (web_pod("web-0", phase="Failed"), "ignored"),
        (web_pod("web-1"), "missing"),
        (web_pod("web-0", conditions=()), "unready"),
        (web_pod("web-0", start_time=None), "unready"),
    ],
)
def test_each_pod_is_in_one_group(pod: Pod, group: str) -> None:
    found = grouped([pod], samples(100))
    assert {"ready": found.ready, "unready": len(found.unready), "missing": len(found.missing)}.get(group, 1) == 1
    assert found.ready + len(found.unready) + len(found.missing) + len(found.ignored) == 1
    assert group == "ready" or pod.name in getattr(found, group)


def test_a_pod_that_is_being_deleted_is_ignored():
    pod = web_pod("web-0")
    going = replace(pod, metadata=replace(pod.metadata, deletion_timestamp=NOW + 30))
    assert grouped([going], samples(100)).ignored == ("web-0",)


@pytest.mark.parametrize(
    ("started_s", "ready", "since_s", "counts"),
    [
        (NOW - 100, True, NOW - 15, True),
        (NOW - 100, True, NOW - 14, False),
        (NOW - 100, False, NOW - 60, False),
        (NOW - 400, True, NOW - 1, True),
        (NOW - 400, False, NOW - 50, True),
        (NOW - 400, False, NOW - 371, False),
        (NOW - 400, False, NOW - 369, True),
    ],
    ids=[
        "young and Ready for a whole window",
        "young and Ready for less than a window",
        "young and not Ready",
        "older than five minutes and just Ready",
        "older and no longer Ready",
        "older and never Ready: unready within 30 s of its start",
        "older and unready since 31 s after its start",
    ],
)
def test_when_the_cpu_of_a_pod_says_something(started_s: float, ready: bool, since_s: float, counts: bool) -> None:
    pod = web_pod("web-0", ready=ready, since_s=since_s, start_time=started_s)
    assert grouped([pod], samples(100)).ready == counts


def test_for_other_metrics_it_does_not_matter_whether_a_pod_is_ready():
    pod = web_pod("web-0", ready=False, since_s=NOW - 1, start_time=NOW - 5)
    assert grouped([pod], samples(100), cpu=False).ready == 1


# -- how many -----------------------------------------------------------------------------------------------------


def test_the_ratio_of_the_whole_is_rounded_up():
    assert of_cpu(pods(3), samples(60, 70, 80)) == Proposal(5, 70, 70)


def test_a_starting_pod_holds_back_the_way_up():
    """With two Pods at 100 % of a target of 50 % there should be four, and one of those is starting already."""
    found = [*pods(2), web_pod("web-2", phase="Pending")]
    assert of_cpu(found, samples(100, 100)).replicas == 4
    assert by_average(3, 50, samples(60, 60), Groups(2, ("web-2",), (), ()), TENTH).replicas == 3


def test_a_starting_pod_does_not_count_on_the_way_down():
    found = [*pods(4), web_pod("web-4", phase="Pending")]
    assert of_cpu(found, samples(10, 10, 10, 10)).replicas == 1


def test_a_pod_without_a_sample_counts_as_idle_on_the_way_up():
    assert of_cpu(pods(4), samples(100, 100, 100, None)).replicas == 6


def test_a_pod_without_a_sample_counts_as_fully_used_on_the_way_down():
    assert of_cpu(pods(4), samples(10, 10, 10, None)).replicas == 3
    assert of_cpu(pods(4), samples(10, 10, 10, None), target=200).replicas == 2


def test_guesses_never_turn_the_direction_around():
    assert of_cpu(pods(4), samples(40, None, None, None)).replicas == 4
    assert of_cpu(pods(4), samples(60, None, None, None)).replicas == 4


def test_a_sidecar_counts_and_an_ordinary_init_container_does_not():
    pod = web_pod("web-0")
    asked = ResourceRequirements(requests={"cpu": "50m"})
    first = Container(name="first", image="x")
    side = Container(name="side", image="x", resources=asked, restart_policy="Always")
    pod = replace(pod, spec=replace(pod.spec, init_containers=(first, side)))
    assert requests_of([pod], "cpu") == {"web-0": 150}
    assert requests_of([pod], "cpu", "side") == {"web-0": 50}


def test_a_container_without_a_request_is_named():
    pod = web_pod("web-0")
    bare = replace(pod.spec.containers[0], resources=ResourceRequirements())
    with pytest.raises(LabError, match="missing request for cpu in container web of Pod web-0"):
        requests_of([replace(pod, spec=replace(pod.spec, containers=(bare,)))], "cpu")


def test_without_any_sample_of_a_pod_that_counts_nothing_can_be_said():
    pod = web_pod("web-0", phase="Pending")
    with pytest.raises(LabError, match=r"did not receive metrics for targeted pods \(pods might be unready\)"):
        of_cpu([pod], samples(100))


@given(values=st.lists(st.integers(0, 1000), min_size=1, max_size=20), target=st.integers(1, 500))
def test_with_every_pod_measured_it_is_the_documented_formula(values: list[int], target: int) -> None:
    found: Any = by_average(len(values), target, samples(*values), Groups(len(values), (), (), ()), TENTH)
    average = sum(values) // len(values)
    ratio = average / target
    assert found.replicas == (len(values) if 0.9 <= ratio <= 1.1 else math.ceil(ratio * len(values)))
    assert found.average_milli == average
