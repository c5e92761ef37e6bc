"""The control plane as a whole: API server, controllers, scheduler."""

from __future__ import annotations

from lab.engine import Engine
from lab.faults.nodes import hear


def power(engine: Engine, on: bool) -> bool:
    """Take it down, or up again: meanwhile nothing is written, nobody hears anything, nodes go by what they have.

    https://kubernetes.io/docs/concepts/architecture/ (the control plane decides, the nodes act)
    """
    if on == (not engine.store.down):
        return False
    engine.say("control-plane", "up" if on else "down")
    engine.control_plane.power(on)
    for name in engine.machines:
        hear(engine, name)
    return True
