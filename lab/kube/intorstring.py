"""Numbers or percentages of something (apimachinery's intstr), as in maxSurge and maxUnavailable."""

from __future__ import annotations

import re

from lab.kube.errors import LabError
from lab.kube.struct import IntOrString

_PERCENTAGE = re.compile(r"([0-9]+)%")


def scaled(value: IntOrString, total: int, *, round_up: bool) -> int:
    """`value` itself, or that percentage of `total` rounded up or down; raises `LabError` for other strings."""
    if isinstance(value, int):
        return value
    found = _PERCENTAGE.fullmatch(value)
    if not found:
        raise LabError(f'"{value}" is neither a number nor a percentage such as "25%"')
    hundredths = int(found[1]) * total
    return -(-hundredths // 100) if round_up else hundredths // 100
