"""What a YAML scalar means, as kubectl reads it: YAML 1.1 booleans and octals, but no dates and no base 60.

kubectl reads YAML 1.1 and turns it into JSON, so `on` is true, `0644` is 420, `1_000` is 1000, and a bare
`2026-01-01` or `12:30` stays text.
"""

from __future__ import annotations

import re

Scalar = str | int | float | bool | None

_TRUE = ("y", "Y", "yes", "Yes", "YES", "on", "On", "ON", "true", "True", "TRUE")
_FALSE = ("n", "N", "no", "No", "NO", "off", "Off", "OFF", "false", "False", "FALSE")
_CONSTANTS: dict[str, bool | None] = {
    **dict.fromkeys(_TRUE, True),
    **dict.fromkeys(_FALSE, False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
}
_INTEGERS = (
    (re.compile(r"[-+]?(0|[1-9][0-9]*)"), 10),
    (re.compile(r"[-+]?0o?[0-7]+"), 8),
    (re.compile(r"[-+]?0[xX][0-9a-fA-F]+"), 16),
    (re.compile(r"[-+]?0[bB][01]+"), 2),
)
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_TAG = "tag:yaml.org,2002:"


class ScalarError(Exception):
    """A scalar that JSON cannot hold, or a tag that is not allowed."""


def plain(text: str) -> Scalar:
    """The value of an unquoted scalar."""
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if text[0] not in "+-.0123456789":
        return text
    digits = text.replace("_", "")
    for pattern, base in _INTEGERS:
        if pattern.fullmatch(digits):
            return _integer(digits, base)
    if _FLOAT.fullmatch(digits):
        return _finite(digits)
    if _NOT_FINITE.fullmatch(text):
        raise ScalarError(f"{text} is not a number that JSON can hold")
    return text


def _integer(digits: str, base: int) -> int | float:
    if len(digits) > 100:
        raise ScalarError(f"a number of {len(digits)} digits is too large")
    number = int(digits.replace("o", ""), base)
    return number if -(2**63) <= number < 2**64 else float(number)


def _finite(digits: str) -> float:
    number = float(digits)
    if number in (float("inf"), float("-inf")):
        raise ScalarError(f"{digits} is too large a number")
    return number


def tagged(text: str, tag: str | None, *, unquoted: bool) -> Scalar:
    """The value of a scalar with an explicit tag, or none; raises `ScalarError` for tags beyond YAML's own."""
    if tag is None:
        return plain(text) if unquoted else text
    if tag in ("!", f"{_TAG}str"):
        return text
    value = plain(text) if tag.startswith(_TAG) else None
    match tag.removeprefix(_TAG), value:
        case ("int", int()) | ("bool", bool()) | ("null", None):
            return value
        case ("float", int() | float()):
            return float(value)
    raise ScalarError(f'the tag "{tag.replace(_TAG, "!!")}" is not allowed for "{text}"')


def key_text(key: Scalar) -> str:
    """A mapping's key as JSON has it: always text."""
    if isinstance(key, bool):
        return "true" if key else "false"
    return "null" if key is None else str(key)
