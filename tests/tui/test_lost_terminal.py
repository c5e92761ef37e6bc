"""A terminal that is gone ends the lab instead of being read for ever."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator

import pytest

from lab.tui.app import terminal_is_gone


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A terminal as standard input; the number is the end that a terminal emulator would hold."""
    ours, theirs = pty.openpty()
    with open(theirs, "rb", buffering=0) as stdin:
        monkeypatch.setattr(sys, "__stdin__", stdin)
        yield ours


@pytest.mark.skipif(sys.platform != "linux", reason="other systems answer otherwise for a terminal that was hung up")
def test_a_terminal_whose_other_end_is_closed_is_gone(terminal: int) -> None:
    os.close(terminal)
    assert terminal_is_gone()


def test_what_never_was_a_terminal_is_not_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    with open(os.devnull, "rb", buffering=0) as nothing:
        monkeypatch.setattr(sys, "__stdin__", nothing)
        assert not terminal_is_gone()


@pytest.mark.skipif(sys.platform != "linux", reason="other systems answer otherwise for a terminal that was hung up")
@pytest.mark.parametrize("told", [True, False], ids=["told", "not told"])
def test_the_process_ends_with_its_terminal(told: bool) -> None:
    """With SIGHUP, and without: a process that was started to ignore it is not told."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    words = [sys.executable, "-m", "lab"] if told else ["sh", "-c", f"trap '' HUP; exec {sys.executable} -m lab"]
    lab = subprocess.Popen(
        words, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True, env={**os.environ, "TERM": "xterm"}
    )
    os.close(theirs)
    seen = b""
    while b"Service Lab" not in seen:
        seen += os.read(ours, 65536)
    os.close(ours)
    try:
        assert lab.wait(timeout=30) != 0
    finally:
        lab.kill()
        lab.wait()
