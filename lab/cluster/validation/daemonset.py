"""What a DaemonSet must say (apps validation, ValidateDaemonSetSpec)."""

from __future__ import annotations

from lab.cluster.errors import invalid, required, unsupported
from lab.cluster.validation.names import Errors
from lab.cluster.validation.workloads import (
    amount_errors,
    is_zero,
    not_negative,
    percentage_errors,
    unchanged_selector_errors,
    workload_errors,
)
from lab.kube.encode import encode
from lab.kube.kinds.daemonset import DaemonSet, DaemonSetSpec, RollingUpdateDaemonSet

_PATH = "spec.updateStrategy.rollingUpdate"


def daemon_set_errors(new: DaemonSet, old: DaemonSet | None) -> Errors:
    """What is wrong with a DaemonSet, or with its change from `old`."""
    spec = new.spec
    yield from workload_errors(spec.selector, spec.template)
    yield from not_negative("spec.minReadySeconds", spec.min_ready_seconds)
    yield from _strategy(spec)
    yield from not_negative("spec.revisionHistoryLimit", spec.revision_history_limit)
    if old is not None:
        yield from unchanged_selector_errors(spec.selector, old.spec.selector)


def _strategy(spec: DaemonSetSpec) -> Errors:
    strategy = spec.update_strategy
    if strategy.type not in ("RollingUpdate", "OnDelete"):
        yield unsupported("spec.updateStrategy", encode(strategy), ("RollingUpdate", "OnDelete"))
    elif strategy.type == "RollingUpdate" and strategy.rolling_update is not None:
        yield from _rolling(strategy.rolling_update)


def _rolling(rolling: RollingUpdateDaemonSet) -> Errors:
    for field, value in (("maxUnavailable", rolling.max_unavailable), ("maxSurge", rolling.max_surge)):
        yield from amount_errors(f"{_PATH}.{field}", value)
        yield from percentage_errors(f"{_PATH}.{field}", value)
    down, up = (not is_zero(value) for value in (rolling.max_unavailable, rolling.max_surge))
    if down and up:
        yield invalid(f"{_PATH}.maxSurge", rolling.max_surge, "may not be set when maxUnavailable is non-zero")
    elif not down and not up:
        yield required(f"{_PATH}.maxUnavailable", "cannot be 0 when maxSurge is 0")
