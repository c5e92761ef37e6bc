"""One thing that is wrong, or looks wrong, in a manifest."""

from __future__ import annotations

from typing import NamedTuple

from lab.kube.documents import Document, Place

ERROR, WARNING = "error", "warning"


class Finding(NamedTuple):
    """Where it is, and what. `field` is a path such as `spec.ports[0].nodePort`; line 0 means the whole file."""

    severity: str
    file: str
    line: int
    kind: str
    namespace: str
    name: str
    field: str
    message: str

    def __str__(self) -> str:
        return self._line(self.severity)

    @property
    def told(self) -> str:
        """The finding for who hears of errors only: `web.yaml:9: service/web: spec.ports[0].nodePort: ...`."""
        return self._line("")

    def _line(self, severity: str) -> str:
        place = str(Place(self.file, self.line))
        who = f"{self.kind.lower()}/{self.name}" if self.kind and self.name else ""
        return _printable(": ".join(part for part in (place, severity, who, self.field, self.message) if part))


def _printable(text: str) -> str:
    """One line, whatever stands in a manifest: characters that move the cursor are written as YAML writes them."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def at(document: Document, severity: str, field: str, message: str, *, line: int = 0) -> Finding:
    """A finding at a field of a document."""
    kind, namespace, name = document.names()
    if document.object is not None:
        kind, namespace, name = document.object.kind, document.object.namespace or namespace, document.object.name
    place = document.place_of(field)
    return Finding(severity, place.file, line or place.line, kind, namespace, name, field, message)


def warning(document: Document, field: str, message: str) -> Finding:
    """Something that is legal and almost surely wrong."""
    return at(document, WARNING, field, message)


def error(document: Document, field: str, message: str) -> Finding:
    """Something that the API server refuses."""
    return at(document, ERROR, field, message)
