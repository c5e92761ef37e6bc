"""`lab`: what breaks on real clusters, and what brings it back."""

from __future__ import annotations

from collections.abc import Iterable

from lab.commands.call import Call
from lab.commands.fault import fault
from lab.commands.flags import IN_NAMESPACE
from lab.commands.machines import MACHINES, PROXY, Machines
from lab.commands.pods import POD, pod_of
from lab.commands.registry import Parameter, Place, command
from lab.commands.values import END
from lab.engine import Engine
from lab.faults import links, nodes, pods, proxies
from lab.kube.kinds.node import Node
from lab.kube.kinds.pod import Pod


def _without_power(engine: Engine) -> Iterable[str]:
    return (f"node/{name}" for name in nodes.without_power(engine))


@fault(
    "lab fail",
    "Power a node off, or all nodes of a zone: everything on it is silent at once, and the cluster has to notice.",
    Parameter("machines", MACHINES),
    undo="lab recover",
    broken=_without_power,
    places=(
        Place(
            "Node",
            "Power off: silent at once, the cluster has to notice",
            "Power on: it boots, its containers start anew",
        ),
    ),
    examples=("lab fail node/worker-2", "lab fail node/worker-2 --for=20s", "lab fail zone/zone-a"),
)
def fail(call: Call) -> str:
    """Power off."""
    machines: Machines = call.values["machines"]
    for name in machines.names:
        call.say(f"node/{name} {'powered off' if nodes.power_off(call.engine, name) else 'is powered off already'}")
    return machines.words


@command(
    "lab recover",
    "Power a node, or all nodes of a zone, on again.",
    Parameter("machines", MACHINES),
    examples=("lab recover node/worker-2", "lab recover zone/zone-a"),
)
def recover(call: Call) -> str:
    """Power on; its kubelet registers it when there is no Node object."""
    machines: Machines = call.values["machines"]
    for name in machines.names:
        if nodes.power_on(call.engine, name):
            call.say(f"node/{name} powered on")
            continue
        call.say(f"node/{name} is powered on already")
        if call.store.find(Node, name) is None:
            call.say(
                "Its Node object was deleted, and a kubelet makes it only when it starts: "
                f"lab fail node/{name}, then lab recover node/{name}"
            )
    return machines.words


# -- Pods -------------------------------------------------------------------------------------------------------------


@fault(
    "lab crash",
    "Let the processes of a Pod, or of the oldest Ready one of a workload, exit with status 1; they are started again.",
    Parameter("pod", POD),
    places=(Place("Pod", "Crash: its processes exit, the kubelet starts them again"),),
    flags=(IN_NAMESPACE,),
    examples=("lab crash pod/web-1", "lab crash deployment/web"),
)
def crash(call: Call) -> None:
    """Crash."""
    pod = pod_of(call.values["pod"], call)
    pods.crash(call.engine, pod.namespace, pod.name)
    call.say(f"pod/{pod.name} crashed")


@fault(
    "lab hang",
    "Let a Pod, or the oldest Ready one of a workload, accept connections and never answer.",
    Parameter("pod", POD),
    undo="lab unhang",
    broken=lambda engine: (words_of(*found) for found in pods.hanging(engine)),
    places=(
        Place(
            "Pod",
            "Hang: it accepts connections and never answers",
            "Unhang: it answers again, what has piled up too",
        ),
    ),
    flags=(IN_NAMESPACE,),
    examples=("lab hang pod/web-1", "lab hang deployment/web --for=30s"),
)
def hang(call: Call) -> str:
    """Hang."""
    pod = pod_of(call.values["pod"], call)
    call.say(f"pod/{pod.name} hangs{'' if pods.hang(call.engine, pod.namespace, pod.name) else ' already'}")
    return words_of(pod.namespace, pod.name)


@command(
    "lab unhang",
    "Let a Pod that hangs answer again, beginning with what has piled up.",
    Parameter("pod", POD),
    flags=(IN_NAMESPACE,),
    examples=("lab unhang pod/web-1",),
)
def unhang(call: Call) -> str:
    """Undo `lab hang`."""
    target = call.values["pod"]
    pod = target.obj if isinstance(target.obj, Pod) else pod_of(target, call)
    did = pods.unhang(call.engine, pod.namespace, pod.name)
    call.say(f"pod/{pod.name} {'answers again' if did else 'does not hang'}")
    return words_of(pod.namespace, pod.name)


def words_of(namespace: str, name: str) -> str:
    """A Pod, as the words of a command name it."""
    return f"pod/{name}" + (f" -n {namespace}" if namespace != "default" else "")


# -- links ------------------------------------------------------------------------------------------------------------


@fault(
    "lab cut link",
    "Let nothing pass between two nodes, two zones, or one of them and the internet.",
    Parameter("a", END),
    Parameter("b", END),
    undo="lab heal link",
    broken=lambda engine: (" ".join(pair) for pair in links.cut_pairs(engine)),
    places=(Place("Node", "Cut its link to the internet", "Heal its link to the internet", words="internet {name}"),),
    examples=(
        "lab cut link worker-1 worker-2",
        "lab cut link zone-a zone-b --for=30s",
        "lab cut link internet worker-1",
    ),
)
def cut(call: Call) -> str:
    """Cut."""
    a, b = call.values["a"], call.values["b"]
    call.say(f"link {a} {b} {'cut' if links.cut(call.engine, a, b) else 'is cut already'}")
    return _between(a, b)


@command(
    "lab heal link",
    "Undo `lab cut link`.",
    Parameter("a", END),
    Parameter("b", END),
    examples=("lab heal link worker-1 worker-2",),
)
def heal(call: Call) -> str:
    """Heal."""
    a, b = call.values["a"], call.values["b"]
    call.say(f"link {a} {b} {'healed' if links.heal(call.engine, a, b) else 'is not cut'}")
    return _between(a, b)


def _between(a: str, b: str) -> str:
    """Both ends, in one order whoever names them."""
    return " ".join(sorted((a, b)))


# -- kube-proxy -------------------------------------------------------------------------------------------------------


@fault(
    "lab stop",
    "Stop kube-proxy on a node: it keeps the rules that it has, and learns nothing new.",
    Parameter("node", PROXY),
    undo="lab start",
    broken=lambda engine: (f"proxy/{name}" for name in proxies.stopped(engine)),
    places=(
        Place(
            "Node",
            "Stop kube-proxy: the node keeps the rules it has",
            "Start kube-proxy: it catches up with one sync",
            words="proxy/{name}",
        ),
    ),
    examples=("lab stop proxy/worker-1", "lab stop proxy/worker-1 --for=1m"),
)
def stop(call: Call) -> str:
    """Stop."""
    name: str = call.values["node"]
    call.say(f"proxy/{name} {'stopped' if proxies.stop(call.engine, name) else 'does not run'}")
    return f"proxy/{name}"


@command(
    "lab start",
    "Start kube-proxy on a node again: it catches up.",
    Parameter("node", PROXY),
    examples=("lab start proxy/worker-1",),
)
def start(call: Call) -> str:
    """Start."""
    name: str = call.values["node"]
    call.say(f"proxy/{name} {'started' if proxies.start(call.engine, name) else 'runs already'}")
    return f"proxy/{name}"
