"""The scale subresource: what an autoscaler and a disruption budget see of a workload, whatever its kind.

https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-scaling
"""

from __future__ import annotations

from typing import Any, NamedTuple

from msgspec.structs import replace

from lab.cluster.errors import NotFound
from lab.cluster.store import Store
from lab.kube.builtin import group_of
from lab.kube.errors import LabError
from lab.kube.kinds import BY_NAME
from lab.kube.kinds.deployment import Deployment
from lab.kube.kinds.replicaset import ReplicaSet
from lab.kube.kinds.statefulset import StatefulSet
from lab.kube.meta import KubeObject, LabelSelector

SCALABLE: dict[str, type[KubeObject]] = {kind.__name__: kind for kind in (Deployment, ReplicaSet, StatefulSet)}
"""The kinds that have one."""


class Scale(NamedTuple):
    """autoscaling/v1 Scale."""

    kind: str
    namespace: str
    name: str
    uid: str
    replicas: int
    """What is wanted."""
    current: int
    """What there is."""
    selector: LabelSelector


def scale_of(obj: KubeObject) -> Scale | None:
    """The scale of an object; None for kinds that have none."""
    if not isinstance(obj, Deployment | ReplicaSet | StatefulSet):
        return None
    spec = obj.spec
    uid = obj.metadata.uid
    return Scale(obj.kind, obj.namespace, obj.name, uid, spec.replicas, obj.status.replicas, spec.selector)


def find_scale(store: Store, group: str, kind: str, name: str, namespace: str) -> Scale:
    """The scale of the object that a reference means; raises LabError in the API server's words."""
    known = BY_NAME.get(kind)
    if known is None or group_of(known.api_version) != group:
        raise LabError(f'no matches for kind "{kind}" in group "{group}"')
    if kind not in SCALABLE:
        raise LabError("the server could not find the requested resource")
    found = store.find(SCALABLE[kind], name, namespace)
    if found is None:
        raise NotFound(kind, name)
    scale = scale_of(found)
    assert scale is not None
    return scale


def set_replicas(store: Store, scale: Scale, replicas: int) -> None:
    """Write how many are wanted; raises StoreError when that is refused."""

    def change(obj: Any) -> Any:
        return replace(obj, spec=replace(obj.spec, replicas=replicas))

    store.mutate(SCALABLE[scale.kind], scale.name, scale.namespace, change)
