"""How what components say about objects is shown: `kubectl get events` and the end of `kubectl describe`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from lab.journal import Journal, Noted
from lab.kube.time import age as duration
from lab.views.kinds.base import Context
from lab.views.table import table

COLUMNS = ("LAST SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE")


class Note(NamedTuple):
    """Equal events counted together, as the API server's event series are."""

    event: Noted
    """The latest of them."""
    first_s: float
    times: int

    def seen(self, now_s: float) -> str:
        """`5s`, or `5s (x3 over 1m)`."""
        last = duration(now_s - self.event.time)
        return last if self.times == 1 else f"{last} (x{self.times} over {duration(now_s - self.first_s)})"


def notes(journal: Journal | None, *, kind: str = "", namespace: str | None = None, name: str = "") -> list[Note]:
    """What is remembered about an object, or about all of a namespace (None: all), oldest first."""
    if journal is None:
        return []
    found = [event for event in journal.tail() if isinstance(event, Noted)]
    return gather(
        event
        for event in reversed(found)
        if kind in ("", event.kind) and namespace in (None, event.namespace) and name in ("", event.name)
    )


def gather(events: Iterable[Noted]) -> list[Note]:
    """Count equal events together, ordered by when each was last seen."""
    together: dict[tuple[str, ...], Note] = {}
    for event in events:
        key = (event.type, event.reason, event.kind, event.namespace, event.name, event.message, event.component)
        before = together.pop(key, None)
        together[key] = Note(event, before.first_s if before else event.time, before.times + 1 if before else 1)
    return list(together.values())


def row(note: Note, now_s: float) -> tuple[str, ...]:
    """The cells of `kubectl get events`."""
    event = note.event
    return (note.seen(now_s), event.type, event.reason, f"{event.kind.lower()}/{event.name}", event.message)


def event_lines(kind: str, namespace: str, name: str, context: Context) -> list[str]:
    """The `Events:` section of an object."""
    found = notes(context.journal, kind=kind, namespace=namespace, name=name)
    if not found:
        return ["Events:  <none>"]
    rows: list[tuple[str, ...]] = [("  ----", "------", "----", "----", "-------")]
    for note in found:
        event = note.event
        rows.append((f"  {event.type}", event.reason, note.seen(context.now), event.component, event.message))
    return ["Events:", *table(("  Type", "Reason", "Age", "From", "Message"), rows)]
