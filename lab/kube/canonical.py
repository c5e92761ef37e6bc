"""The one text of an object: equal objects have equal texts, in every process and wherever they came from.

msgspec leaves a field out when its value *is* the default, not when it equals it; a "TCP" that was read from a file
is another string than the default, and would show.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import msgspec


def canonical(value: Any) -> bytes:
    """JSON without fields that have their default value, keys of mappings in order."""
    return msgspec.json.encode(_plain(value))


def _plain(value: Any) -> Any:
    if isinstance(value, msgspec.Struct):
        pairs = ((field, getattr(value, field.name)) for field in _fields(type(value)))
        return {field.encode_name: _plain(item) for field, item in pairs if not _is_default(field, item)}
    if isinstance(value, Mapping):
        return {key: _plain(value[key]) for key in sorted(value)}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value


_fields = cache(msgspec.structs.fields)
"""Of a struct's class; msgspec reads the annotations anew each time."""


def _is_default(field: msgspec.structs.FieldInfo, value: Any) -> bool:
    if isinstance(value, msgspec.Struct):
        return False
    if field.default_factory is not msgspec.NODEFAULT:
        return bool(value == field.default_factory())
    return bool(value == field.default) if field.default is not msgspec.NODEFAULT else False
