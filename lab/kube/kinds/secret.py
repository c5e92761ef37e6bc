"""core/v1 Secret."""

from __future__ import annotations

import base64
import binascii

from lab.kube.meta import KubeObject


class Secret(KubeObject, frozen=True):
    """Values by key in base64, for the environment of containers; as a volume it is kept and mounted nowhere."""

    api_version: str = "v1"
    kind: str = "Secret"
    data: dict[str, str] = {}
    string_data: dict[str, str] = {}
    """Plain text that a write puts into `data`; a stored Secret has none."""
    type: str = ""
    immutable: bool | None = None

    def text(self, key: str) -> str | None:
        """The value of a key as a program sees it; None when there is no such key, or no base64 under it."""
        value = decoded(self.data[key]) if key in self.data else None
        return None if value is None else value.decode(errors="replace")


def encoded(text: str) -> str:
    """A plain text as it stands in `data`."""
    return base64.b64encode(text.encode()).decode()


def decoded(value: str) -> bytes | None:
    """What a value of `data` stands for; None when it is not base64. Line breaks in it do not count."""
    try:
        return base64.b64decode(value.replace("\n", ""), validate=True)
    except (binascii.Error, ValueError):
        return None
