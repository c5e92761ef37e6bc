"""What each metric of an expectation is on a run: of the traffic over a window, of the cluster right now."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lab.engine import Engine
from lab.kube.encode import encode
from lab.kube.errors import LabError, nearest
from lab.kube.kinds import KINDS, find_kind
from lab.kube.kinds.endpointslice import EndpointSlice
from lab.kube.kinds.node import Node
from lab.kube.kinds.pod import Pod
from lab.kube.kinds.service import Service
from lab.kube.meta import KubeObject, LabelSelector
from lab.kube.selector import is_empty
from lab.network.reasons import REASONS
from lab.scenario.expect import Expression
from lab.traffic.histogram import Histogram
from lab.traffic.measure import Measurements, Summary, Tallies, Tally
from lab.traffic.request import RequestResult

# -- traffic --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Reading:
    """What was counted up to a moment: of the requests that are meant, and of each Pod that answered."""

    at_s: float
    summary: Summary
    answered: dict[str, int]

    def since(self, earlier: Reading) -> Reading:
        """The window between two readings of the same thing."""
        answered = {pod: ok - earlier.answered.get(pod, 0) for pod, ok in self.answered.items()}
        return Reading(self.at_s - earlier.at_s, self.summary.since(earlier.summary), answered)

    def with_late(self, late: Sequence[RequestResult], others: Mapping[str, int]) -> Reading:
        """With the requests that were due in it and ended after it, and by outcome those that never did."""
        if not late and not any(others.values()):
            return self
        tally, answered = Tally(), dict(self.answered)
        for result in late:
            tally.record(0.0, result.latency_s, result.outcome, result.reason)
            if result.outcome == "ok" and result.pod:
                answered[result.pod] = answered.get(result.pod, 0) + 1
        return Reading(self.at_s, _sum(self.summary, tally, others), answered)


def _sum(summary: Summary, tally: Tally, others: Mapping[str, int]) -> Summary:
    """Two summaries in one; `others` have no latency."""
    outcomes, reasons, never = dict(summary.outcomes), dict(summary.reasons), sum(others.values())
    for outcome, number in [*tally.outcomes.items(), *others.items()]:
        outcomes[outcome] = outcomes.get(outcome, 0) + number
    for reason, number in tally.reasons.items():
        reasons[reason] = reasons.get(reason, 0) + number
    return Summary(
        summary.requests + tally.requests + never,
        summary.ok + tally.ok,
        outcomes,
        reasons,
        Histogram().merge((summary.histogram, *tally.histograms())),
    )


def read(measure: Measurements, now_s: float, groups: Sequence[str], service: str) -> Reading:
    """What clients of `groups` saw, of one Service or of all; empty `groups` are all clients."""
    summary = _chosen(measure, groups, service).summary()
    answered: dict[str, int] = {}
    for (of, pod), tallies in measure.endpoints.items():
        if pod and service in ("", of):
            answered[pod] = answered.get(pod, 0) + tallies.ok
    return Reading(now_s, summary, answered)


def _chosen(measure: Measurements, groups: Sequence[str], service: str) -> Tallies:
    if not groups:
        return (measure.services.get(service) if service else measure.total) or Tallies()
    chosen = Tallies()
    for group in groups:
        tallies = measure.between.get((group, service)) if service else measure.clients.get(group)
        chosen.parts.extend(tallies.parts if tallies else ())
    return chosen


def traffic_value(expression: Expression, window: Reading, engine: Engine) -> float:
    """The metric over a window that ends now; shares are 1 (success) or 0 when nothing was asked."""
    if expression.metric.name == "skew":
        return _skew(window, _ready_endpoints(engine, expression.subject))
    word = expression.subject if expression.metric.subject_is == "pod" else expression.filter
    value = _TRAFFIC[expression.metric.name](window, word)
    if expression.share and expression.metric.unit == "count or share":
        return value / window.summary.requests if window.summary.requests else 0.0
    return value


def _outcome(window: Reading, outcome: str) -> float:
    return window.summary.ok if outcome == "ok" else window.summary.outcomes.get(outcome, 0)


def _drops(window: Reading, reason: str) -> float:
    return sum(n for code, n in window.summary.reasons.items() if (code == reason if reason else code in REASONS))


def _largest_share(window: Reading, _: str) -> float:
    total = sum(window.answered.values())
    return max(window.answered.values()) / total if total else 0.0


def _skew(window: Reading, ready: Sequence[str]) -> float:
    """The busiest endpoint against the average; endpoints that are ready and were never asked count with 0."""
    counts = {**dict.fromkeys(ready, 0), **{pod: number for pod, number in window.answered.items() if number}}
    return max(counts.values()) * len(counts) / sum(counts.values()) if any(counts.values()) else 0.0


def _answered(window: Reading, name: str) -> float:
    def meant(pod: str) -> bool:
        plain = pod if "/" in name else pod.partition("/")[2]
        return plain == name or plain.startswith(f"{name}-")

    return sum(number for pod, number in window.answered.items() if meant(pod))


def _percentile(percent: float) -> Callable[[Reading, str], float]:
    return lambda window, _: window.summary.percentile(percent)


_TRAFFIC: dict[str, Callable[[Reading, str], float]] = {
    "requests": lambda window, _: window.summary.requests,
    "success": lambda window, _: window.summary.success,
    "errors": lambda window, _: window.summary.failed,
    "outcome": _outcome,
    "rps": lambda window, _: window.summary.requests / window.at_s,
    "p50": _percentile(50),
    "p90": _percentile(90),
    "p95": _percentile(95),
    "p99": _percentile(99),
    "p99.9": _percentile(99.9),
    "max": _percentile(100),
    "mean": lambda window, _: window.summary.histogram.mean_s,
    "drops": _drops,
    "answering": lambda window, _: sum(1 for ok in window.answered.values() if ok),
    "share": _largest_share,
    "answered": _answered,
}

# -- cluster --------------------------------------------------------------------------------------------------------

_WORKLOADS: dict[str, type[KubeObject]] = {
    kind.name.lower(): kind.struct for kind in KINDS if hasattr(getattr(kind.struct(), "spec", None), "template")
}
"""Kinds that make Pods from a template."""


def cluster_value(expression: Expression, engine: Engine, namespace: str) -> float | str:
    """The metric right now; raises `LabError` when what it names does not exist."""
    value = _CLUSTER[expression.metric.name](engine, expression, namespace)
    return value if isinstance(value, str) else float(value)


def _nodes(engine: Engine, expression: Expression, namespace: str) -> float:
    return sum(1 for node in engine.store.list(Node) if node.ready or not expression.filter)


def _pods(engine: Engine, expression: Expression, namespace: str) -> float:
    return sum(1 for pod in pods_of(engine, expression.subject, namespace) if _POD_FILTERS[expression.filter](pod))


_POD_FILTERS: dict[str, Callable[[Pod], bool]] = {
    "": lambda pod: True,
    "ready": lambda pod: pod.ready and not pod.terminating,
    "running": lambda pod: pod.status.phase == "Running" and not pod.terminating,
    "pending": lambda pod: pod.status.phase == "Pending",
    "terminating": lambda pod: pod.terminating,
}


def pods_of(engine: Engine, subject: str, namespace: str) -> Sequence[Pod]:
    """The Pods of `web`, `deployment/web`, `service/web`, `shop/web` or, when empty, of the namespace."""
    if not subject:
        return engine.store.list(Pod, namespace)
    kind, name, namespace = _split(subject, namespace)
    for word, struct in _WORKLOADS.items():
        workload: Any = engine.store.find(struct, name, namespace) if kind in ("", word) else None
        selector = workload.spec.selector if workload is not None else LabelSelector()
        if not is_empty(selector):
            return engine.store.list(Pod, namespace, selector)
    service = engine.store.find(Service, name, namespace) if kind in ("", "service") else None
    if service is not None:
        chosen = service.spec.selector
        return engine.store.list(Pod, namespace, chosen) if chosen else ()
    pod = engine.store.find(Pod, name, namespace) if kind in ("", "pod") else None
    if pod is not None:
        return (pod,)
    kinds: tuple[type[KubeObject], ...] = (*_WORKLOADS.values(), Service)
    known = [each.name for struct in kinds for each in engine.store.list(struct, namespace)]
    raise LabError(f'there is no workload, Service or Pod "{name}" in namespace {namespace}{nearest(name, known)}')


def _split(subject: str, namespace: str) -> tuple[str, str, str]:
    """(kind or empty, name, namespace) of NAME, KIND/NAME, NAMESPACE/NAME or KIND/NAMESPACE/NAME."""
    words = subject.split("/")
    kind = words.pop(0).lower() if words[0].lower() in (*_WORKLOADS, "service", "pod") and len(words) > 1 else ""
    return (kind, words[-1], words[0] if len(words) > 1 else namespace)


def _service(engine: Engine, expression: Expression, namespace: str) -> Service:
    _, name, namespace = _split(expression.subject, namespace)
    found = engine.store.find(Service, name, namespace)
    if found is None:
        known = (each.name for each in engine.store.list(Service, namespace))
        raise LabError(f'there is no Service "{name}" in namespace {namespace}{nearest(name, known)}')
    return found


def _endpoints(engine: Engine, expression: Expression, namespace: str) -> float:
    service = _service(engine, expression, namespace)
    return len({address: None for address, _ in _ready(engine, service.namespace, service.name)})


def _ready_endpoints(engine: Engine, service: str) -> list[str]:
    """`NAMESPACE/NAME` of the Pods that are ready endpoints of `NAMESPACE/NAME` or `NAME` in default."""
    namespace, _, name = service.rpartition("/")
    return [pod for _, pod in _ready(engine, namespace or "default", name) if pod]


def _ready(engine: Engine, namespace: str, service: str) -> Iterator[tuple[str, str]]:
    """Address and Pod of each ready endpoint, as the EndpointSlices say."""
    for piece in engine.store.list(EndpointSlice, namespace):
        for endpoint in piece.endpoints if piece.service == service else ():
            if endpoint.conditions.ready is not False:
                ref = endpoint.target_ref
                yield endpoint.addresses[0], f"{ref.namespace}/{ref.name}" if ref is not None else ""


def _restarts(engine: Engine, expression: Expression, namespace: str) -> float:
    pods = pods_of(engine, expression.subject, namespace)
    return sum(status.restart_count for pod in pods for status in pod.status.container_statuses)


def _external_ip(engine: Engine, expression: Expression, namespace: str) -> str:
    service = _service(engine, expression, namespace)
    given = [entry.ip or entry.hostname for entry in service.status.load_balancer.ingress]
    return ",".join(given) or ("pending" if service.spec.type == "LoadBalancer" else "")


def _node_port(engine: Engine, expression: Expression, namespace: str) -> float:
    ports = _service(engine, expression, namespace).spec.ports
    return (ports[0].node_port or 0) if ports else 0


def _object(engine: Engine, expression: Expression, namespace: str) -> dict[str, Any]:
    """The object that KIND/NAME or KIND/NAMESPACE/NAME names, as YAML would show it."""
    word, *place, name = expression.subject.split("/") if "/" in expression.subject else ("", expression.subject)
    kind = find_kind(word)
    if kind is None or len(place) > 1:
        known = [each.name.lower() for each in KINDS]
        raise LabError(f'expected KIND/NAME, not "{expression.subject}"{nearest(word or name, known)}')
    namespace = place[0] if place else namespace
    found = engine.store.find(kind.struct, name, namespace if kind.namespaced else "")
    if found is None:
        there = (each.name for each in engine.store.list(kind.struct, namespace if kind.namespaced else None))
        raise LabError(f'there is no {kind.name} "{name}"{nearest(name, there)}')
    return encode(found)


def _condition(engine: Engine, expression: Expression, namespace: str) -> str:
    conditions = _object(engine, expression, namespace).get("status", {}).get("conditions", [])
    return next((str(each.get("status")) for each in conditions if each.get("type") == expression.filter), "")


def _field(engine: Engine, expression: Expression, namespace: str) -> float | str:
    value: Any = _object(engine, expression, namespace)
    for step in _STEP.findall(expression.filter.strip("{}").lstrip(".$")):
        if isinstance(value, Mapping):
            value = value.get(step)
        elif isinstance(value, Sequence) and not isinstance(value, str) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            return ""
    if isinstance(value, bool):
        return str(value).lower()
    return float(value) if isinstance(value, int | float) else "" if value is None else str(value)


_STEP = re.compile(r"[^.\[\]]+")


_CLUSTER: dict[str, Callable[[Engine, Expression, str], float | str]] = {
    "nodes": _nodes,
    "pods": _pods,
    "endpoints": _endpoints,
    "restarts": _restarts,
    "services": lambda engine, _, namespace: len(engine.store.list(Service, namespace)),
    "cluster-ip": lambda engine, expression, namespace: _service(engine, expression, namespace).spec.cluster_ip or "",
    "external-ip": _external_ip,
    "node-port": _node_port,
    "condition": _condition,
    "field": _field,
}
