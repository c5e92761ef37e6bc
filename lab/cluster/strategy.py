"""What the API server makes of a write to an object itself: its status is a resource of its own, and stays as it is.

PrepareForCreate and PrepareForUpdate of each kind's registry strategy. Controllers and kubelets write statuses straight
to the store; whatever users send comes through here first.
"""

from __future__ import annotations

from typing import Any, TypeVar

from msgspec.structs import replace

from lab.cluster.errors import Invalid
from lab.cluster.validation.pod_update import binding_errors
from lab.kube.builtin import find_built_in, group_of
from lab.kube.kinds.node import Node
from lab.kube.kinds.pod import Pod
from lab.kube.meta import KeptObject, KubeObject

T = TypeVar("T", bound=KubeObject)


def for_create(obj: T) -> T:
    """A new object as it is taken: without any status, but for Nodes, which may bring one along."""
    if not has_status(obj) or isinstance(obj, Node):
        return obj
    if isinstance(obj, KeptObject):
        return _with_body_status(obj, None)
    status: Any = getattr(obj, "status", None)
    return obj if status is None else replace(obj, status=type(status)())


def for_update(new: T, old: T) -> T:
    """An update as it is taken: with the status that the object has. Raises Invalid for what only binding may set."""
    if isinstance(new, Pod) and isinstance(old, Pod):
        errors = list(binding_errors(new, old))
        if errors:
            raise Invalid("Pod", new.name, errors)
    return with_status_of(new, old) if has_status(new) else new


def with_status_of(obj: T, other: T) -> T:
    """The object with the status of another version of it."""
    if isinstance(obj, KeptObject) and isinstance(other, KeptObject):
        return _with_body_status(obj, other.body.get("status"))
    return replace(obj, status=other.status) if hasattr(other, "status") else obj


def has_status(obj: KubeObject) -> bool:
    """Whether the status of an object is a resource of its own; of custom resources it is not known."""
    known = find_built_in(group_of(obj.api_version), obj.kind)
    return known is not None and known.status


def _with_body_status(obj: T, status: Any) -> T:
    body = {key: value for key, value in getattr(obj, "body", {}).items() if key != "status"}
    return replace(obj, body=body if status is None else {**body, "status": status})
