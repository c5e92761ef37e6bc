"""Whether the nodes and zones that the commands of a story name are there; they are known before anything runs."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

from lab.commands.call import Call
from lab.commands.execution import Execution
from lab.commands.machines import MACHINE, MACHINES, PROCESS
from lab.commands.parser import spread, take_apart
from lab.commands.registry import ValueType
from lab.commands.resources import NODE
from lab.commands.values import END, GROUP
from lab.commands.words import CommandError, Word, split
from lab.engine import ClusterSpec
from lab.kube.errors import nearest
from lab.scenario.convert import Source
from lab.scenario.schema import MethodEntry, ScenarioEntry

_PLACES = (MACHINE, MACHINES, PROCESS, END, GROUP)
"""Values that name machines, zones, or both."""


def check_places(entry: ScenarioEntry, cluster: ClusterSpec, source: Source) -> None:
    """Note each place that a command names and that the cluster does not have; wrong words are told elsewhere."""
    nodes = [node.name for node in cluster.nodes]
    zones = {node.zone: (node.name,) for node in cluster.nodes if node.zone}
    engine: Any = SimpleNamespace(machines=nodes, zones=zones, store=_AnyPod())
    for command, path in _commands(entry):
        try:
            line = take_apart(split(command))
        except CommandError:
            continue
        call = Call(engine, Execution(command, "timeline"))
        for parameter, words in spread(line.command, line.positional):
            if parameter.type in _PLACES:
                _check_place(parameter.type, words, call, source, *path)
            elif parameter.type is NODE:
                _check_node(words, nodes, source, *path)


def _check_place(type: ValueType, words: list[Word], call: Call, source: Source, *path: str | int) -> None:
    try:
        type.read(words, call)
    except CommandError as error:
        message = str(error).removeprefix("error: ").removeprefix("Error from server (NotFound): ")
        source.problem(f"{message}; {error.hint}" if error.hint else message, *path)


def _check_node(words: list[Word], nodes: list[str], source: Source, *path: str | int) -> None:
    name = words[-1].text.rpartition("/")[2]
    if name not in nodes:
        source.problem(f'there is no node "{name}"{nearest(name, nodes)}', *path)


def _commands(entry: ScenarioEntry) -> Iterator[tuple[str, tuple[str | int, ...]]]:
    """Every command of the story with its place; what is expected to be refused may name anything."""
    for index, event in enumerate(entry.timeline):
        if event.run and not event.refused:
            yield event.run, ("timeline", index, "run")
    for index, step in enumerate(entry.method):
        if isinstance(step, MethodEntry) and step.run:
            yield step.run, ("method", index, "run")
        elif isinstance(step, str):
            yield step, ("method", index)
    for index, command in enumerate(entry.rollbacks):
        yield command, ("rollbacks", index)


class _AnyPod:
    """A store that knows every Pod: which there are is seen when the command runs."""

    def find(self, *key: object) -> bool:
        return True
