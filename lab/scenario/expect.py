"""The grammar of expectations: `success >= 99%`, `p99 <= 50ms`, `pods ready web == 5`.

    METRIC [FILTER] [NAME] OPERATOR VALUE

A metric of traffic is measured over a window of the run, one of the cluster at a moment. `METRICS` is the
whole vocabulary; what a metric's value is on a run stands in `lab.scenario.measures`.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from lab.kube.errors import LabError, nearest
from lab.kube.time import parse_duration
from lab.scenario.notation import parse_rate, parse_share
from lab.views import format as fmt

OPERATORS: dict[str, Callable[[object, object], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    ">=": operator.ge,  # type: ignore[dict-item]
    "<=": operator.le,  # type: ignore[dict-item]
    ">": operator.gt,  # type: ignore[dict-item]
    "<": operator.lt,  # type: ignore[dict-item]
}
OVER_S = 5.0
"""How much of the past a figure of traffic is about where a moment is looked at and nothing else is said."""
OUTCOMES = ("ok", "error", "refused", "timeout", "reset", "nxdomain", "unreachable", "unfinished", "unsent")

_SPLIT = re.compile(r"\s*(==|!=|>=|<=|=>|=<|>|<|=)\s*")


@dataclass(frozen=True)
class Metric:
    """A word that an expectation can begin with, and what may follow it."""

    name: str
    about: str
    """`traffic`: over a window; `cluster`: at a moment."""
    unit: str
    """`count`, `share`, `duration`, `rate`, `ratio`, `text`, `value` (a number or a text), or `count or share`."""
    summary: str
    filters: tuple[str, ...] = ()
    filter_needed: bool = False
    any_filter: bool = False
    """Whether the filter may be any word: a reason code, a condition, the path of a field."""
    subject: str = "none"
    """Whether a NAME follows: `none`, `optional` or `needed`."""
    subject_is: str = "service"
    """For a metric of traffic, whether NAME is a `service` or a `pod`."""
    example: str = ""


def _traffic(name: str, unit: str, summary: str, example: str, **more: object) -> Metric:
    return Metric(name, "traffic", unit, summary, example=example, **more)  # type: ignore[arg-type]


def _cluster(name: str, unit: str, summary: str, example: str, **more: object) -> Metric:
    return Metric(name, "cluster", unit, summary, example=example, **more)  # type: ignore[arg-type]


METRICS: tuple[Metric, ...] = (
    _traffic("requests", "count", "requests that ended, or were due by the end of the window", "requests >= 1000"),
    _traffic("success", "share", "the share of requests that were answered well", "success >= 99.5%"),
    _traffic("errors", "count or share", "requests that were not answered well", "errors == 0"),
    _traffic(
        "outcome",
        "count or share",
        "requests that ended in one way",
        "outcome timeout <= 1%",
        filters=OUTCOMES,
        filter_needed=True,
    ),
    _traffic("rps", "rate", "requests finished a second", "rps >= 200"),
    _traffic("p50", "duration", "half of the requests were faster", "p50 <= 15ms"),
    _traffic("p90", "duration", "90 of 100 requests were faster", "p90 <= 30ms"),
    _traffic("p95", "duration", "95 of 100 requests were faster", "p95 <= 40ms"),
    _traffic("p99", "duration", "99 of 100 requests were faster", "p99 <= 50ms"),
    _traffic("p99.9", "duration", "999 of 1000 requests were faster", "p99.9 <= 1s"),
    _traffic("max", "duration", "the slowest request", "max <= 2s"),
    _traffic("mean", "duration", "the mean latency", "mean <= 20ms"),
    _traffic(
        "drops",
        "count",
        "requests that rules or links stopped, for one reason or any",
        "drops == 0",
        any_filter=True,
    ),
    _traffic(
        "answering",
        "count",
        "Pods that answered a request for the Service NAME",
        "answering web >= 3",
        subject="needed",
    ),
    _traffic(
        "share",
        "share",
        "the largest part of NAME's requests that one Pod answered",
        "share web <= 40%",
        subject="needed",
    ),
    _traffic(
        "skew",
        "ratio",
        "what the busiest endpoint of NAME was asked, against the average of all that were asked or ready",
        "skew web <= 1.5",
        subject="needed",
    ),
    _traffic(
        "answered",
        "count or share",
        "requests that the Pod NAME, or Pods whose names begin with NAME-, answered",
        "answered web-canary == 0",
        subject="needed",
        subject_is="pod",
    ),
    _traffic(
        "recovery",
        "duration",
        "how long until no second of the window had less than 99% (or the share given) of its requests go well",
        "recovery 95% <= 30s",
        any_filter=True,
    ),
    _cluster("nodes", "count", "nodes, or those that are Ready", "nodes ready == 3", filters=("ready",)),
    _cluster(
        "pods",
        "count",
        "Pods of the workload or Service NAME, or of the namespace",
        "pods ready web == 5",
        filters=("ready", "running", "pending", "terminating"),
        subject="optional",
    ),
    _cluster("endpoints", "count", "ready endpoints of the Service NAME", "endpoints web >= 2", subject="needed"),
    _cluster("restarts", "count", "container restarts of NAME's Pods", "restarts web == 0", subject="optional"),
    _cluster("services", "count", "Services of the namespace", "services == 3"),
    _cluster("cluster-ip", "text", "the Service NAME's cluster IP", "cluster-ip web == 10.96.0.50", subject="needed"),
    _cluster(
        "external-ip", "text", "its load balancer's address, or pending", "external-ip web != pending", subject="needed"
    ),
    _cluster(
        "node-port",
        "count",
        "the node port of its first port, 0 when it has none",
        "node-port web == 30080",
        subject="needed",
    ),
    _cluster(
        "condition",
        "text",
        "the status of a condition of the object KIND/NAME: True, False or Unknown",
        "condition Available deployment/web == True",
        any_filter=True,
        filter_needed=True,
        subject="needed",
    ),
    _cluster(
        "field",
        "value",
        "a field of the object KIND/NAME, by its path in YAML",
        "field spec.ports[0].nodePort service/web == 30080",
        any_filter=True,
        filter_needed=True,
        subject="needed",
    ),
)
RECOVERED = 0.99
"""The share of a second's requests that must go well for `recovery`, unless it says another."""
_BY_NAME = {metric.name: metric for metric in METRICS}


