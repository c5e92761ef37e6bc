"""Keys that come in one piece act in their order, as keys do that come one by one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from textual._xterm_parser import XTermParser
from textual.pilot import Pilot

from lab.journal import CommandGiven
from lab.tui.app import LabApp
from lab.tui.screens.main import MainScreen
from tests.tui.demo import DemoPlayer
from tests.tui.screen import dump, started

pytestmark = pytest.mark.asyncio


@pytest.fixture(autouse=True)
def _nothing_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine of these tests has no parts that could be."""
    monkeypatch.setattr("lab.commands.fault._broken_lines", lambda engine: ())


@asynccontextmanager
async def typed(text: str) -> AsyncIterator[tuple[LabApp, MainScreen, Pilot[int]]]:
    """The screen after a terminal has sent `text` in one piece."""
    app = LabApp(DemoPlayer(), timer=False)  # type: ignore[arg-type]
    async with app.run_test(size=(120, 40)) as pilot:
        await started(app, pilot)
        for _ in range(20):
            app.frame(0.1)
        await pilot.pause()
        assert app._driver is not None
        assert app.main is not None
        assert app.main.routing.rows
        for event in XTermParser().feed(text):
            app._driver.send_message(event)
        for _ in range(3):
            await pilot.pause()
        assert app.main is not None
        yield app, app.main, pilot


def commands(main: MainScreen) -> list[str]:
    return [event.text for event in main.player.engine.journal.read().events if isinstance(event, CommandGiven)]


async def test_what_follows_the_colon_is_typed_into_the_prompt() -> None:
    async with typed(":kubectl get xyz qf+-") as (_, main, _pilot):
        assert main.prompt.value == "kubectl get xyz qf+-"
        assert main.focused is main.prompt
        assert main.player.engine.speed == 1.0
        assert commands(main) == []


async def test_several_commands_in_one_piece_are_given_one_after_the_other() -> None:
    async with typed(":kubectl get pods\rkubectl get nodes\rcurl") as (_, main, _pilot):
        assert commands(main) == ["kubectl get pods", "kubectl get nodes"]
        assert main.prompt.value == "curl"


async def test_corrections_among_them_hit_what_they_followed() -> None:
    async with typed(":kubectk\x7fl get po\x1b[D\x1b[Dxy") as (_, main, _pilot):
        assert main.prompt.value == "kubectl get xypo"


async def test_a_filter_and_what_is_pressed_after_it() -> None:
    async with typed("/timeout\r ") as (_, main, _pilot):
        assert main.routing.filter_text == "timeout"
        assert main.player.engine.paused


async def test_keys_that_move_the_focus_lead_those_after_them() -> None:
    async with typed("1\x1b[B" + "f") as (app, _main, _pilot):
        assert "lab fail node/worker-1" in dump(app)
    async with typed("1\x1b[B" + "f\r" + "y") as (app, main, _pilot):
        assert app.screen is main
        assert commands(main) == ["lab fail node/worker-1"]
    async with typed("\x1b[A\r" + "q") as (app, main, _pilot):
        assert app.screen is main
        assert not app._exit
    async with typed("4x" + "2z") as (_, main, _pilot):
        assert list(main.body.places) == ["services"]
        assert main.body.hidden == {"events"}


async def test_a_command_that_takes_something_away_is_asked_about_first() -> None:
    async with typed(":lab fail node/worker-1\r") as (app, main, pilot):
        assert commands(main) == []
        assert "This takes something away" in dump(app)
        await pilot.press("escape")
        await pilot.pause()
        assert commands(main) == []
    async with typed(":lab fail node/worker-1\ry") as (app, main, _pilot):
        assert commands(main) == ["lab fail node/worker-1"]
        assert app.screen is main
