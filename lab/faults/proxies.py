"""kube-proxy on a node."""

from __future__ import annotations

from lab.engine import Engine
from lab.faults.nodes import kubelet_of
from lab.kube.errors import LabError
from lab.network.proxy import NodeProxy


def stop(engine: Engine, node: str) -> bool:
    """Stop kube-proxy on a node: it keeps the rules that it last programmed."""
    proxy = _proxy(engine, node)
    if not proxy.running:
        return False
    engine.say(f"proxy/{node}", "stopped")
    proxy.stop()
    return True


def start(engine: Engine, node: str) -> bool:
    """Start kube-proxy on a node again: it catches up with one sync. Raises LabError without power."""
    proxy = _proxy(engine, node)
    if proxy.running:
        return False
    if not proxy.powered:
        raise LabError(f'node "{node}" has no power: lab recover node/{node}')
    engine.say(f"proxy/{node}", "started")
    proxy.start()
    return True


def stopped(engine: Engine) -> list[str]:
    """The nodes that have power, and no kube-proxy."""
    return [name for name, proxy in engine.network.proxies.items() if proxy.powered and not proxy.running]


def _proxy(engine: Engine, node: str) -> NodeProxy:
    kubelet_of(engine, node)
    return engine.network.proxies[node]
