"""Reviewing manifests: every error of every document, what looks wrong, and both as text or JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lab.cluster.review.api import api_errors
from lab.cluster.review.finding import ERROR, WARNING, Finding, at, error, warning
from lab.cluster.review.kinds import no_such_kind
from lab.cluster.review.policies import policy_warnings
from lab.cluster.review.references import reference_warnings
from lab.cluster.review.scaling import scaling_warnings
from lab.cluster.review.services import service_warnings
from lab.cluster.review.workloads import workloads_of
from lab.kube.decode import Fault
from lab.kube.documents import Document, read_documents
from lab.kube.meta import KeptObject
from lab.settings import Settings

OK, FAILED, SUSPICIOUS = 0, 1, 2


@dataclass(frozen=True)
class Review:
    """What was found, in the order of the files and their lines."""

    documents: int
    findings: tuple[Finding, ...]

    def count(self, severity: str) -> int:
        """How many errors, or warnings."""
        return sum(each.severity == severity for each in self.findings)

    def status(self, *, strict: bool = False) -> int:
        """The exit status: 1 with errors; with warnings only, 2 when they are not to be tolerated."""
        if self.count(ERROR):
            return FAILED
        return SUSPICIOUS if strict and self.count(WARNING) else OK

    def text(self) -> str:
        """A line for each finding, and one that sums up."""
        total = ", ".join(
            _counted(number, word) for number, word in ((self.count(ERROR), ERROR), (self.count(WARNING), WARNING))
        )
        return "\n".join([*map(str, self.findings), f"{_counted(self.documents, 'document')}: {total}"])

    def json(self) -> str:
        """The same for machines."""
        body = {
            "documents": self.documents,
            "errors": self.count(ERROR),
            "warnings": self.count(WARNING),
            "findings": [each._asdict() for each in self.findings],
        }
        return json.dumps(body, indent=2, ensure_ascii=False)


def review(paths: Sequence[str], old_paths: Sequence[str] = (), settings: Settings | None = None) -> Review:
    """Review files, folders and `-` (stdin), as an update of what `old_paths` hold where they hold it already."""
    documents, faults = read_documents(paths)
    old, old_faults = read_documents(old_paths)
    found = [*map(_unreadable, (*old_faults, *faults))]
    for document in (*old, *documents):
        found.extend(_of_document(document))
    found.extend(_twice(documents))
    refused = api_errors(documents, old, settings or Settings())
    found.extend(refused)
    wrong = {(each.file, each.name, each.field) for each in found if each.severity == ERROR}
    advice = _advice(documents, {(each.file, each.kind, each.name) for each in refused})
    found.extend(each for each in advice if (each.file, each.name, each.field) not in wrong)
    order = {file: index for index, file in enumerate(each.file for each in (*old, *documents))}
    found.sort(key=lambda each: (order.get(each.file, -1), each.line))
    return Review(len(documents), tuple(dict.fromkeys(found)))


def _unreadable(fault: Fault) -> Finding:
    return Finding(ERROR, fault.file, fault.line, "", "", "", fault.path, fault.message)


def _of_document(document: Document) -> Iterator[Finding]:
    """What the document says by itself: faults, misspelt fields, kinds that do not exist."""
    for fault in document.faults:
        yield at(document, ERROR, fault.path, fault.message, line=fault.line)
    for typo in document.typos:
        yield at(document, WARNING, typo.path, f'unknown field, did you mean "{typo.meant}"?', line=typo.line)
    obj = document.object
    if isinstance(obj, KeptObject):
        problem = no_such_kind(obj.api_version, obj.kind)
        if problem:
            yield error(document, "kind", problem)


def _twice(documents: Sequence[Document]) -> Iterator[Finding]:
    seen: dict[tuple[str, ...], Document] = {}
    for document in documents:
        obj = document.object
        if obj is None or not obj.name:
            continue
        key = (obj.api_version, obj.kind, obj.namespace or "default", obj.name)
        if key in seen:
            first = f"{seen[key].file}:{seen[key].node.line}"
            yield warning(document, "metadata.name", f"is defined before, at {first}: this one wins")
        seen[key] = document


def _advice(documents: Sequence[Document], refused: set[tuple[str, str, str]]) -> Iterator[Finding]:
    """What looks wrong in each document, given everything that stands beside it. Refused policies mean nothing."""
    workloads = workloads_of(documents)
    yield from service_warnings(documents, workloads)
    yield from reference_warnings(documents)
    policies = [each for each in documents if (each.file, *each.names()[::2]) not in refused]
    yield from policy_warnings(policies, workloads)
    yield from scaling_warnings(policies, workloads)


def _counted(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
