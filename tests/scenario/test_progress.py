"""The bar: only on a terminal, only for what takes long, and never among the lines."""

from __future__ import annotations

import io
import sys

import pytest

from lab.scenario import progress
from lab.scenario.headless import Options, play
from lab.scenario.loader import load
from lab.scenario.player import Player
from lab.scenario.progress import Bar, with_bar


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True

    def seen(self) -> str:
        """What stands on the screen, every erased line left out."""
        return "\n".join(line.rpartition("\r\x1b[K")[2] for line in self.getvalue().split("\n"))


class Wall:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_it_appears_after_a_second_and_says_how_far_it_is() -> None:
    wall, terminal = Wall(), Terminal()
    with Bar("booting", -300.0, 0.0, stream=terminal, now=wall) as bar:
        bar.show(-200.0)
        assert terminal.seen() == ""
        wall.now = 1.5
        bar.show(-75.0)
        assert terminal.seen().startswith("booting [####")
        assert terminal.seen().endswith("] 75%")
        bar.hide()
        assert terminal.seen() == ""
        bar.show(-30.0, "soon")
        assert terminal.seen().endswith(".] soon")
    assert terminal.seen() == ""


@pytest.mark.parametrize("columns", ["80", "40", "12", "1"])
def test_it_fits_the_terminal(monkeypatch: pytest.MonkeyPatch, columns: str) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    wall, terminal = Wall(), Terminal()
    bar = Bar("playing", 0.0, 10.0, stream=terminal, now=wall)
    wall.now = 2.0
    for at in (0.0, 5.0, 10.0, 11.0):
        bar.show(at, "00:05.0 of 00:10.0")
        assert len(terminal.seen()) < int(columns)


def test_where_no_terminal_is_there_is_no_bar() -> None:
    wall, file = Wall(), io.StringIO()
    bar = Bar("playing", 0.0, 10.0, stream=file, now=wall)
    wall.now = 99.0
    bar.show(5.0)
    bar.hide()
    assert file.getvalue() == ""


def test_lines_and_bar_share_a_terminal(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    monkeypatch.setattr(progress, "PATIENCE_S", 0.0)
    monkeypatch.setattr(progress, "_SLICE_S", 0.0)
    monkeypatch.setenv("COLUMNS", "120")
    path = tmp_path / "x.yaml"
    path.write_text("name: x\nduration: 3s\ntraffic: [{to: http://nodes/, rate: 300}]\n", encoding="utf-8")
    plain, shared = io.StringIO(), Terminal()
    play(Player(load(path)), Options(), plain)
    monkeypatch.setattr(sys, "stderr", shared)
    play(Player(load(path)), Options(), shared)
    assert shared.seen() == plain.getvalue()
    for part in ("booting [", "playing [", "] 00:01.0 of 00:03.0", "] 00:02."):
        assert part in shared.getvalue()


def test_results_come_with_a_bar_below_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "PATIENCE_S", 0.0)
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    for number in with_bar("abc", 3):
        terminal.write(f"{number}\n")
    assert terminal.seen() == "a\nb\nc\n"
    assert "] 2/3" in terminal.getvalue()
