"""What an action gets: the engine, the values that were typed, and where to print."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lab.commands.execution import Execution
from lab.kube.documents import Documents
from lab.views.kinds import Context

if TYPE_CHECKING:
    from lab.cluster.store import Store
    from lab.engine import Engine

WIDTH = 120
"""Cells in a line of text, for who does not say."""
Files = Callable[[str], Documents]
"""Reads the documents of a manifest, folder or `-`, with what is wrong with each."""


@dataclass
class Call:
    """One command with its values, ready to act."""

    engine: Engine
    execution: Execution
    namespace: str = "default"
    everywhere: bool = False
    """Whether `-A` was given."""
    values: dict[str, Any] = field(default_factory=dict)
    """By the name of the parameter or flag; None or absent when it was not given, True for a switch."""
    files: Files | None = None
    width: int = WIDTH
    """How many cells a line of output may take."""
    give: Callable[[str], list[str]] = lambda text: []
    """Gives another command, in the name of the clock; what it says."""
    running: bool = False
    """Whether it goes on after the action has returned; then somebody calls `execution.finish`."""

    @property
    def store(self) -> Store:
        """The cluster's objects."""
        return self.engine.store

    @property
    def context(self) -> Context:
        """What views need."""
        engine = self.engine
        return Context(engine.store, engine.now, engine.journal, engine.traffic.measure)

    def get(self, name: str, default: Any = None) -> Any:
        """The value of a parameter or flag, or the default when it was not given."""
        value = self.values.get(name)
        return default if value is None else value

    def say(self, *lines: str) -> None:
        """Print."""
        self.execution.say(*lines)
