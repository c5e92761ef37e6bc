"""One question to a cluster from the shell: build it, run to a moment, give one command, and take its output."""

from __future__ import annotations

from itertools import chain
from typing import NamedTuple

from lab.commands.call import WIDTH
from lab.commands.run import OWN_FAULT
from lab.kube.errors import LabError
from lab.scenario.player import Player
from lab.scenario.progress import Bar, run, start
from lab.scenario.scenario import Scenario
from lab.views.unready import unready_lines

PATIENCE_S = 300.0
"""How many virtual seconds a command that goes on by itself may take."""


class Answer(NamedTuple):
    """What came of a question."""

    lines: tuple[str, ...]
    error: str
    """What the user is told when the command was refused; empty when it was not."""
    own_fault: bool
    """Whether the lab itself failed at it."""
    not_ready: tuple[str, ...]
    """A line for the Pods of each workload that were not Ready when the story began."""


def ask(scenario: Scenario, text: str, *, at_s: float = 0.0, seed: int | None = None, width: int = WIDTH) -> Answer:
    """Play a scenario to a moment and give a command there. Raises `LabError` for a scenario that cannot start."""
    if at_s < 0.0:
        raise LabError("a question can be asked from time 0 on, when the cluster has settled")
    player = Player(scenario, seed=seed)
    engine = player.engine
    with Bar("booting", engine.now, at_s) as bar:
        for now_s in chain(start(player), run(player, at_s)):
            bar.show(now_s)
    try:
        execution = player.give(text, by="shell", width=width)
        while not execution.done and engine.now < at_s + PATIENCE_S:
            engine.run_for(1.0)
        error = execution.error
        if not execution.done:
            error = f"error: no answer within {PATIENCE_S:g} s"
        own_fault, not_ready = error.startswith(OWN_FAULT), tuple(unready_lines(player.not_ready))
        return Answer(tuple(execution.output), error, own_fault, not_ready)
    finally:
        engine.close()
