"""Pods: the processes in their containers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from lab.engine import Engine
from lab.kube.errors import LabError, nearest
from lab.kube.kinds.pod import Pod
from lab.traffic.ailment import Ailment


def crash(engine: Engine, namespace: str, name: str) -> None:
    """End the processes of a Pod with exit status 1; its kubelet restarts them. Raises LabError when none runs."""
    running(engine, namespace, name)
    engine.say(f"pod/{namespace}/{name}", "crashed")
    engine.traffic.crash_pod(namespace, name)


def hang(engine: Engine, namespace: str, name: str) -> bool:
    """Let a Pod's processes accept connections and never answer, until they are restarted.

    Raises LabError when none runs.
    """
    running(engine, namespace, name)
    if engine.traffic.servers.hangs(namespace, name):
        return False
    engine.say(f"pod/{namespace}/{name}", "hung")
    engine.traffic.hang_pod(namespace, name)
    return True


def unhang(engine: Engine, namespace: str, name: str) -> bool:
    """Undo `hang`: what has piled up is answered at once."""
    if not engine.traffic.servers.hangs(namespace, name):
        return False
    engine.say(f"pod/{namespace}/{name}", "unhung")
    engine.traffic.unhang_pod(namespace, name)
    return True


def hanging(engine: Engine) -> list[tuple[str, str]]:
    """Namespace and name of every Pod that hangs."""
    return engine.traffic.servers.hanging()


def running(engine: Engine, namespace: str, name: str) -> Pod:
    """The Pod, of which a container runs. Raises LabError when there is none, or nothing of it runs."""
    pod = engine.store.find(Pod, name, namespace)
    if pod is None:
        known = (p.name for p in engine.store.list(Pod, namespace))
        raise LabError(f'pod "{name}" not found in namespace {namespace}{nearest(name, known)}')
    if not engine.runs(namespace, name):
        node = pod.spec.node_name
        off = node in engine.control_plane.kubelets and not engine.control_plane.kubelets[node].powered
        why = f": its node {node} has no power" if off else ""
        raise LabError(f'no container of pod "{name}" runs{why}')
    return pod


# -- what stays over restarts -----------------------------------------------------------------------------------------


def slow_down(engine: Engine, pod: Pod, by_s: float = 0.0, factor: float = 1.0) -> bool:
    """Let a Pod take longer for each request: so many times as long, and then by so much; as it should be by default.

    Its workers work all that time, and its health checks take as much longer, which may be too long for them.
    """
    return _ail(engine, pod, "slow" if (by_s, factor) != (0.0, 1.0) else "not slow", extra_s=by_s, factor=factor)


def answer_errors(engine: Engine, pod: Pod, rate: float) -> bool:
    """Let a Pod answer this share of its requests with status 500; 0 is as it should be."""
    return _ail(engine, pod, f"errors {rate:g}", error_rate=rate)


def close_port(engine: Engine, pod: Pod, closed: bool) -> bool:
    """Let the processes of a Pod run and listen nowhere: new connections are refused, those there are go on."""
    return _ail(engine, pod, "ports closed" if closed else "ports open", closed=closed)


def leak(engine: Engine, pod: Pod, rate: float) -> bool:
    """Let the memory of each container of a Pod grow by so many bytes a second; with 0, what leaked stays held."""
    return _ail(engine, pod, f"leaks {rate:g}" if rate else "leaks no more", growth=rate)


def ailing(engine: Engine, has: Callable[[Ailment], bool]) -> list[tuple[str, str]]:
    """Namespace and name of every Pod with such an ailment."""
    return [pod.key for pod, ailment in engine.traffic.servers.ailing() if has(ailment)]


def _ail(engine: Engine, pod: Pod, state: str, **what: Any) -> bool:
    servers = engine.traffic.servers
    before = servers.ailment(pod)
    after = replace(before, **what)
    if after == before:
        return False
    engine.say(f"pod/{pod.namespace}/{pod.name}", state)
    servers.ail(pod, after)
    return True
