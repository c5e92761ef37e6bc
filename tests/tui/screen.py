"""What a person would read on the screen, as plain text, for assertions that can be reviewed."""

from __future__ import annotations

from typing import Any

from textual.app import App


def dump(app: App[Any]) -> str:
    """Every line of the app's screen without colours and trailing blanks."""
    strips = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip).rstrip() for strip in strips)
