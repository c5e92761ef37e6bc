"""`lab explain`, `lab expose` and `help`: what can be known and done here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from lab.commands.call import Call
from lab.commands.registry import ALIASES, COMMANDS, Command, Parameter, ValueType, children, command
from lab.commands.values import COUNT
from lab.commands.words import CommandError, Word
from lab.journal import Decision, RequestFinished
from lab.kube.errors import LabError
from lab.views.explanation import explanation_lines
from lab.views.exposure import exposure_lines
from lab.views.spans import text_of
from lab.views.table import fields, table


def _newest(call: Call) -> int:
    """The number of the newest decision; 0 when there is none."""
    return next((event.id for event in call.engine.journal.tail() if isinstance(event, Decision)), 0)


def _read_decision(words: Sequence[Word], call: Call) -> int:
    return _newest(call) if words[0].text.lower() == "last" else int(COUNT.read(words, call))


@command(
    "lab explain",
    "Why a connection went where it went: its way, the rules of the node that decided, each endpoint in or out.",
    Parameter("decision", ValueType("ID", "the number of a decision, as curl prints it, or last", _read_decision)),
    examples=("lab explain 42", "lab explain last"),
)
def explain(call: Call) -> None:
    """Print the account of a decision."""
    number: int = call.values["decision"]
    account = call.engine.network.explain(number)
    if account is not None:
        call.say(text_of(explanation_lines(account, call.width, _finished(call, number))))
        return
    newest = _newest(call)
    if not newest:
        raise LabError("no connection has been made yet")
    if not 0 < number <= newest:
        raise LabError(f"there is no decision {number}: they are numbered from 1 to {newest}")
    raise LabError(f"decision {number} was made too long ago: its tables are no longer kept")


def _finished(call: Call, decision: int) -> RequestFinished | None:
    """The newest request on a decision's connection, while the journal remembers it."""
    events = call.engine.journal.tail()
    return next((event for event in events if isinstance(event, RequestFinished) and event.decision == decision), None)


@command(
    "lab expose",
    "Every address and port that the internet can reach now.",
    examples=("lab expose",),
)
def expose(call: Call) -> None:
    """A line for each node port on each node, each balancer's port, each health check port."""
    call.say(text_of(exposure_lines(call.engine.network.open_ports(), call.width)))


class Topic(NamedTuple):
    """What help is wanted of."""

    command: Command | None
    """The one whose name was given in full."""
    others: list[Command]
    """Those whose names begin with the words that were given."""


def _read_topic(words: Sequence[Word], call: Call) -> Topic:
    """The commands whose names begin with the words; a single one is meant even when its name is not given in full."""
    names = [word.text for word in words]
    text = " ".join([ALIASES.get(names[0], names[0]), *names[1:]])
    named = COMMANDS.get(text)
    found = [one for one in COMMANDS.values() if f"{one.name} ".startswith(f"{text} ") and one is not named]
    if named is None and not found:
        raise CommandError(f'error: there is no command "{text}"', words[-1], COMMANDS)
    return Topic(found[0], []) if named is None and len(found) == 1 else Topic(named, found)


def _suggest_command(before: Sequence[Word], call: Call) -> list[str]:
    return children([word.text for word in before])


def _take_all(words: Sequence[Word]) -> int:
    return len(words)


COMMAND = ValueType("COMMAND", "the first words of a command", _read_topic, _suggest_command, _take_all)


@command(
    "help",
    "What can be typed, or one command in full.",
    Parameter("topic", COMMAND, required=False),
    examples=("help", "help kubectl rollout", "help curl"),
)
def show_help(call: Call) -> None:
    """Everything about the command that is meant, and a line for each other one that begins with its words."""
    topic: Topic = call.get("topic", Topic(None, list(COMMANDS.values())))
    if topic.command is not None:
        call.say(*_in_full(topic.command))
    if topic.others:
        call.say(*(["", f"Commands that begin with {topic.command.name}:"] if topic.command is not None else []))
        call.say(*table(("", ""), [(one.name, one.summary) for one in topic.others], headers=False))


def _in_full(one: Command) -> list[str]:
    values = [(parameter.usage, parameter.type.about) for parameter in one.parameters]
    values += [(f"{flag.short or flag.name}", flag.about) for flag in one.flags]
    listed = ["", *fields(values, indent=2)] if values else []
    return [one.summary, "", one.usage, *listed, "", *(f"  {example}" for example in one.examples)]
