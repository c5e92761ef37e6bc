"""postStart and preStop hooks: how long one takes, and whether it succeeds."""

from __future__ import annotations

import re
from collections.abc import Iterable

from lab.cluster.runtime import ContainerRuntime, ProbeResult
from lab.kube.kinds.pod import LifecycleHandler, Pod, Probe

_SLEEP = re.compile(r"\bsleep\s+(\d+(?:\.\d+)?)\b")


def hook_result(runtime: ContainerRuntime, pod: Pod, container: str, handler: LifecycleHandler) -> ProbeResult:
    """The outcome of a hook started now; an exec takes as long as the `sleep` commands in it and does nothing else."""
    if handler.sleep is not None:
        return ProbeResult(True, "", handler.sleep.seconds)
    if handler.exec is not None:
        return ProbeResult(True, "", slept_s(handler.exec.command))
    if handler.http_get is not None:
        return runtime.probe(pod, container, Probe(http_get=handler.http_get))
    return ProbeResult(True)


def slept_s(command: Iterable[str]) -> float:
    """How long all `sleep` commands in a command take together, in seconds."""
    return sum(float(wait) for wait in _SLEEP.findall(" ".join(command)))
