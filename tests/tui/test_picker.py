"""The picker: a list and what the selected scenario shows."""

from __future__ import annotations

import pytest

from lab.tui.app import LabApp
from lab.tui.widgets.pane import Pane

pytestmark = pytest.mark.asyncio


async def test_the_preview_of_the_picker_can_be_read_and_played_from() -> None:
    app = LabApp(None, timer=False)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.press("2")
        preview = app.screen.query_one("#preview", Pane)
        assert app.screen.focused is preview
        for _ in range(400):
            await pilot.pause(0.005)
            if preview.page.height > preview.inner.height:
                break
        await pilot.press("down", "down")
        assert preview.top == 2
        await pilot.press("1")
        assert app.screen.focused is app.screen.query_one("#list")
        await pilot.press("2", "enter")
        await pilot.pause()
        assert app.player is not None
        assert app.player.scenario.name == "cluster-ip"
