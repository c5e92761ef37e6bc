"""`lab explain`, `lab expose` and `help`: what can be known and done here."""

from __future__ import annotations

from collections.abc import Sequence

from lab.commands.call import Call
from lab.commands.registry import COMMANDS, Command, Parameter, ValueType, children, command
from lab.commands.words import CommandError, Word
from lab.network.exposure import Exposure
from lab.views.table import fields, table

_EXPOSED = ("ADDRESS", "KIND", "SERVICE", "NODE", "POLICY", "ALLOWED FROM")


@command(
    "lab expose",
    "Every address and port that the internet can reach now.",
    examples=("lab expose",),
)
def expose(call: Call) -> None:
    """A line for each node port on each node, each balancer's port, each health check port."""
    found = call.engine.network.open_ports()
    if not found:
        call.say("Nothing is open to the outside: no Service of type NodePort or LoadBalancer has a port.")
        return
    call.say(*table(_EXPOSED, map(_exposed, found)))


def _exposed(port: Exposure) -> tuple[str, ...]:
    sources = ",".join(port.sources) or "anywhere"
    return (str(port), port.kind, port.service, port.node or "<none>", port.policy, sources)


def _read_commands(words: Sequence[Word], call: Call) -> list[Command]:
    """The commands whose names begin with the words."""
    text = " ".join(word.text for word in words)
    found = [one for one in COMMANDS.values() if f"{one.name} ".startswith(f"{text} ")]
    if not found:
        raise CommandError(f'error: there is no command "{text}"', words[-1], COMMANDS)
    return found


def _suggest_command(before: Sequence[Word], call: Call) -> list[str]:
    return children([word.text for word in before])


def _take_all(words: Sequence[Word]) -> int:
    return len(words)


COMMAND = ValueType("COMMAND", "the first words of a command", _read_commands, _suggest_command, _take_all)


@command(
    "help",
    "What can be typed, or one command in full.",
    Parameter("commands", COMMAND, required=False),
    examples=("help", "help kubectl rollout", "help curl"),
)
def show_help(call: Call) -> None:
    """One line a command, or everything about the only one that is meant."""
    found: list[Command] = call.get("commands", list(COMMANDS.values()))
    if len(found) > 1:
        call.say(*fields((one.name, one.summary) for one in found))
        return
    one = found[0]
    call.say(one.summary, "", one.usage)
    values = [(parameter.usage, parameter.type.about) for parameter in one.parameters]
    values += [(f"{flag.short or flag.name}", flag.about) for flag in one.flags]
    if values:
        call.say("", *fields(values, indent=2))
    call.say("", *(f"  {example}" for example in one.examples))
