"""What a run follows from besides scenario and seed: commands from outside of the story, and what they read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from lab.kube.sources import Source

if TYPE_CHECKING:
    from lab.scenario.player import Player


class Given(NamedTuple):
    """A command that somebody gave, after everything that was due at its moment."""

    time_s: float
    text: str
    by: str


class Read(NamedTuple):
    """What a command found in a manifest, when it was given."""

    path: str
    sources: tuple[Source, ...] = ()
    """The files that the path meant, with what stood in them."""
    error: str = ""
    """What was said instead, when it could not be read."""


@dataclass
class Log:
    """Commands and reads, in their order."""

    given: list[Given] = field(default_factory=list)
    reads: list[Read] = field(default_factory=list)


@dataclass
class Listeners:
    """Callbacks of those who follow a run, wherever somebody moves it in time."""

    given: list[Callable[[Given], object]] = field(default_factory=list)
    """Called with each command from outside, before it is carried out."""
    read: list[Callable[[Read], object]] = field(default_factory=list)
    """Called with what a command has read."""
    moment: list[Callable[[], object]] = field(default_factory=list)
    """Called whenever time was let go on and stands again."""
    moved: list[Callable[[Player, bool], object]] = field(default_factory=list)
    """Called with the run that is followed from now on, and whether it goes another way from here."""
