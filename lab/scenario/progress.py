"""A bar for who waits at a terminal, and the runs that it follows."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, TextIO, TypeVar

if TYPE_CHECKING:
    from lab.scenario.player import Player

T = TypeVar("T")

PATIENCE_S = 1.0
"""How many wall seconds pass before a bar appears."""
_SLICE_S = 0.2
"""How many wall seconds a run goes on before it says how far it is."""
_WIDEST = 72
_ERASE = "\r\x1b[K"


class Bar:
    """One line on standard error that says how far something is, from `begin` to `end`; nothing where no terminal is.

    It is hidden while lines are printed. It has no thread, so processes may be forked meanwhile, and costs
    microseconds, so it may stand below a thousand lines.
    """

    def __init__(
        self,
        what: str,
        begin: float,
        end: float,
        *,
        stream: TextIO | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._what, self._begin, self._end = what, begin, end
        self._stream = sys.stderr if stream is None else stream
        self._now = now
        self._due_s = now() + PATIENCE_S if self._stream.isatty() else float("inf")
        self._visible = False

    def __enter__(self) -> Bar:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.hide()

    def show(self, at: float, text: str = "") -> None:
        """Say that it is at `at`, in other words at `text`."""
        if self._now() < self._due_s:
            return
        share = (at - self._begin) / (self._end - self._begin) if self._end > self._begin else 1.0
        head, tail = f"{self._what} [", f"] {text or f'{min(share, 1.0):.0%}'}"
        columns = min(shutil.get_terminal_size().columns - 1, _WIDEST)
        room = max(columns - len(head) - len(tail), 0)
        filled = round(room * min(max(share, 0.0), 1.0))
        line = f"{head}{'#' * filled}{'.' * (room - filled)}{tail}"
        self._stream.write(f"{_ERASE}{line[: max(columns, 0)]}")
        self._stream.flush()
        self._visible = True

    def hide(self) -> None:
        """Make room for lines."""
        if self._visible:
            self._stream.write(_ERASE)
            self._stream.flush()
            self._visible = False


def with_bar(results: Iterable[T], total: int) -> Iterator[T]:
    """The same results, with a bar below whatever is printed about each."""
    with Bar("playing", 0, total) as bar:
        for done, result in enumerate(results, 1):
            bar.hide()
            yield result
            bar.show(done, f"{done}/{total}")


def start(player: Player) -> Iterator[float]:
    """Start a player as `Player.start` does; says now and then at which virtual time it is. Raises `LabError`."""
    player.boot()
    while not player.engine.run_until(0.0, _SLICE_S):
        yield player.engine.now
    player.begin()


def run(player: Player, to_s: float) -> Iterator[float]:
    """Let a started player run to a moment; says now and then at which virtual time it is."""
    while not player.run_until(to_s, _SLICE_S):
        yield player.engine.now
