"""Every scenario that comes along has the journal of a headless run when it is played on the screen."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.scenario.catalogue import catalogue
from lab.scenario.loader import load
from lab.scenario.player import Player
from lab.scenario.scenario import Scenario
from lab.tui.app import LabApp
from tests.tui.screen import dump, started

pytestmark = pytest.mark.asyncio

FRAMES = 40
"""In how many frames each is watched: few and long ones, so that the test is about the engine and the readers."""
RUNS = {entry.name: entry.path for entry in catalogue()}


def alone(scenario: Scenario) -> str:
    """The journal's hash without a screen."""
    player = Player(scenario)
    player.start()
    player.run_until(scenario.duration_s)
    player.drain()
    return player.report().journal


@pytest.mark.parametrize("path", RUNS.values(), ids=RUNS)
async def test_the_screen_changes_nothing(path: Path) -> None:
    scenario = load(path)
    app = LabApp(Player(scenario), timer=False, speed=scenario.duration_s * 10 / FRAMES)
    async with app.run_test(size=(120, 40)) as pilot:
        await started(app, pilot)
        player = app.player
        assert player is not None
        keys = iter(
            ("up", "enter", "escape", "1", "down", "d", "escape", "2", "down", "o", "escape", "v", "h", "escape")
        )
        for _ in range(20 * FRAMES):
            app.frame(0.1)
            key = next(keys, "")
            if key:
                await pilot.press(key)
            if player.finished and not player.engine.behind_s:
                break
        assert player.finished, dump(app)
        assert player.report().journal == alone(scenario)
