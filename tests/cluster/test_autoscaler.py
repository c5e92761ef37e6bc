"""The HorizontalPodAutoscaler controller, as its documentation tells.

https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from lab.kube.kinds.horizontalpodautoscaler import HorizontalPodAutoscaler
from lab.kube.kinds.pod import Pod
from lab.settings import Settings
from tests.cluster.autoscaled import CPU_50, Autoscaled, rps, web_pod


def memory(average: str) -> dict[str, Any]:
    target = {"type": "AverageValue", "averageValue": average}
    return {"type": "Resource", "resource": {"name": "memory", "target": target}}


def policies(direction: str, *entries: tuple[str, int, int], **rules: Any) -> dict[str, Any]:
    made = [{"type": type, "value": value, "periodSeconds": period} for type, value, period in entries]
    return {direction: {**({"policies": made} if made else {}), **rules}}


ONE = {"type": "AverageValue", "averageValue": "1"}
NO_WINDOW = {"stabilizationWindowSeconds": 0}


# -- the algorithm ------------------------------------------------------------------------------------------------


def test_twice_the_wanted_value_doubles_the_replicas():
    """ "If the current metric value is 200m, and the desired value is 100m, the number of replicas will be doubled."""
    world = Autoscaled(3, metrics=rps("100m"))
    world.metrics.requests = lambda pods: 0.2
    assert world.looks() == 6


def test_half_of_the_wanted_value_halves_the_replicas():
    world = Autoscaled(6, metrics=rps("100m"), behavior={"scaleDown": NO_WINDOW})
    world.metrics.requests = lambda pods: 0.05
    assert world.looks() == 3


@pytest.mark.parametrize(("milli", "replicas"), [(44, 9), (45, 10), (50, 10), (55, 10), (56, 12)])
def test_within_a_tenth_of_the_target_nothing_is_done(milli, replicas):
    world = Autoscaled(10, behavior={"scaleDown": NO_WINDOW})
    world.metrics.cpu_milli = lambda pods: milli
    assert world.looks() == replicas


@pytest.mark.parametrize(("milli", "replicas"), [(52, 10), (53, 11), (45, 10), (44, 9)])
def test_an_autoscaler_may_have_a_tolerance_of_its_own_for_each_direction(milli, replicas):
    """KEP-4951, stable in 1.37."""
    world = Autoscaled(10, behavior={"scaleUp": {"tolerance": "0.05"}, "scaleDown": NO_WINDOW})
    world.metrics.cpu_milli = lambda pods: milli
    assert world.looks() == replicas


def test_of_several_metrics_the_one_that_asks_for_most_counts():
    world = Autoscaled(4, metrics=[*CPU_50, *rps("10")])
    world.total_cpu(4 * 75)
    world.metrics.requests = lambda pods: 18.0
    assert world.looks() == 8
    assert world.events("SuccessfulRescale") == [
        "New size: 8; reason: pods metric http_requests_per_second above target"
    ]


def test_memory_by_its_average_value():
    world = Autoscaled(2, metrics=[memory("100Mi")])
    world.metrics.memory_bytes = 150 * 1024 * 1024
    assert world.looks() == 3
    current = world.autoscaler.status.current_metrics[0].current
    assert current is not None
    assert current.average_value == str(150 * 1024 * 1024)


def test_one_container_of_several_can_be_what_counts():
    target = {"type": "Utilization", "averageUtilization": 50}
    source = {"name": "cpu", "container": "web", "target": target}
    world = Autoscaled(2, metrics=[{"type": "ContainerResource", "containerResource": source}])
    world.metrics.cpu_milli = lambda pods: 100
    assert world.looks() == 4
    reason = "cpu container resource utilization (percentage of request) above target"
    assert world.events("SuccessfulRescale") == [f"New size: 4; reason: {reason}"]


def test_it_looks_every_15_seconds():
    world = Autoscaled(1)
    world.metrics.cpu_milli = lambda pods: 100
    world.run(50.0)
    assert [at for at, _ in world.sizes[1:]] == pytest.approx([15.01, 30.01, 45.01], abs=0.02)


def test_the_period_is_a_setting():
    world = Autoscaled(1, settings=Settings(hpa_sync_period_s=60.0))
    world.metrics.cpu_milli = lambda pods: 100
    world.run(59.0)
    assert world.replicas == 1
    world.run(2.0)
    assert world.replicas == 2


# -- bounds -------------------------------------------------------------------------------------------------------


def test_never_more_than_the_maximum_however_high_the_load():
    world = Autoscaled(3, maxReplicas=5)
    world.metrics.cpu_milli = lambda pods: 1000
    assert world.looks() == 5
    assert world.condition("ScalingLimited") == ("True", "TooManyReplicas")
    assert world.message("ScalingLimited") == "the desired replica count is more than the maximum replica count"


