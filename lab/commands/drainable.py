"""Which Pods `kubectl drain` takes off a node, what it warns of, and what keeps it from beginning.

The filters of k8s.io/kubectl/pkg/drain: each Pod goes through them in turn until one of them decides.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from lab.cluster.store import Store
from lab.commands.resources import find_resource
from lab.kube.kinds.pod import Pod

MIRROR = "kubernetes.io/config.mirror"
"""Annotation of a static Pod's mirror, which only its kubelet can end."""

_DAEMON_FATAL = "cannot delete DaemonSet-managed Pods (use --ignore-daemonsets to ignore)"
_DAEMON_WARNING = "ignoring DaemonSet-managed Pods"
_LOCAL_FATAL = "cannot delete Pods with local storage (use --delete-emptydir-data to override)"
_LOCAL_WARNING = "deleting Pods with local storage"
_UNMANAGED_FATAL = "cannot delete Pods that declare no controller (use --force to override)"
_UNMANAGED_WARNING = "deleting Pods that declare no controller"


class Options(NamedTuple):
    """What the one who drains allows."""

    ignore_daemonsets: bool = False
    force: bool = False
    delete_emptydir_data: bool = False


class Selection(NamedTuple):
    """The Pods to go, and what there is to say, each with the Pods that it is about."""

    pods: list[Pod]
    warnings: list[str]
    errors: list[str]


class _Verdict(NamedTuple):
    goes: bool
    warning: str = ""
    error: str = ""


_GOES = _Verdict(True)
_STAYS = _Verdict(False)


def select(store: Store, pods: Iterable[Pod], options: Options) -> Selection:
    """Sort the Pods of a node out."""
    going: list[Pod] = []
    warnings: dict[str, list[str]] = {}
    errors: dict[str, list[str]] = {}
    for pod in pods:
        verdict = _judge(store, pod, options)
        if verdict.goes:
            going.append(pod)
        for text, said in ((verdict.warning, warnings), (verdict.error, errors)):
            if text:
                said.setdefault(text, []).append(f"{pod.namespace}/{pod.name}")
    return Selection(going, _told(warnings), _told(errors))


def _told(said: dict[str, list[str]]) -> list[str]:
    return [f"{text}: {', '.join(names)}" for text, names in said.items()]


def _judge(store: Store, pod: Pod, options: Options) -> _Verdict:
    """The first filter that does not let it pass decides; of several warnings the last is told."""
    verdict = _of_daemon_set(store, pod, options)
    if not verdict.goes:
        return verdict
    if MIRROR in pod.metadata.annotations:
        return _STAYS
    if pod.finished:
        return verdict
    if _has_local_storage(pod):
        if not options.delete_emptydir_data:
            return _Verdict(False, error=_LOCAL_FATAL)
        verdict = _Verdict(True, _LOCAL_WARNING)
    if pod.metadata.controller is None:
        return _Verdict(True, _UNMANAGED_WARNING) if options.force else _Verdict(False, error=_UNMANAGED_FATAL)
    return verdict


def _of_daemon_set(store: Store, pod: Pod, options: Options) -> _Verdict:
    """Its controller would put it back at once, cordoned or not."""
    controller = pod.metadata.controller
    if controller is None or controller.kind != "DaemonSet" or pod.finished:
        return _GOES
    resource = find_resource("DaemonSet", store)
    if resource is None or resource.find(store, controller.name, pod.namespace) is None:
        missing = f'daemonsets.apps "{controller.name}" not found'
        return _Verdict(True, missing) if options.force else _Verdict(False, error=f"cannot delete {missing}")
    if not options.ignore_daemonsets:
        return _Verdict(False, error=_DAEMON_FATAL)
    return _Verdict(False, _DAEMON_WARNING)


def _has_local_storage(pod: Pod) -> bool:
    volumes = pod.spec.extra.get("volumes")
    return isinstance(volumes, list) and any(isinstance(each, dict) and "emptyDir" in each for each in volumes)
