"""Where the traffic of a scenario may come from: what its file provides, and the client Pods that are made for it.

Nodes are those of `cluster`, workloads those of the manifests and of the commands that the story gives. A Pod alone is
made on demand, unless its name is that of a workload or of one of a workload's Pods.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from lab.cluster.apply import in_namespace
from lab.cluster.store import SUFFIX_LETTERS
from lab.cluster.validation.names import label_faults, subdomain_faults
from lab.commands.parser import take_apart
from lab.commands.words import CommandError, split
from lab.kube.errors import LabError, closest
from lab.kube.kinds import find_kind
from lab.kube.kinds.node import Node
from lab.kube.meta import KubeObject
from lab.scenario.clients import SENDERS
from lab.scenario.convert import Source
from lab.scenario.schema import MethodEntry, ScenarioEntry, TrafficEntry
from lab.traffic.client import ClientSpec

_ORDINAL = re.compile(r"\d+")
_DRAWN = re.compile(rf"([a-z0-9]+-)?[{SUFFIX_LETTERS}]{{5}}")
"""What a ReplicaSet and its like append to their own name for a Pod's."""
_MOST_LISTED = 8


class Party(NamedTuple):
    """A Pod or a workload that may send."""

    kind: str
    """In lower case, as in `deployment/web`."""
    namespace: str
    name: str

    def __str__(self) -> str:
        return "/".join((self.kind, *([] if self.namespace == "default" else [self.namespace]), self.name))


def made_pods(
    entry: ScenarioEntry,
    clients: Sequence[ClientSpec],
    nodes: Iterable[str],
    objects: Sequence[KubeObject],
    files: Callable[[str], Sequence[KubeObject]],
    source: Source,
) -> list[str]:
    """The Pods (`pod/NAMESPACE/NAME`) to make for those who send; who sends and is not there is noted as a fault.

    `files` reads what a `kubectl apply -f` of the story names.
    """
    provided = _Provided(nodes, objects)
    for obj in _made_by_commands(entry, files):
        provided.parties.setdefault(obj)
    made: dict[str, None] = {}
    for index, (said, client) in enumerate(zip(entry.traffic, clients, strict=True)):
        fault = provided.fault(client.source)
        wanted = not fault and provided.is_missing(client.source)
        if fault:
            source.problem(fault, "traffic", index, "from")
        elif wanted:
            made[client.source] = None
        if said.node and not fault and not wanted:
            source.problem(_no_placing(said), "traffic", index, "node")
    return list(made)


def _no_placing(said: TrafficEntry) -> str:
    return f"goes with a Pod that is made for the traffic (from: pod/NAME), and {said.source} is not"


