"""Machines: their power."""

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
