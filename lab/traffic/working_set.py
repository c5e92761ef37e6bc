"""The memory that a container holds, how it grows, and its end when it is more than the container's limit.

The kernel's OOM killer ends all processes of a container whose cgroup passes `memory.max` (memory.oom.group, which the
kubelet sets with cgroup v2): exit status 137, and the runtime tells the kubelet OOMKilled.
https://kubernetes.io/docs/tasks/configure-pod-container/assign-memory-resource/
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.kube import quantity
from lab.kube.kinds.pod import Container
from lab.traffic.usage import memory_of

if TYPE_CHECKING:
    from lab.traffic.server import Server

KILLED, OOM_KILLED = 137, "OOMKilled"


def memory_limit(container: Container) -> int | None:
    """How many bytes a container may hold; None when it has no limit."""
    limit = container.resources.limits.get("memory")
    return int(quantity.memory(limit)) if limit is not None else None


class WorkingSet:
    """What one run of a container holds. Only a container that grows, or might be too large, needs one."""

    __slots__ = ("_bytes", "_rate", "_server", "_since_s", "_turn")

    def __init__(self, server: Server) -> None:
        self._server = server
        self._bytes = float(memory_of(server.spec, server.container))
        self._rate = 0.0
        self._since_s = server.parent.clock.now
        self._turn = 0

    @property
    def bytes(self) -> int:
        """What it holds now."""
        return int(self._bytes + self._rate * (self._server.parent.clock.now - self._since_s))

    def settle(self) -> None:
        """From now on it grows as its app now does; what does not move does not grow."""
        server = self._server
        now = server.parent.clock.now
        self._bytes += self._rate * (now - self._since_s)
        self._since_s = now
        self._rate = server.spec.memory_growth if server.moves else 0.0
        self._turn += 1
        limit = memory_limit(server.container)
        if limit is None:
            return
        if self._bytes > limit:
            server.parent.clock.after(0.0, self._passed, self._turn)
        elif self._rate > 0.0:
            server.parent.clock.after((limit - self._bytes) / self._rate, self._passed, self._turn)

    def _passed(self, turn: int) -> None:
        """It holds more than it may: the kernel ends it."""
        if turn == self._turn and self._server.moves:
            self._server.end(KILLED, OOM_KILLED)
