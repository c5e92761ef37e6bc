"""Disruption budgets: what their controller counts, and what the eviction subresource grants by it.

https://kubernetes.io/docs/tasks/run-application/configure-pdb/
"""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from lab.cluster.controllers.deployment import DeploymentController
from lab.cluster.controllers.disruption import DisruptionController
from lab.cluster.controllers.replicaset import ReplicaSetController
from lab.cluster.errors import InternalError, NotFound, TooManyRequests
from lab.cluster.eviction import evict
from lab.kube.decode import decode
from lab.kube.kinds.pod import Pod
from lab.kube.kinds.poddisruptionbudget import PodDisruptionBudget, PodDisruptionBudgetStatus
from lab.kube.meta import ObjectMeta, OwnerReference
from tests.cluster.autoscaled import web_pod
from tests.cluster.workloads import Workloads, deployment, set_spec

REFUSED = "Cannot evict pod as it would violate the pod's disruption budget."


class Budgeted(Workloads):
    """A Deployment `web` of some replicas, all Ready, and a budget of the same name."""

    def __init__(self, replicas: int = 4, **spec: Any) -> None:
        super().__init__(DeploymentController, ReplicaSetController, DisruptionController, stop_s=10.0)
        if replicas:
            self.store.create(deployment(replicas, name="web"))
            self.run(10.0)
        self.add("web", **spec)
        self.run(1.0)

    def add(self, name: str, **spec: Any) -> None:
        """One more budget for the same Pods."""
        body = {
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": {"name": name, "namespace": "default"},
            "spec": {"selector": {"matchLabels": {"app": "web"}}, **spec},
        }
        self.store.create(decode(body))

    @property
    def status(self) -> PodDisruptionBudgetStatus:
        return self.store.get(PodDisruptionBudget, "web").status

    @property
    def counts(self) -> tuple[int, int, int, int]:
        """Expected, healthy, desired healthy, allowed."""
        status = self.status
        return status.expected_pods, status.current_healthy, status.desired_healthy, status.disruptions_allowed

    @property
    def reason(self) -> str:
        return self.status.conditions[0].reason

    def evict(self, index: int = 0) -> None:
        evict(self.store, self.clock.time(), self.pods("web")[index])

    def unready(self, index: int = 0) -> Pod:
        """Let a Pod fail its probes."""
        pod = self.pods("web")[index]

        def change(now: Pod) -> Pod:
            conditions = tuple(
                replace(each, status="False", last_transition_time=self.clock.time()) for each in now.status.conditions
            )
            return replace(now, status=replace(now.status, conditions=conditions))

        self.store.mutate(Pod, pod.name, pod.namespace, change)
        self.run(1.0)
        return pod


# -- counting -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("replicas", "spec", "counts"),
    [
        (4, {"minAvailable": 3}, (4, 4, 3, 1)),
        (4, {"minAvailable": 4}, (4, 4, 4, 0)),
        (4, {"minAvailable": 9}, (4, 4, 9, 0)),
        (4, {"minAvailable": "50%"}, (4, 4, 2, 2)),
        (7, {"minAvailable": "50%"}, (7, 7, 4, 3)),
        (4, {"maxUnavailable": 1}, (4, 4, 3, 1)),
        (7, {"maxUnavailable": "30%"}, (7, 7, 4, 3)),
        (1, {"maxUnavailable": "1%"}, (1, 1, 0, 1)),
        (4, {"maxUnavailable": 0}, (4, 4, 4, 0)),
        (2, {"maxUnavailable": 5}, (2, 2, 0, 2)),
        (4, {}, (0, 4, 0, 0)),
    ],
)
def test_the_numbers_of_a_budget(replicas, spec, counts):
    """Percentages are rounded up, of the replicas that the Pods' controllers want."""
    world = Budgeted(replicas, **spec)
    assert world.counts == counts
    assert world.reason == ("SufficientPods" if counts[3] else "InsufficientPods")


def test_pods_that_are_not_ready_or_going_are_not_healthy():
    world = Budgeted(4, minAvailable=2)
    world.unready()
    assert world.counts == (4, 3, 2, 1)
    world.store.delete(Pod, world.pods("web")[1].name)
    world.run(0.5)
    assert world.counts[1:] == (2, 2, 0)


def test_a_percentage_is_of_what_is_wanted_not_of_what_is_there():
    world = Budgeted(4, maxUnavailable="25%")
    world.starts = False
    set_spec(world.store, replicas=8)
    world.run(1.0)
    assert world.counts == (8, 4, 6, 0)


def test_a_budget_without_pods_allows_nothing():
    world = Budgeted(0, minAvailable=0)
    assert world.counts == (0, 0, 0, 0)
    assert set(world.messages("NoPods")) == {"No matching pods found"}


def test_without_a_selector_it_is_about_no_pod_and_with_an_empty_one_about_all():
    assert Budgeted(3, minAvailable=1, selector=None).counts == (0, 0, 1, 0)
    assert Budgeted(3, minAvailable=1, selector={}).counts == (3, 3, 1, 2)


def test_pods_without_a_controller_cannot_be_counted_by_percentage():
    world = Budgeted(0, maxUnavailable="50%")
    world.store.create(web_pod("web-alone"))
    world.run(5.0)
    assert world.counts[3] == 0
    assert world.messages("UnmanagedPods")[0].startswith(
        "Pods selected by this PodDisruptionBudget (selector: app=web) were found to be unmanaged."
    )


