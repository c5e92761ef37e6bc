from __future__ import annotations

import pytest

from lab.kube.kinds.pod import Container, Pod
from lab.views.kinds.pod_status import summarize
from tests.views.kinds.world import RUNNING, pod, state, status

INIT = (Container(name="migrate"), Container(name="warm"))


@pytest.mark.parametrize(
    ("subject", "word"),
    [
        (pod(phase="Pending"), "Pending"),
        (pod(status(state("waiting", "ContainerCreating")), phase="Pending"), "ContainerCreating"),
        (pod(RUNNING, ready=True), "Running"),
        (pod(RUNNING, ready=True, deleted=30.0), "Terminating"),
        (pod(RUNNING, deleted=30.0, reason="NodeLost"), "Unknown"),
        (pod(status(state("waiting", "CrashLoopBackOff"), restarts=3)), "CrashLoopBackOff"),
        (pod(status(state("terminated", "Error", 1))), "Error"),
        (pod(status(state("terminated", "", 137))), "ExitCode:137"),
        (pod(status(state("terminated", "Completed", 0)), phase="Succeeded"), "Completed"),
        (pod(status(state("terminated", "Completed", 0)), phase="Succeeded", deleted=1.0), "Completed"),
        (pod(phase="Failed", reason="Evicted"), "Evicted"),
        (pod(RUNNING, status(state("terminated", "Completed", 0), name="job"), ready=True), "Running"),
        (pod(status(state("terminated", "Completed", 0), name="job"), RUNNING, ready=True), "Running"),
    ],
)
def test_status_is_the_word_that_kubectl_would_print(subject: Pod, word: str) -> None:
    assert summarize(subject).status == word


@pytest.mark.parametrize(
    ("states", "word"),
    [
        ((state("running"), state("waiting", "PodInitializing")), "Init:0/2"),
        ((state("terminated", "Completed", 0), state("running")), "Init:1/2"),
        ((state("waiting", "ErrImagePull"), state("waiting")), "Init:ErrImagePull"),
        ((state("terminated", "Error", 2), state("waiting")), "Init:Error"),
        ((state("terminated", "", 2), state("waiting")), "Init:ExitCode:2"),
    ],
)
def test_init_containers_come_first(states: tuple, word: str) -> None:
    init = tuple(status(one, name=box.name) for one, box in zip(states, INIT, strict=True))
    waiting = status(state("waiting", "PodInitializing"))
    assert summarize(pod(waiting, phase="Pending", init=init, init_containers=INIT)).status == word


def test_a_sidecar_counts_among_the_ready_containers() -> None:
    sidecar = Container(name="mesh", restart_policy="Always")
    running = status(state("running"), name="mesh", ready=True)
    started = type(running)(name="mesh", ready=True, started=True, state=running.state)
    found = summarize(pod(RUNNING, ready=True, init=(started,), init_containers=(sidecar,)))
    assert (found.status, found.ready, found.containers) == ("Running", 2, 2)


def test_restarts_are_summed_and_the_latest_is_remembered() -> None:
    found = summarize(pod(status(state("running"), ready=True, restarts=2), ready=True))
    assert (found.restarts, found.last_restart_s) == (2, 10.0)
