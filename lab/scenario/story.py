"""From what a scenario file tells to what happens in it: timeline, lesson, experiment."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lab.commands.parser import check_complete, take_apart
from lab.commands.words import CommandError, split
from lab.kube.errors import LabError, nearest
from lab.scenario.clients import SENDERS
from lab.scenario.convert import Source
from lab.scenario.expect import OVER_S, parse
from lab.scenario.expectations import scope_of
from lab.scenario.scenario import Condition, Experiment, Kata, MethodStep, Moment, Step, WrongFix
from lab.scenario.schema import ExpectEntry, LessonEntry, MethodEntry, ScenarioEntry, TimelineEntry

MOST_MOMENTS = 100_000
OUTPUT = "output"
"""What a step watches that is about what commands print."""
WATCHED = ("node", "service", *SENDERS)
"""Kinds whose objects a step can have selected."""
_WATCHABLE = "write service/NAME, pod/NAME, deployment/NAME, node/NAME or output"
_OF_WINDOWS = (("start", "from"), ("end", "to"), ("at", "at"), ("by", "by"), ("within", "within"), ("over", "over"))


# -- timeline -------------------------------------------------------------------------------------------------------


def timeline_of(
    entries: tuple[TimelineEntry, ...], duration_s: float, groups: Sequence[str], source: Source
) -> tuple[Moment, ...]:
    """What happens when, in order; entries of the same moment stay in the order of the file."""
    moments: list[Moment] = []
    for index, entry in enumerate(entries):
        if not entry.run and not entry.say:
            source.problem("expected `run` or `say`", "timeline", index)
        if entry.refused and not entry.run:
            source.problem("`refused` needs a command in `run`", "timeline", index, "refused")
        if entry.run and not entry.refused:
            check_command(entry.run, source, "timeline", index, "run")
        moments += _moments(entry, index, duration_s, groups, source)
    return tuple(sorted(moments, key=lambda moment: moment.at_s))


def _moments(
    entry: TimelineEntry, index: int, duration_s: float, groups: Sequence[str], source: Source
) -> Iterator[Moment]:
    when = None
    if entry.when:
        when = condition_of(entry.when, entry, groups, source, "timeline", index, "when")
    if (entry.at is None and entry.every is None and not entry.when) or (entry.every is not None and entry.when):
        source.problem("expected one of `at`, `every` and `when`", "timeline", index)
        return
    place = source.place("timeline", index, "run")
    for at_s in _times(entry, index, duration_s, source):
        yield Moment(at_s, entry.run, entry.say, entry.refused, place, when)


def _times(entry: TimelineEntry, index: int, duration_s: float, source: Source) -> list[float]:
    """The moments of an entry: one, or those of `every`, counted and not added up, so that none drifts."""
    if entry.every is None:
        for key, value in (("from", entry.start), ("to", entry.end)):
            if value is not None:
                source.problem("goes with `every`", "timeline", index, key)
        at_s = entry.at or 0.0
        _within(at_s, duration_s, source, "timeline", index, "at")
        return [at_s]
    if entry.at is not None:
        source.problem("`every` begins at `from`, not at `at`", "timeline", index, "at")
    start_s = entry.every if entry.start is None else entry.start
    end_s = duration_s if entry.end is None else entry.end
    _within(end_s, duration_s, source, "timeline", index, "to")
    if end_s < start_s:
        source.problem(f"is over before the first time, at {start_s:g}s", "timeline", index, "to")
        return []
    if entry.every <= 0.0 or (end_s - start_s) / entry.every > MOST_MOMENTS:
        source.problem(f"expected some time, and 1 to {MOST_MOMENTS:,} times", "timeline", index, "every")
        return []
    number = int((end_s - start_s) / entry.every + 1e-9) + 1
    return [start_s + turn * entry.every for turn in range(number)]


def check_command(command: str, source: Source, *path: str | int) -> None:
    """Note what is wrong with the words of a command; whether what it names exists is seen when it runs."""
    try:
        check_complete(take_apart(split(command)), len(command))
    except CommandError as error:
        message = str(error).removeprefix("error: ")
        source.problem(f"{message}; {error.hint}" if error.hint else message, *path)


def condition_of(
    text: str, entry: TimelineEntry | MethodEntry, groups: Sequence[str], source: Source, *path: str | int
) -> Condition | None:
    """A condition to look at again and again; None when it is noted as a fault."""
    return _condition(text, entry.traffic, entry.namespace, entry.over, groups, source, *path)


def _condition(
    text: str,
    traffic: str,
    namespace: str,
    over_s: float | None,
    groups: Sequence[str],
    source: Source,
    *path: str | int,
) -> Condition | None:
    try:
        expression = parse(text)
    except LabError as error:
        source.problem(str(error), *path)
        return None
    if expression.metric.name == "recovery":
        source.problem("recovery is a figure of a whole window: it stands under `expect`", *path)
    if traffic and traffic not in groups:
        hint = nearest(traffic, groups) or f"; there are {', '.join(groups) or 'none'}"
        source.problem(f'there is no traffic "{traffic}"{hint}', *path)
    if over_s is not None and over_s <= 0.0:
        source.problem("`over` must be longer than nothing", *path)
    scope = scope_of(expression, traffic, "", namespace)
    return Condition(text, expression, scope, OVER_S if over_s is None else over_s)


# -- lesson ---------------------------------------------------------------------------------------------------------


def lesson_of(entries: tuple[LessonEntry, ...], duration_s: float, source: Source) -> tuple[Step, ...]:
    """The steps, in order."""
    for index, entry in enumerate(entries):
        _within(entry.at, duration_s, source, "lesson", index, "at")
        kind, slash, name = entry.watch.partition("/")
        if entry.watch and entry.watch != OUTPUT and not (kind in WATCHED and slash and name):
            hint = nearest(kind, (*WATCHED, OUTPUT)) if kind not in WATCHED else ""
            source.problem(f'"{entry.watch}" cannot be watched{hint}; {_WATCHABLE}', "lesson", index, "watch")
    steps = [Step(entry.at, entry.title, entry.text, entry.watch, entry.wait) for entry in entries]
    return tuple(sorted(steps, key=lambda step: step.at_s))


def _within(at_s: float, duration_s: float, source: Source, *path: str | int) -> None:
    if at_s > duration_s:
        source.problem(f"is after the end of the story ({duration_s:g}s)", *path)


# -- experiment -----------------------------------------------------------------------------------------------------


def experiment_of(entry: ScenarioEntry, groups: Sequence[str], source: Source) -> Experiment | None:
    """Hypothesis, method and rollbacks, when the file has any of them."""
    said = entry.hypothesis
    if said is None and not entry.method and not entry.rollbacks:
        return None
    if not entry.method:
        source.problem("a hypothesis and rollbacks need a method between them", "hypothesis" if said else "rollbacks")
    for index, command in enumerate(entry.rollbacks):
        check_command(command, source, "rollbacks", index)
    steady = () if said is None else _conditions(said.expect, said.over, groups, source, "hypothesis", "expect")
    method = steps_of(entry.method, groups, source, "method")
    return Experiment(
        title=said.title if said is not None else "",
        over_s=said.over if said is not None else 0.0,
        steady_state=steady,
        method=method,
        rollbacks=entry.rollbacks,
    )


def _conditions(
    entries: tuple[str | ExpectEntry, ...], over_s: float, groups: Sequence[str], source: Source, *path: str
) -> tuple[Condition, ...]:
    """Conditions without windows of their own, such as those of a hypothesis."""
    found: list[Condition | None] = []
    for index, entry in enumerate(entries):
        whole = ExpectEntry(that=entry) if isinstance(entry, str) else entry
        for attribute, key in _OF_WINDOWS:
            if getattr(whole, attribute) is not None:
                source.problem(f"these conditions have one window in common, of {over_s:g}s", *path, index, key)
        place: tuple[str | int, ...] = (*path, index)
        found.append(_condition(whole.that, whole.traffic, whole.namespace, over_s, groups, source, *place))
    return tuple(each for each in found if each is not None)


def steps_of(
    entries: tuple[str | MethodEntry, ...], groups: Sequence[str], source: Source, *path: str | int
) -> tuple[MethodStep, ...]:
    """The steps of a method, or of a kata's solution."""
    return tuple(_step(each, groups, source, *path, index) for index, each in enumerate(entries))


