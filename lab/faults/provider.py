"""The API of whoever provides the cluster's load balancers."""

from __future__ import annotations

from lab.engine import Engine


def set_provider(engine: Engine, up: bool) -> bool:
    """Let it answer or not: meanwhile no balancer is made, changed or taken away, and none hears of nodes and Pods."""
    provider = engine.control_plane.provider
    if provider.up == up:
        return False
    provider.up = up
    engine.say("provider/load-balancers", "up" if up else "down")
    return True
