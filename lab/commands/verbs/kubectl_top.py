"""`kubectl top`: what Pods and nodes use, as metrics-server last measured it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lab.cluster.metrics_server import MetricsServer, PodMetrics
from lab.commands.call import Call
from lab.commands.flags import EVERYWHERE, IN_NAMESPACE, WITH_LABELS
from lab.commands.registry import Flag, Parameter, command
from lab.commands.resources import Target, targets_of
from lab.commands.values import choice
from lab.commands.verbs.kubectl_read import gather
from lab.commands.words import CommandError
from lab.kube import quantity
from lab.kube.errors import LabError
from lab.kube.kinds.node import Node
from lab.kube.kinds.pod import Pod
from lab.views.table import table

Row = tuple[str, ...]
_MEBI = 1024 * 1024


@command(
    "kubectl top",
    "What Pods or nodes use of CPU and memory, averaged between metrics-server's last two scrapes.",
    Parameter("resources", targets_of("Pod", "Node", name="PODS|NODES")),
    flags=(
        Flag("--containers", "a line for each container of a Pod"),
        Flag("--sort-by", "the largest first, by one of the two figures", choice("FIGURE", "cpu", "memory")),
        Flag("--no-headers", "leave out the heading"),
        WITH_LABELS,
        IN_NAMESPACE,
        EVERYWHERE,
    ),
    examples=("kubectl top pods", "kubectl top pods -A --sort-by=cpu", "kubectl top nodes"),
)
def top(call: Call) -> None:
    """Print the figures of the Pods or nodes that are meant."""
    targets: list[Target] = call.values["resources"]
    if not call.engine.spec.settings.metrics_server:
        raise LabError("Metrics API not available")
    objects = [obj for _, some in gather(call, targets) for obj in some]
    if not objects:
        call.say("No resources found" if call.everywhere else f"No resources found in {call.namespace} namespace.")
        return
    if isinstance(objects[0], Node):
        _nodes(call, [obj for obj in objects if isinstance(obj, Node)])
    else:
        _pods(call, [obj for obj in objects if isinstance(obj, Pod)], targets[0])


def _pods(call: Call, pods: Sequence[Pod], asked: Target) -> None:
    server = _server(call)
    found = [(pod, metrics) for pod in pods if (metrics := server.pod(pod)) is not None]
    if not found and asked.obj is not None:
        name = f"{asked.obj.namespace}/{asked.obj.name}"
        message = f'Error from server (NotFound): podmetrics.metrics.k8s.io "{name}" not found'
        raise CommandError(message, asked.word)
    if not found:
        raise LabError("metrics not available yet")
    found.sort(key=_order(call.get("sort_by", "")))
    containers = bool(call.get("containers"))
    rows = [row for pod, metrics in found for row in _pod_rows(pod, metrics, containers)]
    columns: Row = (*(("POD",) if containers else ()), "NAME", "CPU(cores)", "MEMORY(bytes)")
    if call.everywhere:
        spaces = [pod.namespace for pod, metrics in found for _ in _pod_rows(pod, metrics, containers)]
        rows = [(space, *row) for space, row in zip(spaces, rows, strict=True)]
        columns = ("NAMESPACE", *columns)
    call.say(*table(columns, rows, headers=not call.get("no_headers")))


def _order(figure: str) -> Callable[[tuple[Pod, PodMetrics]], tuple[float, tuple[str, str]]]:
    def key(entry: tuple[Pod, PodMetrics]) -> tuple[float, tuple[str, str]]:
        pod, metrics = entry
        amount = {"cpu": metrics.cpu_milli, "memory": metrics.memory_bytes}.get(figure, 0)
        return -amount, pod.key

    return key


def _pod_rows(pod: Pod, metrics: PodMetrics, containers: bool) -> list[Row]:
    if not containers:
        return [(pod.name, *_amounts(metrics.cpu_milli, metrics.memory_bytes))]
    return [
        (pod.name, name, *_amounts(used.cpu_milli, used.memory_bytes))
        for name, used in sorted(metrics.containers.items())
    ]


def _nodes(call: Call, nodes: Sequence[Node]) -> None:
    server = _server(call)
    found = [(node, used) for node in nodes if (used := server.node(node.name)) is not None]
    if not found:
        raise LabError("metrics not available yet")
    figure = {"cpu": 0, "memory": 1}.get(call.get("sort_by", ""))
    found.sort(key=lambda entry: (-entry[1][figure] if figure is not None else 0, entry[0].name))
    rows = [_node_row(node, *used) for node, used in found]
    columns = ("NAME", "CPU(cores)", "CPU(%)", "MEMORY(bytes)", "MEMORY(%)")
    call.say(*table(columns, rows, headers=not call.get("no_headers")))


def _node_row(node: Node, cpu_milli: int, memory_bytes: int) -> Row:
    has = node.status.allocatable or node.status.capacity
    cpu, memory = _amounts(cpu_milli, memory_bytes)
    return (
        node.name,
        cpu,
        f"{cpu_milli * 100 // max(quantity.millicores(has.get('cpu', '0')), 1)}%",
        memory,
        f"{memory_bytes * 100 // max(quantity.memory(has.get('memory', '0')), 1)}%",
    )


def _amounts(cpu_milli: int, memory_bytes: int) -> tuple[str, str]:
    return f"{cpu_milli}m", f"{memory_bytes // _MEBI}Mi"


def _server(call: Call) -> MetricsServer:
    return call.engine.control_plane.metrics
