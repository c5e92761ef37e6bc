"""What could come next: verbs, kinds, names, flags and their values, for the prompt's ghost text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain, islice
from typing import TYPE_CHECKING

from lab.commands.call import Call
from lab.commands.execution import Execution
from lab.commands.parser import Line, spread, take_apart
from lab.commands.registry import ALIASES, COMMANDS, children
from lab.commands.resources import find_resource
from lab.commands.values import NAMESPACE
from lab.commands.words import CommandError, Word, split
from lab.kube.errors import LabError

if TYPE_CHECKING:
    from lab.engine import Engine

_AT_MOST = 50
_LOOKED_AT = 5_000  # names looked at in a large cluster, so that typing stays smooth


def complete(engine: Engine, text: str) -> list[str]:
    """Whole words that the last word of `text` could become, at most 50; `text` that ends in a space begins a new word.

    >>> complete(engine, "kubectl sca")
    ['scale']
    """
    try:
        words = split(text)
    except CommandError:
        return []
    if not words or text[-1].isspace():
        words.append(Word("", len(text), len(text)))
    last = words[-1].text
    try:
        options = islice(_options(engine, words), _LOOKED_AT)
        fitting = (one for one in options if one.startswith(last) and one != last)
        return list(dict.fromkeys(islice(fitting, _AT_MOST)))
    except LabError:
        return []


def _options(engine: Engine, words: list[Word]) -> Iterable[str]:
    before = [word.text for word in words[:-1]]
    if before:
        before[0] = ALIASES.get(before[0], before[0])
    verbs = children(before)
    if verbs and " ".join(before) not in COMMANDS:
        return verbs
    return chain(_arguments(engine, words), verbs)


def _arguments(engine: Engine, words: list[Word]) -> Iterable[str]:
    line = take_apart(words[:-1])
    call = Call(engine, Execution("", ""))
    _set_namespace(line, call)
    if line.waiting is not None:
        kind = line.waiting[0].type
        return kind.suggest((), call) if kind is not None else ()
    last = words[-1]
    return _flags(line, last, call) if last.text.startswith("-") else _values(line, last, call)


def _set_namespace(line: Line, call: Call) -> None:
    found = line.flags.get("--namespace")
    if found is not None and found[1] is not None:
        call.namespace = NAMESPACE.read((found[1],), call)


def _flags(line: Line, last: Word, call: Call) -> Iterable[str]:
    name, equals, _ = last.text.partition("=")
    flag = line.command.flag(name)
    if equals and flag is not None and flag.type is not None:
        return [f"{name}={value}" for value in flag.type.suggest((), call)]
    return [f"{one.name}=" if one.type else one.name for one in line.command.flags if one.name not in line.flags]


def _values(line: Line, last: Word, call: Call) -> Iterable[str]:
    # The word being typed is not finished, so it must not decide whose word it is: it stands as a plain letter.
    stand_in = last if last.text else Word("x", last.start, last.end)
    parts = spread(line.command, [*line.positional, stand_in])
    used: Sequence[Word] = [word for _, words in parts for word in words]
    if not parts or len(used) <= len(line.positional):
        return ()
    parameter, words = parts[-1]
    return _as_begun(last.text, parameter.type.suggest(words[:-1], call), call)


def _as_begun(begun: str, options: Iterable[str], call: Call) -> Iterable[str]:
    """The options in the words of who types: `deploy/web` for one who has begun with `deploy/`."""
    kind, slash, _ = begun.partition("/")
    resource = find_resource(kind, call.store) if slash else None
    if resource is None or kind == resource.kind.lower():
        return options
    usual = f"{resource.kind.lower()}/"
    return (f"{kind}/{option.removeprefix(usual)}" for option in options if option.startswith(usual))
