"""How each kind is shown: one small file a kind, and one line here."""

from __future__ import annotations

from typing import Any

from lab.cluster.store import kept_kind
from lab.kube.meta import KeptObject, KubeObject
from lab.views.kinds import (
    configmap,
    controllerrevision,
    cronjob,
    daemonset,
    deployment,
    endpoints,
    endpointslice,
    horizontalpodautoscaler,
    ipaddress,
    job,
    kept,
    lease,
    namespace,
    networkpolicy,
    node,
    pod,
    poddisruptionbudget,
    replicaset,
    resourcequota,
    secret,
    service,
    servicecidr,
    statefulset,
)
from lab.views.kinds.base import Context, KindView
from lab.views.kinds.event import event_lines

__all__ = ["VIEWS", "Context", "KindView", "describe", "view_of"]

VIEWS: tuple[KindView[Any], ...] = (
    namespace.VIEW,
    node.VIEW,
    lease.VIEW,
    configmap.VIEW,
    secret.VIEW,
    pod.VIEW,
    replicaset.VIEW,
    deployment.VIEW,
    statefulset.VIEW,
    horizontalpodautoscaler.VIEW,
    poddisruptionbudget.VIEW,
    resourcequota.VIEW,
    daemonset.VIEW,
    controllerrevision.VIEW,
    cronjob.VIEW,
    job.VIEW,
    service.VIEW,
    networkpolicy.VIEW,
    endpointslice.VIEW,
    endpoints.VIEW,
    servicecidr.VIEW,
    ipaddress.VIEW,
)

_BY_KIND: dict[str, KindView[Any]] = {view.struct.__name__: view for view in VIEWS}


def view_of(kind: str) -> KindView[Any]:
    """The view of a kind by its full name, such as `Pod`; a plain one for kinds without a view of their own."""
    return _BY_KIND.get(kind, kept.VIEW)


def describe(obj: KubeObject, context: Context) -> list[str]:
    """Everything `kubectl describe` says of an object, its events included."""
    kind = kept_kind(obj) if isinstance(obj, KeptObject) else obj.kind
    return view_of(kind).describe(obj, context) + event_lines(obj.kind, obj.namespace, obj.name, context)
