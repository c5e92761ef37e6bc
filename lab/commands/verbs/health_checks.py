"""`lab fail health-checks`: what load balancers ask their targets, and hear nothing."""

from __future__ import annotations

from lab.commands.call import Call
from lab.commands.fault import fault
from lab.commands.flags import IN_NAMESPACE
from lab.commands.registry import Parameter, Place, command
from lab.commands.resources import Target, target_of
from lab.engine import Engine
from lab.faults import health_checks
from lab.kube.kinds.service import Service

_SUBJECT = target_of("Service", "Node", name="SERVICE", default="Service")


def _broken(engine: Engine) -> list[str]:
    return [_words(subject) for subject in health_checks.failing(engine)]


def _words(subject: str) -> str:
    kind, _, rest = subject.partition("/")
    namespace, slash, name = rest.partition("/")
    if not slash:
        return subject
    return f"{kind}/{name}" + (f" -n {namespace}" if namespace != "default" else "")


def _subject(call: Call) -> tuple[str, Target]:
    target: Target = call.values["subject"]
    obj = target.obj
    if isinstance(obj, Service):
        return f"service/{obj.namespace}/{obj.name}", target
    return f"node/{target.name.partition('/')[2] or target.name}", target


@fault(
    "lab fail health-checks",
    "Let a Service's load balancer, or every one that asks a node, hear nothing from its health checks.",
    Parameter("subject", _SUBJECT),
    undo="lab recover health-checks",
    broken=_broken,
    places=(
        Place(
            "Service", "Its load balancer's health checks time out", "Its load balancer's health checks are answered"
        ),
        Place("Node", "Health checks of load balancers time out here", "Health checks of load balancers are answered"),
    ),
    flags=(IN_NAMESPACE,),
    examples=("lab fail health-checks service/web", "lab fail health-checks node/worker-1 --for=1m"),
)
def fail_health_checks(call: Call) -> str:
    """Let them time out."""
    subject, target = _subject(call)
    did = health_checks.fail(call.engine, subject)
    call.say(f"health checks of {target.name} time out{'' if did else ' already'}")
    return _words(subject)


@command(
    "lab recover health-checks",
    "Let health checks be answered again: undo `lab fail health-checks`.",
    Parameter("subject", _SUBJECT),
    flags=(IN_NAMESPACE,),
    examples=("lab recover health-checks service/web",),
)
def recover_health_checks(call: Call) -> str:
    """Let them be answered."""
    subject, target = _subject(call)
    did = health_checks.heal(call.engine, subject)
    call.say(f"health checks of {target.name} {'are answered again' if did else 'do not fail'}")
    return _words(subject)