def test_a_controller_without_a_scale_fails_the_budget():
    world = Budgeted(0, maxUnavailable=1)
    owner = OwnerReference(api_version="apps/v1", kind="DaemonSet", name="web", uid="1", controller=True)
    meta = ObjectMeta(name="web-1", namespace="default", labels={"app": "web"}, owner_references=(owner,))
    world.store.create(replace(web_pod("web-1"), metadata=meta))
    world.run(5.0)
    why = "daemonsets.apps does not implement the scale subresource"
    assert (world.reason, world.status.conditions[0].message) == ("SyncFailed", why)
    assert world.messages("CalculateExpectedPodCountFailed")[0] == (
        f"Failed to calculate the number of expected pods: {why}"
    )
    with pytest.raises(TooManyRequests) as refused:
        world.evict()
    assert refused.value.cause.endswith(f"because it failed sync: {why}")


# -- eviction -----------------------------------------------------------------------------------------------------


def test_an_eviction_ends_the_pod_and_says_why():
    world = Budgeted(4, minAvailable=3)
    pod = world.pods("web")[0]
    world.evict()
    found = world.store.get(Pod, pod.name)
    assert found.terminating
    condition = next(each for each in found.status.conditions if each.type == "DisruptionTarget")
    assert (condition.status, condition.reason) == ("True", "EvictionByEvictionAPI")


def test_what_the_budget_does_not_allow_is_refused_with_the_reason():
    world = Budgeted(4, minAvailable=4)
    with pytest.raises(TooManyRequests, match=REFUSED) as refused:
        world.evict()
    assert refused.value.reason == "TooManyRequests"
    assert refused.value.cause == "The disruption budget web needs 4 healthy pods and has 4 currently"
    assert len(world.pods("web")) == 4


def test_two_evictions_in_the_same_moment_cannot_both_take_the_last_disruption():
    world = Budgeted(4, minAvailable=3)
    world.evict()
    assert world.status.disruptions_allowed == 0
    assert world.reason == "InsufficientPods"
    with pytest.raises(TooManyRequests):
        world.evict()


def test_when_another_pod_is_ready_the_next_may_go():
    world = Budgeted(4, minAvailable=3)
    world.evict()
    with pytest.raises(TooManyRequests):
        world.evict()
    world.run(5.0)
    world.evict()
    assert world.status.current_healthy >= 3


def test_a_budget_that_was_just_made_or_changed_grants_nothing_yet():
    world = Budgeted(4, minAvailable=1)
    world.store.mutate(
        PodDisruptionBudget, "web", "default", lambda now: replace(now, spec=replace(now.spec, min_available=2))
    )
    with pytest.raises(TooManyRequests) as refused:
        world.evict()
    assert refused.value.cause == "The disruption budget web is still being processed by the server."
    world.run(0.1)
    world.evict()


def test_a_pod_without_a_budget_can_always_be_evicted():
    world = Budgeted(2, minAvailable=2, selector={"matchLabels": {"app": "other"}})
    world.evict()
    world.evict()


def test_a_pod_with_two_budgets_cannot_be_evicted():
    world = Budgeted(4, minAvailable=1)
    world.add("again", minAvailable=1)
    with pytest.raises(InternalError, match="more than one PodDisruptionBudget"):
        world.evict()


@pytest.mark.parametrize("phase", ["Pending", "Succeeded", "Failed"])
def test_a_pod_that_does_not_run_asks_no_budget(phase):
    world = Budgeted(2, minAvailable=2)
    pod = world.pods("web")[0]
    world.store.mutate(Pod, pod.name, "default", lambda now: replace(now, status=replace(now.status, phase=phase)))
    evict(world.store, world.clock.time(), pod)
    assert pod.name not in [left.name for left in world.pods("web")]


@pytest.mark.parametrize(
    ("policy", "others_unready", "goes"),
    [(None, 0, True), (None, 1, False), ("IfHealthyBudget", 1, False), ("AlwaysAllow", 1, True)],
)
def test_whether_an_unready_pod_may_go(policy, others_unready, goes):
    """KEP-3017: by default only while the others meet the budget, so that what is broken can heal."""
    world = Budgeted(4, minAvailable=3, unhealthyPodEvictionPolicy=policy)
    sick = world.unready(0)
    for index in range(others_unready):
        world.unready(index + 1)
    if goes:
        evict(world.store, world.clock.time(), sick)
        assert world.store.get(Pod, sick.name).terminating
    else:
        with pytest.raises(TooManyRequests):
            evict(world.store, world.clock.time(), sick)


def test_an_unready_pod_that_goes_takes_no_disruption():
    world = Budgeted(4, minAvailable=2)
    sick = world.unready(0)
    evict(world.store, world.clock.time(), sick)
    assert world.counts == (4, 3, 2, 1)


def test_a_pod_that_is_not_there():
    world = Budgeted(1, minAvailable=0)
    pod = world.pods("web")[0]
    world.store.delete(Pod, pod.name, grace_s=0)
    with pytest.raises(NotFound):
        evict(world.store, world.clock.time(), pod)


def test_a_deletion_asks_no_budget():
    world = Budgeted(2, minAvailable=2)
    world.store.delete(Pod, world.pods("web")[0].name)
    assert len(world.pods("web")) == 1


def test_an_evicted_pod_whose_deletion_is_not_seen_counts_as_gone_for_two_minutes():
    world = Budgeted(4, minAvailable=2)
    name = world.pods("web")[0].name
    begun = world.clock.time()
    world.store.mutate(
        PodDisruptionBudget,
        "web",
        "default",
        lambda now: replace(now, status=replace(now.status, disrupted_pods={name: begun})),
    )
    world.run(110.0)
    assert world.counts == (4, 3, 2, 1)
    world.run(20.0)
    assert world.counts == (4, 4, 2, 2)
    assert world.status.disrupted_pods == {}
