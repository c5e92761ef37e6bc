"""How a ConfigMap is shown."""

from __future__ import annotations

from collections.abc import Iterator

from lab.kube.kinds.configmap import ConfigMap
from lab.kube.kinds.secret import decoded
from lab.views.kinds.base import Context, KindView
from lab.views.kinds.formatting import age, annotation_lines, pair_lines
from lab.views.states import READY, State
from lab.views.table import fields


def _row(config_map: ConfigMap, context: Context) -> tuple[str, ...]:
    count = len(config_map.data) + len(config_map.binary_data)
    return (config_map.name, str(count), age(config_map.metadata.creation_timestamp, context.now))


def _state(config_map: ConfigMap, context: Context) -> State:
    return READY


def _describe(config_map: ConfigMap, context: Context) -> list[str]:
    head = fields(
        (
            ("Name", config_map.name),
            ("Namespace", config_map.namespace),
            ("Labels", pair_lines(config_map.metadata.labels)),
            ("Annotations", annotation_lines(config_map.metadata.annotations)),
        )
    )
    return [*head, "", "Data", "====", *_data(config_map), "BinaryData", "====", *_binary(config_map)]


def _data(config_map: ConfigMap) -> Iterator[str]:
    for key, value in sorted(config_map.data.items()):
        yield from (f"{key}:", "----", *value.split("\n"), "")


def _binary(config_map: ConfigMap) -> Iterator[str]:
    for key, value in sorted(config_map.binary_data.items()):
        yield f"{key}: {len(decoded(value) or b'')} bytes"


VIEW = KindView(struct=ConfigMap, columns=("NAME", "DATA", "AGE"), row=_row, state=_state, describe=_describe)
