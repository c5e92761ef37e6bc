"""The base of every Kubernetes value: frozen, camelCase outside, and keeping what it does not know."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec


class KubeStruct(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A part of an object; change it with `msgspec.structs.replace`, which makes a new value."""

    extra: dict[str, Any] = msgspec.field(default_factory=dict, name="$extra")
    """Fields that a manifest set here and the lab does not simulate, given back unchanged. Never mutated."""


class TimestampMark:
    """Marks a float field as a moment: RFC 3339 in manifests, virtual seconds inside."""


Timestamp = Annotated[float, TimestampMark]
"""Seconds of virtual time; `lab.kube.time` turns it into RFC 3339 and back."""

IntOrString = int | str
"""A number, or a name or percentage (apimachinery's intstr)."""
