"""What a run follows from besides scenario and seed: commands from outside of the story, and what they read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from lab.kube.meta import KubeObject


class Given(NamedTuple):
    """A command that somebody gave, after everything that was due at its moment."""

    time_s: float
    text: str
    by: str


class Read(NamedTuple):
    """What a command found in a manifest, when it was given."""

    path: str
    objects: tuple[KubeObject, ...] = ()
    error: str = ""
    """What was said instead, when it could not be read."""


@dataclass
class Log:
    """Commands and reads, in their order."""

    given: list[Given] = field(default_factory=list)
    reads: list[Read] = field(default_factory=list)