class Expression(NamedTuple):
    """One expectation, understood."""

    metric: Metric
    filter: str
    subject: str
    operator: str
    value: float | str
    share: bool
    """Whether the value is a share of all requests, not a count."""

    def holds(self, actual: float | str) -> bool:
        """Whether what was measured is as expected."""
        return OPERATORS[self.operator](actual, self.value)

    def closer(self, one: float | str, other: float | str) -> float | str:
        """Which of two values that hold is nearer to one that does not; where neither is, the second."""
        if self.operator not in ("<", "<=", ">", ">=") or isinstance(one, str) or isinstance(other, str):
            return other
        return min(one, other) if self.operator.startswith(">") else max(one, other)

    def show(self, value: float | str) -> str:
        """A measured value in the words of the expectation."""
        if isinstance(value, str):
            return value or "none"
        if value == math.inf:
            return "not within this window"
        if self.share:
            return f"{value * 100:.4g}%"
        if self.metric.unit == "duration":
            return fmt.latency(value) if value else "0 s"
        return f"{value:g}" if value < 1e6 else f"{value:.0f}"


def parse(text: str) -> Expression:
    """Understand an expectation; raises `LabError` that names the wrong word and the nearest one."""
    parts = _SPLIT.split(text.strip())
    head = parts[0].split()
    if not head:
        raise LabError(f"expected METRIC OPERATOR VALUE, such as 'success >= 99%', not {text!r}")
    metric = _BY_NAME.get(head[0])
    if metric is None:
        raise LabError(f'there is no metric "{head[0]}"{_nearest_of(head[0], _BY_NAME)}')
    if len(parts) != 3 or parts[1] not in OPERATORS or not parts[2].strip():
        raise LabError(
            f"expected {metric.name} followed by one of {' '.join(OPERATORS)} and a value, as in {metric.example!r}"
        )
    filter_word, subject = _words(metric, head[1:])
    value, share = _value(metric, parts[2].strip())
    if metric.unit == "text" and parts[1] not in ("==", "!="):
        raise LabError(f"{metric.name} is a text: compare it with == or !=")
    if metric.unit == "value" and isinstance(value, str) and parts[1] not in ("==", "!="):
        raise LabError(f'"{value}" is a text: compare it with == or !=')
    if metric.name == "recovery" and filter_word:
        parse_share(filter_word)
    return Expression(metric, filter_word, subject, parts[1], value, share)


def _words(metric: Metric, words: list[str]) -> tuple[str, str]:
    rest = list(words)
    chosen = rest.pop(0) if rest and (rest[0] in metric.filters or metric.any_filter) else ""
    if metric.filter_needed and metric.any_filter and len(words) < 2:
        raise LabError(f"{metric.name} needs two words after it, as in {metric.example!r}")
    if metric.filter_needed and not chosen:
        wrong = f", not {rest[0]!r}{_nearest_of(rest[0], metric.filters)}" if rest else ""
        raise LabError(f"{metric.name} needs one of {', '.join(metric.filters)} after it{wrong}")
    if metric.subject == "needed" and not rest:
        raise LabError(f"{metric.name} needs a name after it, as in {metric.example!r}")
    allowed = 0 if metric.subject == "none" else 1
    if len(rest) > allowed:
        known = metric.filters if not chosen else ()
        raise LabError(
            f"{' '.join([metric.name, *words])!r} has a word too many: {rest[0]!r}{_nearest_of(rest[0], known)}"
        )
    return chosen, rest[0] if rest else ""


def _value(metric: Metric, text: str) -> tuple[float | str, bool]:
    if metric.unit == "text":
        return text, False
    if metric.unit in ("value", "ratio"):
        number = _number(text)
        if number is None and metric.unit == "ratio":
            raise LabError(f"{metric.name} is a ratio: expected a number such as 1.5, not {text!r}")
        return text if number is None else number, False
    if metric.unit == "duration":
        return parse_duration(text), False
    if metric.unit == "rate":
        return parse_rate(text), False
    if metric.unit == "share" or (metric.unit == "count or share" and text.endswith("%")):
        try:
            return parse_share(text if text.endswith("%") else float(text)), True
        except (LabError, ValueError):
            raise LabError(f"{metric.name} is a share: expected such as 99% or 0.99, not {text!r}") from None
    if not text.isdecimal():
        raise LabError(f"{metric.name} is a {metric.unit}: expected a whole number, not {text!r}")
    return float(text), False


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _nearest_of(word: str, known: Iterable[str]) -> str:
    names = list(known)
    return nearest(word, names) or (f"; known are {', '.join(names)}" if names else "")
