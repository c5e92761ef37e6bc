"""The environment of a container as the kubelet puts it together."""

from __future__ import annotations

from typing import Any

import pytest

from lab.clock import Clock
from lab.cluster.store import Store
from lab.journal import Journal
from lab.kube.decode import decode
from lab.kube.kinds.configmap import ConfigMap
from lab.kube.kinds.pod import Pod
from lab.kube.kinds.secret import Secret, encoded
from lab.kube.meta import ObjectMeta
from lab.settings import Settings
from lab.traffic.environment import as_started, expand

META = ObjectMeta(name="conf", namespace="shop")


def environment(*env: dict[str, Any], env_from: tuple[dict[str, Any], ...] = (), **container: Any) -> dict[str, str]:
    started = run(*env, env_from=env_from, **container)
    return {each.name: each.value for each in started.env}


def run(*env: dict[str, Any], env_from: tuple[dict[str, Any], ...] = (), **container: Any) -> Any:
    store = Store(Clock(), Journal(), Settings())
    store.create(ConfigMap(metadata=META, data={"HOST": "db", "PORT": "5432"}))
    store.create(Secret(metadata=META, data={"PASSWORD": encoded("s3cret"), "BROKEN": "***"}))
    spec = {"containers": [{"name": "main", "image": "app", "env": [*env], "envFrom": [*env_from], **container}]}
    meta = {"name": "web-0", "namespace": "shop", "labels": {"app": "web"}}
    pod = decode({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec})
    assert isinstance(pod, Pod)
    return as_started(pod.spec.containers[0], pod, store)


def test_all_keys_of_a_config_map_with_a_prefix() -> None:
    source = {"prefix": "DB_", "configMapRef": {"name": "conf"}}
    assert environment(env_from=(source,)) == {"DB_HOST": "db", "DB_PORT": "5432"}


def test_all_keys_of_a_secret_are_read_out_of_base64() -> None:
    assert environment(env_from=({"secretRef": {"name": "conf"}},)) == {"PASSWORD": "s3cret"}


def test_single_keys() -> None:
    host = {"name": "H", "valueFrom": {"configMapKeyRef": {"name": "conf", "key": "HOST"}}}
    password = {"name": "P", "valueFrom": {"secretKeyRef": {"name": "conf", "key": "PASSWORD"}}}
    assert environment(host, password) == {"H": "db", "P": "s3cret"}


@pytest.mark.parametrize("kind", ["configMap", "secret"])
@pytest.mark.parametrize("ref", [{"name": "conf", "key": "none"}, {"name": "none", "key": "HOST", "optional": True}])
def test_what_is_not_there_is_left_out(kind: str, ref: dict[str, Any]) -> None:
    assert environment({"name": "H", "valueFrom": {f"{kind}KeyRef": ref}}) == {}
    assert environment(env_from=({f"{kind}Ref": {"name": "none", "optional": True}},)) == {}


def test_own_variables_stand_over_those_of_config_maps() -> None:
    source = {"configMapRef": {"name": "conf"}}
    assert environment({"name": "HOST", "value": "pg"}, env_from=(source,)) == {"HOST": "pg", "PORT": "5432"}


def test_variables_in_values_arguments_and_commands() -> None:
    url = {"name": "URL", "value": "postgres://$(HOST):$(PORT)/$(LATER)"}
    later = {"name": "LATER", "value": "x"}
    source = {"configMapRef": {"name": "conf"}}
    started = run(url, later, env_from=(source,), command=["run", "$(URL)"], args=["--db=$(HOST)", "$$(HOST)"])
    assert {each.name: each.value for each in started.env}["URL"] == "postgres://db:5432/$(LATER)"
    assert started.command == ("run", "postgres://db:5432/$(LATER)")
    assert started.args == ("--db=db", "$(HOST)")


@pytest.mark.parametrize(
    ("path", "expected"),
    [("metadata.namespace", "shop"), ("metadata.name", "web-0"), ("metadata.labels['app']", "web")],
)
def test_fields_of_the_pod(path: str, expected: str) -> None:
    assert environment({"name": "F", "valueFrom": {"fieldRef": {"fieldPath": path}}}) == {"F": expected}


@pytest.mark.parametrize(
    ("text", "expected"),
    [("$(A)$(A)", "11"), ("$$", "$"), ("$$(A)", "$(A)"), ("$(B)", "$(B)"), ("$A ${A} $(", "$A ${A} $("), ("", "")],
)
def test_references(text: str, expected: str) -> None:
    assert expand(text, {"A": "1"}) == expected
