"""Back in time with a key, forward again, and another branch."""

from pathlib import Path

import pytest

from lab.scenario.loader import load
from lab.scenario.player import Player
from lab.tui.app import LabApp
from tests.tui.screen import started

SMOKE = Path(__file__).parents[1] / "scenario" / "files" / "smoke.yaml"


async def settled(pilot, app):
    """Frames until nothing is sought any more."""
    for _ in range(200):
        app.frame(0.0)
        if app.main is not None and app.main._seeking is None:
            break
    await pilot.pause()


async def playing(pilot, app, until_s):
    await started(app, pilot)
    for _ in range(int(until_s * 10)):
        app.frame(0.1)


def status(app):
    return "".join(span.text for span in app.main.query_one("#status").row(0))


@pytest.mark.asyncio
async def test_left_goes_back_and_right_forward_again():
    app = LabApp(Player(load(SMOKE)), timer=False)
    async with app.run_test(size=(120, 40)) as pilot:
        await playing(pilot, app, 8.0)
        newest = app.main.player
        await pilot.press("left")
        await settled(pilot, app)
        assert app.main.player.engine.now == pytest.approx(3.0)
        assert "past, newest 00:08" in status(app)
        rows = app.main.live.routing.rows
        assert rows
        assert max(row.decision.time for row in rows if row.decision is not None) <= 3.0
        await pilot.press("L")
        await settled(pilot, app)
        assert app.main.player is newest
        assert "past" not in status(app)


@pytest.mark.asyncio
async def test_a_command_in_the_past_begins_a_branch_and_the_screen_says_so():
    app = LabApp(Player(load(SMOKE)), timer=False)
    async with app.run_test(size=(120, 40)) as pilot:
        await playing(pilot, app, 8.0)
        await pilot.press("left")
        await settled(pilot, app)
        app.main.give("kubectl set selector service/web app=nobody")
        app.frame(0.0)
        assert "branch 1" in status(app)
        assert "past" not in status(app)
        app.main.player.engine.paused = False
        for _ in range(20):
            app.frame(0.1)
        await pilot.press("b")
        for _ in range(300):
            app.frame(0.0)
        await pilot.pause()
        text = app.screen.sheet.text
        assert "branch 1 left first at 00:03.0" in text
        assert "$ kubectl set selector service/web app=nobody" in text
        assert "more lost" in text


@pytest.mark.asyncio
async def test_before_there_are_branches_the_key_says_how_to_begin_one():
    app = LabApp(Player(load(SMOKE)), timer=False)
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await playing(pilot, app, 1.0)
        await pilot.press("b")
        await pilot.pause()
        assert any("one branch only" in each.message for each in app._notifications)
