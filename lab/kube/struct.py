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


class MicroTimestampMark:
    """Marks a float field as a meta/v1 MicroTime: a moment with six decimals in manifests."""


class NumberAsTextMark:
    """Marks an int field that the API writes as a string."""


class QuantityMark:
    """Marks a field as a resource quantity, such as `100m` or `512Mi`."""


Timestamp = Annotated[float, TimestampMark]
"""Seconds of virtual time; `lab.kube.time` turns it into RFC 3339 and back."""

MicroTimestamp = Annotated[float, MicroTimestampMark]
"""A Timestamp that keeps microseconds outside."""

NumberAsText = Annotated[int, NumberAsTextMark]
"""A number inside, a string outside."""

Quantity = Annotated[int | str | float, QuantityMark]
"""As the manifest wrote it; `lab.kube.quantity` reads it."""

IntOrString = int | str
"""A number, or a name or percentage (apimachinery's intstr)."""
