"""What conditions and lessons name must be there at some moment, or a figure is never measured.

A name is taken for there when an object of the manifests has it, a workload's Pod could have it, or a command of the
story has it among its words: what commands make is known for certain only when they run.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from lab.cluster.apply import in_namespace
from lab.commands.parser import take_apart
from lab.commands.words import CommandError, split
from lab.kube.errors import LabError, nearest
from lab.kube.kinds import find_kind
from lab.kube.meta import KubeObject
from lab.scenario.clients import SENDERS
from lab.scenario.convert import Source
from lab.scenario.expect import parse
from lab.scenario.schema import ExpectEntry, MethodEntry, ScenarioEntry, TimelineEntry
from lab.traffic.client import ClientSpec

_OF_SERVICES = ("answering", "share", "skew", "endpoints", "cluster-ip", "external-ip", "node-port")
_NEEDS_REQUESTS = ("success", "p50", "p90", "p95", "p99", "p99.9", "max", "mean")
_OWN_NAMESPACES = ("kube-system", "kube-public", "kube-node-lease")
_OWN_NAMES = ("kubernetes", "default", *_OWN_NAMESPACES)
"""What every cluster has."""
_WORDS = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")
_Path = tuple[str | int, ...]


class Named(NamedTuple):
    """A name in the file."""

    kind: str
    """In lower case; empty for any."""
    namespace: str
    name: str
    path: _Path


def check_names(
    entry: ScenarioEntry,
    objects: Iterable[KubeObject],
    nodes: Iterable[str],
    files: Callable[[str], Sequence[KubeObject]],
    source: Source,
) -> None:
    """Note as faults the names of what is never there; `files` reads what a `kubectl apply -f` of the story names."""
    commands = list(_commands(entry))
    applied = _applied(commands, files)
    if applied is None:
        return
    placed = [in_namespace(obj) for obj in [*objects, *applied]]
    words = {found[0] for command in commands for found in _WORDS.finditer(command)}
    for named in _named(entry):
        if named.namespace in _OWN_NAMESPACES or named.name in words or named.name in (*_OWN_NAMES, *nodes):
            continue
        near = [obj for obj in placed if obj.namespace in ("", named.namespace) and _fits(named, obj)]
        if any(named.name == obj.name or named.name.startswith(f"{obj.name}-") for obj in near):
            continue
        what = named.kind or "object"
        known = dict.fromkeys([*(obj.name for obj in near), *(nodes if named.kind == "node" else ())])
        elsewhere = [obj for obj in placed if obj.name == named.name and _fits(named, obj)]
        hint = f"; there is one in {elsewhere[0].namespace}" if elsewhere else nearest(named.name, known)
        place = f" in namespace {named.namespace}" if named.kind != "node" else ""
        message = f'there is no {what} "{named.name}"{place} in the manifests, and no command makes one{hint}'
        source.problem(message, *named.path)


def _fits(named: Named, obj: KubeObject) -> bool:
    """Whether an object could be what is named; a Pod may be one that a workload makes."""
    kind = obj.kind.lower()
    return named.kind in ("", kind) or (named.kind == "pod" and kind in SENDERS)


# -- what is named ----------------------------------------------------------------------------------------------------


def _named(entry: ScenarioEntry) -> Iterator[Named]:
    for index, said in enumerate(entry.expect):
        yield from _of_condition(said, "expect", index)
    for index, event in enumerate(entry.timeline):
        if event.when:
            yield from _of_text(event.when, event, "timeline", index, "when")
    for index, step in enumerate(entry.method):
        if isinstance(step, MethodEntry):
            for key in ("wait", "check"):
                yield from _of_text(getattr(step, key), step, "method", index, key)
    for index, said in enumerate(entry.hypothesis.expect if entry.hypothesis is not None else ()):
        yield from _of_condition(said, "hypothesis", "expect", index)
    for index, said in enumerate(entry.kata.solved if entry.kata is not None else ()):
        yield from _of_condition(said, "kata", "solved", index)
    for index, lesson in enumerate(entry.lesson):
        kind, slash, rest = lesson.watch.partition("/")
        if slash and rest:
            namespace, _, name = rest.rpartition("/")
            yield Named(kind, namespace or "default", name, ("lesson", index, "watch"))


def _of_condition(said: str | ExpectEntry, *path: str | int) -> Iterator[Named]:
    if isinstance(said, str):
        said = ExpectEntry(that=said)
    yield from _of_text(said.that, said, *path, "that")
    if said.service:
        namespace, _, name = said.service.rpartition("/")
        yield Named("service", namespace or said.namespace, name, (*path, "service"))


def _of_text(text: str, said: ExpectEntry | MethodEntry | TimelineEntry, *path: str | int) -> Iterator[Named]:
    try:
        expression = parse(text)
    except LabError:  # noted where it is read, or nothing is said
        return
    if not expression.subject:
        return
    *before, name = expression.subject.split("/")
    kind = find_kind(before[0]) if before else None
    if kind is not None:
        before.pop(0)
    word = "service" if expression.metric.name in _OF_SERVICES else "" if kind is None else kind.name.lower()
    yield Named(word, before[0] if before else said.namespace, name, path)


# -- what commands make -----------------------------------------------------------------------------------------------


def _commands(entry: ScenarioEntry) -> Iterator[str]:
    steps: list[str | MethodEntry] = [*entry.method]
    if entry.kata is not None:
        steps += [*entry.kata.solution, *(step for wrong in entry.kata.wrong for step in wrong.steps)]
    said = (step if isinstance(step, str) else step.run for step in steps)
    yield from filter(None, [*(event.run for event in entry.timeline), *said, *entry.rollbacks])


def _applied(commands: Iterable[str], files: Callable[[str], Sequence[KubeObject]]) -> list[KubeObject] | None:
    """The objects in the files that commands name; None when a file cannot be read, so that nothing is certain."""
    found: list[KubeObject] = []
    for command in commands:
        try:
            line = take_apart(split(command))
            given = {flag.key: word.text for flag, word in line.flags.values() if word is not None}
            if "filename" in given:
                found += files(given["filename"])
        except (LabError, CommandError):  # told when the command is read or given
            return None
    return found


# -- figures of traffic that does not flow ----------------------------------------------------------------------------


def check_windows(entry: ScenarioEntry, clients: Iterable[ClientSpec], source: Source) -> None:
    """Note as faults the figures of a group of clients over a window in which it sends nothing."""
    groups = {client.name: client for client in clients}
    for index, said in enumerate(entry.expect):
        client = groups.get(said.traffic) if isinstance(said, ExpectEntry) else None
        if client is None or not isinstance(said, ExpectEntry) or not _needs_requests(said.that):
            continue
        ends = [moment for moment in (said.end, said.at, said.by) if moment is not None]
        timeout_s = client.timeout_s * (1 + client.retries.attempts)
        if ends and min(ends) <= client.start_s and client.start_s > 0.0:
            source.problem(f"{client.name} begins at {client.start_s:g}s, after this window", "expect", index)
        elif said.start is not None and timeout_s and said.start > client.stop_s + timeout_s:
            source.problem(f"{client.name} stops at {client.stop_s:g}s, before this window", "expect", index)


def _needs_requests(text: str) -> bool:
    try:
        return parse(text).metric.name in _NEEDS_REQUESTS
    except LabError:
        return False
