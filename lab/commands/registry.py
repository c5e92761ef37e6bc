"""What a command is, and the one table of all of them: help, completion, keys, prompt and scripts read it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lab.commands.call import Call
    from lab.commands.words import Word
    from lab.engine import Engine

Action = Callable[["Call"], "str | list[str] | None"]
"""What a command does. One that breaks something, or mends it, returns the words that follow the name of the command
that mends it, such as `node/worker-2`, or those of each when it was several; the others return nothing."""

ALIASES = {"k": "kubectl"}
"""First words that stand for another."""
OTHER_NAMES = {"kubectl get ev": "kubectl get events", "kubectl get event": "kubectl get events"}
"""Whole names that stand for another command's."""


def _one(words: Sequence[Word]) -> int:
    return 1


def _nothing(before: Sequence[Word], call: Call) -> Iterable[str]:
    return ()


@dataclass(frozen=True)
class ValueType:
    """A kind of value: how it is read from words, how many words it takes, and what could stand there."""

    name: str
    """As the usage line shows it: `NODE`, `DURATION`."""
    about: str
    """What is expected, for error messages and help."""
    read: Callable[[Sequence[Word], Call], Any]
    """The value; raises a LabError that says what was expected."""
    suggest: Callable[[Sequence[Word], Call], Iterable[str]] = _nothing
    """What could come after the words `before` that this value already has."""
    takes: Callable[[Sequence[Word]], int] = _one
    """How many of the words at hand belong to it, at least one."""


@dataclass(frozen=True)
class Parameter:
    """A value told by its place."""

    name: str
    type: ValueType
    required: bool = True

    @property
    def usage(self) -> str:
        """`NODE`, or `[NODE]` when it may be left out."""
        return self.type.name if self.required else f"[{self.type.name}]"


@dataclass(frozen=True)
class Flag:
    """A value told by its name, or a switch when it has no type."""

    name: str
    about: str
    type: ValueType | None = None
    short: str = ""
    required: bool = False

    @property
    def key(self) -> str:
        """The name under which an action finds the value."""
        return self.name.removeprefix("--").replace("-", "_")

    @property
    def usage(self) -> str:
        """`--replicas=COUNT`, or `[-n NAMESPACE]` for what may be left out."""
        if self.type is None:
            text = self.short or self.name
        else:
            text = f"{self.short} {self.type.name}" if self.short else f"{self.name}={self.type.name}"
        return text if self.required else f"[{text}]"


@dataclass(frozen=True)
class Place:
    """Where a fault stands in the fault menu."""

    kind: str
    """The kind of object that it is about; empty for the cluster as a whole."""
    label: str
    """What it is and does."""
    mend: str = ""
    """What the menu calls its undo; empty when there is none."""
    words: str = "{kind}/{name}{in}"
    """What follows the command's name: `{kind}` and `{name}` of the object, `{in}` its namespace as a flag."""
    options: str = ""
    """What follows after that when it is broken."""


@dataclass(frozen=True)
class Fault:
    """What makes a command a fault: how it is undone, and where the fault menu has it."""

    undo: str
    """The name of the command that mends it; empty when nothing has to."""
    broken: Callable[[Engine], Iterable[str]] = lambda engine: ()
    """What is broken in this way now: the words that follow the name of the undo."""
    places: tuple[Place, ...] = ()


@dataclass(frozen=True)
class Command:
    """Something that can be typed, scripted, bound to a key."""

    name: str
    """The words that it begins with, such as `kubectl scale`."""
    summary: str
    """One sentence, as it stands in the help."""
    action: Action
    parameters: tuple[Parameter, ...] = ()
    flags: tuple[Flag, ...] = ()
    examples: tuple[str, ...] = ()
    danger: bool = False
    """Whether it takes something away, so that a screen asks before it does it."""
    makes: str = ""
    """The kind of the object that it creates under the name that its first parameter gives, if it does."""
    fault: Fault | None = None
    """What it breaks, if it breaks something."""

    @property
    def usage(self) -> str:
        """The whole form on one line."""
        return " ".join((self.name, *(one.usage for one in self.parameters), *(one.usage for one in self.flags)))

    @property
    def asks_api_server(self) -> bool:
        """Whether it goes to the API server, as everything of kubectl does; the lab's own commands do not."""
        return self.name.startswith("kubectl ")

    def flag(self, word: str) -> Flag | None:
        """The flag that is written `--name` or `-n`."""
        return next((one for one in self.flags if word in (one.name, one.short)), None)


COMMANDS: dict[str, Command] = {}
"""Every command by its name, in the order of the help."""


def command(
    name: str,
    summary: str,
    *parameters: Parameter,
    flags: tuple[Flag, ...] = (),
    examples: tuple[str, ...],
    danger: bool = False,
    makes: str = "",
    fault: Fault | None = None,
) -> Callable[[Action], Action]:
    """Put the decorated action into the registry."""

    def register(action: Action) -> Action:
        COMMANDS[name] = Command(name, summary, action, parameters, flags, examples, danger, makes, fault)
        return action

    return register


def longest_name() -> int:
    """How many words the longest name of a command has."""
    return max(len(name.split()) for name in (*COMMANDS, *OTHER_NAMES))


def children(before: Sequence[str]) -> list[str]:
    """The words that can follow the first words of a command's name, each once."""
    depth = len(before)
    names = (name.split() for name in COMMANDS)
    return list(dict.fromkeys(words[depth] for words in names if len(words) > depth and words[:depth] == list(before)))
