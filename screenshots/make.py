"""Pictures of real runs: `python -m screenshots.make [NAME ...]` writes SVG and PNG into this folder.

Each shot plays a scenario headless, in Textual's own headless mode, to a fixed moment with the scenario's own seed,
presses keys, and draws one frame: the same picture every time.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import NamedTuple

from lab.scenario.catalogue import find
from lab.scenario.loader import load
from lab.scenario.player import Player
from lab.tui.app import LabApp
from lab.tui.screens.main import MainScreen
from screenshots.render import write

FOLDER = Path(__file__).parent
_SLICE_S = 0.5


class Shot(NamedTuple):
    """A picture: which scenario, when, how large, and what is pressed before it is taken."""

    name: str
    scenario: str
    at_s: float
    size: tuple[int, int]
    keys: tuple[str, ...] = ()
    filter: str = ""
    """Select the newest connection that matches before the keys are pressed."""


SHOTS = (
    Shot("cluster-ip", "cluster-ip", 8.0, (120, 40)),
    Shot("node-port-exposed", "node-port", 30.0, (120, 40), ("o",)),
    Shot("load-balancer", "load-balancer", 40.0, (160, 46)),
    Shot("load-balancer-node-lost", "load-balancer", 72.0, (200, 50)),
    Shot("why", "load-balancer", 20.0, (120, 44), ("enter",), "web"),
    Shot("small-terminal", "cluster-ip", 20.0, (80, 24)),
    Shot("faults", "load-balancer", 20.0, (120, 40), ("1", "down", "f")),
)


async def take(shot: Shot) -> None:
    """Play up to the moment, press the keys, write the picture."""
    app = LabApp(Player(load(find(shot.scenario))), timer=False)
    async with app.run_test(size=shot.size) as pilot:
        while app.main is None:
            await pilot.pause()
        main = app.main
        while app.player is not None and app.player.engine.now < shot.at_s:
            app.frame(min(_SLICE_S, shot.at_s - app.player.engine.now), budget_s=60.0)
        await pilot.pause()
        if shot.filter:
            _select(main, shot.filter)
        await pilot.press(*shot.keys)
        app.draw()
        await pilot.pause()
        write(app, FOLDER / shot.name, f"lab play {shot.scenario}")


def _select(main: MainScreen, words: str) -> None:
    """Select the newest finished connection that matches."""
    routing = main.routing
    found = [i for i, row in enumerate(routing.rows) if row.finished is not None and words in row.text]
    if found:
        routing.choose(found[-1])


def main() -> None:
    """Take the pictures that were named, or all of them."""
    wanted = sys.argv[1:]
    for shot in SHOTS:
        if not wanted or shot.name in wanted:
            asyncio.run(take(shot))
            print(f"screenshots/{shot.name}.svg .png")


if __name__ == "__main__":
    main()
