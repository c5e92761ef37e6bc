"""The one way in: a line becomes a command, acts on the engine and is journaled."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from lab.cluster.errors import ServerDown, StoreError
from lab.commands.call import WIDTH, Call, Files
from lab.commands.complete import complete
from lab.commands.execution import Execution
from lab.commands.fault import broke, mended
from lab.commands.parser import bind, take_apart
from lab.commands.registry import COMMANDS, Command
from lab.commands.words import CommandError, split
from lab.journal import CommandGiven, CommandRefused
from lab.kube.errors import LabError

if TYPE_CHECKING:
    from lab.engine import Engine

__all__ = ["COMMANDS", "OWN_FAULT", "Command", "Execution", "complete", "find", "run"]

OWN_FAULT = "error: the lab itself failed at this command"
"""How an error begins that is no fault of the one who typed."""


def run(engine: Engine, text: str, *, by: str = "prompt", files: Files | None = None, width: int = WIDTH) -> Execution:
    """Give a command; `by` says who does (prompt, timeline, key, clock). Never raises: see the Execution's `error`.

    `files` reads manifests for `-f`; without it such a command says that reading files is not offered here.
    `width` is how many cells a line of output may take, for what can be folded.
    """
    execution = Execution(text, by)
    call = Call(engine, execution, files=files, width=width, give=partial(_by_clock, engine))
    engine.journal.append(CommandGiven(engine.now, text, by))
    error = _act(call, text)
    if error:
        engine.journal.append(CommandRefused(engine.now, text, by, error.partition("\n")[0]))
    if error or not call.running:
        execution.finish(error)
    return execution


def find(text: str) -> Command | None:
    """The command that a line begins with, to ask before a dangerous one; None when it is no command."""
    try:
        return take_apart(split(text)).command
    except CommandError:
        return None


def _by_clock(engine: Engine, text: str) -> list[str]:
    """Give a command that follows from another one, now or later; what it says."""
    execution = run(engine, text, by="clock")
    return [*execution.output, *([execution.error] if execution.error else [])]


def _did(call: Call, command: Command, done: str | list[str] | None) -> None:
    """What a command has broken or mended is kept in mind."""
    for words in [done] if isinstance(done, str) else done or ():
        if command.fault is None:
            mended(call.engine, command.name, words)
        else:
            broke(call, command.fault, words)


def _act(call: Call, text: str) -> str:
    """Parse and do it; the error for the user, or nothing."""
    try:
        line = take_apart(split(text))
        if line.command.asks_api_server and call.store.down:
            return str(ServerDown())
        bind(line, call, len(text.rstrip()))
        _did(call, line.command, line.command.action(call))
    except CommandError as error:
        return error.shown(text)
    except StoreError as error:
        return f"Error from server ({error.reason}): {error}"
    except LabError as error:
        return f"error: {error}"
    except Exception as error:  # whatever it is, the one who typed gets a sentence and the run goes on
        return f"{OWN_FAULT}: {error!r}"
    return ""
