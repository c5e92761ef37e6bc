"""While the cluster boots: how far it is, and what is not ready yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen

from lab.kube.kinds.pod import Pod
from lab.tui.widgets.canvas import Canvas
from lab.views import format as fmt
from lab.views.spans import Line, bar, line

if TYPE_CHECKING:
    from lab.scenario.player import Player


class Progress(Canvas):
    """A few lines in the middle of the screen."""

    def __init__(self, player: Player) -> None:
        super().__init__(id="progress")
        self.player = player
        self.began_s = player.engine.now

    def row(self, y: int) -> Line:
        """Name, bar, what stands, how to leave."""
        middle = self.extent.height // 2
        width = min(self.extent.width - 8, 60)
        indent = " " * ((self.extent.width - width) // 2)
        engine = self.player.engine
        if y == middle - 2:
            return line(indent, (self.player.scenario.title, "strong"), "  ", (self.player.scenario.about, "dim"))
        if y == middle:
            share = 1 - engine.now / self.began_s if self.began_s else 1.0
            filled = bar(share, width)
            return line(indent, (filled, "accent"), ("·" * (width - len(filled)), "frame"))
        if y == middle + 1:
            pods = engine.store.list(Pod)
            ready = sum(pod.ready for pod in pods)
            return line(indent, (f"the cluster boots: {ready} of {fmt.count(len(pods), 'Pod')} ready", "dim"))
        if y == middle + 3:
            return line(indent, ("q", "key"), (" quit", "dim"))
        return ()


class StartingScreen(Screen[None]):
    """Shown until virtual time zero."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "app.quit", "Quit", id="starting.quit", tooltip="Leave Service Lab"),
    ]

    def __init__(self, player: Player) -> None:
        super().__init__()
        self.progress = Progress(player)

    def compose(self) -> ComposeResult:
        """The progress."""
        yield self.progress
