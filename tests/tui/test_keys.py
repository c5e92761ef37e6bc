"""Which keys there are."""

from __future__ import annotations

from typing import Any

import pytest

from lab.tui.app import LabApp
from lab.tui.screens.help import key_name
from lab.tui.screens.main import MainScreen
from lab.tui.widgets.nodes import NodesPane
from lab.tui.widgets.pane import Pane


@pytest.mark.parametrize(
    ("classes", "shared"),
    [((LabApp, MainScreen, Pane), set()), ((LabApp, MainScreen, Pane, NodesPane), {"left", "right"})],
)
def test_no_key_is_bound_twice(classes: tuple[Any, ...], shared: set[str]) -> None:
    """But for arrows in the one pane where boxes stand side by side, as help says."""
    keys = [key for each in classes for binding in each.BINDINGS for key in binding.key.split(",")]
    assert {key for key in keys if keys.count(key) > 1} == shared


def test_keys_are_called_what_stands_on_them() -> None:
    names = [key_name(key) for key in ("left_square_bracket", "shift+left", "pageup", "z", "ctrl+t", "full_stop")]
    assert names == ["[", "Shift+←", "PgUp", "z", "Ctrl+t", "."]
