"""How a Deployment is shown."""

from __future__ import annotations

from lab.kube.kinds.deployment import Deployment
from lab.kube.kinds.replicaset import ReplicaSet
from lab.kube.selector import to_text as selector
from lab.views.kinds.base import Context, KindView
from lab.views.kinds.formatting import age, annotation_lines, containers, moment, pair_lines
from lab.views.kinds.workload import condition_lines, set_state, template_lines
from lab.views.states import State
from lab.views.table import fields

REVISION_ANNOTATION = "deployment.kubernetes.io/revision"


def replica_sets(deployment: Deployment, context: Context) -> list[ReplicaSet]:
    """The Deployment's ReplicaSets, newest revision first."""
    return sorted(context.store.owned_by(deployment.metadata.uid, ReplicaSet), key=revision, reverse=True)


def revision(replica_set: ReplicaSet) -> int:
    """The rollout's number that a ReplicaSet belongs to; 0 when it is not marked."""
    text = replica_set.metadata.annotations.get(REVISION_ANNOTATION, "")
    return int(text) if text.isdigit() else 0


def _row(deployment: Deployment, context: Context) -> tuple[str, ...]:
    status = deployment.status
    return (
        deployment.name,
        f"{status.ready_replicas}/{deployment.spec.replicas}",
        str(status.updated_replicas),
        str(status.available_replicas),
        age(deployment.metadata.creation_timestamp, context.now),
        *containers(deployment.spec.template),
        selector(deployment.spec.selector),
    )


def _state(deployment: Deployment, context: Context) -> State:
    status = deployment.status
    return set_state(deployment.spec.replicas, status.available_replicas, status.updated_replicas)


def _describe(deployment: Deployment, context: Context) -> list[str]:
    spec, status = deployment.spec, deployment.status
    rolling = spec.strategy.rolling_update
    pairs: list[tuple[str, str | list[str]]] = [
        ("Name", deployment.name),
        ("Namespace", deployment.namespace),
        ("CreationTimestamp", moment(deployment.metadata.creation_timestamp)),
        ("Labels", pair_lines(deployment.metadata.labels)),
        ("Annotations", annotation_lines(deployment.metadata.annotations)),
        ("Selector", selector(spec.selector)),
        (
            "Replicas",
            f"{spec.replicas} desired | {status.updated_replicas} updated | {status.replicas} total | "
            f"{status.available_replicas} available | {status.unavailable_replicas} unavailable",
        ),
        ("StrategyType", spec.strategy.type),
        ("MinReadySeconds", f"{spec.min_ready_seconds:g}"),
    ]
    if rolling is not None:
        limits = f"{rolling.max_unavailable} max unavailable, {rolling.max_surge} max surge"
        pairs.append(("RollingUpdateStrategy", limits))
    return (
        fields(pairs) + template_lines(spec.template) + condition_lines(status.conditions) + _sets(deployment, context)
    )


def _sets(deployment: Deployment, context: Context) -> list[str]:
    found = replica_sets(deployment, context)
    texts = [f"{one.name} ({one.status.replicas}/{one.spec.replicas} replicas created)" for one in found]
    older = [text for text, one in zip(texts[1:], found[1:], strict=True) if one.spec.replicas or one.status.replicas]
    return fields(
        (("OldReplicaSets", ", ".join(older) or "<none>"), ("NewReplicaSet", texts[0] if texts else "<none>"))
    )


VIEW = KindView(
    struct=Deployment,
    columns=("NAME", "READY", "UP-TO-DATE", "AVAILABLE", "AGE"),
    wide=("CONTAINERS", "IMAGES", "SELECTOR"),
    row=_row,
    state=_state,
    describe=_describe,
)
