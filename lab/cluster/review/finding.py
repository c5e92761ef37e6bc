"""One thing that is wrong, or looks wrong, in a manifest."""

from __future__ import annotations

from typing import NamedTuple

from lab.kube.documents import Document

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
        place = f"{self.file}:{self.line}" if self.line else self.file
        who = f"{self.kind.lower()}/{self.name}: " if self.kind and self.name else ""
        where = f"{self.field}: " if self.field else ""
        return f"{place}: {self.severity}: {who}{where}{self.message}"


def at(document: Document, severity: str, field: str, message: str, *, line: int = 0) -> Finding:
    """A finding at a field of a document."""
    kind, namespace, name = document.names()
    if document.object is not None:
        namespace, name = document.object.namespace or namespace, document.object.name or name
    place = line or document.line_of(field)
    return Finding(severity, document.file, place, kind, namespace, name, field, message)


def warning(document: Document, field: str, message: str) -> Finding:
    """Something that is legal and almost surely wrong."""
    return at(document, WARNING, field, message)


def error(document: Document, field: str, message: str) -> Finding:
    """Something that the API server refuses."""
    return at(document, ERROR, field, message)
