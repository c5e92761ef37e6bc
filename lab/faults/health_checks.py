"""The health checks of load balancers: a firewall in their way, or a port that nobody opened for them."""

from __future__ import annotations

from lab.engine import Engine
from lab.kube.balancers import METALLB_L2, NONE
from lab.kube.errors import LabError


def fail(engine: Engine, subject: str) -> bool:
    """Let all checks of `service/NAMESPACE/NAME`, or of what is on `node/NAME`, time out; traffic itself goes through.

    What a balancer does without a healthy target is its profile's: fail open or closed (lab.network.balancer).
    Raises LabError where nobody sends such checks.
    """
    kind = engine.spec.load_balancer
    if kind in (METALLB_L2, NONE):
        raise LabError(f"nobody sends health checks here: the cluster's load balancers are {kind}")
    unheard = engine.network.balancers.unheard
    if subject in unheard:
        return False
    engine.say(f"health-checks/{subject}", "time out")
    unheard[subject] = None
    return True


def heal(engine: Engine, subject: str) -> bool:
    """Let them be answered again; a balancer believes it after as many good answers as its profile asks for."""
    unheard = engine.network.balancers.unheard
    if subject not in unheard:
        return False
    engine.say(f"health-checks/{subject}", "answered")
    del unheard[subject]
    return True


def failing(engine: Engine) -> list[str]:
    """Whose checks time out."""
    return list(engine.network.balancers.unheard)
