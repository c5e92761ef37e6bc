"""What admission makes of an autoscaler in older releases."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from lab.clock import Clock
from lab.cluster.admission import Admission
from lab.cluster.store import Store
from lab.journal import Journal
from lab.kube.decode import decode
from lab.kube.kinds.horizontalpodautoscaler import HorizontalPodAutoscaler
from lab.kube.versions import features_of
from lab.settings import Settings

BODY = {
    "apiVersion": "autoscaling/v2",
    "kind": "HorizontalPodAutoscaler",
    "metadata": {"name": "web", "namespace": "default"},
    "spec": {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
        "maxReplicas": 3,
        "behavior": {"scaleUp": {"tolerance": "0.05"}},
    },
}


def stored(release: str, **gates: bool) -> Store:
    store = Store(Clock(), Journal(), Settings())
    Admission(Settings(kubernetes=release), features=features_of(release).with_gates(gates)).attach(store)
    store.create(decode(BODY))
    return store


def tolerance(store: Store) -> object:
    behavior = store.get(HorizontalPodAutoscaler, "web").spec.behavior
    assert behavior is not None
    assert behavior.scale_up is not None
    return behavior.scale_up.tolerance


@pytest.mark.parametrize(("release", "kept"), [("1.34", None), ("1.35", "0.05"), ("1.37", "0.05")])
def test_a_tolerance_of_ones_own_is_kept_since_1_35(release, kept):
    assert tolerance(stored(release)) == kept


def test_the_gate_alone_decides():
    assert tolerance(stored("1.37", HPAConfigurableTolerance=False)) is None


def test_what_uses_one_already_keeps_it():
    store = stored("1.37")
    older = stored("1.34")
    used = store.get(HorizontalPodAutoscaler, "web")
    hook = older.admission[-1]
    changed = replace(used, spec=replace(used.spec, max_replicas=5))
    admitted = hook(changed, used)
    assert isinstance(admitted, HorizontalPodAutoscaler)
    assert admitted.spec.behavior == used.spec.behavior
