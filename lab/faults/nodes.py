"""Machines: their power, their kubelet, whether they stand still, and their line to the control plane."""

from __future__ import annotations

from lab.cluster.kubelet.kubelet import Kubelet
from lab.engine import Engine
from lab.kube.errors import LabError, nearest


def kubelet_of(engine: Engine, name: str) -> Kubelet:
    """The kubelet of a machine. Raises LabError with the nearest name."""
    kubelet = engine.control_plane.kubelets.get(name)
    if kubelet is None:
        raise LabError(f'node "{name}" not found{nearest(name, engine.machines)}')
    return kubelet


def power_off(engine: Engine, name: str) -> bool:
    """Power a node off: silence at once; the control plane notices when its lease runs out."""
    kubelet = kubelet_of(engine, name)
    if not kubelet.powered:
        return False
    thaw(engine, name)
    engine.say(f"node/{name}", "off")
    engine.network.node_power(name, False)
    engine.traffic.node_power(name, False)
    kubelet.power_off()
    return True


def power_on(engine: Engine, name: str) -> bool:
    """Power a node on again: it boots, registers when it has no Node object, and its containers start anew."""
    kubelet = kubelet_of(engine, name)
    if kubelet.powered:
        return False
    engine.say(f"node/{name}", "on")
    engine.network.node_power(name, True)
    engine.traffic.node_power(name, True)
    kubelet.power_on()
    return True


def without_power(engine: Engine) -> list[str]:
    """The machines that are off."""
    return [name for name, kubelet in engine.control_plane.kubelets.items() if not kubelet.powered]


# -- the kubelet ------------------------------------------------------------------------------------------------------


def stop_kubelet(engine: Engine, name: str) -> bool:
    """Stop the kubelet: containers run on, but nobody probes, restarts, starts or stops them, or renews the lease.

    Raises LabError when the node has no power, or stands still.
    """
    kubelet = _awake(engine, name)
    if kubelet.stopped:
        return False
    engine.say(f"kubelet/{name}", "stopped")
    kubelet.stopped = True
    kubelet.clock.close()
    return True


def start_kubelet(engine: Engine, name: str) -> bool:
    """Start the kubelet again: it goes on where it was, on a machine that stands still as soon as that is thawed.

    Raises LabError when the node has no power: it starts with the machine.
    """
    kubelet = _powered(engine, name)
    if not kubelet.stopped:
        return False
    engine.say(f"kubelet/{name}", "started")
    kubelet.stopped = False
    if not _is_frozen(engine, name):
        kubelet.clock.open()
    return True


def without_kubelet(engine: Engine) -> list[str]:
    """The machines whose kubelet is stopped."""
    return [name for name, kubelet in engine.control_plane.kubelets.items() if kubelet.stopped]


# -- standing still ---------------------------------------------------------------------------------------------------


def freeze(engine: Engine, name: str) -> bool:
    """Let a machine stand still, as a paused virtual machine does: nothing runs, no packet comes through.

    What it was at goes on when it is thawed. Raises LabError when it has no power.
    """
    kubelet = _powered(engine, name)
    if _is_frozen(engine, name):
        return False
    engine.say(f"node/{name}", "frozen")
    kubelet.clock.close()
    engine.network.node_freeze(name, True)
    engine.traffic.node_freeze(name, True)
    return True


def thaw(engine: Engine, name: str) -> bool:
    """Undo `freeze`; a kubelet that was stopped stays so."""
    kubelet = kubelet_of(engine, name)
    if not _is_frozen(engine, name):
        return False
    engine.say(f"node/{name}", "thawed")
    engine.network.node_freeze(name, False)
    engine.traffic.node_freeze(name, False)
    if not kubelet.stopped:
        kubelet.clock.open()
    return True


def frozen(engine: Engine) -> list[str]:
    """The machines that stand still."""
    return [name for name in engine.machines if _is_frozen(engine, name)]


def _is_frozen(engine: Engine, name: str) -> bool:
    host = engine.network.hosts.get(name)
    return host is not None and host.frozen


def _powered(engine: Engine, name: str) -> Kubelet:
    kubelet = kubelet_of(engine, name)
    if not kubelet.powered:
        raise LabError(f'node "{name}" has no power: lab recover node/{name}')
    return kubelet


def _awake(engine: Engine, name: str) -> Kubelet:
    kubelet = _powered(engine, name)
    if _is_frozen(engine, name):
        raise LabError(f'node "{name}" stands still: lab thaw node/{name}')
    return kubelet


# -- the line to the control plane ------------------------------------------------------------------------------------


def isolate(engine: Engine, name: str) -> bool:
    """Cut a node off from the API server: no lease, no news, no word of what happens there; its rules stay."""
    kubelet = kubelet_of(engine, name)
    if kubelet.line.closed:
        return False
    kubelet.line.close()
    hear(engine, name)
    return True


def rejoin(engine: Engine, name: str) -> bool:
    """Undo `isolate`: kubelet and kube-proxy tell and hear everything that they have missed."""
    kubelet = kubelet_of(engine, name)
    if not kubelet.line.closed:
        return False
    kubelet.reconnect()
    hear(engine, name)
    return True


def hear(engine: Engine, name: str) -> None:
    """Let a node's kube-proxy hear of changes, or not."""
    engine.network.proxies[name].connected(not kubelet_of(engine, name).alone)


def isolated(engine: Engine) -> list[str]:
    """The machines that are cut off from the API server."""
    return [name for name, kubelet in engine.control_plane.kubelets.items() if kubelet.line.closed]
