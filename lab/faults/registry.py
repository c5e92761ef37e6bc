"""The image registry: whether it answers, how fast, and what it has."""

from __future__ import annotations

from lab.engine import Engine
from lab.kube.images import reference


def power(engine: Engine, up: bool) -> bool:
    """Let it answer or not. What a node has already it does not ask for, unless its imagePullPolicy is Always."""
    registry = engine.control_plane.registry
    if registry.up == up:
        return False
    registry.up = up
    engine.say("registry", "up" if up else "down")
    return True


def slow_down(engine: Engine, by_s: float) -> bool:
    """Let every pull take so much longer; 0 is as it should be."""
    registry = engine.control_plane.registry
    if registry.slow_s == by_s:
        return False
    registry.slow_s = by_s
    engine.say("registry", f"slower by {by_s:g} s" if by_s else "as fast as it should be")
    return True


def remove(engine: Engine, image: str) -> bool:
    """Take an image out of it; nodes that have it keep it."""
    return _change(engine, image, there=False)


def push(engine: Engine, image: str) -> bool:
    """Undo `remove`."""
    return _change(engine, image, there=True)


def removed(engine: Engine) -> list[str]:
    """The images that were taken out, in full."""
    return list(engine.control_plane.registry.removed)


def _change(engine: Engine, image: str, *, there: bool) -> bool:
    gone, full = engine.control_plane.registry.removed, reference(image).full
    if there is (full not in gone):
        return False
    engine.say(f"registry/{full}", "pushed" if there else "removed")
    if there:
        del gone[full]
    else:
        gone[full] = None
    return True
