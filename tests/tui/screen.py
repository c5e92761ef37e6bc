"""Waiting for the screen, and what a person would read on it, as plain text that can be reviewed."""

from __future__ import annotations

from typing import Any

import pytest
from textual.app import App
from textual.pilot import Pilot

from lab.tui.app import LabApp


def dump(app: App[Any]) -> str:
    """Every line of the app's screen without colours and trailing blanks."""
    strips = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip).rstrip() for strip in strips)


async def started(app: LabApp, pilot: Pilot[int], before: object = None) -> None:
    """Wait for a main screen other than `before`; a bounded number of turns, so that a failure ends the test."""
    for _ in range(400):
        if app.main is not None and app.main is not before:
            await pilot.pause()
            return
        await pilot.pause()
    pytest.fail(dump(app))
