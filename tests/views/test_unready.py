"""Pods that are not Ready are told by workload, with their number and why."""

from __future__ import annotations

import pytest

from lab.scenario.loader import load
from lab.scenario.player import Player
from lab.views.unready import Unready, unready_lines

DEPLOYMENT = """\
  - apiVersion: apps/v1
    kind: Deployment
    metadata: {{name: {name}, namespace: {namespace}}}
    spec:
      replicas: {replicas}
      selector: {{matchLabels: {{app: {name}}}}}
      template: {{metadata: {{labels: {{app: {name}}}}}, spec: {{containers: [{{name: c, image: {name}, {more}}}]}}}}
"""
PROBE = "readinessProbe: {tcpSocket: {port: 99}}"


def deployment(name: str, replicas: int, more: str, namespace: str = "default") -> str:
    return DEPLOYMENT.format(name=name, replicas=replicas, more=more, namespace=namespace)


@pytest.fixture
def told(tmp_path):
    def tell(*objects: str, head: str = "") -> list[str]:
        path = tmp_path / "x.yaml"
        path.write_text(f"name: x\nduration: 1s\n{head}manifests:\n{''.join(objects)}", encoding="utf-8")
        player = Player(load(path))
        player.start()
        player.engine.close()
        return unready_lines(player.not_ready)

    return tell


def test_each_reason_is_a_line_with_its_number_of_pods(told):
    lines = told(
        deployment("large", 7, "resources: {requests: {cpu: 900}}"),
        deployment("ready", 2, "ports: [{containerPort: 80}]"),
        deployment("never", 2, "imagePullPolicy: Never", namespace="shop"),
        deployment("slow", 3, PROBE),
        deployment("short", 1, "ports: []"),
        head="apps: [{image: slow, listen: [80]}, {image: short, runs: 1s}]\n",
    )
    assert lines[0].startswith("7 Pods of deployment/large: unschedulable: 0/3 nodes are available")
    assert lines[1].startswith("3 Pods of deployment/slow: not Ready: Readiness probe failed: dial tcp 10.244.")
    assert lines[2] == (
        "2 Pods of deployment/shop/never: ErrImageNeverPull: "
        'Container image "never" is not present with pull policy of Never'
    )
    assert lines[3].startswith("1 Pod of deployment/short: CrashLoopBackOff: back-off ")
    assert lines[3].endswith(" restarting failed container=c")
    assert len(lines) == 4


def test_a_pod_of_its_own_is_named_alone(told):
    pod = "  - {apiVersion: v1, kind: Pod, metadata: {name: big}, spec: {containers: [{name: c, image: c, RES}]}}\n"
    (line,) = told(pod.replace("RES", "resources: {requests: {cpu: 900}}"))
    assert line.startswith("pod/big: unschedulable: 0/3 nodes")


def test_nothing_is_told_of_a_cluster_that_is_ready(told):
    assert told(deployment("web", 2, "ports: [{containerPort: 80}]")) == []


def test_many_workloads_are_folded():
    groups = [Unready(f"deployment/d{i}", ("default/a",) * (i + 1), "not Ready") for i in range(40)]
    lines = unready_lines(groups)
    assert len(lines) == 13
    assert lines[0] == "40 Pods of deployment/d39: not Ready"
    assert lines[-1] == f"{sum(range(1, 29))} Pods of 28 more workloads, for the like"
