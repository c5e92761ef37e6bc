"""Pods: the processes in their containers."""

from __future__ import annotations

from lab.engine import Engine
from lab.kube.errors import LabError, nearest
from lab.kube.kinds.pod import Pod


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
