"""Readiness gates as they are typed and shown: a Pod is Ready when somebody has set every condition that it waits for.

https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-readiness-gate
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab.engine import ClusterSpec, Engine, plain_nodes
from lab.kube.kinds.endpointslice import EndpointSlice
from lab.kube.kinds.pod import Pod
from lab.kube.manifest import loads
from tests.commands.test_on_engine import give, ok

MANIFESTS = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      readinessGates: [{conditionType: example.com/registered}, {conditionType: example.com/warm}]
      containers: [{name: web, image: "shop/web:1", ports: [{containerPort: 8080}]}]
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
"""


@pytest.fixture
def engine() -> Iterator[Engine]:
    made = Engine(ClusterSpec(nodes=plain_nodes(2)), seed=3, settle_s=60.0)
    made.boot()
    made.apply(loads(MANIFESTS).objects)
    made.settle()
    yield made
    made.close()


def pods(engine: Engine) -> list[Pod]:
    return sorted((pod for pod in engine.store.list(Pod, "default") if not pod.terminating), key=lambda pod: pod.name)


def meet(engine: Engine, pod: Pod, *gates: str, status: str = "True") -> None:
    conditions = ",".join(f'{{"type":"example.com/{gate}","status":"{status}"}}' for gate in gates)
    patch = f'{{"status":{{"conditions":[{conditions}]}}}}'
    ok(engine, f"kubectl patch pod {pod.name} --subresource=status -p '{patch}'", seconds=2)


def ready_endpoints(engine: Engine) -> int:
    found = (each for piece in engine.store.list(EndpointSlice, "default") for each in piece.endpoints)
    return sum(each.conditions.ready is True for each in found)


def test_a_pod_is_ready_only_with_every_gate(engine: Engine) -> None:
    first, _ = pods(engine)
    states = {condition.type: condition for condition in first.status.conditions}
    assert states["ContainersReady"].status == "True"
    assert (states["Ready"].status, states["Ready"].reason) == ("False", "ReadinessGatesNotReady")
    meet(engine, first, "registered")
    assert [pod.ready for pod in pods(engine)] == [False, False]
    meet(engine, first, "warm")
    assert [pod.ready for pod in pods(engine)] == [True, False]
    assert ready_endpoints(engine) == 1
    meet(engine, first, "warm", status="False")
    assert ready_endpoints(engine) == 0


def test_the_wide_table_and_describe_tell_how_many_are_met(engine: Engine) -> None:
    first, _ = pods(engine)
    meet(engine, first, "registered")
    shown = [line.split()[-1] for line in ok(engine, "kubectl get pods -l app=web -o wide --no-headers")]
    assert shown == ["1/2", "0/2"]
    told = ok(engine, f"kubectl describe pod {first.name}")
    at = told.index("Readiness Gates:")
    assert [line.split() for line in told[at + 1 : at + 4]] == [
        ["Type", "Status"],
        ["example.com/registered", "True"],
        ["example.com/warm", "<none>"],
    ]


def test_a_rollout_waits_for_them(engine: Engine) -> None:
    for pod in pods(engine):
        meet(engine, pod, "registered", "warm")
    old = [pod.name for pod in pods(engine)]
    ok(engine, "kubectl rollout restart deployment/web", seconds=60)
    assert [name for name in old if name in [pod.name for pod in pods(engine)]] == old
    (new,) = [pod for pod in pods(engine) if pod.name not in old]
    meet(engine, new, "registered", "warm")
    engine.run_for(40)
    assert len([pod for pod in pods(engine) if pod.name in old]) == 1


def test_a_gate_has_a_qualified_name(engine: Engine) -> None:
    manifest = MANIFESTS.replace("example.com/warm", "not a name").replace("{name: web}", "{name: other}")
    refused = engine.trial(loads(manifest).objects)
    assert any("spec.template.spec.readinessGates[1].conditionType" in str(refusal) for refusal in refused)
    assert give(engine, "kubectl get pods").done
