"""Names and windows of conditions and lessons: what is never there is a fault before anything runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.kube.errors import LabError
from lab.scenario.loader import load

HEAD = """\
name: story
duration: 30s
cluster: {nodes: 2}
manifests: [web.yaml]
traffic:
  - {name: late, from: pod/client, to: http://web/, rate: 5, start: 20s}
  - {name: early, from: pod/client, to: http://web/, rate: 5, stop: 5s, timeout: 1s}
"""
WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: shop/web:1, ports: [{containerPort: 80}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {selector: {app: web}, ports: [{port: 80}]}
"""


def story(tmp_path: Path, text: str) -> Path:
    (tmp_path / "web.yaml").write_text(WEB)
    (tmp_path / "more.yaml").write_text(WEB.replace("name: web", "name: more").replace("namespace: shop", ""))
    (tmp_path / "story.yaml").write_text(HEAD + text)
    return tmp_path / "story.yaml"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("expect: [endpoints api >= 1]", 'expect[0].that: there is no service "api" in namespace default'),
        ("expect: [endpoints web >= 1]", '"web" in namespace default in the manifests, and no command makes one; '),
        ("expect: [{that: share wbe <= 1, namespace: shop}]", 'did you mean "web"?'),
        ("expect: [{that: success >= 99%, service: shop/api}]", 'expect[0].service: there is no service "api"'),
        ("expect: [pods ready deployment/wbe == 1]", 'there is no deployment "wbe" in namespace default'),
        ("expect: [condition Ready node/worker-7 == True]", 'there is no node "worker-7"'),
        ("expect: [answered api == 0]", 'there is no object "api"'),
        ("lesson: [{at: 1s, title: t, watch: pod/api}]", 'lesson[0].watch: there is no pod "api"'),
        ("timeline: [{when: endpoints api == 2, say: x}]", 'timeline[0].when: there is no service "api"'),
        ("method: [{wait: pods ready api == 1}]", 'method[0].wait: there is no object "api"'),
        ("expect: [{that: p99 <= 1s, traffic: late, to: 10s}]", "late begins at 20s, after this window"),
        ("expect: [{that: success > 0, traffic: early, from: 10s}]", "early stops at 5s, before this window"),
        ("timeline: [{every: 5s, from: 20s, to: 10s, say: x}]", "to: is over before the first time, at 20s"),
    ],
)
def test_what_is_never_measured_is_told_with_its_place(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(LabError, match=r"story\.yaml:8: ") as error:
        load(story(tmp_path, text))
    assert message in str(error.value)


@pytest.mark.parametrize(
    "text",
    [
        "expect: [{that: endpoints web >= 1, namespace: shop}, answered web-canary == 0, restarts pod/client == 0]",
        "expect: [condition Ready node/worker-2 == True, endpoints kubernetes >= 0]",
        "expect: [endpoints kube-system/kube-dns >= 1]",
        "timeline: [{at: 1s, run: kubectl expose deployment/web --name=api}]\nexpect: [endpoints api >= 0]",
        "timeline: [{at: 1s, run: kubectl create deployment api --image=a}]\nexpect: [pods api >= 0]",
        "timeline: [{at: 1s, run: kubectl apply -f more.yaml}]\nexpect: [endpoints more >= 0]",
        "lesson: [{at: 1s, title: t, watch: pod/client}, {at: 1s, title: t, watch: output}]",
        "expect: [{that: errors == 0, traffic: late, to: 10s}, {that: p99 <= 1s, traffic: late}]",
        "expect: [{that: success > 0, traffic: early, from: 5s}]",
    ],
)
def test_what_may_come_is_no_fault(tmp_path: Path, text: str) -> None:
    load(story(tmp_path, text))
