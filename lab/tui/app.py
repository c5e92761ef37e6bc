"""The app: one frame timer, one run at a time, and a calm end whatever happens."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType

from lab.clock import ClockError, tune_gc
from lab.tui.keys import KeysInOrder
from lab.tui.pacer import Pacer
from lab.tui.screens.sheet import Sheet
from lab.tui.themes import DARK, THEMES

if TYPE_CHECKING:
    from lab.scenario.player import Player
    from lab.scenario.scenario import Scenario
    from lab.tui.screens.main import MainScreen

FPS = 10
_SLICE_S = 0.012
"""How long the engine runs before keys get their turn; most of a frame is many slices."""
_SPARE_S = 0.003
"""How long a frame works at having the past at hand."""
_ENGINE_SHARE = 0.6
_BOOT_SLICE_S = 0.08
_BETWEEN_SLICES_S = 0.004  # enough for keys and for a picture
_LOOK_AT_TERMINAL_S = 0.5
_ORDERLY_END_S = 2.0
_HUNG_UP = 129


class LabApp(KeysInOrder):
    """Plays `player`, or opens the picker when there is none. The frame timer can be left to a test."""

    CSS_PATH = "app.tcss"
    TITLE = "Service Lab"
    ENABLE_COMMAND_PALETTE = True
    COMMAND_PALETTE_BINDING = "ctrl+p"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide"), (160, "-very-wide")]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+c", "quit", "Quit", id="app.quit", tooltip="Leave Service Lab", show=False),
        Binding("ctrl+t", "switch_theme", "Theme", id="app.theme", tooltip="Dark or light", show=False),
    ]

    def __init__(self, player: Player | None, *, fps: float = FPS, speed: float = 1.0, timer: bool = True) -> None:
        super().__init__()
        self.player = player
        self.speed = speed
        self.pacer = Pacer(fps)
        self.failed = False
        self._use_timer = timer
        self._from_picker = player is None
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = DARK.name
        # Textual's own ctrl+q would quit; multiplexers and editors use it for other things.
        self._bindings.key_to_bindings.pop("ctrl+q", None)

    def on_mount(self) -> None:
        """Open the first screen, and start the one timer."""
        self.call_after_refresh(tune_gc)
        if self.player is None:
            self._open_picker()
        else:
            self.begin(self.player)
        if self._use_timer:
            self.set_interval(self.pacer.period_s, self._tick, name="frame")

    # -- runs -----------------------------------------------------------------------------------------------

    def _open_picker(self) -> None:
        from lab.tui.screens.picker import PickerScreen

        self.push_screen(PickerScreen())

    def play_file(self, path: Path) -> None:
        """Load a scenario and play it; a fault in the file is told and nothing else happens."""
        from lab.kube.errors import LabError
        from lab.scenario.loader import load

        try:
            self.play(load(path))
        except LabError as error:
            self._tell("This scenario cannot be played", str(error), "Esc goes back")

    def play(self, scenario: Scenario, seed: int | None = None) -> None:
        """Play a scenario from its beginning."""
        from lab.scenario.player import Player

        self.begin(Player(scenario, seed=seed, waits=True))

    def begin(self, player: Player) -> None:
        """Boot a player's cluster; the main screen follows when it has settled."""
        from lab.tui.screens.starting import StartingScreen

        self.player = player
        self.failed = False
        self.push_screen(StartingScreen(player))
        self.call_after_refresh(self._boot, player)

    def _boot(self, player: Player) -> None:
        self._booting(player, player.boot, self._settle)

    def _settle(self, player: Player) -> None:
        """One slice of booting. The next one is a message of its own, so that keys get their turn between them."""
        self._booting(player, partial(self._slice, player), self._settle)

    def _slice(self, player: Player) -> None:
        if player.engine.run_until(0.0, budget_s=_BOOT_SLICE_S):
            player.begin()
            self._open_main(player)

    def _booting(self, player: Player, work: Callable[[], None], then: Callable[[Player], None]) -> None:
        """Do a part of booting, and what comes next a little later; a fault ends in a message."""
        from lab.kube.errors import LabError
        from lab.tui.screens.starting import StartingScreen

        if not isinstance(self.screen, StartingScreen) or self.player is not player or self._exit:
            return  # the user has left
        try:
            work()
        except LabError as error:
            self._give_up("This scenario cannot be played", str(error))
        except ClockError as error:
            self._give_up("The simulation failed", str(error))
        else:
            if isinstance(self.screen, StartingScreen):
                self.screen.progress.show()
                self.set_timer(_BETWEEN_SLICES_S, partial(then, player))

    def _open_main(self, player: Player) -> None:
        from lab.tui.screens.main import MainScreen

        player.engine.set_speed(self.speed)
        self.pacer.rest()
        self.switch_screen(MainScreen(player))

    def action_replay(self) -> None:
        """The same scenario and seed again, from the beginning."""
        if self.player is None:
            return
        player = self.player
        while len(self.screen_stack) > 1 and self.main is not None:
            self.pop_screen()
        self._close(player)
        self.play(player.scenario, player.seed)

    @property
    def main(self) -> MainScreen | None:
        """The main screen wherever it lies on the stack, if there is one."""
        from lab.tui.screens.main import MainScreen

        return next((screen for screen in self.screen_stack if isinstance(screen, MainScreen)), None)

    # -- frames ---------------------------------------------------------------------------------------------

    async def _tick(self) -> None:
        elapsed_s = self.pacer.tick(time.perf_counter())
        if elapsed_s is None:
            return
        main = self.main
        if main is None or self.failed:
            return
        deadline = time.perf_counter() + self.pacer.period_s * _ENGINE_SHARE
        self.run_engine(min(elapsed_s, 1.0))
        while not self.failed and main.player.engine.behind_s > 0 and time.perf_counter() < deadline:
            await asyncio.sleep(0)
            self.run_engine(0.0)
        self.draw()

    def run_engine(self, elapsed_s: float, budget_s: float = _SLICE_S) -> None:
        """One slice of virtual time; a failure ends in a message, not in a traceback."""
        main = self.main
        if main is None or self.failed:
            return
        try:
            if not main.seek_on():
                main.advance(elapsed_s, budget_s)
                main.passed(_SPARE_S if main.player.engine.behind_s <= 0.0 else 0.0)
        except ClockError as error:
            self.failed = True
            main.player.engine.paused = True
            self._tell("The simulation failed", f"{error}", "Esc looks on while time stands still, q leaves")

    def draw(self) -> None:
        """Let the screens draw what changed."""
        main = self.main
        if main is None:
            return
        main.frame()
        if isinstance(self.screen, Sheet):
            self.screen.frame()
        if main.player.finished and not main.reported:
            main.reported = True
            main.player.engine.paused = True
            main.action_report()

    def frame(self, elapsed_s: float = 0.1, budget_s: float = 10.0) -> None:
        """A whole frame at once, for tests and pictures: no wall clock, no timer."""
        self.run_engine(elapsed_s, budget_s)
        self.draw()

    # -- ends -----------------------------------------------------------------------------------------------

    def _tell(self, title: str, text: str, hint: str) -> None:
        from lab.tui.screens.message import MessageScreen

        self.push_screen(MessageScreen(title, text, hint))

    def _give_up(self, title: str, text: str) -> None:
        """Nothing was opened: back to the picker when we came from there, else the end."""
        self.failed = True
        if self._from_picker:
            self.pop_screen()
            self._tell(title, text, "Esc goes back")
        else:
            self._tell(title, text, "q leaves")

    def _handle_exception(self, error: Exception) -> None:
        """A fault of ours: Textual would print it with a traceback; `main` raises it for the command line to tell."""
        super()._handle_exception(error)
        self._exit_renderables.clear()

    def _close(self, player: Player) -> None:
        with suppress(ClockError):  # what the clock could not finish is of no interest any more
            player.engine.close()

    def on_unmount(self) -> None:
        """Close the journal and the components."""
        if self.player is not None:
            self._close(self.player)

    def action_switch_theme(self) -> None:
        """From the dark theme to the light one and back."""
        names = [theme.name for theme in THEMES]
        self.theme = names[(names.index(self.theme) + 1) % len(names)] if self.theme in names else names[0]


