"""Making the runs of a sweep: in processes of this machine, or on a Dask cluster where one machine is not enough."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from importlib import import_module
from typing import Any, NamedTuple

import msgpack

from lab.kube.errors import LabError
from lab.recording.codec import pack_scenario, unpack_scenario
from lab.scenario.loader import load
from lab.scenario.scenario import Scenario
from lab.scenario.suite import Case, CaseResult, play_case, run_cases
from lab.sweep.plan import Plan

_PATIENCE_S = 10.0
RETRIES = 3
"""How often a run is given to another worker when its own has died."""


class Made(NamedTuple):
    """A run that was made."""

    case: Case
    result: CaseResult


def on_this_machine(plan: Plan, jobs: int = 0) -> Iterator[Made]:
    """The runs as they are made, in up to `jobs` processes (0: one a core)."""
    for case, result in run_cases(plan.cases, jobs, run=_run_here):
        yield Made(case, result)


@lru_cache(maxsize=64)
def _loaded(file: str, variant: str, values: tuple[str, ...]) -> Scenario:
    return load(file, variant=variant, values=values)


def _run_here(case: Case) -> CaseResult:
    """Each process reads a variant once, however many seeds it plays."""
    return play_case(case, lambda: _loaded(case.file, case.variant, case.values))


def on_dask(plan: Plan, address: str) -> Iterator[Made]:
    """The same on the workers of a Dask cluster, which need the lab installed and no files.

    A worker that is lost costs no result: its runs are given to others. Raises `LabError` when the cluster cannot
    be reached, or `distributed` is not installed.
    """
    distributed = _distributed()
    try:
        client = distributed.Client(address, timeout=_PATIENCE_S)
    except (OSError, ValueError, TypeError) as error:
        raise LabError(f"--dask {address}: there is no Dask scheduler to be reached: {error}") from None
    with client:
        packed = {key: client.scatter(_packed(*key), broadcast=True) for key in dict.fromkeys(map(_key, plan.cases))}
        waiting: dict[Any, Case] = {}
        for case in plan.cases:
            task = client.submit(_run_there, packed[_key(case)], case, pure=False, retries=RETRIES)
            waiting[task] = case
        for task in distributed.as_completed(list(waiting)):
            yield Made(waiting.pop(task), task.result())


def _distributed() -> Any:
    """The library, imported only when it is needed: it takes a second."""
    try:
        return import_module("distributed")
    except ImportError:
        raise LabError("--dask needs distributed, which is not installed: pip install 'service-lab[dask]'") from None


def _key(case: Case) -> tuple[str, str, tuple[str, ...]]:
    return case.file, case.variant, case.values


def _packed(file: str, variant: str, values: tuple[str, ...]) -> bytes:
    packed: bytes = msgpack.packb(pack_scenario(load(file, variant=variant, values=values)))
    return packed


def _run_there(packed: bytes, case: Case) -> CaseResult:
    return play_case(case, lambda: _unpacked(packed))


@lru_cache(maxsize=64)
def _unpacked(packed: bytes) -> Scenario:
    return unpack_scenario(msgpack.unpackb(packed))
