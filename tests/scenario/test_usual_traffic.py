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


def test_what_a_config_map_names_is_called(tmp_path: Path) -> None:
    key = "{name: API_ADDR, valueFrom: {configMapKeyRef: {name: shop, key: api}}}"
    config = "{apiVersion: v1, kind: ConfigMap, metadata: {name: shop}, data: {api: 'http://api:8080'}}"
    text = APP.format(name="shop", type="ClusterIP", env=key) + APP.format(name="api", type="ClusterIP", env="")
    assert list(sent(tmp_path, text + config)) == ["shop"]


STATEFUL = """
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: mongo}
spec:
  serviceName: mongo
  replicas: 2
  selector: {matchLabels: {app: mongo}}
  template:
    metadata: {labels: {app: mongo}}
    spec: {containers: [{name: mongo, image: mongo:7, ports: [{containerPort: 27017}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: mongo}
spec: {clusterIP: None, selector: {app: mongo}, ports: [{port: 27017}]}
---
"""


@pytest.mark.parametrize("host", ["mongo-0.mongo", "mongo-0.mongo.default.svc.cluster.local"])
def test_a_single_pod_of_a_stateful_set_is_called_by_its_name(tmp_path: Path, host: str) -> None:
    url = f"{{name: MONGO_URL, value: 'mongodb://{host}:27017/shop'}}"
    (tmp_path / "apps.yaml").write_text(STATEFUL + APP.format(name="shop", type="ClusterIP", env=url), encoding="utf-8")
    player = Player(scenario_of(OwnCluster(paths=(str(tmp_path / "apps.yaml"),))))
    player.start()
    player.engine.run_until(20.0)
    player.engine.close()
    assert [client.name for client in player.clients] == ["shop"]
    pods = {pod for service, pod in player.engine.traffic.measure.endpoints if service != "default/shop"}
    requests = {name: pod.requests for name, pod in player.engine.traffic.measure.pods.items()}
    assert pods <= {"default/mongo-0"}
    assert requests["default/mongo-0"] > 20
    assert "default/mongo-1" not in requests
