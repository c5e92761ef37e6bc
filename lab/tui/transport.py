"""Time under the user's hands: pause, step, speed, and the engine's slice of each frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType

if TYPE_CHECKING:
    from lab.scenario.player import Player

SPEEDS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0)
STEP_S = 0.1


class Transport:
    """What the main screen can do with time. Needs `player`, `frame` and `show_keys`."""

    KEYS: ClassVar[list[BindingType]] = [
        Binding("space", "toggle_pause", "Pause", id="time.pause", tooltip="Stop time, or let it go on"),
        Binding("full_stop", "step", "Step", id="time.step", tooltip="Stop, and run 0.1 s", key_display="."),
        Binding(
            "plus,equals_sign",
            "faster",
            "Faster",
            id="time.faster",
            tooltip="More virtual seconds a second",
            key_display="+",
        ),
        Binding(
            "minus", "slower", "Slower", id="time.slower", tooltip="Fewer virtual seconds a second", key_display="-"
        ),
        Binding("0,backspace", "real_time", "x1", id="time.real", tooltip="As fast as the wall clock", show=False),
    ]
    player: Player

    def frame(self) -> None:
        """Draw what changed; the screen's."""

    def show_keys(self) -> None:
        """Offer other keys; the screen's."""

    def advance(self, elapsed_s: float, budget_s: float) -> None:
        """Let the story go on for some wall seconds. Raises ClockError when the simulation fails."""
        self.player.advance(elapsed_s, budget_s)

    def action_toggle_pause(self) -> None:
        """Stop, or go on."""
        self.player.engine.paused = not self.player.engine.paused
        self.show_keys()
        self.frame()

    def action_step(self) -> None:
        """A tenth of a second further, and stop."""
        self.player.engine.paused = True
        self.player.run_until(self.player.engine.now + STEP_S)
        self.show_keys()
        self.frame()

    def action_faster(self) -> None:
        """The next higher speed."""
        self._set_speed(next((speed for speed in SPEEDS if speed > self.player.engine.speed), SPEEDS[-1]))

    def action_slower(self) -> None:
        """The next lower speed."""
        self._set_speed(next((speed for speed in reversed(SPEEDS) if speed < self.player.engine.speed), SPEEDS[0]))

    def action_real_time(self) -> None:
        """A virtual second a second."""
        self._set_speed(1.0)

    def _set_speed(self, speed: float) -> None:
        self.player.engine.set_speed(speed)
        self.frame()
