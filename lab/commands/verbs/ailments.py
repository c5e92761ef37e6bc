"""`lab slow`, `lab errors`, `lab close port`, `lab leak`: apps that do not do well, over restarts too."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from lab.commands.call import Call
from lab.commands.fault import fault
from lab.commands.flags import IN_NAMESPACE
from lab.commands.pods import POD, pods_of
from lab.commands.registry import Flag, Parameter, Place, command
from lab.commands.values import DURATION, FACTOR, MEMORY, SHARE
from lab.commands.verbs.faults import words_of
from lab.engine import Engine
from lab.faults import pods
from lab.kube.errors import LabError
from lab.kube.kinds.pod import Pod
from lab.traffic.ailment import Ailment

_ALL = Flag("--all", "every Pod of the workload or Service, not the oldest Ready one alone")


def _ailing(has: Callable[[Ailment], bool]) -> Callable[[Engine], Iterable[str]]:
    return lambda engine: [words_of(*found) for found in pods.ailing(engine, has)]


def _break(call: Call, act: Callable[[Pod], bool], did: str) -> list[str]:
    """Do it to the Pods that are meant."""
    found = pods_of(call.values["pod"], call, every=call.get("all", False))
    for pod in found:
        call.say(f"pod/{pod.name} {did}{'' if act(pod) else ' already'}")
    return [words_of(pod.namespace, pod.name) for pod in found]


def _mend(call: Call, act: Callable[[Pod], bool], has: Callable[[Ailment], bool], did: str, had: str) -> list[str]:
    """Undo it: of a workload for every Pod that has it."""
    target = call.values["pod"]
    ailing = dict.fromkeys(pods.ailing(call.engine, has))
    found = [pod for pod in pods_of(target, call, every=True) if pod.key in ailing]
    for pod in found:
        act(pod)
        call.say(f"pod/{pod.name} {did}")
    if not found:
        call.say(f"{target.name} {had}")
    return [words_of(pod.namespace, pod.name) for pod in found]


# -- slow -------------------------------------------------------------------------------------------------------------


def _is_slow(ailment: Ailment) -> bool:
    return ailment.slow


@fault(
    "lab slow",
    "Let a Pod, or the oldest Ready one of a workload, take longer for each request.",
    Parameter("pod", POD),
    undo="lab quicken",
    broken=_ailing(_is_slow),
    places=(
        Place("Pod", "Slow: each request takes 500 ms longer", "Let it be as fast as it was", options="--by=500ms"),
    ),
    flags=(
        Flag("--by", "how much longer", DURATION),
        Flag("--factor", "how many times as long", FACTOR),
        _ALL,
        IN_NAMESPACE,
    ),
    examples=("lab slow pod/web-1 --by=200ms", "lab slow deployment/web --all --factor=5 --for=30s"),
)
def slow(call: Call) -> list[str]:
    """Slow down."""
    by_s, factor = call.get("by", 0.0), call.get("factor", 1.0)
    if (by_s, factor) == (0.0, 1.0):
        raise LabError("say by how much: --by=200ms, --factor=5")
    return _break(call, lambda pod: pods.slow_down(call.engine, pod, by_s, factor), "is slow")


@command(
    "lab quicken",
    "Let a Pod, or every Pod of a workload, be as fast as it was: undo `lab slow`.",
    Parameter("pod", POD),
    flags=(IN_NAMESPACE,),
    examples=("lab quicken pod/web-1", "lab quicken deployment/web"),
)
def quicken(call: Call) -> list[str]:
    """As fast as it should be."""
    return _mend(call, lambda pod: pods.slow_down(call.engine, pod), _is_slow, "is as fast as it was", "is not slow")


# -- errors -----------------------------------------------------------------------------------------------------------


def _errs(ailment: Ailment) -> bool:
    return ailment.error_rate > 0.0


@fault(
    "lab errors",
    "Let a Pod, or the oldest Ready one of a workload, answer a share of its requests with status 500.",
    Parameter("pod", POD),
    undo="lab end errors",
    broken=_ailing(_errs),
    places=(Place("Pod", "Errors: three answers in ten are 500", "Let it answer well again", options="--rate=30%"),),
    flags=(Flag("--rate", "the share of requests: 30% or 0.3", SHARE, required=True), _ALL, IN_NAMESPACE),
    examples=("lab errors pod/web-1 --rate=30%", "lab errors deployment/web --all --rate=5% --for=1m"),
)
def errors(call: Call) -> list[str]:
    """Answer errors."""
    rate: float = call.values["rate"]
    if not rate:
        raise LabError("say what share: --rate=30%")
    did = f"answers {rate * 100:g}% of its requests with status 500"
    return _break(call, lambda pod: pods.answer_errors(call.engine, pod, rate), did)


@command(
    "lab end errors",
    "Let a Pod, or every Pod of a workload, answer as it did: undo `lab errors`.",
    Parameter("pod", POD),
    flags=(IN_NAMESPACE,),
    examples=("lab end errors pod/web-1",),
)
def end_errors(call: Call) -> list[str]:
    """Answer well."""
    return _mend(
        call, lambda pod: pods.answer_errors(call.engine, pod, 0.0), _errs, "answers as it did", "answers no errors"
    )


# -- ports ------------------------------------------------------------------------------------------------------------


def _is_closed(ailment: Ailment) -> bool:
    return ailment.closed


@fault(
    "lab close port",
    "Let a Pod, or the oldest Ready one of a workload, run and listen nowhere: new connections are refused with RST.",
    Parameter("pod", POD),
    undo="lab open port",
    broken=_ailing(_is_closed),
    places=(
        Place("Pod", "Close its ports: it runs, connections are refused", "Open its ports: it takes connections again"),
    ),
    flags=(_ALL, IN_NAMESPACE),
    examples=("lab close port pod/web-1", "lab close port deployment/web --for=30s"),
)
def close_port(call: Call) -> list[str]:
    """Close."""
    return _break(call, lambda pod: pods.close_port(call.engine, pod, True), "listens nowhere")


@command(
    "lab open port",
    "Let a Pod, or every Pod of a workload, listen again: undo `lab close port`.",
    Parameter("pod", POD),
    flags=(IN_NAMESPACE,),
    examples=("lab open port pod/web-1",),
)
def open_port(call: Call) -> list[str]:
    """Open."""
    return _mend(call, lambda pod: pods.close_port(call.engine, pod, False), _is_closed, "listens again", "listens")


# -- memory -----------------------------------------------------------------------------------------------------------


def _leaks(ailment: Ailment) -> bool:
    return ailment.growth > 0.0


@fault(
    "lab leak",
    "Let the memory of a Pod's containers grow each second; past its limit a container is OOMKilled, and starts anew.",
    Parameter("pod", POD),
    undo="lab end leak",
    broken=_ailing(_leaks),
    places=(
        Place("Pod", "Leak memory: 10 MiB a second, until it is OOMKilled", "End the leak", options="--rate=10Mi"),
    ),
    flags=(Flag("--rate", "by how much a second: 10Mi", MEMORY, required=True), _ALL, IN_NAMESPACE),
    examples=("lab leak pod/web-1 --rate=10Mi", "lab leak deployment/web --all --rate=500Ki --for=5m"),
)
def leak(call: Call) -> list[str]:
    """Leak."""
    rate: float = call.values["rate"]
    return _break(call, lambda pod: pods.leak(call.engine, pod, rate), "leaks memory")


@command(
    "lab end leak",
    "Let a Pod, or every Pod of a workload, leak no more; what has leaked stays held until a restart.",
    Parameter("pod", POD),
    flags=(IN_NAMESPACE,),
    examples=("lab end leak pod/web-1",),
)
def end_leak(call: Call) -> list[str]:
    """Leak no more."""
    return _mend(call, lambda pod: pods.leak(call.engine, pod, 0.0), _leaks, "leaks no more", "does not leak")
