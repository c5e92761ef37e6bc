"""A recording again, and whether it is the same run: the journal is compared at every mark."""

from __future__ import annotations

from collections.abc import Callable

from lab.recording.tape import Mark, Tape, mark_of
from lab.scenario.player import Player


class Replay:
    """The run of a tape; `verdict` says how far it is known to be the same."""

    def __init__(self, tape: Tape, *, waits: bool = False) -> None:
        self.tape = tape
        self.player: Player = tape.player(waits=waits)
        self.differs_at_s: float | None = None
        """The first mark at which the journal was another one; None while it is the same."""
        self.compared = 0
        """How many marks were reached."""
        self.on_done: list[Callable[[str], object]] = []
        """Called with the verdict when the last mark was reached, or the first one that differs."""
        for mark in tape.marks:
            self.player.at_quiet(mark.time_s, lambda mark=mark: self._compare(mark))  # type: ignore[misc]

    @property
    def same(self) -> bool:
        """Whether every mark that was reached was the same."""
        return self.differs_at_s is None

    @property
    def verdict(self) -> str:
        """A sentence for the user."""
        if self.differs_at_s is not None:
            return f"the journal differs from the recorded one, at the latest from {self.differs_at_s:.3f} s on"
        if not self.tape.marks:
            return "the recording breaks off before there was anything to compare"
        if self.compared < len(self.tape.marks):
            return f"the journal is the same so far ({self.compared} of {len(self.tape.marks)} marks)"
        last = self.tape.marks[-1]
        return f"the journal is the same: {last.events:,} events up to {last.time_s:.3f} s, {last.digest}"

    def _compare(self, mark: Mark) -> None:
        if self.differs_at_s is not None:
            return
        self.compared += 1
        if mark_of(self.player) != mark:
            self.differs_at_s = mark.time_s
        if self.differs_at_s is not None or self.compared == len(self.tape.marks):
            for listener in self.on_done:
                listener(self.verdict)
