"""Links between nodes, zones, Pods, the internet and the control plane: cut, or worse than they should be."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

from lab.engine import Engine
from lab.faults import nodes
from lab.kube.errors import LabError
from lab.network.quality import Quality

CONTROL_PLANE = "control-plane"
Group = Sequence[str]
"""Nodes, zones, `internet`, `control-plane` or Pods as `pod/NAMESPACE/NAME`."""


def cut(engine: Engine, a: Group, b: Group) -> bool:
    """Let nothing pass between two groups.

    A node that is cut off from the control plane hears and tells nothing; its rules and containers go on. Raises
    LabError for what has no line to the control plane, or is on both sides.
    """
    return sum(_set(engine, left, right, cut=True) for left, right in pairs(engine, a, b)) > 0


def heal(engine: Engine, a: Group, b: Group) -> bool:
    """Undo `cut`."""
    return sum(_set(engine, left, right, cut=False) for left, right in pairs(engine, a, b)) > 0


def pairs(engine: Engine, a: Group, b: Group) -> list[tuple[str, str]]:
    """The links between two groups, by their ends; a zone's line to the control plane is one for each of its nodes.

    Raises LabError like `cut`.
    """
    found: list[tuple[str, str]] = []
    for left, right in product(a, b):
        if CONTROL_PLANE in (left, right):
            end = right if left == CONTROL_PLANE else left
            found += [(CONTROL_PLANE, name) for name in _machines(engine, end)]
        else:
            engine.network.topology.between(left, right)
            found.append((left, right))
    return found


def cut_pairs(engine: Engine) -> list[tuple[str, str]]:
    """The ends of what is cut, as they are named in commands."""
    pairs = [(_name(a), _name(b)) for a, b in engine.network.topology.down()]
    return pairs + [(CONTROL_PLANE, name) for name in nodes.isolated(engine)]


def _set(engine: Engine, a: str, b: str, *, cut: bool) -> bool:
    if a == CONTROL_PLANE:
        return _to_control_plane(engine, b, cut)
    topology = engine.network.topology
    before = topology.down()
    (topology.cut if cut else topology.heal)(a, b)
    if topology.down() == before:
        return False
    engine.say(f"link/{a} {b}", "cut" if cut else "healed")
    return True


def _to_control_plane(engine: Engine, name: str, cut: bool) -> bool:
    changed = nodes.isolate(engine, name) if cut else nodes.rejoin(engine, name)
    if changed:
        engine.say(f"link/{CONTROL_PLANE} {name}", "cut" if cut else "healed")
    return changed


def _machines(engine: Engine, end: str) -> tuple[str, ...]:
    found = engine.zones.get(end, (end,) if end in engine.machines else ())
    if not found:
        raise LabError(f"{end} has no line to the control plane: name a node or a zone")
    return found


# -- quality ----------------------------------------------------------------------------------------------------------


def impair(engine: Engine, a: str, b: str, quality: Quality) -> bool:
    """Let what passes between two of nodes, zones and `internet` travel worse; without `b`, all of what `a` sends."""
    topology = engine.network.topology
    before = topology.impaired()
    topology.impair(a, b, quality)
    return _say_quality(engine, before, a, b, "impaired")


def restore(engine: Engine, a: str, b: str) -> bool:
    """Undo `impair`."""
    topology = engine.network.topology
    before = topology.impaired()
    topology.restore(a, b)
    return _say_quality(engine, before, a, b, "restored")


def _say_quality(engine: Engine, before: object, a: str, b: str, state: str) -> bool:
    if engine.network.topology.impaired() == before:
        return False
    engine.say(f"link/{a} {b}".rstrip(), state)
    return True


def impaired_pairs(engine: Engine) -> list[tuple[str, str]]:
    """The ends of what is impaired, as they are named in commands; the second may be empty."""
    return [(_name(a), _name(b)) for a, b in engine.network.topology.impaired()]


def _name(vertex: str) -> str:
    return vertex if vertex.startswith("pod/") else vertex.partition("/")[2] or vertex