def test_never_fewer_than_the_minimum_however_low_the_load():
    world = Autoscaled(5, minReplicas=3, behavior={"scaleDown": NO_WINDOW})
    assert world.looks() == 3
    assert world.condition("ScalingLimited") == ("True", "TooFewReplicas")


def test_who_scales_beyond_the_bounds_is_brought_back_without_looking_at_metrics():
    world = Autoscaled(3, minReplicas=2, maxReplicas=5)
    world.metrics.error = "nothing works"
    world.scale(9)
    assert world.looks() == 5
    world.scale(1)
    assert world.looks() == 2
    assert world.events("SuccessfulRescale") == [
        "New size: 5; reason: Current number of replicas above Spec.MaxReplicas",
        "New size: 2; reason: Current number of replicas below Spec.MinReplicas",
    ]


def test_a_target_scaled_to_zero_is_left_alone():
    world = Autoscaled(0)
    assert world.looks(3) == 0
    assert world.condition("ScalingActive") == ("False", "ScalingDisabled")


def test_without_a_behavior_one_step_goes_to_twice_the_replicas_or_to_four():
    world = Autoscaled(1, maxReplicas=50)
    world.metrics.cpu_milli = lambda pods: 1000
    assert [world.looks() for _ in range(5)] == [4, 8, 16, 32, 50]
    assert world.condition("ScalingLimited") == ("True", "TooManyReplicas")


def test_an_empty_behavior_means_the_documented_default():
    """The larger of four Pods and 100 % in 15 s up; down all at once, after 300 s."""
    world = Autoscaled(1, maxReplicas=50, behavior={})
    world.metrics.cpu_milli = lambda pods: 1000
    assert [world.looks() for _ in range(5)] == [5, 10, 20, 40, 50]
    world.metrics.cpu_milli = lambda pods: 0
    world.run(290.0)
    assert world.replicas == 50
    world.run(30.0)
    assert world.replicas == 1


# -- behavior -----------------------------------------------------------------------------------------------------


def test_the_documented_example_of_two_policies():
    """80 replicas that should be about 10: 10 % a minute, and below 40 replicas four Pods a minute."""
    down = policies("scaleDown", ("Pods", 4, 60), ("Percent", 10, 60), **NO_WINDOW)
    world = Autoscaled(80, behavior=down)
    world.metrics.cpu_milli = lambda pods: 10 * 50 / pods
    world.run(20 * 60.0)
    sizes = [size for _, size in world.sizes]
    assert sizes[:8] == [80, 72, 64, 57, 51, 45, 40, 36]
    assert sizes[8:] == [32, 28, 24, 20, 16, 12, 11], "eleven are within a tenth of what ten should be"
    gaps = [later - earlier for (earlier, _), (later, _) in zip(world.sizes[1:], world.sizes[2:], strict=False)]
    assert min(gaps) == pytest.approx(60.0, abs=0.1)
    assert max(gaps) == pytest.approx(60.0, abs=0.1)


def test_the_policy_that_changes_least_can_be_chosen():
    """ "selectPolicy: Min": five Pods a minute from 80 on, 10 % a minute below 50."""
    down = policies("scaleDown", ("Pods", 5, 60), ("Percent", 10, 60), selectPolicy="Min", **NO_WINDOW)
    world = Autoscaled(80, behavior=down)
    world.metrics.cpu_milli = lambda pods: 0
    world.run(9 * 60.0)
    assert [size for _, size in world.sizes] == [80, 75, 70, 65, 60, 55, 50, 45, 40, 36]


@pytest.mark.parametrize(("direction", "milli"), [("scaleUp", 500), ("scaleDown", 0)])
def test_a_direction_can_be_switched_off(direction, milli):
    world = Autoscaled(10, behavior={direction: {"selectPolicy": "Disabled"}})
    world.metrics.cpu_milli = lambda pods: milli
    assert world.looks(30) == 10
    reason = "ScaleUpLimit" if direction == "scaleUp" else "ScaleDownLimit"
    assert world.condition("ScalingLimited") == ("True", reason)


def test_a_policy_on_the_way_up_holds_within_its_period():
    world = Autoscaled(1, behavior=policies("scaleUp", ("Pods", 2, 60)))
    world.metrics.cpu_milli = lambda pods: 1000
    assert world.looks(4) == 3
    assert world.looks(4) == 5


def test_replicas_are_taken_away_only_when_nobody_asked_for_more_within_300_seconds():
    world = Autoscaled(10)
    world.total_cpu(10 * 50)
    world.looks(4)
    world.total_cpu(3 * 50)
    world.run(290.0)
    assert world.replicas == 10
    assert world.condition("AbleToScale") == ("True", "ScaleDownStabilized")
    world.run(30.0)
    assert world.replicas == 3


