"""Any Kubernetes object, made from the annotations of its structs."""

from __future__ import annotations

from functools import cache
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import msgspec
from hypothesis import strategies as st

from lab.kube.kinds import KINDS
from lab.kube.meta import KeptObject, ObjectMeta
from lab.kube.struct import MicroTimestampMark, NumberAsTextMark, QuantityMark, TimestampMark

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.sampled_from(
    ["on", "1.0", "~", "a: b", "0x1", "y"]
)
number = st.integers(-(2**31) + 1, 2**31 - 1)
plain = st.recursive(
    st.none() | st.booleans() | number | st.floats(allow_nan=False, allow_infinity=False) | text,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(text, inner, max_size=2),
    max_leaves=4,
)
extras = st.just({}) | st.dictionaries(st.sampled_from(["futureField", "x-y", "on", "$extra"]), plain, max_size=1)

_MARKED = {
    TimestampMark: number.map(float),
    MicroTimestampMark: st.integers(-(10**9), 10**9).map(lambda micros: micros / 64),
    NumberAsTextMark: st.integers(0, 10**12),
    QuantityMark: st.sampled_from(["100m", "2", "512Mi"]),
}
_SCALARS: dict[Any, st.SearchStrategy[Any]] = {
    str: text,
    bool: st.booleans(),
    int: number,
    float: number.map(lambda halves: halves / 2),
    Any: plain,
}


@cache
def of(kind: Any) -> st.SearchStrategy[Any]:
    """Values that a field with this annotation can hold."""
    origin, arguments = get_origin(kind), get_args(kind)
    if kind in _SCALARS:
        return _SCALARS[kind]
    if origin is Annotated:
        return _MARKED[arguments[1]]
    if origin in (Union, UnionType):
        return st.one_of([st.none() if choice is type(None) else of(choice) for choice in arguments])
    if origin is tuple:
        return st.lists(of(arguments[0]), max_size=2).map(tuple)
    if origin is dict:
        return st.dictionaries(text, of(arguments[1]), max_size=2)
    return structs(kind)


def structs(struct: Any, **fixed: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Structs of a type with any values in their fields."""
    fields = {each.name: each for each in msgspec.structs.fields(struct) if each.name not in ("extra", *fixed)}
    if struct.__name__ == "ContainerState":
        fixed = {"state": st.sampled_from(["waiting", "running", "terminated"])}
        fields.pop("state")
    chosen = {
        name: of(field.type) if field.required else st.just(msgspec.UNSET) | of(field.type)
        for name, field in fields.items()
    }
    return st.fixed_dictionaries({**chosen, **fixed, "extra": extras}).map(
        lambda values: struct(**{name: value for name, value in values.items() if value is not msgspec.UNSET})
    )


def _named(struct: Any) -> st.SearchStrategy[Any]:
    metadata = structs(ObjectMeta, name=text.filter(bool))
    kind = struct()
    return structs(struct, metadata=metadata, kind=st.just(kind.kind), api_version=st.just(kind.api_version))


kept_objects = st.builds(
    KeptObject,
    api_version=st.just("example.com/v1"),
    kind=st.just("Widget"),
    metadata=structs(ObjectMeta, name=text.filter(bool)),
    body=st.dictionaries(st.sampled_from(["spec", "data", "rules"]), plain, max_size=2),
)
objects = st.sampled_from([kind.struct for kind in KINDS]).flatmap(_named) | kept_objects
