"""`lab validate` on autoscalers, disruption budgets and quotas: what is legal and will not work."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.cluster.review.review import Review, review


def deployment(name: str = "web", replicas: str = "replicas: 3", resources: str = "{requests: {cpu: 100m}}") -> str:
    return f"""\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}}}
spec:
  {replicas}
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec:
      containers: [{{name: app, image: "shop/web:1", ports: [{{containerPort: 8080}}], resources: {resources}}}]
"""


def hpa(spec: str = "", ref: str = "{apiVersion: apps/v1, kind: Deployment, name: web}", name: str = "web") -> str:
    meta = f"apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {{name: {name}}}\n"
    metric = "{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 50}}}"
    return f"{meta}spec: {{scaleTargetRef: {ref}, maxReplicas: 9, metrics: [{metric}]{spec}}}\n"


def pdb(spec: str, name: str = "web", selector: str = "{matchLabels: {app: web}}") -> str:
    meta = f"apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {{name: {name}}}\n"
    return f"{meta}spec: {{selector: {selector}{spec}}}\n"


def quota(hard: str) -> str:
    return f"apiVersion: v1\nkind: ResourceQuota\nmetadata: {{name: compute}}\nspec: {{hard: {hard}}}\n"


@pytest.fixture
def said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)

    def run(*documents: str) -> list[str]:
        Path("new.yaml").write_text("---\n".join(documents))
        found: Review = review(["new.yaml"])
        return [f"{each.severity}: {each.kind}/{each.name}: {each.field}: {each.message}" for each in found.findings]

    return run


PLAIN = deployment(replicas="minReadySeconds: 0")
"""A Deployment that leaves its number of replicas to an autoscaler."""


def test_what_is_right_is_right(said):
    room = quota("{pods: '20', requests.cpu: '2'}")
    assert said(PLAIN, hpa(", minReplicas: 3"), pdb(", minAvailable: 2"), room) == []
    assert said(deployment(), pdb(", maxUnavailable: 1")) == []


@pytest.mark.parametrize(
    ("documents", "expected"),
    [
        (
            (PLAIN, hpa(ref="{apiVersion: apps/v1, kind: Deployment, name: webb}")),
            'spec.scaleTargetRef.name: deployment/webb is not in these files, did you mean "web"?',
        ),
        (
            (PLAIN, hpa(ref="{kind: Deployment, name: web}")),
            'spec.scaleTargetRef.apiVersion: no matches for kind "Deployment" in group "": expected apps/v1',
        ),
        (
            (PLAIN, hpa(ref="{apiVersion: v1, kind: Pod, name: web}")),
            "spec.scaleTargetRef.kind: pods cannot be scaled",
        ),
        ((PLAIN, hpa(", minReplicas: 9")), "spec.maxReplicas: is what minReplicas is: it never scales"),
        (
            (deployment(replicas="minReadySeconds: 0", resources="{}"), hpa()),
            "spec.metrics[0].resource.target.averageUtilization: container app of deployment/web requests no cpu: "
            "without it there is no percentage, and it never scales",
        ),
        (
            (PLAIN, hpa(), hpa(name="other")),
            "spec.scaleTargetRef: deployment/web is scaled by hpa/web already: together they do nothing",
        ),
    ],
)
def test_autoscalers(said, documents, expected):
    (found,) = said(*documents)
    assert found.startswith("warning: HorizontalPodAutoscaler/")
    assert found.endswith(expected)


def test_a_limit_stands_for_the_request_that_is_not_made(said):
    assert said(deployment(replicas="minReadySeconds: 0", resources="{limits: {cpu: '1'}}"), hpa()) == []


def test_replicas_in_the_manifest_of_what_is_scaled(said):
    assert said(deployment(), hpa()) == [
        "warning: Deployment/web: spec.replicas: hpa/web decides it: each apply of this file sets it back to 3"
    ]


@pytest.mark.parametrize(
    ("documents", "expected"),
    [
        (
            (deployment(), pdb(", maxUnavailable: 1", selector="{matchLabels: {app: api}}")),
            "spec.selector: matches no Pod or workload in these files: it guards nothing",
        ),
        ((deployment(), pdb(", maxUnavailable: 0")), "spec.maxUnavailable: is 0: it never allows a disruption"),
        ((deployment(), pdb(", minAvailable: 100%")), "spec.minAvailable: is 100%: it never allows a disruption"),
        (
            (deployment(), pdb(", minAvailable: 3")),
            "spec.minAvailable: is 3, and deployment/web may have no more than 3 Pods: it never allows",
        ),
        (
            (PLAIN, hpa(", minReplicas: 2"), pdb(", minAvailable: 2")),
            "spec.minAvailable: is 2, and deployment/web may have no more than 2 Pods: it never allows",
        ),
        ((deployment(), pdb("")), "spec: says neither minAvailable nor maxUnavailable: it allows no disruption"),
        (
            (deployment(), pdb(", maxUnavailable: 1"), pdb(", minAvailable: 1", name="more")),
            "spec.selector: deployment/web is selected by pdb/web as well: its Pods cannot be evicted at all",
        ),
    ],
)
def test_disruption_budgets(said, documents, expected):
    (found,) = said(*documents)
    assert found.startswith("warning: PodDisruptionBudget/")
    assert expected in found


def test_a_quota_that_refuses_the_pods_of_what_is_beside_it(said):
    assert said(deployment(), quota("{limits.cpu: '9', requests.memory: 1Gi}")) == [
        "warning: Deployment/web: spec.template.spec.containers[0].resources: container app says nothing of "
        "limits.cpu, requests.memory, and quota/compute asks for it: its Pods are refused"
    ]


def test_a_quota_that_is_too_small_for_what_is_beside_it(said):
    assert said(deployment(), deployment("api"), quota("{pods: '5', requests.cpu: '1'}")) == [
        "warning: ResourceQuota/compute: spec.hard[pods]: is 5, and what runs in these files asks for 6"
    ]


def test_what_the_api_server_refuses_is_told_with_its_words(said):
    (found,) = said(PLAIN, hpa(", minReplicas: 0"))
    assert found == (
        "error: HorizontalPodAutoscaler/web: spec.minReplicas: Invalid value: 0: must be greater than or equal to 1"
    )
