"""How a Job and its Pods find each other: the selector and the labels that the API server makes of its uid.

https://kubernetes.io/docs/concepts/workloads/controllers/job/#pod-selector
"""

from __future__ import annotations

from msgspec.structs import replace

from lab.kube.kinds.job import Job
from lab.kube.meta import LabelSelector

UID_LABEL = "batch.kubernetes.io/controller-uid"
NAME_LABEL = "batch.kubernetes.io/job-name"
LEGACY_UID_LABEL = "controller-uid"
LEGACY_NAME_LABEL = "job-name"
INDEX = "batch.kubernetes.io/job-completion-index"
"""Label and annotation of a Pod of an indexed Job."""
INDEX_FAILURES = "batch.kubernetes.io/job-index-failure-count"
"""Annotation of a Pod: how many Pods of its number have failed before it, but for those that a policy ignores."""
INDEX_IGNORED_FAILURES = "batch.kubernetes.io/job-index-ignored-failure-count"
"""The same of those."""
TRACKING_FINALIZER = "batch.kubernetes.io/job-tracking"
"""Keeps a Pod until its end has been counted."""


def expected_labels(job: Job) -> dict[str, str]:
    """What the Pods of a Job are labelled with."""
    uid, name = job.metadata.uid, job.metadata.name
    return {LEGACY_UID_LABEL: uid, LEGACY_NAME_LABEL: name, UID_LABEL: uid, NAME_LABEL: name}


def with_selector(job: Job) -> Job:
    """A new Job as the API server stores it: unless its selector is its author's, with one that is its own."""
    spec = job.spec
    if spec.manual_selector:
        return job
    own = spec.selector if spec.selector is not None else LabelSelector()
    selector = replace(own, match_labels={UID_LABEL: job.metadata.uid, **own.match_labels})
    metadata = spec.template.metadata
    template = replace(spec.template, metadata=replace(metadata, labels={**expected_labels(job), **metadata.labels}))
    labels = job.metadata.labels or template.metadata.labels
    return replace(
        job,
        metadata=replace(job.metadata, labels=labels),
        spec=replace(spec, selector=selector, template=template),
    )
