"""`kubectl wait`: until a condition holds for objects, or they are gone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from lab.cluster.errors import resource_of
from lab.cluster.store import Change
from lab.commands.call import Call
from lab.commands.flags import EVERYWHERE, IN_NAMESPACE, WITH_LABELS
from lab.commands.registry import Flag, Parameter, ValueType, command
from lab.commands.resources import ANY
from lab.commands.values import DURATION
from lab.commands.verbs.kubectl_read import gather
from lab.commands.words import CommandError, Word
from lab.kube.encode import encode
from lab.kube.errors import LabError
from lab.kube.jsonpath import text_of, values
from lab.kube.meta import KubeObject

TIMEOUT_S = 30.0
"""How long it waits unless it is told otherwise."""


class Wish(NamedTuple):
    """What is waited for."""

    holds: Callable[[KubeObject | None], bool]
    """Of the object as it now is; None when it is gone."""
    deletion: bool = False


def _read(words: Sequence[Word], call: Call) -> Wish:
    kind, _, rest = words[0].text.partition("=")
    if kind == "delete" and not rest:
        return Wish(lambda obj: obj is None, deletion=True)
    if kind == "condition" and rest:
        name, _, value = rest.partition("=")
        return Wish(lambda obj: obj is not None and _has_condition(obj, name, value or "true"))
    if kind == "jsonpath" and rest:
        path, _, value = rest.partition("}=")
        try:
            values(path, {})
        except LabError as error:
            raise CommandError(f"error: {error}", words[0]) from None
        return Wish(lambda obj: obj is not None and _has_value(encode(obj), path, value))
    raise CommandError(
        f'error: unrecognized condition: "{words[0].text}"; expected delete, condition=NAME, condition=NAME=VALUE '
        "or jsonpath='{PATH}'=VALUE",
        words[0],
    )


def _has_condition(obj: KubeObject, name: str, value: str) -> bool:
    """Whether a condition of the status has a value; what the status says of an older generation does not count."""
    status = encode(obj).get("status", {})
    if status.get("observedGeneration", obj.metadata.generation) < obj.metadata.generation:
        return False
    conditions = status.get("conditions", ())
    return any(
        one.get("type", "").lower() == name.lower() and one.get("status", "").lower() == value.lower()
        for one in conditions
    )


def _has_value(data: dict[str, Any], path: str, value: str) -> bool:
    found = values(path, data)
    return any(not value or text_of(each) == value for each in found)


def _suggest(before: Sequence[Word], call: Call) -> Iterable[str]:
    return ("condition=Ready", "condition=Available", "condition=Complete", "delete", "jsonpath=")


WISH = ValueType("WISH", "condition=Ready, delete, or jsonpath='{.status.phase}'=Running", _read, _suggest)


@command(
    "kubectl wait",
    "Wait until a condition holds for objects, or until they are gone.",
    Parameter("resources", ANY),
    flags=(
        Flag("--for", "what to wait for", WISH, required=True),
        Flag("--timeout", "give up after this time, 30s when it is left out; with 0 look just once", DURATION),
        Flag("--all", "all objects of the resource"),
        WITH_LABELS,
        IN_NAMESPACE,
        EVERYWHERE,
    ),
    examples=(
        "kubectl wait --for=condition=Available deployment/web --timeout=60s",
        "kubectl wait --for=condition=Ready pods -l app=web",
        "kubectl wait --for=delete pod/web-1",
        "kubectl wait pod/web-1 --for=jsonpath='{.status.phase}'=Running",
    ),
)
def wait(call: Call) -> None:
    """Say of each object when it is met; ends with the last one, or when the time is over."""
    targets, wish = call.values["resources"], call.values["for"]
    if any(target.obj is None for target in targets) and not (call.get("all") or call.get("selector")):
        raise LabError("resource(s) were provided, but no name was specified")
    names = {
        obj.metadata.uid: (f"{resource.singular}/{obj.name}", obj)
        for resource, some in gather(call, targets)
        for obj in some
    }
    if not names:
        if wish.deletion:
            return
        raise LabError("no matching resources found")
    Waiting(call, wish, names).begin(call.get("timeout", TIMEOUT_S))


class Waiting:
    """One `kubectl wait` that goes on."""

    def __init__(self, call: Call, wish: Wish, names: dict[str, tuple[str, KubeObject]]) -> None:
        self._call = call
        self._wish = wish
        self._left = names

    def begin(self, timeout_s: float) -> None:
        """Look at what is there now, then at every change."""
        call = self._call
        call.running = True
        kinds = dict.fromkeys(type(obj) for _, obj in self._left.values())
        call.execution.on_done.append(lambda _: stop())
        stop = call.store.subscribe(self._changed, *kinds)
        for _, obj in list(self._left.values()):
            self._look(obj.metadata.uid, obj)
        if self._left:
            call.engine.clock.after(timeout_s, self._give_up)

    def _changed(self, change: Change) -> None:
        uid = change.object.metadata.uid
        if uid in self._left:
            self._look(uid, change.new)

    def _look(self, uid: str, obj: KubeObject | None) -> None:
        name, known = self._left[uid]
        if self._wish.holds(obj):
            del self._left[uid]
            self._call.say(f"{name} condition met")
            if not self._left:
                self._call.execution.finish()
        elif obj is None:
            self._finish(f'Error from server (NotFound): {resource_of(known.kind)} "{known.name}" not found')

    def _give_up(self) -> None:
        if self._left:
            _, first = next(iter(self._left.values()))
            self._finish(f"error: timed out waiting for the condition on {resource_of(first.kind)}/{first.name}")

    def _finish(self, error: str) -> None:
        self._left.clear()
        self._call.execution.finish(error)
