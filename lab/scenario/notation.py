"""How a scenario file writes rates, shares and releases: `20/s`, `99.5%`, `1.31`."""

from __future__ import annotations

import re

from lab.kube.errors import LabError
from lab.kube.versions import features_of

_SECONDS_IN = {"s": 1.0, "m": 60.0, "h": 3600.0}
_RATE = re.compile(r"(\d+(?:\.\d+)?)(?:\s*/\s*(s|m|h))?")
_SHARE = re.compile(r"(\d+(?:\.\d+)?)\s*%")


MOST_A_SECOND = 100_000


def parse_rate(value: object) -> float:
    """A number a second, of `20`, `20/s`, `300/m` or `7200/h`; raises `LabError` for anything else."""
    found = _RATE.fullmatch(value.strip()) if isinstance(value, str) else None
    if _is_number(value) and 0 <= value < float("inf"):  # type: ignore[operator]
        rate = float(value)  # type: ignore[arg-type]
    elif found is not None:
        rate = float(found[1]) / _SECONDS_IN[found[2] or "s"]
    else:
        raise LabError(f'"{value}" is not a rate: expected a number a second, such as 20, 20/s or 300/m')
    if rate > MOST_A_SECOND:
        raise LabError(f"{value} is too much: at most {MOST_A_SECOND:,} a second can be simulated")
    return rate


def parse_share(value: object) -> float:
    """A part of 1, of `0.01` or `1%`; raises `LabError` for anything else."""
    share: float | None = None
    if _is_number(value):
        share = float(value)  # type: ignore[arg-type]
    elif isinstance(value, str) and (found := _SHARE.fullmatch(value.strip())):
        share = float(found[1]) / 100.0
    if share is None or not 0.0 <= share <= 1.0:
        raise LabError(f'"{value}" is not a share: expected 0 to 1, or a percentage such as 1%')
    return share


def parse_release(value: object) -> str:
    """A release of Kubernetes, of `"1.30"` or `v1.30`, or of the number 1.3 that a program makes of a plain 1.30.

    Raises `LabError` for one that the lab does not know.
    """
    version = "1.30" if value == 1.3 else str(value).strip().removeprefix("v")
    try:
        features_of(version)
    except LabError as error:
        shortened = re.fullmatch(r"1\.\d", version)
        quotes = "; put it in quotes, for a program may take 1.30 for the number 1.3" if shortened else ""
        raise LabError(f"{error}{quotes}") from None
    return version


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
