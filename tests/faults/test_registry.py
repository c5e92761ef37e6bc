"""A registry that is down, slow, or lacks an image: pulls fail and back off as the kubelet has it, and recover."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import pytest

from lab.engine import ClusterSpec, Engine, plain_nodes
from lab.journal import Noted
from lab.kube.kinds.pod import ContainerStatus, Pod
from lab.traffic.app import AppSpec
from tests.commands.test_on_engine import give, ok, start


@pytest.fixture
def engine() -> Iterator[Engine]:
    made = start()
    yield made
    made.close()


def noted(engine: Engine, reason: str, pod: str) -> list[Noted]:
    events = engine.journal.read().events
    return [one for one in events if isinstance(one, Noted) and one.reason == reason and one.name == pod]


def container(engine: Engine, pod: str) -> ContainerStatus:
    return engine.store.get(Pod, pod).status.container_statuses[0]


def test_pulls_fail_and_back_off_until_the_registry_is_up(engine: Engine) -> None:
    ok(engine, "lab fail registry --for=60s")
    ok(engine, "kubectl run new --image=shop/new:1", 2.0)
    assert container(engine, "new").state.reason in ("ErrImagePull", "ImagePullBackOff")
    failed = noted(engine, "Failed", "new")
    assert failed[0].message == (
        'Failed to pull image "shop/new:1": failed to pull and unpack image "docker.io/shop/new:1": '
        'failed to resolve reference "docker.io/shop/new:1": unexpected status from HEAD request to '
        "https://registry-1.docker.io/v2/shop/new/manifests/1: 503 Service Unavailable"
    )
    assert failed[1].message == "Error: ErrImagePull"
    engine.run_for(40.0)
    assert container(engine, "new").state.reason == "ImagePullBackOff"
    assert 'Back-off pulling image "shop/new:1"' in [one.message for one in noted(engine, "BackOff", "new")]
    engine.run_for(60.0)
    assert engine.store.get(Pod, "new").ready
    tries = [one.time for one in noted(engine, "Pulling", "new")]
    gaps = [round(later - sooner) for sooner, later in pairwise(tries)]
    assert gaps == [10, 20, 40]


def test_what_a_node_has_is_started_without_the_registry_and_traffic_goes_on(engine: Engine) -> None:
    ok(engine, "lab fail registry")
    pod = engine.store.list(Pod, "default", {"app": "web"})[0]
    ok(engine, f"lab crash pod/{pod.name}", 10.0)
    assert engine.store.get(Pod, pod.name).ready
    assert "200 OK" in "\n".join(give(engine, "curl http://web/ --from pod/client", 1.0).output)


def test_a_policy_of_always_needs_the_registry_at_each_start(engine: Engine) -> None:
    ok(engine, "kubectl run latest --image=shop/other", 10.0)
    assert engine.store.get(Pod, "latest").ready
    ok(engine, "lab fail registry")
    ok(engine, "lab crash pod/latest", 5.0)
    assert container(engine, "latest").state.reason in ("ErrImagePull", "ImagePullBackOff")


def test_one_image_is_missing_until_it_is_pushed(engine: Engine) -> None:
    ok(engine, "lab remove image shop/web:2")
    ok(engine, "kubectl set image deployment/web web=shop/web:2", 60.0)
    fresh = next(pod for pod in engine.store.list(Pod, "default", {"app": "web"}) if not pod.ready)
    assert noted(engine, "Failed", fresh.name)[0].message == (
        'Failed to pull image "shop/web:2": rpc error: code = NotFound desc = failed to pull and unpack image '
        '"docker.io/shop/web:2": failed to resolve reference "docker.io/shop/web:2": docker.io/shop/web:2: not found'
    )
    assert "lab push image docker.io/shop/web:2" in "\n".join(ok(engine, "lab faults"))
    assert "200 OK" in "\n".join(give(engine, "curl http://web/ --from pod/client", 1.0).output), "the old ones serve"
    ok(engine, "lab push image shop/web:2", 400.0)
    pods = engine.store.list(Pod, "default", {"app": "web"})
    assert {pod.spec.containers[0].image for pod in pods} == {"shop/web:2"}
    assert all(pod.ready for pod in pods)


def test_a_slow_registry_delays_what_has_to_be_pulled(engine: Engine) -> None:
    ok(engine, "lab slow registry --by=30s")
    ok(engine, "kubectl run new --image=shop/new:1", 29.0)
    assert not engine.store.get(Pod, "new").ready
    engine.run_for(10.0)
    assert engine.store.get(Pod, "new").ready
    ok(engine, "lab mend")
    ok(engine, "kubectl run newer --image=shop/newer:1", 10.0)
    assert engine.store.get(Pod, "newer").ready


def test_an_app_may_say_that_its_image_is_missing() -> None:
    engine = Engine(ClusterSpec(nodes=plain_nodes(1)), seed=1, apps=(AppSpec(image="shop/typo", missing=True),))
    engine.boot()
    ok(engine, "kubectl run web --image=shop/typo:1", 30.0)
    assert container(engine, "web").state.reason == "ImagePullBackOff"
    engine.close()
