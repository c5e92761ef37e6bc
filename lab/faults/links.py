"""Links between nodes, zones and the internet."""

from __future__ import annotations

from collections.abc import Callable

from lab.engine import Engine


def cut(engine: Engine, a: str, b: str) -> bool:
    """Let nothing pass between two nodes, zones or the internet."""
    return _change(engine, a, b, engine.network.topology.cut, "cut")


def heal(engine: Engine, a: str, b: str) -> bool:
    """Undo `cut`."""
    return _change(engine, a, b, engine.network.topology.heal, "healed")


def cut_pairs(engine: Engine) -> list[tuple[str, str]]:
    """The ends of what is cut, as they are named in commands."""
    return [(_name(a), _name(b)) for a, b in engine.network.topology.down()]


def _change(engine: Engine, a: str, b: str, change: Callable[[str, str], object], state: str) -> bool:
    before = engine.network.topology.down()
    change(a, b)
    if engine.network.topology.down() == before:
        return False
    engine.say(f"link/{a} {b}", state)
    return True


def _name(vertex: str) -> str:
    return vertex.partition("/")[2] or vertex
