"""`lab faults` and `lab mend`: what is broken now, and everything whole again."""

from __future__ import annotations

import math

from lab.commands.call import Call
from lab.commands.fault import BrokenNow, broken_now, by_kubectl
from lab.commands.registry import command
from lab.kube.errors import LabError
from lab.views.format import stamp
from lab.views.table import table


def _found(call: Call) -> list[BrokenNow]:
    """What is broken. Raises LabError where that is for somebody to find out."""
    if call.engine.riddle:
        raise LabError("to find out what is broken is the task of this kata; when it is solved this is told")
    return broken_now(call.engine)


@command(
    "lab faults",
    "What is broken now, since when and until when, with the command that mends each.",
    examples=("lab faults",),
)
def faults(call: Call) -> None:
    """A line for each."""
    found = _found(call)
    if found:
        call.say(*table(("SINCE", "UNTIL", "MENDED BY"), map(_row, found)))
    else:
        call.say("Nothing is broken.")


def _row(broken: BrokenNow) -> tuple[str, str, str]:
    how = broken.how
    if how is None:
        return "?", "mended", broken.undo
    return stamp(how.since_s), "mended" if how.until_s == math.inf else stamp(how.until_s), broken.undo


@command(
    "lab mend",
    "Undo everything that is broken now.",
    examples=("lab mend",),
)
def mend(call: Call) -> None:
    """Give the undo of each; what needs the API server comes when that may be back."""
    found = sorted(_found(call), key=lambda broken: by_kubectl(broken.undo))
    for broken in found:
        call.say(broken.undo, *(f"  {line}" for line in call.give(broken.undo)))
    if not found:
        call.say("Nothing is broken.")
