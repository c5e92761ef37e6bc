"""The ReplicaSets of a Deployment as its history: which one is new, what revision each has, which may go.

https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#clean-up-policy
"""

from __future__ import annotations

from typing import NamedTuple

from msgspec.structs import replace

from lab.cluster.controllers.base import reference_to
from lab.cluster.controllers.rollout import DESIRED_REPLICAS, HASH_LABEL, MAX_REPLICAS, REVISION, annotated
from lab.kube.kinds.deployment import Deployment
from lab.kube.kinds.pod import PodTemplateSpec
from lab.kube.kinds.replicaset import ReplicaSet, ReplicaSetSpec
from lab.kube.meta import ObjectMeta

_NOT_COPIED = (
    "kubectl.kubernetes.io/last-applied-configuration",
    REVISION,
    DESIRED_REPLICAS,
    MAX_REPLICAS,
)


class History(NamedTuple):
    """A Deployment's ReplicaSets, oldest first: the one with its present template, and the others."""

    new: ReplicaSet | None
    old: list[ReplicaSet]

    @property
    def everything(self) -> list[ReplicaSet]:
        """The old ones, then the new one."""
        return [*self.old, self.new] if self.new is not None else self.old

    @property
    def active(self) -> list[ReplicaSet]:
        """Those that are asked to have Pods, oldest first."""
        return [each for each in self.everything if each.spec.replicas > 0]

    @property
    def next_revision(self) -> int:
        """One more than the highest revision of the old ones."""
        return max((annotated(each, REVISION) or 0 for each in self.old), default=0) + 1


def history_of(deployment: Deployment, replica_sets: list[ReplicaSet]) -> History:
    """Tell the new ReplicaSet from the old ones by its template."""
    wanted = _without_hash(deployment.spec.template)
    new = next((each for each in replica_sets if _without_hash(each.spec.template) == wanted), None)
    return History(new, [each for each in replica_sets if each is not new])


def replica_set_for(deployment: Deployment, hash_value: str, replicas: int, annotations: dict[str, str]) -> ReplicaSet:
    """The ReplicaSet of the Deployment's present template, not yet in the store."""
    spec = deployment.spec
    own = {HASH_LABEL: hash_value}
    template = replace(
        spec.template, metadata=replace(spec.template.metadata, labels={**spec.template.metadata.labels, **own})
    )
    selector = replace(spec.selector, match_labels={**spec.selector.match_labels, **own})
    meta = ObjectMeta(
        name=f"{deployment.name}-{hash_value}",
        namespace=deployment.namespace,
        labels=template.metadata.labels,
        annotations={**copied_annotations(deployment), **annotations},
        owner_references=(reference_to(deployment),),
    )
    return ReplicaSet(
        metadata=meta,
        spec=ReplicaSetSpec(
            replicas=replicas, min_ready_seconds=spec.min_ready_seconds, selector=selector, template=template
        ),
    )


def copied_annotations(deployment: Deployment) -> dict[str, str]:
    """The Deployment's own annotations that its newest ReplicaSet carries too, such as the change cause."""
    return {key: value for key, value in deployment.metadata.annotations.items() if key not in _NOT_COPIED}


def surplus(old: list[ReplicaSet], limit: int) -> list[ReplicaSet]:
    """The empty old ReplicaSets beyond `limit`, of the lowest revisions."""
    idle = [each for each in old if each.spec.replicas == 0 and each.status.replicas == 0]
    settled = [each for each in idle if each.status.observed_generation >= each.metadata.generation]
    settled.sort(key=lambda each: annotated(each, REVISION) or 0)
    return settled[: max(len(old) - limit, 0)]


def _without_hash(template: PodTemplateSpec) -> tuple[PodTemplateSpec, dict[str, str]]:
    labels = {key: value for key, value in template.metadata.labels.items() if key != HASH_LABEL}
    return replace(template, metadata=replace(template.metadata, labels={})), labels
