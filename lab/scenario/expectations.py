"""From the `expect` entries of a scenario file to expectations with their windows and moments."""

from __future__ import annotations

from collections.abc import Sequence

from lab.kube.errors import LabError, nearest
from lab.scenario.convert import Source
from lab.scenario.expect import Expression, parse
from lab.scenario.scenario import Expectation, Scope
from lab.scenario.schema import ExpectEntry

_TRAFFIC_ONLY = ("traffic", "service", "over")
_CLUSTER_ONLY = ("at", "by", "within")


def expectations_of(
    entries: tuple[str | ExpectEntry, ...], duration_s: float, groups: Sequence[str], source: Source
) -> tuple[Expectation, ...]:
    """What is to be judged, in the order of the file; `groups` are the names under `traffic`."""
    whole = [ExpectEntry(that=entry) if isinstance(entry, str) else entry for entry in entries]
    made = (_expectation(entry, index, duration_s, groups, source) for index, entry in enumerate(whole))
    return tuple(each for each in made if each is not None)


def _expectation(
    entry: ExpectEntry, index: int, duration_s: float, groups: Sequence[str], source: Source
) -> Expectation | None:
    try:
        expression = parse(entry.that)
    except LabError as error:
        source.problem(str(error), "expect", index, "that")
        return None
    _check_keys(entry, expression, index, groups, source)
    start_s, end_s = _window(entry, duration_s)
    of_window = expression.metric.about == "traffic" and not entry.over
    if not 0.0 <= start_s <= end_s <= duration_s or (of_window and start_s == end_s):
        source.problem(f"expected times in order, between 0 and {duration_s:g}s", "expect", index)
    over_s = entry.over or 0.0
    looked_at = expression.metric.about == "cluster" or over_s > 0.0
    return Expectation(
        text=entry.that,
        expression=expression,
        from_s=start_s,
        to_s=end_s,
        sooner=entry.by is not None or entry.within is not None,
        throughout=looked_at and (entry.start, entry.end) != (None, None) and entry.within is None,
        over_s=over_s,
        scope=scope_of(expression, entry.traffic, entry.service, entry.namespace),
        place=source.place("expect", index, "that"),
    )


def scope_of(expression: Expression, traffic: str, service: str, namespace: str) -> Scope:
    """Whose requests an expression is about: a metric such as `share web` names its Service itself."""
    metric = expression.metric
    if not service and metric.about == "traffic" and metric.subject_is == "service":
        service = expression.subject
    return Scope(traffic, f"{namespace}/{service}" if service and "/" not in service else service, namespace)


def _window(entry: ExpectEntry, duration_s: float) -> tuple[float, float]:
    if entry.at is not None:
        return entry.at, entry.at
    if entry.within is not None:
        return entry.start or 0.0, (entry.start or 0.0) + entry.within
    if entry.by is not None:
        return entry.start or 0.0, entry.by
    return entry.start or 0.0, duration_s if entry.end is None else entry.end


def _check_keys(entry: ExpectEntry, expression: Expression, index: int, groups: Sequence[str], source: Source) -> None:
    metric = expression.metric
    unfit: tuple[str, ...] = ()
    advice = ""
    if metric.about == "cluster":
        unfit, advice = _TRAFFIC_ONLY, "it is about the cluster, not about requests"
    elif not entry.over or metric.name == "recovery":
        unfit, advice = _CLUSTER_ONLY, "it is measured over a window (from, to), or `over` the last seconds"
    for key in unfit:
        if getattr(entry, key):
            source.problem(f"does not go with {metric.name}: {advice}", "expect", index, key)
    if entry.at is not None and (entry.start, entry.end, entry.by, entry.within) != (None, None, None, None):
        source.problem("`at` is one moment: it goes with none of from, to, by and within", "expect", index, "at")
    if entry.within is not None and (entry.end, entry.by) != (None, None):
        source.problem("`within` counts from `from`: it goes with neither to nor by", "expect", index, "within")
    if entry.traffic and entry.traffic not in groups:
        hint = nearest(entry.traffic, groups) or f"; there are {', '.join(groups) or 'none'}"
        source.problem(f'there is no traffic "{entry.traffic}"{hint}', "expect", index, "traffic")
