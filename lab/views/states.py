"""The state of a Pod, node or endpoint in one glyph, one role and one word."""

from __future__ import annotations

from typing import NamedTuple

from lab.kube.kinds.endpointslice import EndpointConditions
from lab.kube.kinds.node import Node
from lab.kube.kinds.pod import Pod


class State(NamedTuple):
    """How something is doing."""

    glyph: str
    role: str
    word: str


READY = State("●", "ok", "Ready")
NOT_READY = State("◐", "warn", "NotReady")
STARTING = State("◌", "busy", "Starting")
PENDING = State("○", "dim", "Pending")
TERMINATING = State("◍", "busy", "Terminating")
FAILED = State("✖", "bad", "Failed")
DONE = State("✓", "dim", "Completed")
UNKNOWN = State("?", "bad", "Unknown")


def pod_state(pod: Pod) -> State:
    """What `kubectl get pods` says in STATUS, folded into one state."""
    reason = _waiting_reason(pod)
    if pod.terminating:
        return TERMINATING
    if pod.status.phase == "Failed":
        return FAILED._replace(word=pod.status.reason or "Failed")
    if pod.status.phase == "Succeeded":
        return DONE
    if pod.status.phase == "Unknown" or pod.status.reason == "NodeLost":
        return UNKNOWN
    if "BackOff" in reason or reason in ("Error", "ErrImagePull", "CreateContainerConfigError"):
        return FAILED._replace(word=reason)
    if pod.ready:
        return READY
    if pod.status.phase == "Running":
        return NOT_READY._replace(word=reason or "NotReady")
    if not pod.spec.node_name:
        return PENDING
    return STARTING._replace(word=reason or "ContainerCreating")


def _waiting_reason(pod: Pod) -> str:
    for status in (*pod.status.init_container_statuses, *pod.status.container_statuses):
        if status.state.state == "waiting" and status.state.reason:
            return status.state.reason
        if status.state.state == "terminated" and status.state.exit_code:
            return status.state.reason or "Error"
    return ""


def node_state(node: Node) -> State:
    """Ready, NotReady or Unknown as the API says, and whether Pods may still be placed on it."""
    ready = next((c for c in node.status.conditions if c.type == "Ready"), None)
    if ready is None or ready.status != "True":
        return State("✖", "bad", "NotReady")
    if node.spec.unschedulable:
        return State("◑", "warn", "SchedulingDisabled")
    return READY


def endpoint_state(conditions: EndpointConditions) -> State:
    """KEP-1672: unset means ready and serving, and not terminating."""
    ready = conditions.ready is not False
    serving = conditions.serving if conditions.serving is not None else ready
    if conditions.terminating:
        return TERMINATING._replace(word="terminating") if serving else State("◍", "dim", "not serving")
    return READY._replace(word="ready") if ready else NOT_READY._replace(word="not ready")
