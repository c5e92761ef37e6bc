"""What Deployments, DaemonSets, Jobs and their like have in common on the screen."""

from __future__ import annotations

from collections import Counter

from lab.kube.kinds.pod import Pod, PodTemplateSpec
from lab.kube.meta import Condition, KubeObject
from lab.views.kinds.base import Context
from lab.views.kinds.formatting import pair_lines
from lab.views.states import READY, State
from lab.views.table import fields, table


def set_state(wanted: int, ready: int, updated: int | None = None) -> State:
    """The state of a set of Pods or endpoints; `updated` counts those of the newest template."""
    if not wanted:
        return State("○", "dim", "Scaled to 0")
    if ready < wanted:
        return State("◐", "warn", "Degraded") if ready else State("✖", "bad", "None ready")
    return State("◌", "busy", "Updating") if updated is not None and updated < wanted else READY


def template_lines(template: PodTemplateSpec) -> list[str]:
    """`Pod Template:` as `kubectl describe` prints it."""
    lines = ["Pod Template:", *fields([("Labels", pair_lines(template.metadata.labels))], indent=2), "  Containers:"]
    for one in template.spec.containers:
        ports = ", ".join(f"{port.container_port}/{port.protocol}" for port in one.ports)
        environment = [f"{variable.name}: {variable.value}" for variable in one.env]
        lines.append(f"   {one.name}:")
        lines += fields([("Image", one.image), ("Port", ports or "<none>"), ("Environment", environment)], indent=4)
    return lines


def pods_status(owner: KubeObject, context: Context) -> str:
    """`Pods Status` as `kubectl describe` counts them, by phase."""
    phases = Counter(pod.status.phase for pod in context.store.owned_by(owner.metadata.uid, Pod))
    shown = (("Running", "Running"), ("Pending", "Waiting"), ("Succeeded", "Succeeded"), ("Failed", "Failed"))
    return " / ".join(f"{phases[phase]} {word}" for phase, word in shown)


def condition_lines(conditions: tuple[Condition, ...]) -> list[str]:
    """`Conditions:` with type, status and reason."""
    if not conditions:
        return []
    rows = [(f"  {one.type}", one.status, one.reason) for one in conditions]
    return ["Conditions:", *table(("  Type", "Status", "Reason"), rows)]
