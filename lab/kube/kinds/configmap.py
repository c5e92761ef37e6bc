"""core/v1 ConfigMap."""

from __future__ import annotations

from lab.kube.meta import KubeObject


class ConfigMap(KubeObject, frozen=True):
    """Values by key, for the environment of containers; as a volume it is kept and mounted nowhere."""

    api_version: str = "v1"
    kind: str = "ConfigMap"
    data: dict[str, str] = {}
    binary_data: dict[str, str] = {}
    """Base64; the environment has none of it."""
    immutable: bool | None = None
