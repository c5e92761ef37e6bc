"""Many scenarios as tests: found, played headless in several processes, and every check of each gathered."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import NamedTuple

import msgspec

from lab.clock import ClockError
from lab.kube.errors import LabError
from lab.scenario.catalogue import find, is_scenario
from lab.scenario.loader import load, load_all
from lab.scenario.player import Player
from lab.scenario.report import CheckResult

PASSED, FAILED, WRONG = "passed", "failed", "wrong"


class Case(NamedTuple):
    """One run to be made: a file, and which variant of it."""

    file: str
    variant: str = ""
    values: tuple[str, ...] = ()
    """`NAME=VALUE` of its variables."""
    seed: int | None = None
    """None for the scenario's own."""


class CaseResult(msgspec.Struct, frozen=True):
    """What came of one case."""

    file: str
    scenario: str
    """Its name, with the variant where there is one."""
    outcome: str
    """passed, failed (a check does not hold), or wrong (it could not be played)."""
    checks: tuple[CheckResult, ...] = ()
    problems: tuple[str, ...] = ()
    """Why it could not be played, a line each."""
    journal: str = ""
    seed: int = 0
    virtual_s: float = 0.0
    wall_s: float = 0.0


# -- finding --------------------------------------------------------------------------------------------------------


def cases_in(
    words: Iterable[str], *, only: str = "", values: Sequence[str] = (), seed: int | None = None
) -> list[Case | CaseResult]:
    """A case for every variant of every scenario in files, folders and names of those that come along.

    What cannot be read is a result already. `only` keeps the scenarios whose name has it. Raises `LabError` for a
    word that leads nowhere.
    """
    found: list[Case | CaseResult] = []
    for file in dict.fromkeys(file for word in words for file in _files(word)):
        try:
            scenarios = load_all(file, values=values)
        except LabError as error:
            found.append(CaseResult(file, Path(file).stem, WRONG, problems=tuple(str(error).splitlines())))
            continue
        chosen = (scenario for scenario in scenarios if only in scenario.title)
        found += [Case(file, scenario.variant, tuple(values), seed) for scenario in chosen]
    return found


def _files(word: str) -> list[str]:
    if not Path(word).is_dir():
        return [str(find(word))]
    inside = [str(path) for path in sorted(Path(word).rglob("*.y*ml")) if is_scenario(path)]
    if not inside:
        raise LabError(f"{word}: there is no scenario in this folder")
    return inside


# -- running --------------------------------------------------------------------------------------------------------


def run_case(case: Case) -> CaseResult:
    """Play one case to its end; never raises for what is wrong with its file."""
    began = time.perf_counter()
    try:
        player = Player(load(case.file, variant=case.variant, values=case.values), seed=case.seed)
        name = player.scenario.title
        player.start()
        player.run_until(player.scenario.duration_s)
        player.drain()
    except (LabError, ClockError) as error:
        problems = tuple(str(error).splitlines())
        return CaseResult(case.file, _name(case), WRONG, problems=problems, wall_s=time.perf_counter() - began)
    report = player.report()
    player.engine.close()
    return CaseResult(
        file=case.file,
        scenario=name,
        outcome=PASSED if all(check.passed for check in report.checks) else FAILED,
        checks=tuple(report.checks),
        journal=report.journal,
        seed=player.seed,
        virtual_s=report.time_s,
        wall_s=time.perf_counter() - began,
    )


def _name(case: Case) -> str:
    return f"{Path(case.file).stem} ({case.variant})" if case.variant else Path(case.file).stem


def run_cases(cases: Sequence[Case | CaseResult], jobs: int = 0) -> Iterator[CaseResult]:
    """The result of each case as it comes, in up to `jobs` processes (0: one a core).

    A process that dies costs no result: what it had not ended is played once more, in a process of its own.
    """
    yield from (case for case in cases if isinstance(case, CaseResult))
    left = [case for case in cases if isinstance(case, Case)]
    workers = min(jobs or os.cpu_count() or 1, len(left))
    if workers <= 1:
        yield from map(run_case, left)
        return
    done: list[Case] = []
    try:
        for case, result in _in_processes(left, workers):
            done.append(case)
            yield result
    except BrokenProcessPool:
        for case in (case for case in left if case not in done):
            yield _alone(case)


def _in_processes(cases: Sequence[Case], workers: int) -> Iterator[tuple[Case, CaseResult]]:
    with _pool(workers) as pool:
        waiting: dict[Future[CaseResult], Case] = {pool.submit(run_case, case): case for case in cases}
        try:
            while waiting:
                for future in wait(waiting, return_when=FIRST_COMPLETED).done:
                    yield waiting.pop(future), future.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _alone(case: Case) -> CaseResult:
    with _pool(1) as pool:
        try:
            return pool.submit(run_case, case).result()
        except BrokenProcessPool:
            return CaseResult(case.file, _name(case), WRONG, problems=("its process has died",))


def _pool(workers: int) -> ProcessPoolExecutor:
    # Forked, a worker has everything imported already; no thread runs yet when the pool is made.
    method = "fork" if "fork" in multiprocessing.get_all_start_methods() else None
    return ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context(method))
