"""The Pod templates that a workload has had and can go back to, as ReplicaSets or ControllerRevisions remember them."""

from __future__ import annotations

from typing import NamedTuple

from msgspec.structs import replace

from lab.cluster.controllers.template_history import revisions_of, template_of
from lab.kube.kinds.deployment import Deployment
from lab.kube.kinds.pod import PodTemplateSpec
from lab.kube.meta import KubeObject
from lab.views.kinds import Context
from lab.views.kinds.deployment import replica_sets, revision
from lab.views.rollout import Rolling

HASH_LABEL = "pod-template-hash"
_CAUSE = "kubernetes.io/change-cause"


class Revision(NamedTuple):
    """One template, its number, and what the annotation `change-cause` says of it."""

    number: int
    template: PodTemplateSpec
    cause: str


def history_of(workload: Rolling, context: Context) -> list[Revision]:
    """The workload's revisions, the newest first."""
    if isinstance(workload, Deployment):
        found = replica_sets(workload, context)
        return [Revision(revision(one), _without_hash(one.spec.template), _cause(one)) for one in found]
    older = reversed(revisions_of(context.store, workload))
    return [Revision(one.revision, template_of(one, workload), _cause(one)) for one in older]


def _without_hash(template: PodTemplateSpec) -> PodTemplateSpec:
    labels = {key: value for key, value in template.metadata.labels.items() if key != HASH_LABEL}
    return replace(template, metadata=replace(template.metadata, labels=labels))


def _cause(obj: KubeObject) -> str:
    return obj.metadata.annotations.get(_CAUSE, "<none>")
