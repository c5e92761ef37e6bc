"""Reviewing manifests: every error of every document, what looks wrong, and both as text or JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from lab.cluster.review.addresses import address_warnings
from lab.cluster.review.api import refusals
from lab.cluster.review.errors import errors_in, in_order
from lab.cluster.review.finding import ERROR, WARNING, Finding, at, warning
from lab.cluster.review.policies import policy_warnings
from lab.cluster.review.references import reference_warnings
from lab.cluster.review.scaling import scaling_warnings
from lab.cluster.review.services import service_warnings
from lab.cluster.review.workloads import workloads_of
from lab.kube.documents import Document, read_documents
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
    new, old = read_documents(paths), read_documents(old_paths)
    held = sum(document.readable is not None for document in old.found)
    both = old + new
    settings = settings or Settings()
    errors = errors_in(both, partial(refusals, settings=settings, held=held))
    documents = new.found
    wrong = {(each.file, each.name, each.field) for each in errors}
    refused = {(each.file, each.kind, each.name) for each in errors}
    looks = [*_typos(both.found), *_twice(documents)]
    advice = [*_advice(documents, refused), *address_warnings(documents, settings)]
    looks += [each for each in advice if (each.file, each.name, each.field) not in wrong]
    return Review(len(documents), tuple(in_order([*errors, *looks], both.found)))


def _typos(documents: Sequence[Document]) -> Iterator[Finding]:
    for document in documents:
        for typo in document.typos:
            yield at(document, WARNING, typo.path, f'unknown field, did you mean "{typo.meant}"?', line=typo.line)


def _twice(documents: Sequence[Document]) -> Iterator[Finding]:
    seen: dict[tuple[str, ...], Document] = {}
    for document in documents:
        obj = document.object
        if obj is None or not obj.name:
            continue
        key = (obj.api_version, obj.kind, obj.namespace or "default", obj.name)
        if key in seen:
            first = seen[key].place
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
