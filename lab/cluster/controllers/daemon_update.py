"""How a DaemonSet's Pods are replaced: which go, and which nodes get another one beside theirs.

Pure functions over what lies on each node; an update goes node by node in the order of the nodes.
https://kubernetes.io/docs/tasks/manage-daemon/update-daemon-set/
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from lab.cluster.controllers.template_history import HASH_LABEL
from lab.kube.intorstring import scaled
from lab.kube.kinds.daemonset import DaemonSet
from lab.kube.kinds.pod import Pod

ByNode = Mapping[str, Sequence[Pod]]
"""A DaemonSet's Pods by the node that they are for."""


class Changes(NamedTuple):
    """Pods to delete, and names of nodes to make a Pod for."""

    delete: list[Pod]
    create: list[str]

    def __bool__(self) -> bool:
        return bool(self.delete or self.create)


class Limits(NamedTuple):
    """On how many nodes at a time the Pod may be missing, or be there twice."""

    unavailable: int
    surge: int


def limits_of(daemon_set: DaemonSet, desired: int) -> Limits:
    """maxUnavailable and maxSurge of the nodes that are to have a Pod, both rounded up; at least one of something."""
    rolling = daemon_set.spec.update_strategy.rolling_update
    if daemon_set.spec.update_strategy.type != "RollingUpdate" or rolling is None:
        return Limits(1, 0)
    down = scaled(1 if rolling.max_unavailable is None else rolling.max_unavailable, desired, round_up=True)
    up = scaled(rolling.max_surge or 0, desired, round_up=True)
    return Limits(1, 0) if not down and not up else Limits(down, up)


class Update:
    """One look at a DaemonSet that is being updated; `available` says which Pods have been ready for long enough."""

    def __init__(self, hash_value: str, pods: ByNode, available: Callable[[Pod], bool]) -> None:
        self._hash = hash_value
        self._pods = pods
        self._available = available

    @property
    def pending(self) -> bool:
        """Whether any Pod is of an older template."""
        return not all(self._is_new(pod) for pods in self._pods.values() for pod in pods)

    def in_place(self, most: int) -> Changes:
        """Old Pods to delete so that at most `most` are unavailable; those that are so already cost nothing."""
        unavailable = 0
        broken: list[Pod] = []
        candidates: list[Pod] = []
        for pods in self._pods.values():
            new, old, several = self._pair(pods)
            if several or (new is None) == (old is None):
                unavailable += 1
            elif old is None:
                unavailable += new is not None and not self._available(new)
            elif self._available(old):
                candidates.append(old)
            else:
                broken.append(old)
                unavailable += 1
        return Changes(broken + candidates[: max(most - unavailable, 0)], [])

    def with_surge(self, most: int, runs: Callable[[str], bool]) -> Changes:
        """Nodes that get a new Pod beside their old one, `most` at a time, and old Pods that are no longer needed."""
        surging = 0
        changes = Changes([], [])
        candidates: list[str] = []
        for node, pods in self._pods.items():
            new, old, several = self._pair(pods)
            if several:
                surging += 1
            elif old is None:
                continue
            elif new is not None and self._available(new):
                changes.delete.append(old)
            elif new is not None:
                surging += 1
            elif runs(node):
                (candidates if self._available(old) else changes.create).append(node)
        changes.create.extend(candidates[: max(most - surging, 0)])
        return changes

    def _pair(self, pods: Sequence[Pod]) -> tuple[Pod | None, Pod | None, bool]:
        """The new Pod of a node, its old one, and whether it has more of one sort than that."""
        standing = [pod for pod in pods if not pod.terminating]
        new = [pod for pod in standing if self._is_new(pod)]
        old = [pod for pod in standing if not self._is_new(pod)]
        return (new[0] if new else None), (old[0] if old else None), len(new) > 1 or len(old) > 1

    def surplus(self, standing: Sequence[Pod]) -> list[Pod]:
        """Of several Pods on a node that may surge, those to delete: an old one may only stay while it is needed."""
        new = [pod for pod in standing if self._is_new(pod)]
        old = [pod for pod in standing if not self._is_new(pod)]
        gone = [*new[1:], *old[1:]]
        if new and old and (not old[0].ready or self._available(new[0])):
            gone.append(old[0])
        return gone

    def _is_new(self, pod: Pod) -> bool:
        return pod.metadata.labels.get(HASH_LABEL) == self._hash
