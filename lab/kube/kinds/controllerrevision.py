"""apps/v1 ControllerRevision."""

from __future__ import annotations

from typing import Any

from lab.kube.meta import KubeObject


class ControllerRevision(KubeObject, frozen=True):
    """A Pod template that a DaemonSet or StatefulSet has had, with its number."""

    api_version: str = "apps/v1"
    kind: str = "ControllerRevision"
    data: dict[str, Any] = {}
    """A patch of the owner that brings the template back. Never mutated."""
    revision: int = 0
