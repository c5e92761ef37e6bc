"""What `kubectl rollout status` says of a rollout (polymorphichelpers' StatusViewers)."""

from __future__ import annotations

from typing import NamedTuple

from lab.kube.kinds.daemonset import DaemonSet
from lab.kube.kinds.deployment import Deployment
from lab.kube.kinds.statefulset import StatefulSet

Rolling = Deployment | DaemonSet | StatefulSet


class Progress(NamedTuple):
    """One line, and `complete` or `failed` when it is the last."""

    text: str
    end: str = ""


_ONLY_ROLLING = Progress("rollout status is only available for RollingUpdate strategy type", "failed")


def progress(obj: Rolling) -> Progress:
    """How far a rollout is."""
    if isinstance(obj, Deployment):
        return _deployment(obj)
    return _daemon_set(obj) if isinstance(obj, DaemonSet) else _stateful_set(obj)


def _deployment(deployment: Deployment) -> Progress:
    status, wanted = deployment.status, deployment.spec.replicas
    waiting = f'Waiting for deployment "{deployment.name}" rollout to finish: '
    if status.observed_generation < deployment.metadata.generation:
        return Progress("Waiting for deployment spec update to be observed...")
    if any(one.type == "Progressing" and one.reason == "ProgressDeadlineExceeded" for one in status.conditions):
        return Progress(f'deployment "{deployment.name}" exceeded its progress deadline', "failed")
    if status.updated_replicas < wanted:
        return Progress(f"{waiting}{status.updated_replicas} out of {wanted} new replicas have been updated...")
    if status.replicas > status.updated_replicas:
        old = status.replicas - status.updated_replicas
        return Progress(f"{waiting}{old} old replicas are pending termination...")
    if status.available_replicas < status.updated_replicas:
        of = f"{status.available_replicas} of {status.updated_replicas}"
        return Progress(f"{waiting}{of} updated replicas are available...")
    return Progress(f'deployment "{deployment.name}" successfully rolled out', "complete")


def _daemon_set(daemon_set: DaemonSet) -> Progress:
    status, wanted = daemon_set.status, daemon_set.status.desired_number_scheduled
    waiting = f'Waiting for daemon set "{daemon_set.name}" rollout to finish: '
    if daemon_set.spec.update_strategy.type != "RollingUpdate":
        return _ONLY_ROLLING
    if status.observed_generation < daemon_set.metadata.generation:
        return Progress("Waiting for daemon set spec update to be observed...")
    if status.updated_number_scheduled < wanted:
        return Progress(f"{waiting}{status.updated_number_scheduled} out of {wanted} new pods have been updated...")
    if status.number_available < wanted:
        return Progress(f"{waiting}{status.number_available} of {wanted} updated pods are available...")
    return Progress(f'daemon set "{daemon_set.name}" successfully rolled out', "complete")


def _stateful_set(stateful_set: StatefulSet) -> Progress:
    status, spec = stateful_set.status, stateful_set.spec
    if spec.update_strategy.type != "RollingUpdate":
        return _ONLY_ROLLING
    if not status.observed_generation or status.observed_generation < stateful_set.metadata.generation:
        return Progress("Waiting for statefulset spec update to be observed...")
    if status.ready_replicas < spec.replicas:
        return Progress(f"Waiting for {spec.replicas - status.ready_replicas} pods to be ready...")
    rolling = spec.update_strategy.rolling_update
    if rolling is not None:
        updated, wanted = status.updated_replicas, spec.replicas - rolling.partition
        if updated < wanted:
            waiting = "Waiting for partitioned roll out to finish: "
            return Progress(f"{waiting}{updated} out of {wanted} new pods have been updated...")
        return Progress(f"partitioned roll out complete: {updated} new pods have been updated...", "complete")
    if status.update_revision != status.current_revision:
        at = f"{status.updated_replicas} pods at revision {status.update_revision}"
        return Progress(f"waiting for statefulset rolling update to complete {at}...")
    at = f"{status.current_replicas} pods at revision {status.current_revision}"
    return Progress(f"statefulset rolling update complete {at}...", "complete")