def terminal_is_gone() -> bool:
    """Whether the terminal behind standard input has been closed; a lost one would be read in a busy loop."""
    if not sys.__stdin__ or sys.__stdin__.closed:
        return False
    try:
        os.tcgetpgrp(sys.__stdin__.fileno())
    except OSError as error:
        return error.errno == errno.EIO  # what a terminal that was hung up answers; what never was one says ENOTTY
    return False


def _leave_with_terminal(app: LabApp) -> None:
    """End when the terminal does, in order if that is possible within two seconds, and at any rate.

    A thread of its own watches: a terminal that is gone can block the event loop, and then nothing that is
    scheduled there would ever run. SIGHUP is ignored, so that there is one way out and not two.
    """
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    threading.Thread(target=_watch_terminal, args=(app,), name="terminal-watch", daemon=True).start()


def _watch_terminal(app: LabApp) -> None:
    while not terminal_is_gone():
        time.sleep(_LOOK_AT_TERMINAL_S)
    with contextlib.suppress(RuntimeError):  # the app has not begun, or has ended already
        app.call_later(app.exit, _HUNG_UP)
    time.sleep(_ORDERLY_END_S)
    os._exit(_HUNG_UP)


def main(
    player: Player | None,
    *,
    fps: float | None = None,
    speed: float = 1.0,
    notes: list[Callable[[str], object]] | None = None,
) -> int:
    """Show a player's run, or the picker; the exit status. What is said to the listeners in `notes` is shown too."""
    app = LabApp(player, fps=fps or FPS, speed=speed)
    if notes is not None:
        notes.append(partial(app.notify, timeout=8))
    _leave_with_terminal(app)
    try:
        app.run()
    finally:
        if terminal_is_gone():
            # Textual's thread that reads the terminal does not see it end: it would spin, and keep the process alive.
            os._exit(_HUNG_UP)
    if app._exception is not None:
        raise app._exception
    return app.return_value or app.return_code or 0
