"""Time that has passed under the user's hands: back, forward, to the newest moment, and what would have been."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar

from textual.binding import Binding, BindingType

from lab.recording.timeline import Timeline
from lab.views import format as fmt

if TYPE_CHECKING:
    from textual.screen import Screen

    from lab.scenario.player import Player

    _Base = Screen[None]
else:
    _Base = object

SHORT_S, LONG_S = 5.0, 60.0
_SLICES = 8
"""How many slices of seeking are run for a frame."""


class Past(_Base):
    """What the main screen can do with the past. Needs `follow` and `frame`."""

    KEYS: ClassVar[list[BindingType]] = [
        Binding("left,left_square_bracket", f"seek(-{SHORT_S})", "Back", id="time.back", tooltip="5 s back"),
        Binding("right,right_square_bracket", f"seek({SHORT_S})", "Forward", id="time.forward", tooltip="5 s forward"),
        Binding(
            "shift+left,left_curly_bracket",
            f"seek(-{LONG_S})",
            "Back a minute",
            id="time.far-back",
            tooltip="60 s back",
            show=False,
        ),
        Binding(
            "shift+right,right_curly_bracket",
            f"seek({LONG_S})",
            "Forward a minute",
            id="time.far-forward",
            tooltip="60 s forward",
            show=False,
        ),
        Binding("B", "first", "Beginning", id="time.first", tooltip="To the beginning of the story", show=False),
        Binding("L", "newest", "Newest", id="time.newest", tooltip="To the newest moment of this run", show=False),
        Binding(
            "b",
            "branches",
            "Branches",
            id="time.branches",
            tooltip="The ways that this run has gone, compared",
            show=False,
        ),
    ]
    player: Player
    timeline: Timeline
    _seeking: Iterator[Any] | None = None

    def follow(self, player: Player) -> None:
        """Show another run; the screen's."""

    def frame(self) -> None:
        """Draw what changed; the screen's."""

    # -- seeking ----------------------------------------------------------------------------------------------

    def action_seek(self, seconds: float) -> None:
        """Go back, or forward up to the newest moment."""
        self.seek(self.player.engine.now + seconds)

    def action_first(self) -> None:
        """Go to the beginning of the story."""
        self.seek(0.0)

    def action_newest(self) -> None:
        """Go to the newest moment that this branch has reached."""
        self.seek(self.timeline.end_s)

    def seek(self, when_s: float) -> None:
        """Begin to go to a moment; `seek_on` does it, slice by slice."""
        self._seeking = self.timeline.seek(when_s)
        self.seek_on()

    def seek_on(self) -> bool:
        """A few slices of what was begun; whether there was anything to do. Raises `ClockError`."""
        if self._seeking is None:
            return False
        for _ in range(_SLICES):
            if next(self._seeking, None) is None:
                self._seeking = None
                self._arrived()
                break
        return True

    def _arrived(self) -> None:
        if self.timeline.player is not self.player:
            self.follow(self.timeline.player)
        self.frame()

    def passed(self, spare_s: float) -> None:
        """Time has gone on; use what is left of the frame to have the past at hand."""
        self.timeline.note()
        if spare_s > 0.0:
            self.timeline.tend(spare_s)

    # -- branches ---------------------------------------------------------------------------------------------

    def leave_past(self) -> None:
        """Before a command: what is done in the past begins another branch, and the user is told."""
        if self.timeline.leave():
            branch = self.timeline.branch
            self.notify(
                f"{branch.name} begins at {fmt.moment(branch.from_s)}; b compares it with {branch.parent}.", timeout=5
            )

    def action_branches(self) -> None:
        """Show the branches, compared up to the last moment that all of them have reached."""
        from lab.tui.screens.branches import branches_sheet

        if len(self.timeline.branches) == 1:
            self.notify("There is one branch only: go back with left, then give a command.", timeout=4)
            return
        self.app.push_screen(branches_sheet(self.timeline))
