"""Plays the tutorial: `python -m tests.tutorial` writes the answers of a real run into docs/tutorial.md."""

from __future__ import annotations

import re
from pathlib import Path

from lab.commands.execution import Execution
from lab.commands.run import run
from lab.scenario.own_cluster import OwnCluster, scenario_of
from lab.scenario.player import Player

PAGE = Path(__file__).parents[1] / "docs" / "tutorial.md"
BLOCK = re.compile(r"```lab\n(.*?)```", re.DOTALL)
LATER = re.compile(r"\((\d+) seconds? later\)")


def typed(page: str) -> str:
    """The page with nothing but what the reader types."""

    def strip(block: re.Match[str]) -> str:
        lines = [line for line in block[1].splitlines() if line.startswith(": ") or LATER.fullmatch(line)]
        return "```lab\n" + "\n".join(lines) + "\n```"

    return BLOCK.sub(strip, page)


def played(page: str) -> str:
    """The page with the answers that a run gives to what is typed on it."""
    player = Player(scenario_of(OwnCluster(paths=(str(PAGE.parent / "tutorial"),), traffic="none")))
    player.start()

    def answer(block: re.Match[str]) -> str:
        return "```lab\n" + "\n".join(_answers(player, block[1].splitlines())) + "\n```"

    try:
        return BLOCK.sub(answer, typed(page))
    finally:
        player.engine.close()


def _answers(player: Player, lines: list[str]) -> list[str]:
    """Each line with what it prints, also while time passes after it."""
    engine = player.engine
    said: list[str] = []
    pending: Execution | None = None
    for line in lines:
        said.append(line)
        later = LATER.fullmatch(line)
        if later:
            engine.run_for(float(later[1]))
            said += pending.output if pending is not None else []
            pending = None
            continue
        execution = run(engine, line.removeprefix(": "))
        engine.run_for(1.0)
        assert not execution.error, (line, execution.error)
        if execution.done:
            said += execution.output
        else:
            pending = execution
    assert pending is None, f"{pending.text} is not over: let some seconds pass after it"
    return said


if __name__ == "__main__":
    PAGE.write_text(played(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