def test_a_load_that_comes_and_goes_does_not_make_the_replicas_flap():
    world = Autoscaled(4)
    for number in range(40):
        world.total_cpu(8 * 50 if number % 8 == 0 else 2 * 50)
        world.looks()
    assert [size for _, size in world.sizes] == [4, 8]


def test_without_a_window_they_do():
    world = Autoscaled(4, behavior={"scaleDown": NO_WINDOW})
    for number in range(40):
        world.total_cpu(8 * 50 if number % 8 == 0 else 2 * 50)
        world.looks()
    sizes = [size for _, size in world.sizes]
    assert (max(sizes), min(sizes)) == (8, 2)
    assert len(sizes) > 10


def test_a_window_on_the_way_up_waits_for_a_load_that_stays():
    up = {"scaleUp": {"stabilizationWindowSeconds": 60}, "scaleDown": {}}
    world = Autoscaled(2, behavior=up)
    world.total_cpu(2 * 50)
    world.looks(8)
    world.total_cpu(6 * 50)
    assert world.looks(3) == 2
    assert world.condition("AbleToScale") == ("True", "ScaleUpStabilized")
    assert world.looks(2) == 6


@given(
    loads=st.lists(st.integers(0, 5000), min_size=1, max_size=40),
    least=st.integers(1, 5),
    more=st.integers(0, 20),
    start=st.integers(1, 40),
    behavior=st.sampled_from(
        [
            None,
            {},
            {"scaleDown": NO_WINDOW},
            policies("scaleUp", ("Percent", 30, 45), ("Pods", 2, 30), selectPolicy="Min"),
            policies("scaleDown", ("Percent", 15, 60), stabilizationWindowSeconds=30),
        ]
    ),
)
@settings(max_examples=40, deadline=None)
def test_never_outside_of_the_bounds_whatever_the_load(loads, least, more, start, behavior):
    spec = {} if behavior is None else {"behavior": behavior}
    world = Autoscaled(start, minReplicas=least, maxReplicas=least + more, **spec)
    for load in loads:
        world.total_cpu(load)
        assert least <= world.looks() <= least + more


# -- what cannot be read ------------------------------------------------------------------------------------------


def test_a_target_that_does_not_exist():
    ref = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "webb"}
    world = Autoscaled(3, scaleTargetRef=ref)
    world.looks()
    assert world.condition("AbleToScale") == ("False", "FailedGetScale")
    expected = 'the HPA controller was unable to get the target\'s current scale: deployments.apps "webb" not found'
    assert world.message("AbleToScale") == expected
    assert world.events("FailedGetScale") == ['deployments.apps "webb" not found']


@pytest.mark.parametrize(
    ("ref", "message"),
    [
        ({"kind": "Deployment", "name": "web"}, 'no matches for kind "Deployment" in group ""'),
        ({"apiVersion": "apps/v1", "kind": "Deploy", "name": "web"}, 'no matches for kind "Deploy" in group "apps"'),
        ({"apiVersion": "v1", "kind": "Service", "name": "web"}, "the server could not find the requested resource"),
    ],
)
def test_a_target_that_cannot_be_scaled(ref, message):
    world = Autoscaled(3, scaleTargetRef=ref)
    world.looks()
    assert world.events("FailedGetScale") == [message]


def test_a_cluster_without_metrics_server():
    world = Autoscaled(3)
    world.metrics.error = "the server could not find the requested resource (get pods.metrics.k8s.io)"
    assert world.looks() == 3
    why = (
        "failed to get cpu utilization: unable to get metrics for resource cpu: unable to fetch metrics from resource "
        "metrics API: the server could not find the requested resource (get pods.metrics.k8s.io)"
    )
    assert world.condition("ScalingActive") == ("False", "FailedGetResourceMetric")
    assert world.message("ScalingActive") == f"the HPA was unable to compute the replica count: {why}"
    assert world.events("FailedGetResourceMetric") == [why]
    assert world.events("FailedComputeMetricsReplicas") == [
        f"invalid metrics (1 invalid out of 1), first error is: failed to get cpu resource metric value: {why}"
    ]


def test_pods_that_request_nothing_have_no_utilization():
    world = Autoscaled(1)
    container = replace(world.store.list(Pod)[0].spec.containers[0], resources=None)
    assert container.resources is None
    target = {"type": "Utilization", "averageUtilization": 50}
    world.store.delete(HorizontalPodAutoscaler, "web")
    world.add("web", metrics=[{"type": "Resource", "resource": {"name": "nvidia.com/gpu", "target": target}}])
    world.looks()
    assert world.events("FailedGetResourceMetric") == [
        "failed to get nvidia.com/gpu utilization: missing request for nvidia.com/gpu in container web of Pod web-1"
    ]


