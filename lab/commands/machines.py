"""Which machine a command means: a node by its name, whether or not the API has a Node object for it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import NamedTuple

from lab.cluster.errors import NotFound
from lab.commands.call import Call
from lab.commands.registry import ValueType
from lab.commands.words import CommandError, Word

_NODE = ("node", "nodes", "no")


def _kind_and_name(kinds: Sequence[str], words: Sequence[Word]) -> tuple[str, Word]:
    """The kind that the words begin with, or nothing, and the word of the name."""
    first = words[0]
    kind, slash, _ = first.text.partition("/")
    if slash:
        return kind, first.part(len(kind) + 1)
    return (first.text, words[1]) if first.text in kinds and len(words) > 1 else ("", first)


def _read(kinds: Sequence[str], words: Sequence[Word], call: Call) -> str:
    kind, name = _kind_and_name(kinds, words)
    if kind and kind not in kinds:
        raise CommandError(f"error: this does not work on {kind}", words[0], (kinds[0],))
    machines = call.engine.machines
    if name.text not in machines:
        raise CommandError(f"Error from server (NotFound): {NotFound('Node', name.text)}", name, machines)
    return name.text


def _takes(kinds: Sequence[str], words: Sequence[Word]) -> int:
    return 2 if words[0].text in kinds else 1


def _suggest(kinds: Sequence[str], before: Sequence[Word], call: Call) -> Iterable[str]:
    machines = call.engine.machines
    yield from machines
    if not before:
        yield f"{kinds[0]}/"
        yield from (f"{kinds[0]}/{name}" for name in machines)


def _machine(name: str, *kinds: str) -> ValueType:
    about = f"a machine: worker-1 or {kinds[0]}/worker-1"
    return ValueType(name, about, partial(_read, kinds), partial(_suggest, kinds), partial(_takes, kinds))


def each_node(names: Iterable[str]) -> list[str]:
    """Nodes, as they are named in commands."""
    return [f"node/{name}" for name in names]


def _read_many(words: Sequence[Word], call: Call) -> tuple[str, ...]:
    zone = _zone(words, call)
    return (_read(_NODE, words, call),) if zone is None else call.engine.zones[zone]


def _zone(words: Sequence[Word], call: Call) -> str | None:
    """The zone that is meant; None when it is no zone."""
    text, zones = words[0].text, call.engine.zones
    if text.startswith("zone/"):
        name = words[0].part(len("zone/"))
        if name.text not in zones:
            raise CommandError(f'error: there is no zone "{name.text}"', name, list(zones))
        return name.text
    return text if text in zones and text not in call.engine.machines else None


def _suggest_many(before: Sequence[Word], call: Call) -> Iterable[str]:
    yield from _suggest(_NODE, before, call)
    if not before:
        yield from (f"zone/{name}" for name in call.engine.zones)


MACHINES = ValueType(
    "NODE",
    "a machine or a zone: worker-1, node/worker-1 or zone/zone-a",
    _read_many,
    _suggest_many,
    partial(_takes, _NODE),
)
MACHINE = _machine("NODE", *_NODE)


class Process(NamedTuple):
    """kube-proxy or the kubelet of a node."""

    kind: str
    node: str

    @property
    def words(self) -> str:
        """As it is named in commands: `proxy/worker-1`."""
        return f"{self.kind}/{self.node}"


_PROCESSES = ("proxy", "kubelet")


def _read_process(words: Sequence[Word], call: Call) -> Process:
    kind, _ = _kind_and_name(_PROCESSES, words)
    if kind not in _PROCESSES:
        raise CommandError(
            "error: say which process: proxy/NODE or kubelet/NODE", words[0], [f"{one}/" for one in _PROCESSES]
        )
    return Process(kind, _read(_PROCESSES, words, call))


def _suggest_process(before: Sequence[Word], call: Call) -> Iterable[str]:
    if before:
        return call.engine.machines
    return (f"{kind}/{name}" for kind in _PROCESSES for name in call.engine.machines)


PROCESS = ValueType(
    "PROCESS",
    "a process of a node: proxy/worker-1 or kubelet/worker-1",
    _read_process,
    _suggest_process,
    partial(_takes, _PROCESSES),
)
