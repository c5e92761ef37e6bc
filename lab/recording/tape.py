"""Recordings: a run written down as it goes, and read again.

The first frame holds the scenario and the seed; then come the commands with what they read, each written before it is
carried out, and about once a wall second how many events there were and the journal's hash over them.
"""

from __future__ import annotations

import time as wall
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgpack

from lab import __version__
from lab.kube.errors import LabError
from lab.recording.codec import pack_objects, pack_scenario, unpack_objects, unpack_scenario
from lab.recording.frames import FrameWriter, read_frames
from lab.scenario.log import Given, Log, Read
from lab.scenario.player import Player
from lab.scenario.scenario import Scenario

FORMAT = 1
MARK_EVERY_S = 1.0
"""Wall seconds between two marks."""


class Mark(NamedTuple):
    """How the journal stood when everything due at a moment had happened."""

    time_s: float
    events: int
    digest: str


# -- writing --------------------------------------------------------------------------------------------------------


class Recorder:
    """Writes a player's run to a file, from before it boots. Raises `LabError` when it cannot be written."""

    def __init__(self, player: Player, path: str | Path) -> None:
        self._player = player
        self._frames = FrameWriter(path)
        self._marked_at = wall.monotonic()
        self._marked: Mark | None = None
        self._append(
            {
                "kind": "head",
                "format": FORMAT,
                "version": __version__,
                "seed": player.seed,
                "folder": str(player.scenario.folder.absolute()),
                "scenario": pack_scenario(player.scenario),
            }
        )
        player.on_given.append(self._given)
        player.on_read.append(self._read)
        player.on_moment.append(self._moment)

    def close(self) -> None:
        """Write the last mark, and end the file."""
        self._mark()
        self._append({"kind": "end"})
        self._frames.close()

    def _given(self, given: Given) -> None:
        self._append({"kind": "given", "time": given.time_s, "text": given.text, "by": given.by})

    def _read(self, read: Read) -> None:
        objects = pack_objects(read.objects)
        self._append({"kind": "read", "path": read.path, "objects": objects, "error": read.error})

    def _moment(self) -> None:
        if wall.monotonic() - self._marked_at >= MARK_EVERY_S:
            self._mark()

    def _mark(self) -> None:
        self._marked_at = wall.monotonic()
        mark = mark_of(self._player)
        if mark != self._marked:
            self._marked = mark
            self._append({"kind": "mark", "time": mark.time_s, "events": mark.events, "digest": mark.digest})

    def _append(self, body: Mapping[str, Any]) -> None:
        self._frames.append(msgpack.packb(body))


def mark_of(player: Player) -> Mark:
    """How the journal stands, with everything that is due now."""
    player.engine.run_until(player.engine.now)
    journal = player.engine.journal
    return Mark(player.engine.now, len(journal), journal.digest)


# -- reading --------------------------------------------------------------------------------------------------------


class Tape(NamedTuple):
    """What a recording holds."""

    scenario: Scenario
    seed: int
    log: Log
    marks: tuple[Mark, ...]
    end_s: float
    """The last moment that is known, in virtual seconds."""
    torn: str
    """Why the rest of the file could not be read; empty when all of it was."""
    ended: bool
    """Whether the run was ended in order."""

    def player(self, *, waits: bool = False) -> Player:
        """The same run again, not yet booted."""
        return Player(self.scenario, seed=self.seed, waits=waits, again=self.log)


def read_tape(path: str | Path) -> Tape:
    """Read a recording, as much of it as there is. Raises `LabError` for one that does not even have its scenario."""
    frames = read_frames(path)
    if not frames.payloads:
        raise LabError(f"{path}: there is nothing in this recording{f': {frames.torn}' if frames.torn else ''}")
    bodies = [_unpacked(payload, path) for payload in frames.payloads]
    head, rest = bodies[0], bodies[1:]
    if head.get("kind") != "head" or head.get("format") != FORMAT:
        made = head.get("version", "another version")
        raise LabError(f"{path}: this recording was made by Service Lab {made}, which writes them differently")
    try:
        scenario = unpack_scenario(head["scenario"])
        log, marks = _log_of(rest), tuple(_mark_of(body) for body in rest if body.get("kind") == "mark")
    except (LabError, KeyError, TypeError) as error:
        made = head.get("version")
        raise LabError(
            f"{path}: this recording of Service Lab {made} cannot be played by {__version__}: {error}"
        ) from None
    ends = [0.0, *(mark.time_s for mark in marks), *(given.time_s for given in log.given)]
    ended = any(body.get("kind") == "end" for body in rest)
    scenario = scenario.in_folder(Path(head.get("folder", "")))
    return Tape(scenario, int(head["seed"]), log, marks, max(ends), frames.torn, ended)


def _unpacked(payload: bytes, path: str | Path) -> dict[str, Any]:
    try:
        body = msgpack.unpackb(payload)
    except (ValueError, msgpack.UnpackException):
        body = None
    if not isinstance(body, dict):
        raise LabError(f"{path}: this is not a recording of Service Lab")
    return body


def _log_of(bodies: list[dict[str, Any]]) -> Log:
    log = Log()
    takers: dict[str, Callable[[dict[str, Any]], None]] = {
        "given": lambda body: log.given.append(Given(body["time"], body["text"], body["by"])),
        "read": lambda body: log.reads.append(Read(body["path"], unpack_objects(body["objects"]), body["error"])),
    }
    for body in bodies:
        take = takers.get(body.get("kind", ""))
        if take is not None:
            take(body)
    return log


def _mark_of(body: Mapping[str, Any]) -> Mark:
    return Mark(body["time"], body["events"], body["digest"])
