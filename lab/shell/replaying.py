"""`lab replay`: a recording again, on the screen or headless, with proof that it is the same run."""

from __future__ import annotations

import argparse
from itertools import chain
from typing import TYPE_CHECKING

from lab.shell import FAILED, OK, frames, on_a_terminal, speed
from lab.shell.writing import complain

if TYPE_CHECKING:
    from lab.recording.replay import Replay

_ABOUT = """\
Play a recording again: the same scenario, seed and commands, each at its moment. The journal is compared with
the recorded one on the way. Status 1 when it differs, 2 when the file cannot be read."""


def add_replay(parser: argparse.ArgumentParser) -> None:
    """The options of `lab replay`."""
    parser.description = _ABOUT
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    add = parser.add_argument
    add("file", metavar="FILE", help="what `lab play --record FILE` or `lab run --record FILE` has written")
    add("--headless", action="store_true", help="no screen: the commands, the closing report, and the verdict")
    add("--speed", type=speed, default=1.0, metavar="X", help="virtual seconds a second on the screen, 0.1 to 1000")
    add("--fps", type=frames, metavar="N", help="frames a second on the screen, 1 to 60")
    add("--traceback", action="store_true", help="show where a fault of Service Lab itself happened")
    parser.set_defaults(verb=run_replay)


def run_replay(options: argparse.Namespace) -> int:
    """Play; the exit status. Raises `LabError` for a file that is no recording."""
    from lab.recording.replay import Replay
    from lab.recording.tape import read_tape

    tape = read_tape(options.file)
    if tape.torn:
        complain(f"{options.file}: {tape.torn}; what comes before it is played")
    elif not tape.ended:
        complain(f"{options.file}: the recording was not ended; it is played up to {tape.end_s:.1f} s")
    headless = options.headless or not on_a_terminal()
    replay = Replay(tape, waits=not headless)
    if headless:
        return _headless(replay)
    from lab.tui.app import main as show

    status = show(replay.player, speed=options.speed, fps=options.fps, notes=replay.on_done)
    print(f"lab: {replay.verdict}")
    return status or (OK if replay.same else FAILED)


def _headless(replay: Replay) -> int:
    from lab.scenario.progress import Bar, run, start
    from lab.scenario.report import to_text

    player, tape = replay.player, replay.tape
    for given in tape.log.given:
        print(f"{given.time_s:10.3f} s  $ {given.text}")
    try:
        with Bar("playing", player.engine.now, tape.end_s) as bar:
            for now_s in chain(start(player), run(player, tape.end_s)):
                bar.show(now_s)
        print("", *to_text(player.report()), sep="\n")
    finally:
        player.engine.close()
    print(replay.verdict)
    return OK if replay.same else FAILED
