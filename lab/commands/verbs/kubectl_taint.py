"""`kubectl taint`: what keeps Pods away from a node, or drives them off."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from lab.cluster.validation.names import label_value_faults, qualified_name_faults
from lab.commands.call import Call
from lab.commands.flags import WITH_LABELS
from lab.commands.registry import Flag, Parameter, ValueType, command
from lab.commands.resources import is_assignment, targets_of
from lab.commands.verbs.kubectl_read import gather
from lab.commands.words import CommandError, Word
from lab.kube.errors import LabError
from lab.kube.kinds.node import Node, Taint

EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")


class Change(NamedTuple):
    """A taint to set, or to take away; without an effect, all of its key are taken away."""

    key: str
    value: str
    effect: str
    removes: bool

    def __str__(self) -> str:
        return f"{self.key}:{self.effect}" if self.effect else self.key


def _read(words: Sequence[Word], call: Call) -> list[Change]:
    found = [_change(word) for word in words]
    for index, one in enumerate(found):
        if any((one.key, one.effect) == (other.key, other.effect) for other in found[:index]):
            raise CommandError(f"error: {one} stands here twice", words[index])
    return found


def _change(word: Word) -> Change:
    """`key=value:Effect`, `key:Effect`, and with a minus at the end what is to go: `key:Effect-`, `key-`."""
    text = word.text
    removes = text.endswith("-")
    body, colon, effect = text.removesuffix("-").partition(":")
    key, _, value = body.partition("=")
    if colon and effect not in EFFECTS:
        raise CommandError(f"error: invalid taint effect: {effect}, unsupported taint effect", word, EFFECTS)
    if not colon and not removes:
        raise CommandError("error: expected KEY=VALUE:EFFECT, KEY:EFFECT, or KEY- to take it away", word)
    faults = [*qualified_name_faults(key), *(label_value_faults(value) if value else ())]
    if faults:
        raise CommandError(f"error: invalid taint spec: {text}, {faults[0]}", word)
    return Change(key, value, effect, removes)


def _suggest(before: Sequence[Word], call: Call) -> Iterable[str]:
    nodes = call.store.list(Node)
    yield from dict.fromkeys(f"{taint.key}:{taint.effect}-" for node in nodes for taint in node.spec.taints)


def _is_taint(text: str) -> bool:
    return is_assignment(text) or ":" in text


TAINTS = ValueType("TAINT...", "KEY=VALUE:EFFECT, KEY:EFFECT, or KEY- to take it away", _read, _suggest, len)


@command(
    "kubectl taint",
    "Keep Pods away from nodes (NoSchedule), or drive them off (NoExecute), unless they tolerate it.",
    Parameter("resources", targets_of("Node", name="NODES", until=_is_taint)),
    Parameter("taints", TAINTS),
    flags=(
        Flag("--overwrite", "replace values that are there"),
        Flag("--all", "all nodes"),
        WITH_LABELS,
    ),
    examples=(
        "kubectl taint nodes worker-1 maintenance=now:NoExecute",
        "kubectl taint nodes worker-1 maintenance:NoExecute-",
        "kubectl taint node worker-1 worker-2 dedicated=db:NoSchedule",
    ),
)
def taint(call: Call) -> None:
    """Change spec.taints of each node."""
    targets, changes = call.values["resources"], call.values["taints"]
    if any(target.obj is None for target in targets) and not (call.get("all") or call.get("selector")):
        raise LabError("resource(s) were provided, but no name was specified")
    nodes = [obj for _, some in gather(call, targets) for obj in some if isinstance(obj, Node)]
    changed = [(node, _tainted(node, changes, bool(call.get("overwrite")))) for node in nodes]
    for node, taints in changed:
        call.store.update(replace(node, spec=replace(node.spec, taints=taints)))
        call.say(f"node/{node.name} {_verb(changes)}")


def _verb(changes: list[Change]) -> str:
    """What kubectl says was done."""
    removes = [change.removes for change in changes]
    return "untainted" if all(removes) else "modified" if any(removes) else "tainted"


def _tainted(node: Node, changes: list[Change], overwrite: bool) -> tuple[Taint, ...]:
    """The node's taints with the changes; raises LabError for what is there already, or is not."""
    taints = list(node.spec.taints)
    for change in changes:
        same = [each for each in taints if each.key == change.key and change.effect in ("", each.effect)]
        if change.removes and not same:
            raise LabError(f'taint "{change}" not found')
        if not change.removes and same and not overwrite:
            raise LabError(
                f"node {node.name} already has {change.key} taint(s) with same effect(s) and --overwrite is false"
            )
        taints = [each for each in taints if each not in same]
        if not change.removes:
            taints.append(Taint(key=change.key, value=change.value, effect=change.effect))
    return tuple(taints)
