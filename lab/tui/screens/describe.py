"""Sheets about objects: `kubectl describe`, and what is open to the outside."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.kube.kinds import BY_NAME
from lab.tui.screens.sheet import Sheet
from lab.views.exposure import exposure_lines
from lab.views.kinds import Context, describe
from lab.views.page import Subject
from lab.views.spans import Line, Span, line

if TYPE_CHECKING:
    from lab.engine import Engine


def describe_sheet(engine: Engine, subject: Subject) -> Sheet:
    """What `kubectl describe` says of an object, kept up to date while it is open."""

    def draw(size: int) -> list[Line]:
        obj = engine.store.find(BY_NAME[subject.kind].struct, subject.name, subject.namespace)
        if obj is None:
            return [line((f"{subject.path} is gone.", "warn"))]
        context = Context(engine.store, engine.now, engine.journal, engine.traffic.measure)
        return [_styled(text) for text in describe(obj, context)]

    return Sheet(f"describe {subject.path}", draw, live=True)


def exposure_sheet(engine: Engine) -> Sheet:
    """Every address and port that answers from outside now."""
    return Sheet("Open to the outside", lambda size: exposure_lines(engine.network.open_ports(), size), live=True)


def _styled(text: str) -> Line:
    """`Key:   value` with the key dimmed."""
    key, colon, value = text.partition(":")
    if colon and (not value or value.startswith(" ")) and len(key.strip()) < 30:
        return line(Span(key + colon, "dim"), value)
    return line(text)
