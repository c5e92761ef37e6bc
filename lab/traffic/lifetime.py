"""How long a container runs before it ends by itself, and with which exit code."""

from __future__ import annotations

import re

from lab.cluster.kubelet.hooks import slept_s
from lab.cluster.runtime import Lifetime
from lab.kube.kinds.pod import Container, Pod
from lab.traffic.app import AppSpec

_EXIT = re.compile(r"\bexit\s+([0-9]{1,3})\b")


def lifetime_of(spec: AppSpec, pod: Pod, container: Container, job_run_s: float) -> Lifetime:
    """What its app says. Containers of Jobs are there to end: else they take what their command sleeps, or a while."""
    if spec.runs_s is not None or not _of_job(pod, container):
        return Lifetime(spec.runs_s, spec.exit_code)
    return ending(spec, container, job_run_s)


def ending(spec: AppSpec, container: Container, while_s: float) -> Lifetime:
    """The same of a container that is there to end, whoever runs it; without a word of it, after a while."""
    command = (*container.command, *container.args)
    runs_s = spec.runs_s if spec.runs_s is not None else slept_s(command) or while_s
    return Lifetime(runs_s, spec.exit_code or _exit_code(command))


def _of_job(pod: Pod, container: Container) -> bool:
    owner = pod.metadata.controller
    return owner is not None and owner.kind == "Job" and container in pod.spec.containers


def _exit_code(command: tuple[str, ...]) -> int:
    """The status of `false`, or of the last `exit` in a shell command."""
    if command[:1] in (("false",), ("/bin/false",)):
        return 1
    codes = _EXIT.findall(" ".join(command))
    return int(codes[-1]) if codes else 0
