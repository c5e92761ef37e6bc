"""`lab fail dns`, `lab slow dns`, `lab upstream`: CoreDNS, and the resolver outside that it and the nodes ask."""

from __future__ import annotations

from lab.commands.call import Call
from lab.commands.fault import fault, mended
from lab.commands.registry import Flag, Parameter, Place, command
from lab.commands.values import DURATION, choice
from lab.faults import dns
from lab.kube.errors import LabError
from lab.network.coredns import UP, UPSTREAM_STATES

STATE = choice("STATE", *UPSTREAM_STATES)


@fault(
    "lab upstream",
    "Break or mend the resolver outside: down, it does not answer; servfail, it answers that it cannot; up again.",
    Parameter("state", STATE),
    undo="lab upstream up",
    broken=lambda engine: () if engine.network.dns.server.upstream == UP else ("",),
    places=(
        Place("", "The resolver outside does not answer", "The resolver outside answers again", "", "down"),
        Place("", "The resolver outside answers that it cannot", "The resolver outside answers again", "", "servfail"),
    ),
    examples=("lab upstream down", "lab upstream down --for=30s", "lab upstream up"),
)
def upstream(call: Call) -> str | None:
    """Change it."""
    state: str = call.values["state"]
    changed = dns.set_upstream(call.engine, state)
    call.say(f"upstream resolver {state}" if changed else f"upstream resolver is {state} already")
    if state != UP:
        return ""
    mended(call.engine, "lab upstream", UP)
    return None


@fault(
    "lab fail dns",
    "Let all CoreDNS Pods take questions and answer none: they stay Ready, and resolvers wait for their time-outs.",
    undo="lab recover dns",
    broken=lambda engine: ("",) if engine.network.dns.server.silent else (),
    places=(Place("", "CoreDNS does not answer", "CoreDNS answers again", ""),),
    examples=("lab fail dns", "lab fail dns --for=20s"),
)
def fail_dns(call: Call) -> str:
    """Silence it."""
    call.say(f"CoreDNS {'does not answer' if dns.silence(call.engine, True) else 'does not answer already'}")
    return ""


@command("lab recover dns", "Let CoreDNS answer again: undo `lab fail dns`.", examples=("lab recover dns",))
def recover_dns(call: Call) -> str:
    """Let it answer."""
    call.say(f"CoreDNS {'answers again' if dns.silence(call.engine, False) else 'answers already'}")
    return ""


@fault(
    "lab slow dns",
    "Let every reply of CoreDNS take longer; a resolver gives up after its two attempts of 5 s.",
    undo="lab quicken dns",
    broken=lambda engine: ("",) if engine.network.dns.server.slow_s else (),
    places=(Place("", "CoreDNS is slow: each reply takes 2 s", "CoreDNS is as fast as it was", "", "--by=2s"),),
    flags=(Flag("--by", "how much longer each reply takes", DURATION, required=True),),
    examples=("lab slow dns --by=2s", "lab slow dns --by=11s --for=1m"),
)
def slow_dns(call: Call) -> str:
    """Slow down."""
    by_s: float = call.values["by"]
    if not by_s:
        raise LabError("say by how much: --by=2s")
    call.say(f"CoreDNS is {'slower now' if dns.slow_down(call.engine, by_s) else 'as slow already'}")
    return ""


@command("lab quicken dns", "Let CoreDNS be as fast as it was: undo `lab slow dns`.", examples=("lab quicken dns",))
def quicken_dns(call: Call) -> str:
    """As fast as it should be."""
    call.say(f"CoreDNS is {'as fast as it was' if dns.slow_down(call.engine, 0.0) else 'not slow'}")
    return ""
