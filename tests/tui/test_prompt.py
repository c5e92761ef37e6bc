"""The prompt, and what commands print."""

from __future__ import annotations

import pytest

from lab.views.spans import plain
from tests.tui.playing import playing
from tests.tui.screen import dump

pytestmark = pytest.mark.asyncio


async def test_tab_offers_one_completion_after_the_other() -> None:
    async with playing() as (_app, main, pilot):
        await pilot.press("colon", *"kubectl scale dep", "tab")
        assert main.prompt.value == "kubectl scale deployment"
        offered = [f"kubectl scale {choice}" for choice in main.prompt.choices]
        assert offered[:2] == ["kubectl scale deployments", "kubectl scale deployment/"]
        for line in [*offered, *offered]:
            await pilot.press("tab")
            assert main.prompt.value == line


async def test_a_colon_typed_into_the_open_prompt_is_no_part_of_the_command() -> None:
    async with playing() as (app, main, pilot):
        await pilot.press("colon", "colon", *"kubectl get pods", "enter")
        app.frame(0.0)
        await pilot.pause()
        assert "│: kubectl get pods" in dump(app)
        assert main.prompt.history == ["kubectl get pods"]


async def test_a_long_output_begins_at_its_beginning_and_can_be_turned_and_maximised() -> None:
    async with playing((80, 24)) as (app, main, pilot):
        await pilot.press("colon", *"help", "enter")
        app.frame(0.0)
        await pilot.pause()
        assert "│: help" in dump(app)
        assert "more lines: PgDn" in dump(app)
        await pilot.press("pagedown")
        assert "│: help" not in dump(app)
        await pilot.press("escape")
        await pilot.pause()
        assert main.focused is main.output
        await pilot.press("home", "z")
        await pilot.pause()
        assert main.output.size.height == 22
        assert "│: help" in dump(app)
        await pilot.press("escape")
        await pilot.pause()
        assert not main.output.display
        assert main.focused is main.routing
        assert "Routing, live" in dump(app)


async def test_escape_drops_the_filter_before_it_closes_an_output_that_nobody_reads() -> None:
    async with playing() as (_app, main, pilot):
        await pilot.press("colon", *"kubectl get pods", "enter", "escape", "3", "slash", *"timeout", "enter")
        assert (main.output.display, main.routing.filter_text) == (True, "timeout")
        await pilot.press("escape")
        assert (main.output.display, main.routing.filter_text) == (True, "")
        await pilot.press("escape")
        assert not main.output.display


async def test_lines_that_are_too_long_for_the_output_are_folded() -> None:
    async with playing((80, 24)) as (app, main, pilot):
        await pilot.press("colon", *"kubectl get nosuchresource", "enter")
        app.frame(0.0)
        await pilot.pause()
        assert all(len(plain(main.output.page.line(y))) <= 78 for y in range(main.output.page.height))
        assert "…" not in "\n".join(plain(main.output.page.line(y)) for y in range(main.output.page.height))
