"""The arithmetic of a rollout: how many Pods a Deployment may have, must keep, and gives to which ReplicaSet.

Pure functions over what the Deployment and its ReplicaSets say (deploymentutil in Kubernetes).
https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#rolling-update-deployment
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from fractions import Fraction
from typing import NamedTuple

from lab.kube.canonical import canonical
from lab.kube.intorstring import scaled
from lab.kube.kinds.deployment import Deployment
from lab.kube.kinds.pod import PodTemplateSpec
from lab.kube.kinds.replicaset import ReplicaSet
from lab.settings import Settings

HASH_LABEL = "pod-template-hash"
REVISION = "deployment.kubernetes.io/revision"
DESIRED_REPLICAS = "deployment.kubernetes.io/desired-replicas"
MAX_REPLICAS = "deployment.kubernetes.io/max-replicas"

_SAFE_LETTERS = "bcdfghjklmnpqrstvwxz2456789"


class Limits(NamedTuple):
    """How far a rollout may stray from the wanted number of Pods."""

    surge: int
    unavailable: int
    desired: int

    @property
    def most(self) -> int:
        """The most Pods at a time."""
        return self.desired + self.surge

    @property
    def least_available(self) -> int:
        """The fewest available Pods at a time."""
        return self.desired - self.unavailable


def limits(deployment: Deployment, settings: Settings) -> Limits:
    """maxSurge rounded up and maxUnavailable rounded down; when both come to zero, one may be unavailable."""
    desired = deployment.spec.replicas
    if deployment.spec.strategy.type != "RollingUpdate":
        return Limits(0, 0, desired)
    update = deployment.spec.strategy.rolling_update
    surge = update.max_surge if update is not None else None
    unavailable = update.max_unavailable if update is not None else None
    most = scaled(settings.deployment_max_surge if surge is None else surge, desired, round_up=True)
    down = scaled(settings.deployment_max_unavailable if unavailable is None else unavailable, desired, round_up=False)
    if most == 0 and down == 0:
        down = 1
    return Limits(most, min(down, desired), desired)


def total(replica_sets: Iterable[ReplicaSet]) -> int:
    """How many Pods these ReplicaSets are asked to have."""
    return sum(replica_set.spec.replicas for replica_set in replica_sets)


def occupied(replica_sets: Iterable[ReplicaSet]) -> int:
    """How many Pods these ReplicaSets have or are asked to have: one that must still delete some holds their places."""
    return sum(max(each.spec.replicas, each.status.replicas) for each in replica_sets)


def available(replica_sets: Iterable[ReplicaSet]) -> int:
    """How many available Pods will be left when these ReplicaSets have done what they are asked now."""
    return sum(min(each.status.available_replicas, each.spec.replicas) for each in replica_sets)


def new_replicas(bounds: Limits, rolling: bool, current: int, everything: int) -> int:
    """How many Pods the new ReplicaSet, with `current`, may have when all together have `everything`."""
    if not rolling:
        return bounds.desired
    if current >= bounds.desired:
        return bounds.desired
    room = max(bounds.most - everything, 0)
    return current + min(room, bounds.desired - current)


class Shrinking(NamedTuple):
    """A ReplicaSet and the number of Pods that it is to go down to."""

    replica_set: ReplicaSet
    replicas: int


def shrink_old(bounds: Limits, new: ReplicaSet, old: list[ReplicaSet]) -> list[Shrinking]:
    """Which old ReplicaSets give up how many Pods: first the unhealthy ones, then what availability allows."""
    everything = total([new, *old])
    unavailable_new = new.spec.replicas - min(new.status.available_replicas, new.spec.replicas)
    allowance = everything - bounds.least_available - unavailable_new
    if allowance <= 0:
        return []
    sizes = {each.metadata.uid: each.spec.replicas for each in old}
    for each in old:
        unhealthy = each.spec.replicas - min(each.status.available_replicas, each.spec.replicas)
        fewer = min(unhealthy, allowance)
        sizes[each.metadata.uid] -= fewer
        allowance -= fewer
    spare = min(available([new, *old]) - bounds.least_available, allowance)
    for each in old:
        fewer = max(min(sizes[each.metadata.uid], spare), 0)
        sizes[each.metadata.uid] -= fewer
        spare -= fewer
    return [Shrinking(each, sizes[each.metadata.uid]) for each in old if sizes[each.metadata.uid] != each.spec.replicas]


def proportional(deployment: Deployment, bounds: Limits, replica_sets: list[ReplicaSet]) -> list[Shrinking]:
    """How a change of `spec.replicas` in the middle of a rollout is shared out over the ReplicaSets, oldest first.

    https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#proportional-scaling
    """
    allowed = bounds.most if bounds.desired > 0 else 0
    to_add = allowed - total(replica_sets)
    by_age = replica_sets[::-1] if to_add > 0 else replica_sets
    in_order = sorted(by_age, key=lambda each: each.spec.replicas, reverse=True)
    sizes: list[int] = []
    added = 0
    for each in in_order:
        share = _share(deployment, bounds, each, to_add, added)
        sizes.append(each.spec.replicas + share)
        added += share
    if sizes:
        sizes[0] = max(sizes[0] + to_add - added, 0)
    return [Shrinking(each, size) for each, size in zip(in_order, sizes, strict=True)]


def _share(deployment: Deployment, bounds: Limits, replica_set: ReplicaSet, to_add: int, added: int) -> int:
    current = replica_set.spec.replicas
    if not current or not to_add or to_add == added:
        return 0
    if bounds.desired == 0:
        fraction = -current
    else:
        before = annotated(replica_set, MAX_REPLICAS) or deployment.status.replicas or bounds.most
        fraction = _rounded(Fraction(current * bounds.most, before)) - current
    left = to_add - added
    return min(fraction, left) if to_add > 0 else max(fraction, left)


def _rounded(value: Fraction) -> int:
    return int(value + Fraction(1, 2))


def annotated(replica_set: ReplicaSet, annotation: str) -> int | None:
    """The number in one of the Deployment controller's annotations; None when there is none."""
    text = replica_set.metadata.annotations.get(annotation, "")
    return int(text) if text.isdigit() else None


def template_hash(template: PodTemplateSpec, attempt: int = 0) -> str:
    """The `pod-template-hash` of a template, in the letters that names are made of; another for each attempt."""
    data = canonical(template) + b"#%d" % attempt
    number = int.from_bytes(hashlib.sha256(data).digest()[:4], "big")
    return "".join(_SAFE_LETTERS[ord(digit) % len(_SAFE_LETTERS)] for digit in str(number))
