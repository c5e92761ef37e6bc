"""`lab`: what breaks on real clusters, and what brings it back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lab.commands.call import Call
from lab.commands.fault import fault
from lab.commands.flags import IN_NAMESPACE
from lab.commands.machines import MACHINE, MACHINES, PROCESS, Process, each_node
from lab.commands.pods import POD, pod_of
from lab.commands.registry import Flag, Parameter, Place, command
from lab.commands.values import BANDWIDTH, DURATION, END, GROUP, SHARE
from lab.engine import Engine
from lab.faults import links, nodes, pods, proxies
from lab.kube.errors import LabError
from lab.kube.kinds.node import Node
from lab.kube.kinds.pod import Pod
from lab.network.quality import PERFECT, Quality


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
def fail(call: Call) -> list[str]:
    """Power off."""
    names: Sequence[str] = call.values["machines"]
    for name in names:
        call.say(f"node/{name} {'powered off' if nodes.power_off(call.engine, name) else 'is powered off already'}")
    return each_node(names)


@command(
    "lab recover",
    "Power a node, or all nodes of a zone, on again.",
    Parameter("machines", MACHINES),
    examples=("lab recover node/worker-2", "lab recover zone/zone-a"),
)
def recover(call: Call) -> list[str]:
    """Power on; its kubelet registers it when there is no Node object."""
    names: Sequence[str] = call.values["machines"]
    for name in names:
        if nodes.power_on(call.engine, name):
            call.say(f"node/{name} powered on")
            continue
        call.say(f"node/{name} is powered on already")
        if call.store.find(Node, name) is None:
            call.say(
                "Its Node object was deleted, and a kubelet makes it only when it starts: "
                f"lab fail node/{name}, then lab recover node/{name}"
            )
    return each_node(names)


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
    "Let nothing pass between two groups: nodes, zones, Pods, the internet, the control plane.",
    Parameter("a", GROUP),
    Parameter("b", GROUP),
    undo="lab heal link",
    broken=lambda engine: (_pair(*pair) for pair in links.cut_pairs(engine)),
    places=(
        Place("Node", "Cut its link to the internet", "Heal its link to the internet", words="internet {name}"),
        Place(
            "Node",
            "Cut its line to the control plane: no lease, no news",
            "Heal its line to the control plane: it catches up",
            words="control-plane {name}",
        ),
    ),
    examples=(
        "lab cut link worker-1 worker-2",
        "lab cut link zone-a zone-b --for=30s",
        "lab cut link internet worker-1",
        "lab cut link worker-1,worker-2 control-plane",
        "lab cut link pod/web-1 zone-b",
    ),
)
def cut(call: Call) -> list[str]:
    """Cut."""
    a, b = call.values["a"], call.values["b"]
    call.say(f"link {','.join(a)} {','.join(b)} {'cut' if links.cut(call.engine, a, b) else 'is cut already'}")
    return [_pair(*pair) for pair in links.pairs(call.engine, a, b)]


@command(
    "lab heal link",
    "Undo `lab cut link`.",
    Parameter("a", GROUP),
    Parameter("b", GROUP),
    examples=("lab heal link worker-1 worker-2",),
)
def heal(call: Call) -> list[str]:
    """Heal."""
    a, b = call.values["a"], call.values["b"]
    call.say(f"link {','.join(a)} {','.join(b)} {'healed' if links.heal(call.engine, a, b) else 'is not cut'}")
    return [_pair(*pair) for pair in links.pairs(call.engine, a, b)]


def _pair(a: str, b: str) -> str:
    """Both ends, in one order whoever names them."""
    return " ".join(sorted((a, b), key=_order)) if b else a


def _order(end: str) -> tuple[bool, str]:
    return end not in ("internet", links.CONTROL_PLANE), end


@fault(
    "lab impair link",
    "Let what passes between two places travel worse: nodes, zones, the internet; with one place, all of its packets.",
    Parameter("a", END),
    Parameter("b", END, required=False),
    undo="lab restore link",
    broken=lambda engine: (_pair(*pair) for pair in links.impaired_pairs(engine)),
    places=(
        Place("Node", "Slow link: 200 ms more each way", "Make its link as fast as it was", "{name}", "--delay=200ms"),
        Place(
            "Node", "Lossy link: one packet in ten is lost", "Make its link as good as it was", "{name}", "--loss=10%"
        ),
    ),
    flags=(
        Flag("--delay", "how much later each packet arrives", DURATION),
        Flag("--jitter", "a packet is late by up to this, at random", DURATION),
        Flag("--loss", "the share of packets that are lost: 5% or 0.05", SHARE),
        Flag("--bandwidth", "how much it carries: 1Mbit, 500kbit", BANDWIDTH),
    ),
    examples=(
        "lab impair link zone-a zone-b --delay=80ms --jitter=20ms",
        "lab impair link internet worker-1 --loss=5% --for=30s",
        "lab impair link worker-2 --bandwidth=1Mbit",
    ),
)
def impair(call: Call) -> str:
    """Make it worse than its links are; what was said before of these two places no longer counts."""
    a, b = call.values["a"], call.get("b", "")
    quality = Quality(
        call.get("delay", 0.0), call.get("loss", 0.0), call.get("jitter", 0.0), call.get("bandwidth", 0.0)
    )
    if quality == PERFECT:
        raise LabError("say in what way: --delay, --jitter, --loss or --bandwidth")
    did = links.impair(call.engine, a, b, quality)
    call.say(f"link {_pair(a, b)} {'impaired' if did else 'is like that already'}")
    return _pair(a, b)


@command(
    "lab restore link",
    "Undo `lab impair link`.",
    Parameter("a", END),
    Parameter("b", END, required=False),
    examples=("lab restore link zone-a zone-b",),
)
def restore(call: Call) -> str:
    """Restore."""
    a, b = call.values["a"], call.get("b", "")
    call.say(f"link {_pair(a, b)} {'restored' if links.restore(call.engine, a, b) else 'is not impaired'}")
    return _pair(a, b)


# -- processes on a node ----------------------------------------------------------------------------------------------


def _stopped(engine: Engine) -> Iterable[str]:
    yield from (f"proxy/{name}" for name in proxies.stopped(engine))
    yield from (f"kubelet/{name}" for name in nodes.without_kubelet(engine))


@fault(
    "lab stop",
    "Stop kube-proxy or the kubelet of a node: rules and containers stay as they are, and nobody looks after them.",
    Parameter("process", PROCESS),
    undo="lab start",
    broken=_stopped,
    places=(
        Place(
            "Node",
            "Stop kube-proxy: the node keeps the rules it has",
            "Start kube-proxy: it catches up with one sync",
            words="proxy/{name}",
        ),
        Place(
            "Node",
            "Stop the kubelet: containers run on, no lease, no probes",
            "Start the kubelet: it goes on where it was",
            words="kubelet/{name}",
        ),
    ),
    examples=("lab stop proxy/worker-1", "lab stop kubelet/worker-1 --for=1m"),
)
def stop(call: Call) -> str:
    """Stop."""
    process: Process = call.values["process"]
    act = nodes.stop_kubelet if process.kind == "kubelet" else proxies.stop
    call.say(f"{process.words} {'stopped' if act(call.engine, process.node) else 'does not run'}")
    return process.words


@command(
    "lab start",
    "Start kube-proxy or the kubelet of a node again: it catches up.",
    Parameter("process", PROCESS),
    examples=("lab start proxy/worker-1", "lab start kubelet/worker-1"),
)
def start(call: Call) -> str:
    """Start."""
    process: Process = call.values["process"]
    act = nodes.start_kubelet if process.kind == "kubelet" else proxies.start
    call.say(f"{process.words} {'started' if act(call.engine, process.node) else 'runs already'}")
    return process.words


@fault(
    "lab slow proxy",
    "Let each run of kube-proxy on a node take longer, as on a node with very many rules.",
    Parameter("node", MACHINE),
    undo="lab quicken proxy",
    broken=lambda engine: (f"node/{name}" for name in proxies.slow(engine)),
    places=(
        Place(
            "Node", "Slow kube-proxy: each sync takes 10 s", "Let kube-proxy be as fast as it was", options="--by=10s"
        ),
    ),
    flags=(Flag("--by", "how much longer each run takes", DURATION, required=True),),
    examples=("lab slow proxy node/worker-1 --by=10s",),
)
def slow_proxy(call: Call) -> str:
    """Slow down."""
    name, by_s = call.values["node"], call.values["by"]
    did = proxies.slow_down(call.engine, name, by_s)
    call.say(f"proxy/{name} {'is slower now' if did else 'is as slow already'}")
    return f"node/{name}"


@command(
    "lab quicken proxy",
    "Undo `lab slow proxy`.",
    Parameter("node", MACHINE),
    examples=("lab quicken proxy node/worker-1",),
)
def quicken_proxy(call: Call) -> str:
    """As fast as it should be."""
    name: str = call.values["node"]
    did = proxies.slow_down(call.engine, name, 0.0)
    call.say(f"proxy/{name} is {'as fast as it was' if did else 'not slow'}")
    return f"node/{name}"


@fault(
    "lab freeze",
    "Let a node, or a whole zone, stand still as paused virtual machines do: nothing runs, no packet comes through.",
    Parameter("machines", MACHINES),
    undo="lab thaw",
    broken=lambda engine: (f"node/{name}" for name in nodes.frozen(engine)),
    places=(
        Place("Node", "Freeze: everything stands still, nothing is lost", "Thaw: everything goes on where it was"),
    ),
    examples=("lab freeze node/worker-2 --for=10s", "lab freeze zone/zone-a"),
)
def freeze(call: Call) -> list[str]:
    """Freeze; of a zone, the nodes that have power."""
    names: Sequence[str] = call.values["machines"]
    off = nodes.without_power(call.engine) if len(names) > 1 else ()
    for name in off:
        if name in names:
            call.say(f"node/{name} has no power, and stays as it is")
    found = [name for name in names if name not in off]
    for name in found:
        call.say(f"node/{name} {'frozen' if nodes.freeze(call.engine, name) else 'is frozen already'}")
    return each_node(found)


@command(
    "lab thaw",
    "Let a node, or all nodes of a zone, go on: undo `lab freeze`.",
    Parameter("machines", MACHINES),
    examples=("lab thaw node/worker-2",),
)
def thaw(call: Call) -> list[str]:
    """Thaw."""
    names: Sequence[str] = call.values["machines"]
    for name in names:
        call.say(f"node/{name} {'goes on' if nodes.thaw(call.engine, name) else 'is not frozen'}")
    return each_node(names)
