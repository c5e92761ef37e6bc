"""Resource quantities such as `100m`, `1.5`, `512Mi` and `2e3` (apimachinery's resource.Quantity).

https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
"""

from __future__ import annotations

import math
import re
from fractions import Fraction
from functools import lru_cache

from lab.kube.errors import LabError

_FORM = re.compile(
    r"(?P<number>[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+))(?P<suffix>[eE][+-]?[0-9]{1,2}|[KMGTPE]i|[numkMGTPE]?)"
)

_BINARY: dict[str, int] = {f"{letter}i": 1024 ** (power + 1) for power, letter in enumerate("KMGTPE")}
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}


Amount = str | int | float


@lru_cache(maxsize=4096)
def parse(quantity: str | int | float) -> Fraction:
    """The exact value; raises `LabError` when it is no quantity."""
    text = str(quantity).strip()
    found = _FORM.fullmatch(text)
    if not found:
        raise LabError(
            f'"{text}" is not a quantity: expected a number with an optional suffix, such as 100m, 2 or 512Mi'
        )
    number, suffix = Fraction(found["number"]), found["suffix"]
    if suffix in _BINARY:
        return number * _BINARY[suffix]
    exponent = _DECIMAL[suffix] if suffix in _DECIMAL else int(suffix[1:])
    power = int(10 ** abs(exponent))
    return number * power if exponent >= 0 else number / power


def as_text(quantity: str | int | float) -> str:
    """The quantity as the API writes it, always text: a bare 0.5 is `500m`. Raises `LabError` as `parse` does."""
    value = parse(quantity)
    if isinstance(quantity, str):
        return quantity.strip()
    return str(value) if value.denominator == 1 else f"{math.ceil(value * 1000)}m"


def add(one: Amount, other: Amount) -> str:
    """The sum, written as the first that is not zero is: `1536Mi` of `1Gi` and `512Mi` (resource.Quantity.Add)."""
    value = parse(one) + parse(other)
    return _like(value, str(one if parse(one) else other))


def subtract(one: Amount, other: Amount) -> str:
    """The difference, written as the first is."""
    return _like(parse(one) - parse(other), str(one if parse(one) else other))


def times(amount: Amount, number: int) -> str:
    """The amount so many times, written as it is."""
    return _like(parse(amount) * number, str(amount))


def _like(value: Fraction, example: str) -> str:
    if example.strip().endswith("i") and value.denominator == 1:
        return format_memory(int(value))
    return format_milli(math.ceil(value * 1000))


def cpu(quantity: str | int | float) -> float:
    """Cores."""
    return float(parse(quantity))


def millicores(quantity: str | int | float) -> int:
    """Thousandths of a core, rounded up, as the scheduler counts them."""
    return math.ceil(parse(quantity) * 1000)


def memory(quantity: str | int | float) -> int:
    """Bytes, rounded up."""
    return math.ceil(parse(quantity))


def format_cpu(cores: float) -> str:
    """Cores as Kubernetes prints them: `2` or `250m`."""
    thousandths = math.ceil(round(cores * 1000, 6))
    return f"{thousandths}m" if thousandths % 1000 else str(thousandths // 1000)


def format_milli(milli: int) -> str:
    """Thousandths as the API writes a decimal quantity: `12500m`, `12`, `2k` (resource.NewMilliQuantity)."""
    if not milli:
        return "0"
    suffixes = iter(("m", "", "k", "M", "G", "T", "P"))
    suffix = next(suffixes)
    while milli % 1000 == 0 and (larger := next(suffixes, None)) is not None:
        milli, suffix = milli // 1000, larger
    return f"{milli}{suffix}"


def format_memory(size_bytes: int) -> str:
    """Bytes with the largest binary suffix that divides them: `512Mi`."""
    for suffix, factor in reversed(_BINARY.items()):
        if size_bytes and size_bytes % factor == 0:
            return f"{size_bytes // factor}{suffix}"
    return str(size_bytes)
