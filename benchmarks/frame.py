"""A frame of the main screen at 200x50 with 200 decisions a second: CPU, bytes, style runs; and the start of `lab`.

Bytes and runs are the same on every machine; times are printed, never asserted.
"""

from __future__ import annotations

import asyncio
import os
import pty
import select
import signal
import statistics
import struct
import sys
import time
from collections.abc import Callable
from fcntl import ioctl
from termios import TIOCSWINSZ
from typing import Any

from textual._compositor import ChopsUpdate, LayoutUpdate

from benchmarks.row import Row
from lab.clock import tune_gc
from lab.tui.app import LabApp
from tests.tui.demo import DemoPlayer
from tests.tui.screen import started

SIZE = (200, 50)
FRAMES = 200
FRAME_S = 0.1


class Output:
    """Counts what the app writes to its terminal."""

    def __init__(self, app: LabApp) -> None:
        self.bytes = 0
        self.runs = 0
        self._render: Callable[..., None] = app._display
        app._display = self._count  # type: ignore[method-assign]
        self.app = app

    def _count(self, screen: Any, renderable: Any) -> None:
        if isinstance(renderable, (ChopsUpdate, LayoutUpdate)):
            text = renderable.render_segments(self.app.console)
            self.bytes += len(text.encode())
            self.runs += text.count("m") // 2
        self._render(screen, renderable)


async def measure(frames: int = FRAMES, **player: Any) -> dict[str, float]:
    """Play frames by hand and time what happens between two of them, painting included."""
    app = LabApp(DemoPlayer(duration_s=1e9, **player), timer=False)  # type: ignore[arg-type]
    async with app.run_test(size=SIZE) as pilot:
        await started(app, pilot)
        for _ in range(20):
            app.run_engine(FRAME_S)
            await _paint(app)
        output = Output(app)
        tune_gc()
        spent = []
        for _ in range(frames):
            app.run_engine(FRAME_S)  # the simulation is not part of the frame
            start = time.process_time()
            await _paint(app)
            spent.append((time.process_time() - start) * 1e3)
    spent.sort()
    return {
        "mean_ms": statistics.fmean(spent),
        "p95_ms": spent[int(len(spent) * 0.95)],
        "bytes": output.bytes / frames,
        "runs": output.runs / frames,
    }


async def _paint(app: LabApp) -> None:
    """Draw, and let Textual compose and write what changed."""
    app.draw()
    screen = app.screen
    screen._on_timer_update()
    await asyncio.sleep(0)


def first_paint_s() -> float:
    """Wall seconds from starting `lab` on a terminal to its first painted frame."""
    start = time.perf_counter()
    child, terminal = pty.fork()
    if child == 0:
        os.environ.update(TERM="xterm-256color", COLUMNS="120", LINES="40")
        os.execv(sys.executable, [sys.executable, "-m", "lab"])
    ioctl(terminal, TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    seen = b""
    while b"Service Lab" not in seen and time.perf_counter() - start < 20:
        if select.select([terminal], [], [], 0.05)[0]:
            seen += os.read(terminal, 65536)
    took = time.perf_counter() - start
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    os.close(terminal)
    return took


def run() -> list[Row]:
    """Frames at three loads, then the start."""
    rows: list[Row] = []
    for what, player in (
        ("200 decisions/s", {"per_second": 200}),
        ("200 decisions/s, 400 Pods", {"per_second": 200, "nodes": 8, "pods_a_node": 50}),
        ("nothing happens", {"per_second": 0}),
    ):
        found = asyncio.run(measure(**player))
        size = f"{found['bytes']:,.0f} bytes, {found['runs']:,.0f} style runs, p95 {found['p95_ms']:.1f} ms"
        rows.append(Row(f"frame {SIZE[0]}x{SIZE[1]}, {what}", found["mean_ms"], "ms CPU", size))
    starts = [first_paint_s() * 1e3 for _ in range(3)]
    rows.append(Row("lab to first painted frame", min(starts), "ms", f"the picker; best of 3, worst {max(starts):.0f}"))
    return rows
