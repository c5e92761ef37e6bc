"""What a Deployment says of itself: its counts, and the conditions Available and Progressing.

https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#deployment-status
"""

from __future__ import annotations

from msgspec.structs import replace

from lab.cluster.controllers.rollout import Limits, total
from lab.kube.kinds.deployment import Deployment, DeploymentStatus
from lab.kube.kinds.replicaset import ReplicaSet
from lab.kube.meta import Condition

CREATED = "NewReplicaSetCreated"
FOUND = "FoundNewReplicaSet"
UPDATED = "ReplicaSetUpdated"
AVAILABLE = "NewReplicaSetAvailable"
DEADLINE_EXCEEDED = "ProgressDeadlineExceeded"
PAUSED = "DeploymentPaused"
RESUMED = "DeploymentResumed"


def counts(deployment: Deployment, new: ReplicaSet | None, everything: list[ReplicaSet]) -> DeploymentStatus:
    """The status with fresh numbers; conditions as they were."""
    available = sum(each.status.available_replicas for each in everything)
    return replace(
        deployment.status,
        observed_generation=deployment.metadata.generation,
        replicas=sum(each.status.replicas for each in everything),
        updated_replicas=new.status.replicas if new is not None else 0,
        ready_replicas=sum(each.status.ready_replicas for each in everything),
        available_replicas=available,
        unavailable_replicas=max(total(everything) - available, 0),
    )


def complete(deployment: Deployment, status: DeploymentStatus) -> bool:
    """Whether all Pods are of the newest template, available, and no others are left."""
    wanted = deployment.spec.replicas
    return status.updated_replicas == status.replicas == status.available_replicas == wanted


def progressed(before: DeploymentStatus, after: DeploymentStatus) -> bool:
    """Whether anything has moved towards the end of the rollout."""
    return (
        after.updated_replicas > before.updated_replicas
        or after.replicas - after.updated_replicas < before.replicas - before.updated_replicas
        or after.ready_replicas > before.ready_replicas
        or after.available_replicas > before.available_replicas
    )


def find(status: DeploymentStatus, type: str) -> Condition | None:
    """The condition of a type, if it is there."""
    return next((condition for condition in status.conditions if condition.type == type), None)


def with_condition(
    status: DeploymentStatus, type: str, value: str, reason: str, message: str, now: float
) -> DeploymentStatus:
    """The status with one condition set; its transition time changes only when its value does."""
    before = find(status, type)
    since = before.last_transition_time if before is not None and before.status == value else now
    condition = Condition(type=type, status=value, reason=reason, message=message, last_transition_time=since)
    others = tuple(other for other in status.conditions if other.type != type)
    if before is None:
        return replace(status, conditions=(*status.conditions, condition))
    if before == condition:
        return status
    return replace(status, conditions=(*others, condition))


def with_availability(status: DeploymentStatus, bounds: Limits, now: float) -> DeploymentStatus:
    """The status with its Available condition."""
    if status.available_replicas >= bounds.least_available:
        message = "Deployment has minimum availability."
        return with_condition(status, "Available", "True", "MinimumReplicasAvailable", message, now)
    message = "Deployment does not have minimum availability."
    return with_condition(status, "Available", "False", "MinimumReplicasUnavailable", message, now)
