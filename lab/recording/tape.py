"""Recordings: a run written down as it goes, and read again.

The first frame holds the scenario and the seed; then come the commands with what they read, each written before it is
carried out, and about once a wall second how many events there were and the journal's hash over them.
"""

from __future__ import annotations

import time as wall
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgpack

from lab import __version__
from lab.kube.errors import LabError
from lab.kube.sources import Source
from lab.recording.codec import pack_scenario, unpack_scenario
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
        self._given = self._read = 0
        """How many commands and reads stand in the file."""
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
        follow = player.listeners
        follow.given.append(self._on_given)
        follow.read.append(self._on_read)
        follow.moment.append(self._on_moment)
        follow.moved.append(self._on_moved)

    def close(self) -> None:
        """Write the last mark, and end the file."""
        self._mark()
        self._append({"kind": "end"})
        self._frames.close()

    def _on_moved(self, player: Player, elsewhere: bool) -> None:
        """Follow another run of the same scenario; when it goes another way, what came later no longer counts."""
        self._player = player
        if elsewhere:
            self._given, self._read, self._marked = len(player.log.given), len(player.log.reads), None
            time_s = player.engine.now
            self._append({"kind": "cut", "time": time_s, "given": self._given, "reads": self._read})

    def _on_given(self, given: Given) -> None:
        if len(self._player.log.given) > self._given:
            self._given = len(self._player.log.given)
            self._append({"kind": "given", "time": given.time_s, "text": given.text, "by": given.by})

    def _on_read(self, read: Read) -> None:
        if len(self._player.log.reads) > self._read:
            self._read = len(self._player.log.reads)
            self._append({"kind": "read", **read._asdict()})

    def _on_moment(self) -> None:
        if wall.monotonic() - self._marked_at >= MARK_EVERY_S:
            self._mark()

    def _mark(self) -> None:
        self._marked_at = wall.monotonic()
        mark = mark_of(self._player)
        if self._marked is None or mark.time_s > self._marked.time_s:
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
        log, marks = _contents(rest)
    except (LabError, KeyError, TypeError) as error:
        made = head.get("version")
        raise LabError(
            f"{path}: this recording of Service Lab {made} cannot be played by {__version__}: {error}"
        ) from None
    ends = [0.0, *(mark.time_s for mark in marks), *(given.time_s for given in log.given)]
    ended = any(body.get("kind") == "end" for body in rest)
    scenario = scenario.in_folder(Path(head.get("folder", "")))
    return Tape(scenario, int(head["seed"]), log, tuple(marks), max(ends), frames.torn, ended)


def _unpacked(payload: bytes, path: str | Path) -> dict[str, Any]:
    try:
        body = msgpack.unpackb(payload)
    except (ValueError, msgpack.UnpackException):
        body = None
    if not isinstance(body, dict):
        raise LabError(f"{path}: this is not a recording of Service Lab")
    return body


def _contents(bodies: list[dict[str, Any]]) -> tuple[Log, list[Mark]]:
    """Commands, reads and marks, without those that a later cut has made void."""
    log, marks = Log(), list[Mark]()
    for body in bodies:
        match body.get("kind"):
            case "given":
                log.given.append(Given(body["time"], body["text"], body["by"]))
            case "read":
                sources = tuple(Source(*each) for each in body["sources"])
                log.reads.append(Read(body["path"], sources, body["error"]))
            case "mark":
                marks.append(Mark(body["time"], body["events"], body["digest"]))
            case "cut":
                del log.given[body["given"] :], log.reads[body["reads"] :]
                marks = [mark for mark in marks if mark.time_s < body["time"]]
    return log, marks
