"""From Kubernetes objects to the JSON form that the API server gives, and to YAML as `kubectl -o yaml` prints it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import msgspec
import yaml

from lab.kube.kinds.daemonset import DaemonSetStatus
from lab.kube.kinds.horizontalpodautoscaler import HorizontalPodAutoscalerStatus
from lab.kube.kinds.networkpolicy import NetworkPolicySpec
from lab.kube.kinds.pod import Container, ContainerStatus
from lab.kube.kinds.poddisruptionbudget import PodDisruptionBudgetStatus
from lab.kube.kinds.service import ServiceStatus
from lab.kube.kinds.statefulset import RollingUpdateStatefulSet, StatefulSetStatus
from lab.kube.meta import KeptObject, KubeObject
from lab.kube.shapes import SHAPES
from lab.kube.struct import KubeStruct, MicroTimestampMark, NumberAsTextMark, TimestampMark
from lab.kube.time import to_rfc3339, to_rfc3339_micro
from lab.kube.yaml_scalars import ScalarError, plain

_ALWAYS_SHOWN: dict[type[KubeStruct], tuple[str, ...]] = {
    Container: ("resources",),
    ContainerStatus: ("ready", "restart_count"),
    DaemonSetStatus: (
        "current_number_scheduled",
        "number_misscheduled",
        "desired_number_scheduled",
        "number_ready",
    ),
    RollingUpdateStatefulSet: ("partition",),
    HorizontalPodAutoscalerStatus: ("desired_replicas",),
    NetworkPolicySpec: ("pod_selector",),
    PodDisruptionBudgetStatus: ("disruptions_allowed", "current_healthy", "desired_healthy", "expected_pods"),
    ServiceStatus: ("load_balancer",),
    StatefulSetStatus: ("replicas", "available_replicas"),
}
"""Fields that the API writes even when they are empty (no `omitempty` in its Go types)."""

_Writer = Callable[[Any], Any]


def encode(value: KubeStruct) -> dict[str, Any]:
    """An object, or a part of one, as JSON values; what it kept of unknown fields stands where it stood."""
    struct = type(value)
    result: dict[str, Any] = {}
    for field in _fields(struct):
        item = getattr(value, field.name)
        if item is None or (field.omit_empty and not item):
            continue
        written = field.write(item)
        if written != {} or field.keep_empty or field.default is None:
            result[field.encoded] = written
    if isinstance(value, KeptObject):
        result.update(result.pop("body", {}))
    result.update(value.extra)
    return SHAPES[struct].to_json(result) if struct in SHAPES else result


def to_yaml(value: KubeObject | dict[str, Any]) -> str:
    """YAML with sorted keys, as `kubectl get -o yaml` prints it."""
    data = encode(value) if isinstance(value, KubeStruct) else value
    text: str = yaml.dump(data, Dumper=_Dumper, default_flow_style=False, allow_unicode=True, width=100_000)
    return text


def as_list(objects: Iterable[KubeObject]) -> dict[str, Any]:
    """Several objects as the `kind: List` that `kubectl get -o yaml` prints."""
    items = [encode(each) for each in objects]
    return {"apiVersion": "v1", "items": items, "kind": "List", "metadata": {"resourceVersion": ""}}


@dataclass(frozen=True)
class _Field:
    name: str
    encoded: str
    write: _Writer
    default: Any
    omit_empty: bool
    """Whether an empty value is left out: when that is what an absent field means."""
    keep_empty: bool


@cache
def _fields(struct: type[KubeStruct]) -> tuple[_Field, ...]:
    return tuple(_field(struct, field) for field in msgspec.structs.fields(struct) if field.name != "extra")


def _field(struct: type[KubeStruct], info: msgspec.structs.FieldInfo) -> _Field:
    default = info.default
    if info.default_factory is not msgspec.NODEFAULT:
        default = info.default_factory()
    always = info.name in _ALWAYS_SHOWN.get(struct, ())
    means_empty = default is not None and default is not msgspec.NODEFAULT and not default
    return _Field(info.name, info.encode_name, _writer(info.type), default, means_empty and not always, always)


def _number(value: float) -> int | float:
    return int(value) if float(value).is_integer() else value


def _unchanged(value: Any) -> Any:
    return value


_MARKED: dict[type, _Writer] = {
    TimestampMark: to_rfc3339,
    MicroTimestampMark: to_rfc3339_micro,
    NumberAsTextMark: str,
}


@cache
def _writer(kind: Any) -> _Writer:
    """The writer for a field's annotation."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _MARKED.get(arguments[1], _unchanged)
    if origin in (Union, UnionType):
        choices = tuple(choice for choice in arguments if choice is not type(None))
        return _writer(choices[0]) if len(choices) == 1 else _unchanged
    if origin in (tuple, dict):
        write_item = _writer(arguments[0] if origin is tuple else arguments[1])
        if origin is tuple:
            return lambda values: [write_item(value) for value in values]
        return lambda values: {key: write_item(value) for key, value in values.items()}
    if isinstance(kind, type) and issubclass(kind, KubeStruct):
        return encode
    return _number if kind is float else _unchanged


_ONLY_ESCAPED = "\r\x85\u2028\u2029\ufeff"
"""Characters that YAML reads as line breaks or drops unless they are escaped."""


class _Dumper(yaml.SafeDumper):
    """Quotes what would not be read back as text, keeps lines as lines, and writes no anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    style = None
    if any(character in _ONLY_ESCAPED for character in text) or not _reads_as_text(text):
        style = '"'
    elif "\n" in text:
        style = "|"
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def _reads_as_text(text: str) -> bool:
    try:
        return isinstance(plain(text), str)
    except ScalarError:
        return False


_Dumper.add_representer(str, _represent_text)
