"""Faults as commands: for how long, what mends them, what is broken now, and the fault menu.

Whatever a command breaks is mended by another command of the registry. `--for` gives that one on the clock, so that
a story, the prompt and a recording mean the same by it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from lab.commands.call import Call
from lab.commands.registry import COMMANDS, Action, Command, Fault, Flag, Parameter, Place, command
from lab.commands.values import DURATION
from lab.engine import Broken, Engine
from lab.views.page import Subject

FOR = Flag("--for", "mend it by itself after this time", DURATION)


def fault(
    name: str,
    summary: str,
    *parameters: Parameter,
    places: tuple[Place, ...] = (),
    undo: str = "",
    broken: Callable[[Engine], Iterable[str]] = lambda engine: (),
    flags: tuple[Flag, ...] = (),
    examples: tuple[str, ...],
    danger: bool = True,
) -> Callable[[Action], Action]:
    """Put the decorated action into the registry as one that breaks something; see `Fault` for `undo` and `broken`."""
    flags = (*flags, FOR) if undo else flags
    what = Fault(undo, broken, places)
    return command(name, summary, *parameters, flags=flags, examples=examples, danger=danger, fault=what)


_TRY_AGAIN_S = 1.0
"""How soon a kubectl is given again that found no API server."""


class Choice(NamedTuple):
    """A row of the fault menu."""

    label: str
    command: str


class BrokenNow(NamedTuple):
    """Something that is broken."""

    undo: str
    """The line that mends it."""
    how: Broken | None
    """What is known of how it came; None when no command did it."""


def broke(call: Call, what: Fault, words: str) -> None:
    """A command has broken something, or found it broken: note it, and mend it in time."""
    if not what.undo:
        return
    engine, undo = call.engine, f"{what.undo} {words}".strip()
    for_s: float | None = call.get(FOR.key)
    known = engine.broken.get(undo)
    if known is not None and for_s is None:
        return
    now = engine.now
    until_s = math.inf if for_s is None else now + for_s
    broken = engine.broken[undo] = Broken(call.execution.text, known.since_s if known else now, until_s)
    if for_s is not None:
        engine.clock.after(for_s, _mend, call, undo, broken)
        call.say(f"in {for_s:g}s, by itself: {undo}")


def mended(engine: Engine, name: str, words: str) -> None:
    """The command of this name has mended something: what was to be mended by itself no longer is."""
    engine.broken.pop(f"{name} {words}".strip(), None)


def _mend(call: Call, undo: str, broken: Broken) -> None:
    engine = call.engine
    if engine.broken.get(undo) is not broken:
        return  # it was mended by hand, or broken anew
    if engine.store.down and by_kubectl(undo):
        engine.clock.after(_TRY_AGAIN_S, _mend, call, undo, broken)
        return
    call.give(undo)
    engine.broken.pop(undo, None)


def by_kubectl(undo: str) -> bool:
    """Whether the API server has to be there to mend it."""
    return undo.startswith("kubectl ")


def broken_now(engine: Engine) -> list[BrokenNow]:
    """Everything that is broken, by the line that mends it, and what is yet to be mended by itself."""
    found = dict.fromkeys(_broken_lines(engine))
    found |= dict.fromkeys(undo for undo, broken in engine.broken.items() if broken.until_s < math.inf)
    return [BrokenNow(undo, engine.broken.get(undo)) for undo in found]


def _broken_lines(engine: Engine) -> Iterator[str]:
    for what in (each.fault for each in COMMANDS.values() if each.fault is not None):
        for words in what.broken(engine) if what.undo else ():
            yield f"{what.undo} {words}".strip()


def choices(engine: Engine, subject: Subject | None) -> list[Choice]:
    """The menu for an object, or for the cluster as a whole; what is broken can be mended, and not broken again.

    In a riddle it does not tell what is broken.
    """
    broken = {} if engine.riddle else dict.fromkeys(_broken_lines(engine))
    kind = subject.kind if subject is not None else ""
    rows = [
        _choice(each, each.fault, place, subject, broken)
        for each in COMMANDS.values()
        for place in (each.fault.places if each.fault is not None else ())
        if each.fault is not None and place.kind == kind
    ]
    # What breaks comes first; what an administrator would do stands after it.
    return sorted(dict.fromkeys(rows), key=lambda row: row.command.startswith("kubectl"))


def _choice(one: Command, what: Fault, place: Place, subject: Subject | None, broken: dict[str, None]) -> Choice:
    words = _words(place, subject)
    undo = f"{what.undo} {words}".strip()
    if place.mend and undo in broken:
        return Choice(place.mend, undo)
    return Choice(place.label, " ".join(f"{one.name} {words} {place.options}".split()))


def _words(place: Place, subject: Subject | None) -> str:
    if subject is None:
        return place.words if "{" not in place.words else ""
    inside = f" -n {subject.namespace}" if subject.namespace not in ("", "default") else ""
    return place.words.format_map({"kind": subject.kind.lower(), "name": subject.name, "in": inside})
