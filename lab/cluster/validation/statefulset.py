"""What a StatefulSet must say (apps validation, ValidateStatefulSetSpec)."""

from __future__ import annotations

from msgspec.structs import replace

from lab.cluster.errors import forbidden, invalid
from lab.cluster.validation.names import Errors
from lab.cluster.validation.workloads import amount_errors, is_zero, not_negative, percentage_errors, workload_errors
from lab.kube.encode import encode
from lab.kube.kinds.statefulset import RollingUpdateStatefulSet, StatefulSet, StatefulSetSpec

_MAY_CHANGE = (
    "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', "
    "'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"
)
_RETENTION = "persistentVolumeClaimRetentionPolicy"
"""Kept, not simulated, and free to change."""


def stateful_set_errors(new: StatefulSet, old: StatefulSet | None) -> Errors:
    """What is wrong with a StatefulSet, or with its change from `old`."""
    spec = new.spec
    if spec.pod_management_policy not in ("OrderedReady", "Parallel"):
        path = "spec.podManagementPolicy"
        yield invalid(path, spec.pod_management_policy, "must be 'OrderedReady' or 'Parallel'")
    yield from _strategy(spec)
    yield from not_negative("spec.replicas", spec.replicas)
    yield from not_negative("spec.minReadySeconds", spec.min_ready_seconds)
    if spec.ordinals is not None:
        yield from not_negative("spec.ordinals.start", spec.ordinals.start)
    yield from workload_errors(spec.selector, spec.template)
    if old is not None and _lasting(spec) != _lasting(old.spec):
        yield forbidden("spec", _MAY_CHANGE)


def _strategy(spec: StatefulSetSpec) -> Errors:
    strategy = spec.update_strategy
    rolling = strategy.rolling_update
    if strategy.type not in ("RollingUpdate", "OnDelete"):
        yield invalid("spec.updateStrategy", encode(strategy), "must be 'RollingUpdate' or 'OnDelete'")
    elif rolling is not None and strategy.type == "OnDelete":
        path = "spec.updateStrategy.rollingUpdate"
        yield invalid(path, encode(rolling), "only allowed for updateStrategy 'RollingUpdate'")
    elif rolling is not None:
        yield from _rolling(rolling)


def _rolling(rolling: RollingUpdateStatefulSet) -> Errors:
    yield from not_negative("spec.updateStrategy.rollingUpdate.partition", rolling.partition)
    path = "spec.updateStrategy.rollingUpdate.maxUnavailable"
    yield from amount_errors(path, rolling.max_unavailable)
    if is_zero(rolling.max_unavailable):
        yield invalid(path, rolling.max_unavailable, "cannot be 0")
    yield from percentage_errors(path, rolling.max_unavailable)


def _lasting(spec: StatefulSetSpec) -> StatefulSetSpec:
    """The spec without what may be changed."""
    plain = StatefulSetSpec()
    return replace(
        spec,
        replicas=plain.replicas,
        template=plain.template,
        update_strategy=plain.update_strategy,
        min_ready_seconds=plain.min_ready_seconds,
        ordinals=None,
        revision_history_limit=None,
        extra={key: value for key, value in spec.extra.items() if key != _RETENTION},
    )
