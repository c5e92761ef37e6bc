from __future__ import annotations

import pytest

from lab.cluster.runtime import Lifetime
from lab.kube.kinds.pod import Container, Pod, PodSpec
from lab.kube.meta import ObjectMeta, OwnerReference
from lab.traffic.app import AppSpec
from lab.traffic.lifetime import ending, lifetime_of

JOB = ObjectMeta(name="once-x", owner_references=(OwnerReference(kind="Job", name="once", controller=True),))


def found(*command: str, spec: AppSpec | None = None, meta: ObjectMeta = JOB) -> Lifetime:
    container = Container(name="main", command=command[:1], args=command[1:])
    pod = Pod(metadata=meta, spec=PodSpec(containers=(container,)))
    return lifetime_of(spec or AppSpec(), pod, container, 5.0)


@pytest.mark.parametrize(
    ("command", "lifetime"),
    [
        ((), Lifetime(5.0)),
        (("perl", "-e", "print"), Lifetime(5.0)),
        (("sleep", "30"), Lifetime(30.0)),
        (("sh", "-c", "echo begin; sleep 10 && sleep 2.5"), Lifetime(12.5)),
        (("sh", "-c", "sleep 1; exit 42"), Lifetime(1.0, 42)),
        (("false",), Lifetime(5.0, 1)),
    ],
)
def test_a_container_of_a_job_takes_what_its_command_sleeps(command: tuple[str, ...], lifetime: Lifetime) -> None:
    assert found(*command) == lifetime


def test_what_its_app_says_comes_first() -> None:
    assert found("sleep", "30", spec=AppSpec(runs_s=2.0)) == Lifetime(2.0)
    assert found("sleep", "30", spec=AppSpec(exit_code=3)) == Lifetime(30.0, 3)


def test_other_containers_run_until_they_are_stopped() -> None:
    assert found("sleep", "30", meta=ObjectMeta(name="web")).runs_s is None


def test_a_sidecar_of_a_job_does_too() -> None:
    sidecar = Container(name="mesh", restart_policy="Always")
    pod = Pod(metadata=JOB, spec=PodSpec(containers=(Container(name="main"),), init_containers=(sidecar,)))
    assert lifetime_of(AppSpec(), pod, sidecar, 5.0).runs_s is None


@pytest.mark.parametrize(
    ("command", "spec", "lifetime"),
    [
        ((), AppSpec(), Lifetime(1.0)),
        (("sh", "-c", "until nslookup db; do sleep 2; done"), AppSpec(), Lifetime(2.0)),
        (("sh", "-c", "sleep 3; exit 1"), AppSpec(), Lifetime(3.0, 1)),
        (("sh", "-c", "sleep 3"), AppSpec(runs_s=8.0, exit_code=2), Lifetime(8.0, 2)),
    ],
)
def test_an_init_container_ends_as_its_app_or_its_command_says(
    command: tuple[str, ...], spec: AppSpec, lifetime: Lifetime
) -> None:
    assert ending(spec, Container(name="init", command=command), 1.0) == lifetime
