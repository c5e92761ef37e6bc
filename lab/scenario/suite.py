"""Many scenarios as tests: found, played headless in several processes, and every check of each gathered."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import msgspec

from lab.clock import ClockError
from lab.kube.errors import LabError
from lab.scenario.catalogue import find, is_scenario
from lab.scenario.kata import LOOK_EVERY_S
from lab.scenario.kata import NAME as KATA
from lab.scenario.loader import load, load_all
from lab.scenario.player import Player
from lab.scenario.report import CheckResult
from lab.scenario.scenario import Scenario

_WAITING = 4
"""How many cases wait in the pool for each of its processes."""
PASSED, FAILED, WRONG = "passed", "failed", "wrong"
SOLUTION, NOTHING = "solution", "nothing"


class Case(NamedTuple):
    """One run to be made: a file, and which variant of it."""

    file: str
    variant: str = ""
    values: tuple[str, ...] = ()
    """`NAME=VALUE` of its variables."""
    seed: int | None = None
    """None for the scenario's own."""
    hands: str = ""
    """What somebody does in a kata: `solution`, `nothing`, or `wrong 1` and so on; empty for no kata."""


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
) -> tuple[list[Case], list[CaseResult]]:
    """A case for every variant of every scenario in files, folders and names of those that come along, and a result
    already for every file that cannot be read.

    `only` keeps the scenarios whose name has it. Raises `LabError` for a word that leads nowhere.
    """
    found: list[Case] = []
    wrong: list[CaseResult] = []
    for file in dict.fromkeys(file for word in words for file in _files(word)):
        try:
            scenarios = load_all(file, values=values)
        except LabError as error:
            wrong.append(CaseResult(file, Path(file).stem, WRONG, problems=tuple(str(error).splitlines())))
            continue
        for scenario in (each for each in scenarios if only in each.title):
            found += [Case(file, scenario.variant, tuple(values), seed, hands) for hands in _hands(scenario)]
    return found, wrong


def _hands(scenario: Scenario) -> list[str]:
    """A kata is played several times: its solution must solve it, and neither doing nothing nor a wrong fix may."""
    if scenario.kata is None:
        return [""]
    return [SOLUTION, NOTHING, *(f"wrong {number + 1}" for number in range(len(scenario.kata.wrong)))]


def _with_hands(scenario: Scenario, hands: str) -> Scenario:
    kata = scenario.kata
    if kata is None or hands in ("", NOTHING):
        return scenario
    return scenario.doing(kata.solution if hands == SOLUTION else kata.wrong[int(hands.split()[1]) - 1].steps)


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
    return play_case(case, lambda: load(case.file, variant=case.variant, values=case.values))


def play_case(case: Case, read: Callable[[], Scenario]) -> CaseResult:
    """Play one case, whose scenario comes from `read`; what either raises for the user is a result."""
    began = time.perf_counter()
    try:
        player = Player(_with_hands(read(), case.hands), seed=case.seed)
        player.start()
        _play(player)
    except (LabError, ClockError) as error:
        problems = tuple(str(error).splitlines())
        took_s = time.perf_counter() - began
        return CaseResult(case.file, _name(case), WRONG, problems=problems, seed=case.seed or 0, wall_s=took_s)
    report = player.report()
    player.engine.close()
    checks = tuple(_judged(check, case.hands) for check in report.checks)
    return CaseResult(
        file=case.file,
        scenario=f"{player.scenario.title}: {case.hands}" if case.hands else player.scenario.title,
        outcome=PASSED if all(check.passed for check in checks) else FAILED,
        checks=checks,
        journal=report.journal,
        seed=player.seed,
        virtual_s=report.time_s,
        wall_s=time.perf_counter() - began,
    )


def _play(player: Player) -> None:
    """To the end, or until a kata is solved."""
    end_s, kata = player.scenario.duration_s, player.kata
    while kata is not None and not kata.solved and player.engine.now < end_s:
        player.run_until(min(player.engine.now + LOOK_EVERY_S, end_s))
    if kata is None or not kata.solved:
        player.run_until(end_s)
        player.drain()


def _judged(check: CheckResult, hands: str) -> CheckResult:
    """With anything but the solution, a kata must not be solved."""
    if check.name != KATA or hands in ("", SOLUTION):
        return check
    return msgspec.structs.replace(check, name=f"not solved by {hands}", passed=not check.passed)


def _name(case: Case) -> str:
    return f"{Path(case.file).stem} ({case.variant})" if case.variant else Path(case.file).stem


def run_cases(
    cases: Sequence[Case], jobs: int = 0, run: Callable[[Case], CaseResult] = run_case
) -> Iterator[tuple[Case, CaseResult]]:
    """Each case with its result as it comes, in up to `jobs` processes (0: one a core).

    A process that dies costs no result: what it had not ended is played once more, in a process of its own.
    """
    workers = min(jobs or os.cpu_count() or 1, len(cases))
    if workers <= 1:
        yield from ((case, run(case)) for case in cases)
        return
    done: set[int] = set()
    try:
        for index, result in _in_processes(cases, workers, run):
            done.add(index)
            yield cases[index], result
    except BrokenProcessPool:
        for index, case in enumerate(cases):
            if index not in done:
                yield case, _alone(case, run)


def _in_processes(
    cases: Sequence[Case], workers: int, run: Callable[[Case], CaseResult]
) -> Iterator[tuple[int, CaseResult]]:
    """Results by the index of their case; only a few cases wait in the pool, so that memory does not grow with them."""
    with _pool(workers) as pool:
        waiting: dict[Future[CaseResult], int] = {}
        left = iter(range(len(cases)))
        try:
            while True:
                for index in islice(left, max(0, _WAITING * workers - len(waiting))):
                    waiting[pool.submit(run, cases[index])] = index
                if not waiting:
                    return
                for future in wait(waiting, return_when=FIRST_COMPLETED).done:
                    yield waiting.pop(future), future.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _alone(case: Case, run: Callable[[Case], CaseResult]) -> CaseResult:
    with _pool(1) as pool:
        try:
            return pool.submit(run, case).result()
        except BrokenProcessPool:
            return CaseResult(case.file, _name(case), WRONG, problems=("its process has died",), seed=case.seed or 0)


def _pool(workers: int) -> ProcessPoolExecutor:
    # Forked, a worker has everything imported already; no thread runs yet when the pool is made.
    method = "fork" if "fork" in multiprocessing.get_all_start_methods() else None
    return ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context(method))
