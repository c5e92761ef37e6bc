"""From a line to a command with its values; the same walk tells what could come next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from lab.commands import declined
from lab.commands import verbs as _registered  # noqa: F401 - fills the registry
from lab.commands.call import Call
from lab.commands.exec_habit import asked_from_pod
from lab.commands.flags import IN_NAMESPACE
from lab.commands.registry import (
    ALIASES,
    COMMANDS,
    OTHER_NAMES,
    Command,
    Flag,
    Parameter,
    ValueType,
    children,
    longest_name,
)
from lab.commands.words import CommandError, Word


@dataclass
class Line:
    """A line taken apart: which command, which words are flags' values, which are parameters'."""

    command: Command
    positional: list[Word] = field(default_factory=list)
    flags: dict[str, tuple[Flag, Word | None]] = field(default_factory=dict)
    waiting: tuple[Flag, Word] | None = None
    """A flag at the very end that still wants its value, and the word it stands in."""


def find_command(words: Sequence[Word]) -> tuple[Command, list[Word]]:
    """The command with the longest name that the words begin with, and the words after it.

    Raises CommandError that points at the first word that fits no command.
    """
    words = asked_from_pod(_verbs_first(words))
    names = [word.text for word in words[: longest_name()]]
    if names:
        names[0] = ALIASES.get(names[0], names[0])
    for length in range(len(names), 0, -1):
        name = " ".join(names[:length])
        found = COMMANDS.get(OTHER_NAMES.get(name, name))
        if found is not None:
            return found, list(words[length:])
    raise _no_command(words, names)


def _verbs_first(words: Sequence[Word]) -> list[Word]:
    """`kubectl -n shop get pods` with its flags at the end, where every command looks for them."""
    if words and words[0].text in COMMANDS:
        return list(words)
    position = 1
    while position < len(words) and _is_flag(words[position].text):
        # Of the flags that kubectl takes before its verb, only the namespace has a value.
        position += 2 if words[position].text in (IN_NAMESPACE.name, IN_NAMESPACE.short) else 1
    return [*words[:1], *words[position:], *words[1:position]]


def _no_command(words: Sequence[Word], names: list[str]) -> CommandError:
    depth = 0
    while depth < len(names) and names[depth] in children(names[:depth]):
        depth += 1
    known = children(names[:depth])
    before = " ".join(names[:depth])
    instead = declined.COMMANDS.get(" ".join(names[: depth + 1]))
    if instead is not None:
        return CommandError(f"error: {instead}", words[depth])
    if depth < len(names):
        place = f' for "{before}"' if before else ""
        return CommandError(f'error: unknown command "{names[depth]}"{place}', words[depth], known)
    end = words[-1].end + 1 if words else 0
    message = f'error: "{before}" is not a whole command' if before else "error: no command was given"
    return CommandError(message, Word("", end, end), known)


def take_apart(words: Sequence[Word]) -> Line:
    """Tell the words of a line apart; after `--` none is a flag. Raises CommandError for an unknown command or flag."""
    command, rest = find_command(words)
    rest = [part for word in rest for part in _switches(command, word)]
    line = Line(command)
    position = 0
    while position < len(rest):
        word = rest[position]
        position += 1
        if word.text == "--":
            line.positional.extend(rest[position:])
            break
        if not _is_flag(word.text):
            line.positional.append(word)
            continue
        flag, value = _flag_at(command, word)
        if flag.type is not None and value is None:
            if position == len(rest):
                line.waiting = flag, word
                break
            value = rest[position]
            position += 1
        line.flags[flag.name] = flag, value
    return line


def _is_flag(text: str) -> bool:
    return len(text) > 1 and text.startswith("-") and not text[1].isdigit()


def _switches(command: Command, word: Word) -> list[Word]:
    """The words that stand for `-sS`: one for each switch when all its letters are switches; else the word alone."""
    letters = word.text[1:]
    if len(letters) < 2 or not _is_flag(word.text) or not letters.isalpha() or command.flag(word.text) is not None:
        return [word]
    found = [command.flag(f"-{letter}") for letter in letters]
    if not all(flag is not None and flag.type is None for flag in found):
        return [word]
    return [Word(f"-{letter}", word.start, word.end) for letter in letters]


def _flag_at(command: Command, word: Word) -> tuple[Flag, Word | None]:
    """The flag of a word, and the value when it stands in the same word: `--name=value`, `-n=value`, `-nvalue`."""
    name, equals, _ = word.text.partition("=")
    flag = command.flag(name)
    if flag is not None:
        return flag, word.part(len(name) + 1) if equals else None
    short = command.flag(word.text[:2])
    if short is not None and short.type is not None and not word.text.startswith("--"):
        return short, word.part(2)
    instead = declined.FLAGS.get(command.name, {}).get(name)
    if instead is not None:
        raise CommandError(f"error: {name}: {instead}", word.part(0, len(name)))
    known = [one.name for one in command.flags] + [one.short for one in command.flags if one.short]
    raise CommandError(f'error: unknown flag "{name}" for "{command.name}"', word.part(0, len(name)), known)


def spread(command: Command, words: Sequence[Word]) -> list[tuple[Parameter, list[Word]]]:
    """Which words belong to which parameter; words that are too many go with none."""
    found: list[tuple[Parameter, list[Word]]] = []
    rest = list(words)
    for parameter in command.parameters:
        if rest:
            count = max(1, min(parameter.type.takes(rest), len(rest)))
            found.append((parameter, rest[:count]))
            rest = rest[count:]
    return found


def bind(line: Line, call: Call, end: int) -> None:
    """Read all values into the call; raises a LabError for what is missing, too much or not there."""
    check_complete(line, end)
    for flag, given in sorted(line.flags.values(), key=lambda pair: pair[0].name != "--namespace"):
        _bind_flag(flag, given, call)
    for parameter, words in spread(line.command, line.positional):
        call.values[parameter.name] = parameter.type.read(words, call)


def _bind_flag(flag: Flag, word: Word | None, call: Call) -> None:
    if flag.type is None:
        value: Any = word is None or word.text.lower() not in ("false", "0")
    else:
        assert word is not None
        value = flag.type.read((word,), call)
    call.values[flag.key] = value
    if flag.name == "--namespace":
        call.namespace = value
    elif flag.name == "--all-namespaces":
        call.everywhere = bool(value)


def check_complete(line: Line, end: int) -> None:
    """Raise CommandError for what is missing or too much; `end` is where the line ends."""
    if line.waiting is not None:
        flag, word = line.waiting
        raise CommandError(f"error: {word.text} wants a value: {_about(flag.type)}", word)
    command = line.command
    parts = spread(command, line.positional)
    given = {parameter.name for parameter, _ in parts}
    used = sum(len(words) for _, words in parts)
    if used < len(line.positional):
        raise CommandError(f"error: one word too many; usage: {command.usage}", line.positional[used])
    for parameter in command.parameters:
        if parameter.required and parameter.name not in given:
            message = f"error: expected {parameter.type.name} ({parameter.type.about}); usage: {command.usage}"
            raise CommandError(message, Word("", end + 1, end + 1))
    for flag in command.flags:
        if flag.required and flag.name not in line.flags:
            message = f'error: required flag "{flag.name}" is not set; usage: {command.usage}'
            raise CommandError(message, Word("", end + 1, end + 1))


def _about(type: ValueType | None) -> str:
    return type.about if type is not None else "true or false"
