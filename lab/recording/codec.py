"""A scenario as plain data that msgpack takes, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from lab.kube.decode import decode
from lab.kube.encode import encode
from lab.kube.errors import LabError, ManifestError
from lab.kube.meta import KubeObject
from lab.scenario.scenario import Scenario


def pack_objects(objects: tuple[KubeObject, ...]) -> list[dict[str, Any]]:
    """Objects as a manifest would say them."""
    return [encode(obj) for obj in objects]


def unpack_objects(said: Any) -> tuple[KubeObject, ...]:
    """The objects again. Raises `LabError`."""
    try:
        return tuple(decode(each, "recording") for each in said)
    except (ManifestError, TypeError) as error:
        raise LabError(f"an object of the recording cannot be read: {error}") from None


def pack_scenario(scenario: Scenario) -> dict[str, Any]:
    """Everything of a scenario that a run follows from."""
    bare = replace(scenario, objects=(), folder=Path())
    said: dict[str, Any] = msgspec.to_builtins(bare, enc_hook=_path_text)
    return {**said, "objects": pack_objects(scenario.objects)}


def unpack_scenario(said: Mapping[str, Any]) -> Scenario:
    """The scenario again. Raises `LabError` for what another version of the lab has written differently."""
    objects = unpack_objects(said.get("objects", ()))
    try:
        bare = msgspec.convert({**said, "objects": ()}, Scenario, dec_hook=_path)
    except msgspec.ValidationError as error:
        raise LabError(f"the scenario of the recording cannot be read: {error}") from None
    return replace(bare, objects=objects)


def _path_text(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    raise NotImplementedError


def _path(kind: type, value: Any) -> Any:
    if kind is Path:
        return Path(value)
    raise NotImplementedError
