"""What a view of a kind is: the columns of `kubectl get`, the lines of `kubectl describe`, and how it is doing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from lab.cluster.store import Store
from lab.journal import Journal
from lab.kube.meta import KubeObject
from lab.views.states import State

if TYPE_CHECKING:
    from lab.traffic.measure import Measurements

T = TypeVar("T", bound=KubeObject)


@dataclass(frozen=True)
class Context:
    """What a view may look at besides the object itself; `now` in virtual seconds."""

    store: Store
    now: float
    journal: Journal | None = None
    measure: Measurements | None = None


@dataclass(frozen=True)
class KindView(Generic[T]):
    """How the objects of one kind are shown; all functions are pure."""

    struct: type[T]
    columns: tuple[str, ...]
    row: Callable[[T, Context], tuple[str, ...]]
    """A cell for each of `columns` and then of `wide`."""
    state: Callable[[T, Context], State]
    """How it is doing: glyph, role and word."""
    describe: Callable[[T, Context], list[str]]
    """The lines of `kubectl describe`, without events."""
    wide: tuple[str, ...] = ()

    def health(self, obj: T, context: Context) -> str:
        """The role that themes give a colour: ok, warn, bad, busy or dim."""
        return self.state(obj, context).role

    def glyph(self, obj: T, context: Context) -> str:
        """One cell that tells the state without colour."""
        return self.state(obj, context).glyph
