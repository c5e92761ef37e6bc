"""Everything that keeps documents from being applied, at once and in the order of their files and lines.

`lab validate`, `lab run`, a scenario's manifests and `kubectl apply` at the prompt all ask here; they differ in the
cluster on which the objects are tried.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from lab.cluster.review.finding import ERROR, Finding, at, error
from lab.cluster.review.kinds import no_such_kind
from lab.cluster.trial import Refusal
from lab.kube.decode import Fault
from lab.kube.documents import Document, Documents
from lab.kube.errors import ManifestError
from lab.kube.meta import KeptObject, KubeObject

Trial = Callable[[Sequence[KubeObject]], list[Refusal]]
"""Tries to apply objects, and changes nothing."""


def errors_in(documents: Documents, trial: Trial) -> list[Finding]:
    """What cannot be read, what a document says wrongly by itself, and what the API server refuses."""
    found = [_unreadable(fault) for fault in documents.unreadable]
    for document in documents.found:
        found += _of_document(document)
    readable = [(document, obj) for document in documents.found if (obj := document.readable) is not None]
    for refusal in trial([obj for _, obj in readable]):
        document = readable[refusal.which][0]
        if not any(_within(refusal.field, fault.path) for fault in document.faults):
            found.append(error(document, refusal.field, refusal.message))
    return in_order(found, documents.found)


def in_order(findings: Iterable[Finding], documents: Sequence[Document]) -> list[Finding]:
    """Each finding once, by file in the order of the documents, then by line."""
    order: dict[str, int] = {}
    for document in documents:
        order.setdefault(document.file, len(order))
    return sorted(dict.fromkeys(findings), key=lambda each: (order.get(each.file, -1), each.line))


def refuse(findings: Sequence[Finding], *notes: str) -> None:
    """Raise `ManifestError` with a line for each finding, and the notes below; nothing when there is none."""
    if findings:
        raise ManifestError([*(each.told for each in findings), *notes])


def _unreadable(fault: Fault) -> Finding:
    return Finding(ERROR, fault.file, fault.line, "", "", "", fault.path, fault.message)


def _of_document(document: Document) -> Iterator[Finding]:
    for fault in document.faults:
        yield at(document, ERROR, fault.path, fault.message, line=fault.line)
    obj = document.readable
    if isinstance(obj, KeptObject):
        problem = no_such_kind(obj.api_version, obj.kind)
        if problem:
            yield error(document, "kind", problem)


def _within(path: str, above: str) -> bool:
    """Whether a field is another one, or part of it: `spec.ports[1].port` is part of `spec.ports[1]`."""
    return bool(above) and path.startswith(above) and path[len(above) : len(above) + 1] in ("", ".", "[")
