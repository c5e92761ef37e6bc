"""docs/commands.md, made from the registry: `python -m lab.commands.reference > docs/commands.md`."""

from __future__ import annotations

from collections.abc import Iterator

from lab.commands import verbs as _registered  # noqa: F401 - fills the registry
from lab.commands.registry import COMMANDS, Command, Flag

_OPENING = """\
# Commands

What is typed at the `:` prompt is what stands in a scenario's timeline. This page is made from the registry of
commands: `python -m lab.commands.reference > docs/commands.md`.

`kubectl` may be shortened to `k`. Kinds have their usual names (`pods`, `po`, `deployment.apps`), and `pod/web-1` is
the same as `pod web-1`. A word that is no command, name or flag is pointed at, with the nearest one that is.
"""


def reference() -> str:
    """The whole page."""
    return "\n".join([_OPENING, *(line for command in COMMANDS.values() for line in _section(command))])


def _section(command: Command) -> Iterator[str]:
    yield f"## {command.name}"
    yield ""
    yield command.summary + (" Asks before it is done on a screen." if command.danger else "")
    yield ""
    yield from ("```", command.usage, "```", "")
    rows = [*(_parameter(one.type.name, one.type.about) for one in command.parameters), *map(_flag, command.flags)]
    if rows:
        yield from (*rows, "")
    yield from ("Examples:", "", "```", *command.examples, "```", "")


def _parameter(name: str, about: str) -> str:
    return f"- `{name}`: {about}"


def _flag(flag: Flag) -> str:
    names = f"{flag.short}, {flag.name}" if flag.short else flag.name
    value = f" {flag.type.name} ({flag.type.about})" if flag.type is not None else ""
    return f"- `{names}`{value}: {flag.about}{'; required' if flag.required else ''}"


if __name__ == "__main__":
    print(reference(), end="")
