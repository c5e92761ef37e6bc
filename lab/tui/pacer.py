"""When to draw: frames as often as asked for, fewer when the machine or the terminal cannot keep up."""

from __future__ import annotations

MOST_HALVINGS = 3
_LATE = 1.6  # a frame this many periods apart counts as late
_CALM_FRAMES = 40  # frames in time before the rate is doubled again


class Pacer:
    """Decides at each tick of the one timer whether a frame is due; wall time comes from the caller."""

    def __init__(self, fps: float) -> None:
        self.period_s = 1.0 / fps
        self.halvings = 0
        self._ticks = 0
        self._calm = 0
        self._late = 0
        self._tick_at: float | None = None
        self._frame_at: float | None = None

    @property
    def fps(self) -> float:
        """Frames a second at present."""
        return 1.0 / (self.period_s * (1 << self.halvings))

    def tick(self, now_s: float) -> float | None:
        """The wall seconds since the last frame when one is due now, else None."""
        self._judge(now_s)
        self._ticks += 1
        if self._ticks % (1 << self.halvings):
            return None
        elapsed = now_s - self._frame_at if self._frame_at is not None else self.period_s
        self._frame_at = now_s
        return elapsed

    def rest(self) -> None:
        """Forget the time of the last frame: what passes until the next tick does not count."""
        self._tick_at = self._frame_at = None

    def _judge(self, now_s: float) -> None:
        gap = now_s - self._tick_at if self._tick_at is not None else self.period_s
        self._tick_at = now_s
        if gap > self.period_s * _LATE:
            self._late += 1
            self._calm = 0
            if self._late >= 3 and self.halvings < MOST_HALVINGS:
                self.halvings += 1
                self._late = 0
            return
        self._late = max(0, self._late - 1)
        self._calm += 1
        if self._calm >= _CALM_FRAMES and self.halvings:
            self.halvings -= 1
            self._calm = 0
