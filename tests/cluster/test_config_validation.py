"""What the API server refuses in ConfigMaps and Secrets, and what it makes of them."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from lab.clock import Clock
from lab.cluster.admission import Admission
from lab.cluster.errors import Invalid
from lab.cluster.store import Store
from lab.journal import Journal
from lab.kube.kinds.configmap import ConfigMap
from lab.kube.kinds.secret import Secret, encoded
from lab.kube.meta import KubeObject, ObjectMeta
from lab.settings import Settings

META = ObjectMeta(name="conf", namespace="default")


@pytest.fixture
def store() -> Store:
    made = Store(Clock(), Journal(), Settings())
    Admission(Settings()).attach(made)
    return made


@pytest.mark.parametrize(
    ("obj", "error"),
    [
        (ConfigMap(metadata=META, data={"a/b": ""}), 'data[a/b]: Invalid value: "a/b": a valid config key must'),
        (ConfigMap(metadata=META, data={"..": ""}), 'data[..]: Invalid value: ".."'),
        (ConfigMap(metadata=META, data={"a": ""}, binary_data={"a": ""}), "duplicate of key present in binaryData"),
        (ConfigMap(metadata=META, binary_data={"a": "??"}), 'binaryData[a]: Invalid value: "??": illegal base64 data'),
        (ConfigMap(metadata=META, data={"a": "x" * 1048577}), "data: Too long: may not be more than 1048576 bytes"),
        (Secret(metadata=META, data={"password": "{{ .Values.p }}"}), "data[password]: Invalid value"),
        (Secret(metadata=META, string_data={"": "x"}), 'data[]: Invalid value: ""'),
    ],
)
def test_what_is_refused(store: Store, obj: KubeObject, error: str) -> None:
    with pytest.raises(Invalid) as refused:
        store.create(obj)
    assert error in str(refused.value)


def test_string_data_is_stored_as_data(store: Store) -> None:
    made = store.create(Secret(metadata=META, data={"a": encoded("1"), "b": encoded("2")}, string_data={"b": "3"}))
    assert (made.data, made.string_data, made.type) == ({"a": "MQ==", "b": "Mw=="}, {}, "Opaque")


def test_what_is_immutable_stays(store: Store) -> None:
    made = store.create(ConfigMap(metadata=META, data={"a": "1"}, immutable=True))
    with pytest.raises(Invalid, match="data: Forbidden: field is immutable when `immutable` is set"):
        store.update(replace(made, data={"a": "2"}))
    with pytest.raises(Invalid, match="immutable: Forbidden"):
        store.update(replace(made, immutable=None))
    secret = store.create(Secret(metadata=META, data={"a": "MQ=="}, immutable=True))
    with pytest.raises(Invalid, match="data: Forbidden: field is immutable when `immutable` is set"):
        store.update(replace(secret, data={}))
    with pytest.raises(Invalid, match=r"type: Invalid value.*: field is immutable"):
        store.update(replace(secret, type="kubernetes.io/tls"))
