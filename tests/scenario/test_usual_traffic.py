"""A cluster of one's own has traffic without asking for any."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.scenario.own_cluster import OwnCluster, scenario_of
from lab.scenario.player import Player

APP = """
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}}}
spec:
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec: {{containers: [{{name: {name}, image: {name}, ports: [{{containerPort: 8080}}], env: [{env}]}}]}}
---
apiVersion: v1
kind: Service
metadata: {{name: {name}}}
spec: {{type: {type}, selector: {{app: {name}}}, ports: [{{port: 8080}}]}}
---
"""


def sent(tmp_path: Path, text: str, traffic: str = "auto") -> dict[str, str]:
    (tmp_path / "apps.yaml").write_text(text, encoding="utf-8")
    player = Player(scenario_of(OwnCluster(paths=(str(tmp_path / "apps.yaml"),), traffic=traffic)))
    player.start()
    player.engine.close()
    return {client.name: f"{client.source} {client.url}" for client in player.clients}


def test_the_internet_uses_what_is_exposed(tmp_path: Path) -> None:
    clients = sent(tmp_path, APP.format(name="web", type="LoadBalancer", env=""))
    assert clients == {"web": "internet http://web:8080/"}


def test_the_client_pod_uses_what_nobody_calls(tmp_path: Path) -> None:
    caller = "{name: API_ADDR, value: 'api:8080'}"
    text = APP.format(name="shop", type="ClusterIP", env=caller) + APP.format(name="api", type="ClusterIP", env="")
    assert sent(tmp_path, text) == {"shop": "pod/default/client http://shop.default:8080"}


@pytest.mark.parametrize("kind", ["ClusterIP", "NodePort"])
def test_there_is_none_when_none_is_asked_for(tmp_path: Path, kind: str) -> None:
    assert sent(tmp_path, APP.format(name="web", type=kind, env=""), traffic="none") == {}
