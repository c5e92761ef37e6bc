"""What a kubelet asks of a container runtime: start, stop and probe what runs in a container, and what it uses.

The traffic floor implements it, so that the control plane knows nothing of what applications do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple, Protocol

from lab.cluster.indexes import Key
from lab.kube.kinds.pod import Container, Pod, Probe

Exited = Callable[[int, str], None]
"""Called once, with exit code and reason, when a started container has ended, for whatever cause."""


class ProbeResult(NamedTuple):
    """A probe's verdict and how long it takes to come, in seconds of virtual time."""

    success: bool
    message: str = ""
    took_s: float = 0.0


class Usage(NamedTuple):
    """What one run of a container has used until now, as the CRI's ContainerStats tell it."""

    started_s: float
    """When the run began, in virtual seconds."""
    cpu_s: float
    """CPU seconds since then."""
    memory_bytes: int
    """The working set now."""
    requests: int = 0
    """Requests answered since then, as the app's own metrics page counts them."""


class Lifetime(NamedTuple):
    """How long a container runs before it ends by itself, and with which status."""

    runs_s: float | None
    """None for one that runs until it is stopped."""
    exit_code: int = 0


class ContainerRuntime(Protocol):
    """Runs the containers of every node; all calls return at once, in the same moment of virtual time.

    The Pod that is handed over has `spec.nodeName` and `status.podIP` set, and the status that the
    kubelet then knows of, which may be newer than the one in the API.
    """

    def start(self, pod: Pod, container: Container, exited: Exited) -> None:
        """Run a container; `exited` is called when it ends by itself, and after `stop` or `kill`."""

    def initializes(self, pod: Pod, container: Container) -> Lifetime:
        """How an init container that does not stay will end; the kubelet itself waits for that."""

    def stop(self, pod: Pod, container: str) -> None:
        """Send SIGTERM; the application calls `exited` when it is done. Unknown containers are ignored."""

    def kill(self, pod: Pod, container: str) -> None:
        """Send SIGKILL: `exited(137, ...)` before this returns. Unknown containers are ignored."""

    def probe(self, pod: Pod, container: str, probe: Probe) -> ProbeResult:
        """The verdict of a probe sent now; the kubelet waits `took_s`, at most the probe's timeout."""

    def usage(self, pod: Pod, container: str) -> Usage | None:
        """What a container has used since it started; None when it does not run."""

    def worked(self, node: str) -> Iterable[Key]:
        """The Pods of a node with a running container that has used CPU: nobody needs to sample the others."""


class InstantRuntime:
    """A runtime whose applications start, answer and end at once; what a control plane alone needs."""

    def __init__(self) -> None:
        self.running: dict[tuple[str, str, str], Exited] = {}
        """What ends each running container, by (namespace, Pod, container)."""
        self.verdicts: dict[tuple[str, str, str], ProbeResult] = {}
        """Answers to probes other than success, by (namespace, Pod, container)."""
        self.deaf: dict[tuple[str, str, str], bool] = {}
        """Containers that ignore SIGTERM."""
        self.used: dict[tuple[str, str, str], Usage] = {}
        """What containers use, by (namespace, Pod, container)."""
        self.lifetimes: dict[tuple[str, str, str], Lifetime] = {}
        """How init containers end, by (namespace, Pod, container)."""

    def start(self, pod: Pod, container: Container, exited: Exited) -> None:
        """Run it until it is stopped, killed or made to exit."""
        self.running[(*pod.key, container.name)] = exited

    def initializes(self, pod: Pod, container: Container) -> Lifetime:
        """What `lifetimes` says; else well."""
        return self.lifetimes.get((*pod.key, container.name), Lifetime(None))

    def stop(self, pod: Pod, container: str) -> None:
        """End it at once with status 0, unless it is deaf."""
        if not self.deaf.get((*pod.key, container)):
            self.exit(pod, container, 0, "Completed")

    def kill(self, pod: Pod, container: str) -> None:
        """End it at once with status 137."""
        self.exit(pod, container, 137, "Error")

    def probe(self, pod: Pod, container: str, probe: Probe) -> ProbeResult:
        """Success, unless `verdicts` says otherwise."""
        return self.verdicts.get((*pod.key, container), ProbeResult(True))

    def usage(self, pod: Pod, container: str) -> Usage | None:
        """What `used` says; nothing at all of a container that it does not name."""
        return self.used.get((*pod.key, container))

    def worked(self, node: str) -> Iterable[Key]:
        """Every Pod that `used` names, whatever its node."""
        return dict.fromkeys((namespace, name) for namespace, name, _ in self.used)

    def exit(self, pod: Pod, container: str, code: int = 0, reason: str = "Completed") -> None:
        """End a container as if its application had returned `code`."""
        exited = self.running.pop((*pod.key, container), None)
        if exited is not None:
            exited(code, reason)
