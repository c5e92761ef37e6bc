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


def slow_down(engine: Engine, node: str, by_s: float) -> bool:
    """Let each run of kube-proxy on a node take so much longer; 0 is as it should be."""
    proxy = _proxy(engine, node)
    if proxy.slow_s == by_s:
        return False
    engine.say(f"proxy/{node}", f"slower by {by_s:g} s" if by_s else "as fast as it should be")
    proxy.slow_s = by_s
    return True


def slow(engine: Engine) -> list[str]:
    """The nodes whose kube-proxy is slow."""
    return [name for name, proxy in engine.network.proxies.items() if proxy.slow_s]
