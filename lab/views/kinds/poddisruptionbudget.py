"""How a PodDisruptionBudget is shown."""

from __future__ import annotations

from lab.kube.kinds.poddisruptionbudget import PodDisruptionBudget
from lab.kube.selector import to_text
from lab.kube.struct import IntOrString
from lab.views.kinds.base import Context, KindView
from lab.views.kinds.formatting import age
from lab.views.states import State
from lab.views.table import fields


def _amount(amount: IntOrString | None) -> str:
    return "N/A" if amount is None else str(amount)


def _row(budget: PodDisruptionBudget, context: Context) -> tuple[str, ...]:
    return (
        budget.name,
        _amount(budget.spec.min_available),
        _amount(budget.spec.max_unavailable),
        str(budget.status.disruptions_allowed),
        age(budget.metadata.creation_timestamp, context.now),
    )


def _state(budget: PodDisruptionBudget, context: Context) -> State:
    status = budget.status
    if status.disruptions_allowed:
        return State("●", "ok", "SufficientPods")
    reason = status.conditions[0].reason if status.conditions else "New"
    return State("◐", "warn" if status.expected_pods else "dim", reason)


def _describe(budget: PodDisruptionBudget, context: Context) -> list[str]:
    spec, status = budget.spec, budget.status
    said = [
        ("Min available", spec.min_available),
        ("Max unavailable", spec.max_unavailable),
        ("Unhealthy pod eviction policy", spec.unhealthy_pod_eviction_policy),
    ]
    head = fields(
        (
            ("Name", budget.name),
            ("Namespace", budget.namespace),
            *((title, str(value)) for title, value in said if value is not None),
            ("Selector", "<unset>" if spec.selector is None else to_text(spec.selector)),
        )
    )
    counts = fields(
        (
            ("Allowed disruptions", str(status.disruptions_allowed)),
            ("Current", str(status.current_healthy)),
            ("Desired", str(status.desired_healthy)),
            ("Total", str(status.expected_pods)),
        ),
        indent=4,
    )
    return [*head, "Status:", *counts]


VIEW = KindView(
    struct=PodDisruptionBudget,
    columns=("NAME", "MIN AVAILABLE", "MAX UNAVAILABLE", "ALLOWED DISRUPTIONS", "AGE"),
    row=_row,
    state=_state,
    describe=_describe,
)
