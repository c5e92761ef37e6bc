"""The main screen over the player that was made by hand, two seconds into its story."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from textual.pilot import Pilot

from lab.tui.app import LabApp
from lab.tui.screens.main import MainScreen
from tests.tui.demo import DemoPlayer
from tests.tui.screen import started


@asynccontextmanager
async def playing(
    size: tuple[int, int] = (120, 40), **player: Any
) -> AsyncIterator[tuple[LabApp, MainScreen, Pilot[int]]]:
    app = LabApp(DemoPlayer(**player), timer=False)  # type: ignore[arg-type]
    async with app.run_test(size=size) as pilot:
        await started(app, pilot)
        for _ in range(20):
            app.frame(0.1)
        await pilot.pause()
        main = app.main
        assert main is not None
        yield app, main, pilot