def _step(entry: str | MethodEntry, groups: Sequence[str], source: Source, *path: str | int) -> MethodStep:
    whole = MethodEntry(run=entry) if isinstance(entry, str) else entry
    if not (whole.run or whole.say or whole.wait or whole.check or whole.pause):
        source.problem("expected `run`, `say`, `wait`, `check` or `pause`", *path)
    if whole.run:
        check_command(whole.run, source, *path, "run")
    return MethodStep(
        command=whole.run,
        say=whole.say,
        wait=condition_of(whole.wait, whole, groups, source, *path, "wait") if whole.wait else None,
        within_s=whole.within,
        check=condition_of(whole.check, whole, groups, source, *path, "check") if whole.check else None,
        pause_s=whole.pause,
        place=source.place(*path),
    )


# -- kata -----------------------------------------------------------------------------------------------------------

SOLVED_OVER_S = 10.0
"""How much of the past the figures of requests are about that say whether a kata is solved."""


def kata_of(entry: ScenarioEntry, groups: Sequence[str], source: Source) -> Kata | None:
    """The task, when the file has one."""
    said = entry.kata
    if said is None:
        return None
    if not said.solved or not said.solution:
        source.problem("a kata needs conditions under `solved` and a `solution`", "kata")
    wrong = (
        WrongFix(steps_of(each.steps, groups, source, "kata", "wrong", index, "steps"), each.because)
        for index, each in enumerate(said.wrong)
    )
    return Kata(
        task=said.task,
        difficulty=said.difficulty,
        hints=said.hints,
        solved=_conditions(said.solved, SOLVED_OVER_S, groups, source, "kata", "solved"),
        debrief=said.debrief,
        solution=steps_of(said.solution, groups, source, "kata", "solution"),
        wrong=tuple(wrong),
    )
