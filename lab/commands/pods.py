"""Which Pod a command means that may name a workload instead, as `kubectl logs deployment/web` does."""

from __future__ import annotations

from collections.abc import Mapping

from lab.commands.call import Call
from lab.commands.resources import Target, target_of
from lab.commands.words import CommandError
from lab.kube.kinds.daemonset import DaemonSet
from lab.kube.kinds.deployment import Deployment
from lab.kube.kinds.job import Job
from lab.kube.kinds.pod import Pod
from lab.kube.kinds.replicaset import ReplicaSet
from lab.kube.kinds.service import Service
from lab.kube.kinds.statefulset import StatefulSet
from lab.kube.meta import KubeObject, LabelSelector

POD = target_of(
    *("Pod", "Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job", "Service"), name="POD", default="Pod"
)


def pod_of(target: Target, call: Call) -> Pod:
    """The Pod itself, or the oldest Ready Pod of a workload or Service that really runs.

    Raises CommandError when it has none: the API may take Pods for Ready whose node has just lost its power.
    """
    obj = target.obj
    if isinstance(obj, Pod):
        return obj
    selector = _selector(obj)
    pods = call.store.list(Pod, obj.namespace, selector) if obj is not None and selector else []
    ready = [pod for pod in pods if pod.ready and not pod.terminating]
    running = next((pod for pod in ready if call.engine.runs(pod.namespace, pod.name)), None)
    if running is None:
        what = "has Ready Pods, but no container of theirs runs" if ready else "has no Ready Pod"
        raise CommandError(f"error: {target.name} {what}", target.word)
    return running


def pods_of(target: Target, call: Call, *, every: bool) -> list[Pod]:
    """The Pod itself; of a workload or Service the one that `pod_of` finds, or `every` one that is not ending.

    Raises CommandError when there is none.
    """
    obj = target.obj
    if not every:
        return [pod_of(target, call)]
    if isinstance(obj, Pod):
        return [obj]
    selector = _selector(obj)
    if obj is None or selector is None:
        return []
    pods = [pod for pod in call.store.list(Pod, obj.namespace, selector) if not pod.terminating and not pod.finished]
    if not pods:
        raise CommandError(f"error: {target.name} has no Pod", target.word)
    return pods


def _selector(obj: KubeObject | None) -> LabelSelector | Mapping[str, str] | None:
    if isinstance(obj, Deployment | ReplicaSet | StatefulSet | DaemonSet | Job | Service):
        return obj.spec.selector
    return None
