"""`lab`: what breaks on real clusters, and what brings it back."""

from __future__ import annotations

from lab.commands.call import Call
from lab.commands.flags import IN_NAMESPACE
from lab.commands.machines import MACHINE, PROXY
from lab.commands.pods import POD, pod_of
from lab.commands.registry import Parameter, command
from lab.commands.values import END
from lab.kube.kinds.node import Node


@command(
    "lab fail",
    "Power a node off: everything on it is silent at once, and the cluster has to notice by itself.",
    Parameter("node", MACHINE),
    examples=("lab fail node/worker-2",),
    danger=True,
)
def fail(call: Call) -> None:
    """Power off."""
    name: str = call.values["node"]
    call.say(f"node/{name} {'powered off' if call.engine.fail_node(name) else 'is powered off already'}")


@command(
    "lab recover",
    "Power a node on again.",
    Parameter("node", MACHINE),
    examples=("lab recover node/worker-2",),
)
def recover(call: Call) -> None:
    """Power on; its kubelet registers it when there is no Node object."""
    name: str = call.values["node"]
    if call.engine.recover_node(name):
        call.say(f"node/{name} powered on")
        return
    call.say(f"node/{name} is powered on already")
    if call.store.find(Node, name) is None:
        call.say(
            "Its Node object was deleted, and a kubelet makes it only when it starts: "
            f"lab fail node/{name}, then lab recover node/{name}"
        )


@command(
    "lab crash",
    "Let the processes of a Pod, or of the oldest Ready one of a workload, exit with status 1; they are started again.",
    Parameter("pod", POD),
    flags=(IN_NAMESPACE,),
    examples=("lab crash pod/web-1", "lab crash deployment/web"),
    danger=True,
)
def crash(call: Call) -> None:
    """Crash."""
    pod = pod_of(call.values["pod"], call)
    call.engine.crash_pod(pod.namespace, pod.name)
    call.say(f"pod/{pod.name} crashed")


@command(
    "lab hang",
    "Let a Pod, or the oldest Ready one of a workload, accept connections and never answer, until it is restarted.",
    Parameter("pod", POD),
    flags=(IN_NAMESPACE,),
    examples=("lab hang pod/web-1", "lab hang deployment/web"),
    danger=True,
)
def hang(call: Call) -> None:
    """Hang."""
    pod = pod_of(call.values["pod"], call)
    call.say(f"pod/{pod.name} hangs{'' if call.engine.hang_pod(pod.namespace, pod.name) else ' already'}")


@command(
    "lab cut link",
    "Let nothing pass between two nodes, two zones, or one of them and the internet.",
    Parameter("a", END),
    Parameter("b", END),
    examples=("lab cut link worker-1 worker-2", "lab cut link zone-a zone-b", "lab cut link internet worker-1"),
    danger=True,
)
def cut(call: Call) -> None:
    """Cut."""
    a, b = call.values["a"], call.values["b"]
    call.say(f"link {a} {b} {'cut' if call.engine.cut_link(a, b) else 'is cut already'}")


@command(
    "lab heal link",
    "Undo `lab cut link`.",
    Parameter("a", END),
    Parameter("b", END),
    examples=("lab heal link worker-1 worker-2",),
)
def heal(call: Call) -> None:
    """Heal."""
    a, b = call.values["a"], call.values["b"]
    call.say(f"link {a} {b} {'healed' if call.engine.heal_link(a, b) else 'is not cut'}")


@command(
    "lab stop",
    "Stop kube-proxy on a node: it keeps the rules that it has, and learns nothing new.",
    Parameter("node", PROXY),
    examples=("lab stop proxy/worker-1",),
    danger=True,
)
def stop(call: Call) -> None:
    """Stop."""
    name: str = call.values["node"]
    call.say(f"proxy/{name} {'stopped' if call.engine.stop_proxy(name) else 'does not run'}")


@command(
    "lab start",
    "Start kube-proxy on a node again: it catches up.",
    Parameter("node", PROXY),
    examples=("lab start proxy/worker-1",),
)
def start(call: Call) -> None:
    """Start."""
    name: str = call.values["node"]
    call.say(f"proxy/{name} {'started' if call.engine.start_proxy(name) else 'runs already'}")