class _Provided:
    """What there is to send from."""

    def __init__(self, nodes: Iterable[str], objects: Iterable[KubeObject]) -> None:
        placed = [in_namespace(obj) for obj in objects]
        self.nodes = [*nodes, *(obj.name for obj in placed if isinstance(obj, Node))]
        found = (Party(obj.kind.lower(), obj.namespace, obj.name) for obj in placed)
        self.parties = dict.fromkeys(party for party in found if party.kind in SENDERS)

    def is_missing(self, source: str) -> bool:
        """Whether a source that has no fault is a Pod that nobody provides: it is made."""
        word, _, rest = source.partition("/")
        if word != "pod":
            return False
        party = Party(word, *rest.split("/"))
        return party not in self.parties and not self._of_stateful_set(party)

    def fault(self, source: str) -> str:
        """Why nobody can send from `source`; empty when somebody can, or could once he is made."""
        word, _, rest = source.partition("/")
        if word == "node":
            known = {name: f"node/{name}" for name in self.nodes}
            return "" if rest in known else _nothing(source, known.get(closest(rest, known), ""), known.values())
        if word not in SENDERS or rest.count("/") != 1:
            return ""  # the internet, or what was noted as a fault before
        party = Party(word, *rest.split("/"))
        if party in self.parties or self._of_stateful_set(party):
            return ""
        if party.kind == "pod":
            return self._fault_of_pod(party)
        return _nothing(str(party), self._near(party), map(str, self.parties))

    def _fault_of_pod(self, pod: Party) -> str:
        if subdomain_faults(pod.name) or label_faults(pod.namespace):
            return f'"{pod}" cannot be made: names have lower-case letters, digits and dashes'
        for party in self._workloads(pod.namespace):
            if party.name == pod.name:
                return _nothing(str(pod), str(party))
            if pod.name.startswith(f"{party.name}-") and _DRAWN.fullmatch(pod.name[len(party.name) + 1 :]):
                return f"the Pods of {party} get their names when they are created; write {party} for all of them"
        for party in self.parties:
            if party.kind == "pod" and party.namespace == pod.namespace and _is_slip(pod.name, party.name):
                return _nothing(str(pod), str(party))
        return ""

    def _of_stateful_set(self, pod: Party) -> bool:
        sets = (party for party in self._workloads(pod.namespace) if party.kind == "statefulset")
        ordinals = (pod.name[len(party.name) + 1 :] for party in sets if pod.name.startswith(f"{party.name}-"))
        return pod.kind == "pod" and any(map(_ORDINAL.fullmatch, ordinals))

    def _workloads(self, namespace: str) -> Iterator[Party]:
        return (party for party in self.parties if party.kind != "pod" and party.namespace == namespace)

    def _near(self, wanted: Party) -> str:
        """Of the same name and another kind or namespace, or of the same kind and a similar name."""
        same = [str(party) for party in self.parties if party.name == wanted.name]
        named = {party.name: str(party) for party in self.parties if party.kind == wanted.kind}
        return same[0] if same else named.get(closest(wanted.name, named), "")


def _nothing(source: str, near: str, known: Iterable[str] = ()) -> str:
    names = list(known)
    listed = ", ".join([*names[:_MOST_LISTED], *["..."] * (len(names) > _MOST_LISTED)])
    hint = f', did you mean "{near}"?' if near else f"; known are {listed}" if listed else ""
    return f'there is no "{source}" in this scenario{hint}'


def _is_slip(word: str, known: str) -> bool:
    """Whether a letter is missing or too much in `word`, or two are swapped; `client-2` beside `client-1` is none."""
    same = next((i for i, (a, b) in enumerate(zip(word, known, strict=False)) if a != b), min(len(word), len(known)))
    here, there = word[same:], known[same:]
    if any(letter.isdigit() for letter in here[:2] + there[:2]):
        return False
    return here[1:] == there or here == there[1:] or (here[:2] == there[1::-1] and here[2:] == there[2:])


# -- what commands make -----------------------------------------------------------------------------------------------


def _made_by_commands(entry: ScenarioEntry, files: Callable[[str], Sequence[KubeObject]]) -> Iterator[Party]:
    """What the commands of timeline and method create, as far as it can be told from their words."""
    steps = [step for step in entry.method if isinstance(step, MethodEntry)]
    commands = [step.run for step in steps] + [step for step in entry.method if isinstance(step, str)]
    for command in [each.run for each in entry.timeline if not each.refused] + commands:
        yield from _made_by(command, files)


def _made_by(command: str, files: Callable[[str], Sequence[KubeObject]]) -> Iterator[Party]:
    try:
        line = take_apart(split(command))
    except CommandError:  # noted where the command is read
        return
    given = {flag.key: word.text for flag, word in line.flags.values() if word is not None}
    kind = find_kind(line.command.makes)
    if kind is not None and line.positional:
        yield Party(kind.name.lower(), given.get("namespace", "default"), line.positional[0].text)
    elif (
        line.command.name == "kubectl apply" and given.get("filename", "-") != "-"
    ):  # standard input is read when the command is given
        yield from _in_file(given["filename"], files)


def _in_file(path: str, files: Callable[[str], Sequence[KubeObject]]) -> Iterator[Party]:
    try:
        objects = [in_namespace(obj) for obj in files(path)]
    except LabError:  # told when the command is given
        return
    yield from (Party(obj.kind.lower(), obj.namespace, obj.name) for obj in objects)
