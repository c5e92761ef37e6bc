"""How an autoscaler tames what its metrics ask for: stabilization windows, rates, bounds (KEP-853).

https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/#configurable-scaling-behavior
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from lab.kube.kinds.horizontalpodautoscaler import HPAScalingPolicy, HPAScalingRules
from lab.settings import Settings

_SCALE_UP_FACTOR, _SCALE_UP_MINIMUM = 2, 4
"""Without a behavior, one step up goes to twice the replicas, or to four (scaleUpLimitFactor, scaleUpLimitMinimum)."""
_JUST_BEFORE_S = 0.001
"""A moment exactly one period ago is outside of it: a real controller's next look comes a little after the period."""

Moments = list[tuple[float, int]]
"""When, and how many replicas."""


class History:
    """What one autoscaler recommended and did of late."""

    __slots__ = ("downs", "recommendations", "ups")

    def __init__(self, now: float, replicas: int) -> None:
        self.recommendations: Moments = [(now, replicas)]
        """What the metrics asked for, before anything tamed it; at first what there was."""
        self.ups: Moments = []
        self.downs: Moments = []
        """Replicas added and taken away."""

    def scaled(self, now: float, before: int, after: int) -> None:
        """Remember that the number of replicas was changed."""
        if after > before:
            self.ups.append((now, after - before))
        else:
            self.downs.append((now, before - after))

    def forget(self, now: float, longest_s: float) -> None:
        """Let go of what lies further back than any window or period reaches."""
        for moments in (self.recommendations, self.ups, self.downs):
            moments[:] = [each for each in moments if _within(each[0], now, longest_s)]


class Tamed(NamedTuple):
    """How many replicas there shall be, and what the conditions AbleToScale and ScalingLimited say of it."""

    replicas: int
    able: tuple[str, str]
    limited: bool
    limit: tuple[str, str]
    """Reason and message, as in `able`."""


class Wish(NamedTuple):
    """What the metrics ask for, and between which bounds."""

    current: int
    desired: int
    least: int
    most: int


_READY = ("ReadyForNewScale", "recommended size matches current size")
_UP_STABILIZED = (
    "ScaleUpStabilized",
    "recent recommendations were lower than current one, applying the lowest recent recommendation",
)
_DOWN_STABILIZED = (
    "ScaleDownStabilized",
    "recent recommendations were higher than current one, applying the highest recent recommendation",
)
_IN_RANGE = ("DesiredWithinRange", "the desired count is within the acceptable range")
_TOO_FEW = ("TooFewReplicas", "the desired replica count is less than the minimum replica count")
_TOO_MANY = ("TooManyReplicas", "the desired replica count is more than the maximum replica count")
_UP_LIMIT = ("ScaleUpLimit", "the desired replica count is increasing faster than the maximum scale rate")
_DOWN_LIMIT = ("ScaleDownLimit", "the desired replica count is decreasing faster than the maximum scale rate")


def tame_plainly(wish: Wish, history: History, now: float, settings: Settings) -> Tamed:
    """Without a behavior: the highest recommendation of the window, one step up at most doubled, then the bounds."""
    window_s = settings.hpa_downscale_stabilization_s
    recent = [count for at, count in history.recommendations if _within(at, now, window_s)]
    stable = max([wish.desired, *recent])
    history.recommendations.append((now, wish.desired))
    able = _READY if stable == wish.desired else _DOWN_STABILIZED
    step = max(_SCALE_UP_FACTOR * wish.current, _SCALE_UP_MINIMUM)
    most, reason = (step, _UP_LIMIT) if step < wish.most else (wish.most, _TOO_MANY)
    if stable < wish.least:
        return Tamed(wish.least, able, True, _TOO_FEW)
    if stable > most:
        return Tamed(most, able, True, reason)
    return Tamed(stable, able, False, _IN_RANGE)


def tame(
    wish: Wish, up: HPAScalingRules, down: HPAScalingRules, history: History, now: float, settings: Settings
) -> Tamed:
    """With a behavior: both windows, the policies of the direction, then the bounds."""
    stable = _stabilized(wish, up, down, history, now, settings)
    able = _READY
    if stable != wish.desired:
        able = _UP_STABILIZED if wish.desired >= wish.current else _DOWN_STABILIZED
    replicas, limit = _limited(wish._replace(desired=stable), up, down, history, now)
    return Tamed(replicas, able, replicas != stable, limit)


def _stabilized(
    wish: Wish, up: HPAScalingRules, down: HPAScalingRules, history: History, now: float, settings: Settings
) -> int:
    """As near to what there is as the lowest of the one window and the highest of the other allow."""
    up_s = up.stabilization_window_seconds or 0
    own_s = down.stabilization_window_seconds
    down_s = settings.hpa_downscale_stabilization_s if own_s is None else own_s
    known = history.recommendations
    lowest = min([wish.desired, *(count for at, count in known if _within(at, now, up_s))])
    highest = max([wish.desired, *(count for at, count in known if _within(at, now, down_s))])
    history.recommendations.append((now, wish.desired))
    return min(max(wish.current, lowest), highest)


def _limited(
    wish: Wish, up: HPAScalingRules, down: HPAScalingRules, history: History, now: float
) -> tuple[int, tuple[str, str]]:
    if wish.desired > wish.current:
        limit = max(_up_limit(wish.current, up, history, now), wish.current)
        most, reason = (limit, _UP_LIMIT) if limit < wish.most else (wish.most, _TOO_MANY)
        if wish.desired > most:
            return most, reason
    elif wish.desired < wish.current:
        limit = min(_down_limit(wish.current, down, history, now), wish.current)
        least, reason = (limit, _DOWN_LIMIT) if limit > wish.least else (wish.least, _TOO_FEW)
        if wish.desired < least:
            return least, reason
    return wish.desired, _IN_RANGE


def _up_limit(current: int, rules: HPAScalingRules, history: History, now: float) -> int:
    """The most replicas that the policies allow by now."""
    if rules.select_policy == "Disabled":
        return current
    limits = []
    for policy in rules.policies:
        start = _at_start_of_period(current, policy, history, now)
        # Rounded up: a small workload would never grow by a small percentage otherwise. In floating point as there.
        percent = math.ceil(start * (1 + policy.value / 100))
        limits.append(start + policy.value if policy.type == "Pods" else percent)
    return min(limits) if rules.select_policy == "Min" else max(limits)


def _down_limit(current: int, rules: HPAScalingRules, history: History, now: float) -> int:
    """The fewest replicas that the policies allow by now."""
    if rules.select_policy == "Disabled":
        return current
    limits = []
    for policy in rules.policies:
        start = _at_start_of_period(current, policy, history, now)
        percent = int(start * (1 - policy.value / 100))
        limits.append(start - policy.value if policy.type == "Pods" else percent)
    return max(limits) if rules.select_policy == "Min" else min(limits)


def _at_start_of_period(current: int, policy: HPAScalingPolicy, history: History, now: float) -> int:
    period_s = policy.period_seconds
    return current - _changed(history.ups, now, period_s) + _changed(history.downs, now, period_s)


def _changed(moments: Sequence[tuple[float, int]], now: float, period_s: float) -> int:
    return sum(count for at, count in moments if _within(at, now, period_s))


def _within(moment: float, now: float, window_s: float) -> bool:
    return now - moment < window_s - _JUST_BEFORE_S
