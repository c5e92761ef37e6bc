"""What ConfigMaps and Secrets must say (ValidateConfigMap, ValidateSecret)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from lab.cluster.errors import FieldError, forbidden, invalid
from lab.cluster.validation.names import Errors
from lab.kube.kinds.configmap import ConfigMap
from lab.kube.kinds.secret import Secret, decoded

MAX_BYTES = 1024 * 1024
"""Of all values together."""
_KEY = re.compile(r"[-._a-zA-Z0-9]{1,253}")
_KEY_FAULT = (
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',"
    "  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
)
_IMMUTABLE = "field is immutable when `immutable` is set"


def config_map_errors(new: ConfigMap, old: ConfigMap | None) -> Errors:
    """What is wrong with a ConfigMap or its change."""
    yield from _keys(new.data, "data")
    yield from _keys(new.binary_data, "binaryData")
    for key in new.binary_data:
        if key in new.data:
            yield invalid("data", key, "duplicate of key present in binaryData")
    yield from _base64(new.binary_data, "binaryData")
    yield from _size(sum(map(_length, new.data.values())) + sum(map(_length, new.binary_data.values())))
    if old is not None and old.immutable:
        if not new.immutable:
            yield forbidden("immutable", _IMMUTABLE)
        if new.data != old.data:
            yield forbidden("data", _IMMUTABLE)
        if new.binary_data != old.binary_data:
            yield forbidden("binaryData", _IMMUTABLE)


def secret_errors(new: Secret, old: Secret | None) -> Errors:
    """What is wrong with a Secret or its change."""
    yield from _keys(new.data, "data")
    yield from _base64(new.data, "data")
    yield from _size(sum(map(_length, new.data.values())) * 3 // 4)
    if old is None:
        return
    if new.type != old.type:
        yield invalid("type", new.type, "field is immutable")
    if old.immutable:
        if not new.immutable:
            yield forbidden("immutable", _IMMUTABLE)
        if new.data != old.data:
            yield forbidden("data", _IMMUTABLE)


def _keys(values: Mapping[str, str], path: str) -> Errors:
    for key in values:
        if not _KEY.fullmatch(key) or key == "." or key.startswith(".."):
            yield invalid(f"{path}[{key}]", key, _KEY_FAULT)


def _base64(values: Mapping[str, str], path: str) -> Errors:
    for key, value in values.items():
        if decoded(value) is None:
            yield invalid(f"{path}[{key}]", value, "illegal base64 data")


def _size(total: int) -> Errors:
    if total > MAX_BYTES:
        yield FieldError("data", "Too long", "", f"may not be more than {MAX_BYTES} bytes")


def _length(value: str) -> int:
    return len(value.encode())
