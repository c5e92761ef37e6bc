"""What the API server answers when it refuses, in its own words."""

from __future__ import annotations

import json
from typing import NamedTuple

from lab.kube.builtin import find_built_in, group_of
from lab.kube.errors import LabError
from lab.kube.kinds import BY_NAME, plural_of

API_SERVER = "127.0.0.1:6443"
"""Where kubectl looks for the API server."""


class FieldError(NamedTuple):
    """One thing that is wrong with one field, as apimachinery's field.Error words it."""

    path: str
    """Such as `spec.ports[0].nodePort`."""
    problem: str
    """`Invalid value`, `Required value`, `Duplicate value`, `Forbidden` or `Unsupported value`."""
    value: object
    """What stands there; not shown for `Required value`, `Forbidden` and `Too long`."""
    detail: str = ""

    def __str__(self) -> str:
        parts = [self.path, self.problem]
        if self.problem not in ("Required value", "Forbidden", "Too long"):
            parts.append(_shown(self.value))
        if self.detail:
            parts.append(self.detail)
        return ": ".join(parts)


def invalid(path: str, value: object, detail: str) -> FieldError:
    """A field with a value that is not allowed there."""
    return FieldError(path, "Invalid value", value, detail)


def required(path: str, detail: str = "") -> FieldError:
    """A field that must be set and is not."""
    return FieldError(path, "Required value", "", detail)


def duplicate(path: str, value: object) -> FieldError:
    """A value that must be unique and is there twice."""
    return FieldError(path, "Duplicate value", value)


def forbidden(path: str, detail: str) -> FieldError:
    """A field that must not be set here."""
    return FieldError(path, "Forbidden", "", detail)


def unsupported(path: str, value: object, supported: tuple[str, ...]) -> FieldError:
    """A value outside of a fixed list."""
    names = ", ".join(f'"{name}"' for name in supported)
    return FieldError(path, "Unsupported value", value, f"supported values: {names}")


def _shown(value: object) -> str:
    """A value as field.Error prints it: a text in quotes, anything with parts as JSON."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    plain = isinstance(value, int | float) and not isinstance(value, bool)
    return str(value) if plain else json.dumps(value, separators=(",", ":"), ensure_ascii=False)


class StoreError(LabError):
    """The store refuses; the message is what the API server would say. `reason` is its machine-readable name."""

    reason = "Unknown"


class ServerDown(StoreError):  # noqa: N818 - a state, in kubectl's words
    """Nobody listens where the API server should (kubectl's cmdutil.StandardErrorMessage)."""

    reason = "ServiceUnavailable"

    def __init__(self) -> None:
        super().__init__(
            f"The connection to the server {API_SERVER} was refused - did you specify the right host or port?"
        )


class NotServed(StoreError):  # noqa: N818 - what kubectl says, which asks first what there is
    """The API server of this release does not have the kind."""

    reason = "NotFound"

    def __init__(self, api_version: str, kind: str) -> None:
        super().__init__(f'no matches for kind "{kind}" in version "{api_version}"')


class NotFound(StoreError):  # noqa: N818 - the API's own name
    """There is no object of this kind and name."""

    reason = "NotFound"

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(f'{resource_of(kind)} "{name}" not found')


class AlreadyExists(StoreError):  # noqa: N818 - the API's own name
    """An object of this kind and name is there already."""

    reason = "AlreadyExists"

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(f'{resource_of(kind)} "{name}" already exists')


class Conflict(StoreError):  # noqa: N818 - the API's own name
    """Somebody wrote the object after it was read."""

    reason = "Conflict"

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(
            f'Operation cannot be fulfilled on {resource_of(kind)} "{name}": the object has been modified; '
            "please apply your changes to the latest version and try again"
        )


class Invalid(StoreError):  # noqa: N818 - the API's own name
    """The object says something that it must not; `errors` are the fields, in the order they were found."""

    reason = "Invalid"

    def __init__(self, kind: str, name: str, errors: list[FieldError]) -> None:
        self.errors = errors
        text = ", ".join(map(str, errors))
        shown = f"[{text}]" if len(errors) > 1 else text
        super().__init__(f'{_qualified(kind)} "{name}" is invalid: {shown}')


class Forbidden(StoreError):  # noqa: N818 - the API's own name
    """An admission plugin says no."""

    reason = "Forbidden"

    def __init__(self, kind: str, name: str, why: str) -> None:
        super().__init__(f'{resource_of(kind)} "{name}" is forbidden: {why}')


class TooManyRequests(StoreError):  # noqa: N818 - the API's own name
    """Not now: try again later (429). `cause` tells more than the message does."""

    reason = "TooManyRequests"

    def __init__(self, message: str, cause: str = "") -> None:
        self.cause = cause
        super().__init__(message)


class InternalError(StoreError):
    """The API server cannot do what is asked (500)."""

    reason = "InternalError"


def resource_of(kind: str) -> str:
    """`deployments.apps` for `Deployment`: the plural and the group, as the API server names it in errors."""
    head, _, group = kind.partition(".")
    known = BY_NAME.get(kind)
    if known is not None:
        group = group_of(known.api_version)
    own = find_built_in(group, head)
    plural = known.plural if known is not None else own.plural if own is not None else plural_of(head)
    return f"{plural}.{group}" if group else plural


def _qualified(kind: str) -> str:
    known = BY_NAME.get(kind)
    group = group_of(known.api_version) if known else ""
    return f"{kind}.{group}" if group else kind
