"""`lab fail control-plane`: API server, controllers and scheduler."""

from __future__ import annotations

from lab.commands.call import Call
from lab.commands.fault import fault
from lab.commands.registry import Place, command
from lab.faults import control_plane


@fault(
    "lab fail control-plane",
    "Take API server, controllers and scheduler down: kubectl is refused, nothing is noticed, the nodes route on.",
    undo="lab recover control-plane",
    broken=lambda engine: ("",) if engine.store.down else (),
    places=(Place("", "The control plane is down: the nodes go on alone", "The control plane is up again", ""),),
    examples=("lab fail control-plane", "lab fail control-plane --for=2m"),
)
def fail_control_plane(call: Call) -> str:
    """Take it down."""
    call.say(f"the control plane is down{'' if control_plane.power(call.engine, False) else ' already'}")
    return ""


@command(
    "lab recover control-plane",
    "Bring the control plane up again: kubelets are heard first, then everything catches up.",
    examples=("lab recover control-plane",),
)
def recover_control_plane(call: Call) -> str:
    """Bring it up."""
    call.say(f"the control plane is up{' again' if control_plane.power(call.engine, True) else ' already'}")
    return ""
