"""Which runs a sweep makes: every combination of its settings, each with every seed, for every variant."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import NamedTuple

from lab.kube.errors import LabError
from lab.scenario.loader import load_all
from lab.scenario.suite import Case

MOST_RUNS = 1_000_000


class Setting(NamedTuple):
    """What is varied: a variable or a key of the scenario, and the values that it takes in turn."""

    name: str
    values: tuple[str, ...]


class Plan(NamedTuple):
    """The runs of a sweep, in order: by setting, then variant, then seed."""

    file: str
    settings: tuple[Setting, ...]
    cases: tuple[Case, ...]


def setting_of(text: str) -> Setting:
    """`replicas=2,4,8`. Raises `LabError`."""
    name, equals, said = text.partition("=")
    values = tuple(each.strip() for each in said.split(",") if each.strip())
    if not equals or not name.strip() or not values:
        raise LabError(f"--set {text}: expected NAME=VALUE,VALUE,..., such as replicas=2,4,8")
    return Setting(name.strip(), values)


def plan(file: str, *, seeds: int, first_seed: int = 1, settings: Sequence[str] = (), variant: str = "") -> Plan:
    """The runs of `seeds` seeds from `first_seed` on. Raises `LabError`, also when a setting does not fit the file."""
    varied = tuple(setting_of(text) for text in settings)
    combinations = [
        tuple(f"{setting.name}={value}" for setting, value in zip(varied, values, strict=True))
        for values in product(*(setting.values for setting in varied))
    ]
    if seeds < 1:
        raise LabError(f"--seeds {seeds}: expected at least one")
    cases: list[Case] = []
    for values in combinations:
        names = [scenario.variant for scenario in load_all(file, values=values)]
        if variant and variant not in names:
            raise LabError(
                f'{file}: there is no variant "{variant}"; there are {", ".join(filter(None, names)) or "none"}'
            )
        chosen = [variant] if variant else names
        if len(combinations) * len(chosen) * seeds > MOST_RUNS:
            raise LabError(f"more than {MOST_RUNS:,} runs: take fewer seeds or settings")
        cases += [Case(file, name, values, first_seed + turn) for name in chosen for turn in range(seeds)]
    return Plan(file, varied, tuple(cases))
