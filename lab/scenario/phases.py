"""From what a scenario file says of a rate to the stretches of a client: ramps, waves, spikes, recorded arrivals."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from pathlib import Path

from lab.kube.errors import LabError
from lab.kube.time import parse_duration
from lab.scenario.convert import Source
from lab.scenario.schema import PhaseEntry
from lab.traffic.client import Phase

STEPS_A_WAVE = 32
"""In how many straight pieces a wave is drawn."""
MOST_WAVES = 10_000
MOST_RECORDED = 1_000_000
"""How many arrivals a file may have."""


def phases_of(entries: tuple[PhaseEntry, ...], source: Source, *path: str | int) -> tuple[Phase, ...]:
    """The stretches of all phases, one after the other."""
    found: list[Phase] = []
    for index, entry in enumerate(entries):
        found += _phase(entry, source, *path, index)
    return tuple(found)


def _phase(entry: PhaseEntry, source: Source, *path: str | int) -> Iterator[Phase]:
    if entry.wave is not None and entry.spike is not None:
        source.problem("a phase is a wave or has a spike, not both", *path)
    elif entry.wave is not None:
        yield from _wave(entry, entry.wave, source, *path)
    elif entry.spike is not None:
        yield from _spike(entry, source, *path)
    else:
        yield Phase(entry.rate, entry.length, entry.to)


def _wave(entry: PhaseEntry, period_s: float, source: Source, *path: str | int) -> Iterator[Phase]:
    """From `rate` up to `to` and back, as a sine does, again and again."""
    if entry.to is None:
        source.problem("a wave goes from `rate` to `to` and back: `to` is missing", *path)
    elif period_s <= 0 or entry.length / period_s > MOST_WAVES:
        source.problem(f"expected a time in which at most {MOST_WAVES:,} waves come", *path, "wave")
    else:
        step_s = period_s / STEPS_A_WAVE
        for number in range(math.ceil(entry.length / step_s - 1e-9)):
            begin_s = number * step_s
            end_s = min(begin_s + step_s, entry.length)
            low, high = entry.rate, entry.to
            yield Phase(_height(low, high, begin_s / period_s), end_s - begin_s, _height(low, high, end_s / period_s))


def _height(low: float, high: float, turns: float) -> float:
    return low + (high - low) * (1.0 - math.cos(2.0 * math.pi * turns)) / 2.0


def _spike(entry: PhaseEntry, source: Source, *path: str | int) -> Iterator[Phase]:
    spike = entry.spike
    assert spike is not None
    if entry.to is not None:
        source.problem("a phase with a spike has a steady rate: `to` belongs inside of `spike`", *path, "to")
    elif spike.at + spike.length > entry.length:
        source.problem("the spike is longer than its phase", *path, "spike")
    else:
        yield Phase(entry.rate, spike.at)
        yield Phase(spike.to, spike.length)
        yield Phase(entry.rate, entry.length - spike.at - spike.length)


def recorded_in(folder: Path, name: str, source: Source, *path: str | int) -> tuple[float, ...]:
    """The moments of a CSV file, in seconds from the beginning: its first column, or that called `time`.

    Every line that is none is a fault of the file's own, with its line.
    """
    file = folder / name
    try:
        with file.open(newline="", encoding="utf-8") as stream:
            return _moments(csv.reader(stream), name, source, *path)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no CSV file"
        source.problem(f"{name}: {reason}: expected poisson, constant or a CSV file of arrival times", *path)
    return ()


def _moments(rows: Iterator[list[str]], name: str, source: Source, *path: str | int) -> tuple[float, ...]:
    found: list[float] = []
    column = 0
    for line, row in enumerate(rows, 1):
        if not row or not any(cell.strip() for cell in row):
            continue
        if line == 1 and not _is_time(row[0]):
            titles = [cell.strip().lower() for cell in row]
            column = titles.index("time") if "time" in titles else 0
            continue
        text = row[column].strip() if column < len(row) else ""
        if not _is_time(text):
            source.problem(f'{name}:{line}: "{text}" is not a time: expected seconds, such as 12.5', *path)
            return ()
        moment = parse_duration(text)
        if found and moment < found[-1]:
            source.problem(f"{name}:{line}: {text} comes before the arrival in the line above", *path)
            return ()
        if len(found) == MOST_RECORDED:
            source.problem(f"{name}: more than {MOST_RECORDED:,} arrivals", *path)
            return ()
        found.append(moment)
    if not found:
        source.problem(f"{name}: there is no arrival in it", *path)
    return tuple(found)


def _is_time(text: str) -> bool:
    try:
        return parse_duration(text.strip()) >= 0.0
    except LabError:
        return False
