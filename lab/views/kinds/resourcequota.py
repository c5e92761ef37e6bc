"""How a ResourceQuota is shown."""

from __future__ import annotations

from lab.kube import quantity
from lab.kube.kinds.resourcequota import ResourceQuota
from lab.views.kinds.base import Context, KindView
from lab.views.kinds.formatting import age
from lab.views.states import State
from lab.views.table import fields, table


def _column(quota: ResourceQuota, *, limits: bool) -> str:
    """REQUEST, or LIMIT with what begins with `limits.`, as `pods: 2/10, requests.cpu: 1/4`."""
    hard, used = quota.status.hard, quota.status.used
    names = [name for name in sorted(hard) if name.startswith("limits.") == limits]
    return ", ".join(f"{name}: {used.get(name, '0')}/{hard[name]}" for name in names)


def _row(quota: ResourceQuota, context: Context) -> tuple[str, ...]:
    created = quota.metadata.creation_timestamp
    return quota.name, _column(quota, limits=False), _column(quota, limits=True), age(created, context.now)


def _state(quota: ResourceQuota, context: Context) -> State:
    hard, used = quota.status.hard, quota.status.used
    full = [name for name in hard if quantity.parse(used.get(name, "0")) >= quantity.parse(hard[name])]
    return State("◐", "warn", f"{full[0]} used up") if full else State("●", "ok", "Room")


def _describe(quota: ResourceQuota, context: Context) -> list[str]:
    names = [requirement.scope_name for requirement in quota.spec.requirements]
    head = fields(
        (
            ("Name", quota.name),
            ("Namespace", quota.namespace),
            *((("Scopes", ", ".join(names)),) if names else ()),
        )
    )
    hard, used = quota.status.hard, quota.status.used
    rows = [(name, str(used.get(name, "0")), str(hard[name])) for name in sorted(hard)]
    return [*head, *table(("Resource", "Used", "Hard"), [("--------", "----", "----"), *rows])]


VIEW = KindView(
    struct=ResourceQuota, columns=("NAME", "REQUEST", "LIMIT", "AGE"), row=_row, state=_state, describe=_describe
)