@pytest.mark.parametrize(
    ("metric", "reason", "said"),
    [
        (
            {"type": "Pods", "pods": {"metric": {"name": "queue"}, "target": ONE}},
            "FailedGetPodsMetric",
            "unable to get metric queue: unable to fetch metrics from custom metrics API: "
            "the server could not find the metric queue for pods",
        ),
        (
            {
                "type": "Object",
                "object": {
                    "metric": {"name": "requests"},
                    "describedObject": {"apiVersion": "v1", "kind": "Service", "name": "web"},
                    "target": {"type": "Value", "value": "2k"},
                },
            },
            "FailedGetObjectMetric",
            "unable to get metric requests: unable to fetch metrics from custom metrics API: the server could not "
            "find the metric requests for services web on Service default/web",
        ),
        (
            {"type": "External", "external": {"metric": {"name": "lag"}, "target": {"type": "Value", "value": "30"}}},
            "FailedGetExternalMetric",
            "unable to get external metric default/lag/nil: unable to fetch metrics from external metrics API: "
            "the server could not find the requested resource (get lag.external.metrics.k8s.io)",
        ),
    ],
)
def test_metrics_that_no_cluster_of_the_lab_has(metric, reason, said):
    world = Autoscaled(3, metrics=[metric])
    assert world.looks() == 3
    assert world.condition("ScalingActive") == ("False", reason)
    assert world.message("ScalingActive") == f"the HPA was unable to compute the replica count: {said}"
    assert world.events(reason) == [said]


def test_with_one_metric_unreadable_the_others_may_add_replicas_but_take_none_away():
    world = Autoscaled(4, metrics=[*CPU_50, *rps("1")], behavior={"scaleDown": NO_WINDOW})
    world.metrics.cpu_milli = lambda pods: 100
    autoscaler = world.autoscaler
    broken = replace(
        autoscaler.spec.metrics[1],
        pods=replace(
            autoscaler.spec.metrics[1].pods, metric=replace(autoscaler.spec.metrics[1].pods.metric, name="queue")
        ),
    )
    spec = replace(autoscaler.spec, metrics=(autoscaler.spec.metrics[0], broken))
    world.store.update(replace(autoscaler, spec=spec))
    assert world.looks() == 8
    assert world.condition("ScalingActive") == ("True", "ValidMetricFound")
    world.metrics.cpu_milli = lambda pods: 10
    assert world.looks() == 8
    assert world.condition("ScalingActive") == ("False", "FailedGetPodsMetric")


def test_two_autoscalers_of_the_same_pods_do_nothing():
    world = Autoscaled(3)
    world.metrics.cpu_milli = lambda pods: 100
    world.add("other")
    world.run(16.0)
    before = world.replicas
    world.run(60.0)
    assert world.replicas == before
    said = "pods by selector app=web are controlled by multiple HPAs: [default/other default/web]"
    assert world.message("ScalingActive") == said


# -- what the status says -----------------------------------------------------------------------------------------


def test_the_status_tells_what_was_seen_and_decided():
    world = Autoscaled(2)
    world.metrics.cpu_milli = lambda pods: 100
    world.looks()
    status = world.autoscaler.status
    current = status.current_metrics[0].current
    assert current is not None
    assert (status.current_replicas, status.desired_replicas) == (2, 4)
    assert (current.average_utilization, current.average_value) == (100, "100m")
    assert status.last_scale_time == pytest.approx(15.01, abs=0.02)
    assert world.condition("AbleToScale") == ("True", "SucceededRescale")
    assert world.condition("ScalingActive") == ("True", "ValidMetricFound")
    assert world.message("ScalingActive") == (
        "the HPA was able to successfully calculate a replica count from "
        "cpu resource utilization (percentage of request)"
    )
    assert world.condition("ScalingLimited") == ("False", "DesiredWithinRange")
    assert world.events("SuccessfulRescale") == [
        "New size: 4; reason: cpu resource utilization (percentage of request) above target"
    ]


def test_a_status_that_says_nothing_new_is_not_written():
    world = Autoscaled(2)
    world.metrics.cpu_milli = lambda pods: 50
    world.looks(2)
    before = world.autoscaler.metadata.resource_version
    world.looks(10)
    assert world.autoscaler.metadata.resource_version == before


def test_a_deleted_autoscaler_is_forgotten():
    world = Autoscaled(2)
    world.store.delete(HorizontalPodAutoscaler, "web")
    world.metrics.cpu_milli = lambda pods: 100
    assert world.looks(3) == 2


def test_a_pod_that_is_not_of_the_target_does_not_count():
    world = Autoscaled(2)
    stranger = web_pod("other")
    world.store.create(replace(stranger, metadata=replace(stranger.metadata, labels={"app": "other"})))
    world.metrics.cpu_milli = lambda pods: 100 if pods == 2 else 0
    assert world.looks() == 4
