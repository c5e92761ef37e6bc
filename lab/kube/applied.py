"""What a manifest said, remembered on the object itself as `kubectl apply` does.

Only so can a later apply tell a field that the manifest leaves to others from one that it no longer wants. See the
Kubernetes documentation, "Declarative Management of Kubernetes Objects Using Configuration Files".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from lab.kube.meta import KubeObject

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"

T = TypeVar("T", bound=KubeObject)


def remember(obj: T, said: Mapping[str, Any]) -> T:
    """The object with `said` in its annotation; the status is not part of what a manifest says."""
    text = json.dumps({key: value for key, value in said.items() if key != "status"}, sort_keys=True)
    meta = msgspec.structs.replace(obj.metadata, annotations={**obj.metadata.annotations, LAST_APPLIED: text})
    return msgspec.structs.replace(obj, metadata=meta)


def remembered(obj: KubeObject) -> dict[str, Any] | None:
    """What was applied last; None when the object was not applied."""
    text = obj.metadata.annotations.get(LAST_APPLIED)
    try:
        said = json.loads(text) if text else None
    except ValueError:
        return None
    return said if isinstance(said, dict) else None
