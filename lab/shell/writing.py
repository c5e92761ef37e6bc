"""What the command line writes: standard output, and the files that `--journal`, `--record` and `--report` name."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from typing import TYPE_CHECKING, Any, TextIO, cast

from lab.kube.errors import LabError

if TYPE_CHECKING:
    from lab.scenario.player import Player


def has_streams() -> bool:
    """Whether there is a standard output; a closed standard input or error is replaced by nothing.

    Python gives a program that was started with a closed stream `None` in its place.
    """
    if sys.stdin is None:
        sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115  it stays open as long as the process
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    return sys.stdout is not None


def complain(*lines: str) -> None:
    """Tell the user what is wrong, as far as there is anywhere to tell it."""
    try:
        sys.stderr.write("".join(f"lab: {line}\n" for line in lines))
        sys.stderr.flush()
    except OSError:
        _forget(sys.stderr)


class _Output:
    """Standard output that says in a sentence when it cannot be written; a pipe that is closed is another matter."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write a text. Raises `LabError`, or `BrokenPipeError`."""
        try:
            return self._stream.write(text)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise unwritten("standard output", error) from None

    def flush(self) -> None:
        """Let nothing wait. Raises as `write` does."""
        try:
            self._stream.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise unwritten("standard output", error) from None


def unwritten(what: str, error: OSError) -> LabError:
    """What the user is told when a file cannot be written."""
    return LabError(f"{what}: cannot be written: {error.strerror}")


@contextmanager
def checked_output() -> Iterator[None]:
    """Meanwhile, what is printed and cannot be written raises `LabError`; afterwards nothing is left in a buffer."""
    stream = sys.stdout
    try:
        with redirect_stdout(cast("TextIO", _Output(stream))):
            yield
    finally:
        try:
            stream.flush()
        except OSError:
            _forget(stream)


def _forget(stream: TextIO) -> None:
    """Let a stream that cannot be written lead nowhere: Python would complain about what is left in it at exit."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


class EventFile:
    """A file that events are written to in the middle of a simulation, where nobody could be told that it is full.

    `check` and `close` tell it: they raise `LabError`, as the opening does.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._error: OSError | None = None
        try:
            self._file = open(path, "wb")  # noqa: SIM115  closed by `close`
        except OSError as error:
            self._error = error
            self.check()

    def write(self, data: bytes | memoryview) -> int:
        """Write, unless it has failed before."""
        if self._error is None:
            try:
                self._file.write(data)
            except OSError as error:
                self._error = error
        return len(data)

    def flush(self) -> None:
        """Write out what waits."""
        if self._error is None:
            try:
                self._file.flush()
            except OSError as error:
                self._error = error

    def check(self) -> None:
        """Raise `LabError` when something could not be written."""
        if self._error is not None:
            raise unwritten(self._path, self._error)

    def close(self) -> None:
        """End the file."""
        try:
            self._file.close()
        except OSError as error:
            self._error = self._error or error
        self.check()


@contextmanager
def journal_of(player: Player, path: str | None) -> Iterator[None]:
    """Write the events of a run to a file while it lasts. A file that is full ends the run, with a `LabError`."""
    if path is None:
        yield
        return
    file = EventFile(path)
    player.engine.journal.write_to(file)
    player.listeners.moment.append(file.check)
    try:
        yield
    finally:
        player.engine.journal.close()
        file.close()


@contextmanager
def recording_of(player: Player, path: str | None) -> Iterator[None]:
    """Record a run while it lasts."""
    if path is None:
        yield
        return
    from lab.recording.tape import Recorder

    recorder = Recorder(player, path)
    try:
        yield
    finally:
        recorder.close()


@contextmanager
def page_about(players: Sequence[Player], path: str | None) -> Iterator[None]:
    """Write a page about the runs when they have ended."""
    if path is None:
        yield
        return
    from lab.scenario.page import Recorder

    recorder = Recorder(players, path)
    yield
    recorder.write()
