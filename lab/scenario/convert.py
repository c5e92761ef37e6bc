"""From what a scenario file says to what the lab runs: the cluster, and the apps in its images."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import count

from lab.cluster.control_plane import NodeSpec
from lab.cluster.networks import network_faults
from lab.cluster.pod_cidrs import most_nodes
from lab.cluster.validation.names import subdomain_faults
from lab.engine import ClusterSpec, plain_nodes
from lab.kube import quantity
from lab.kube.errors import LabError
from lab.kube.kinds.node import Taint
from lab.kube.versions import settings_of, warning_about
from lab.kube.yaml_tree import Node
from lab.network.ipvs import check_scheduler
from lab.network.topology import INTERNET
from lab.scenario.decode import Reading, node_at, place_of
from lab.scenario.schema import (
    AppEntry,
    ClusterEntry,
    DistributionEntry,
    ListenEntry,
    NodeEntry,
)
from lab.settings import Settings
from lab.traffic.app import AppSpec, Distribution
from lab.traffic.request import parse_target

_PROTOCOLS = ("TCP", "UDP", "SCTP")
_PARAMETERS = ("mean", "median", "p99")
"""Of a distribution."""


class Source:
    """The document that entries came from: faults in what they mean are named by the line of their key."""

    def __init__(self, reading: Reading, root: Node) -> None:
        self._reading = reading
        self._root = root

    def problem(self, message: str, *path: str | int) -> None:
        """Note a fault at a key."""
        shown = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".")
        self._reading.problem(node_at(self._root, *path), shown, message)

    def place(self, *path: str | int) -> str:
        """`FILE:LINE` of a key."""
        return place_of(node_at(self._root, *path), self._reading.file)


# -- cluster ------------------------------------------------------------------------------------------------------


def cluster_of(entry: ClusterEntry, source: Source) -> ClusterSpec:
    """The cluster; nodes get the zones in turn where they name none."""
    settings = _settings(entry, source)
    entries = () if isinstance(entry.nodes, int) else entry.nodes
    number = entry.nodes if isinstance(entry.nodes, int) else len(entries)
    if not _has_room(number, settings, source):
        return ClusterSpec(settings=settings)
    if isinstance(entry.nodes, int):
        nodes = plain_nodes(number, entry.zones)
    else:
        nodes = tuple(_node(each, index, entry.zones, source) for index, each in enumerate(entries))
    _unique([node.name for node in nodes], "a node", source, "cluster", "nodes")
    _check(check_scheduler, settings.ipvs_scheduler, source, "cluster", "settings", "ipvs_scheduler")
    _check_mode(entry.proxy, settings, source, "cluster", "proxy")
    for index, node in enumerate(entries):
        _check_mode(node.proxy or entry.proxy, settings, source, "cluster", "nodes", index, "proxy")
    return ClusterSpec(nodes=nodes, proxy=entry.proxy, settings=settings)


def _settings(entry: ClusterEntry, source: Source) -> Settings:
    try:
        return settings_of({"kubernetes": entry.kubernetes, "load_balancer": entry.load_balancer, **entry.settings})
    except LabError as error:
        source.problem(str(error), "cluster", "settings", "kubernetes")
        return Settings()


def _check_mode(mode: str, settings: Settings, source: Source, *path: str | int) -> None:
    _check(lambda name: warning_about(name, settings.kubernetes), mode, source, *path)


def _check(check: Callable[[str], object], value: str, source: Source, *path: str | int) -> None:
    """Note as a fault at a key what `check` raises about its value."""
    try:
        check(value)
    except LabError as error:
        source.problem(str(error), *path)


def _node(entry: NodeEntry, index: int, zones: tuple[str, ...], source: Source) -> NodeSpec:
    for key, text in (("cpu", entry.cpu), ("memory", entry.memory)):
        try:
            quantity.parse(text or "0")
        except LabError as error:
            source.problem(str(error), "cluster", "nodes", index, key)
    if entry.name == INTERNET or (entry.name and subdomain_faults(entry.name)):
        expected = "names have lower-case letters, digits, dashes and dots"
        why = "the internet is called so" if entry.name == INTERNET else expected
        source.problem(f'no node can be named "{entry.name}": {why}', "cluster", "nodes", index, "name")
    return NodeSpec(
        name=entry.name or f"worker-{index + 1}",
        zone=entry.zone or (zones[index % len(zones)] if zones else ""),
        cpu=entry.cpu,
        memory=entry.memory,
        pods=entry.pods,
        labels=dict(entry.labels),
        taints=tuple(Taint(key=taint.key, value=taint.value, effect=taint.effect) for taint in entry.taints),
        proxy=entry.proxy,
    )


def _has_room(nodes: int, settings: Settings, source: Source) -> bool:
    """Whether a cluster can have these ranges and so many nodes; what it cannot is noted."""
    faults = dict(network_faults(settings))
    for name, message in faults.items():
        source.problem(message, "cluster", "settings", name)
    if "pod_cidr" in faults:
        return False
    most = most_nodes(settings.pod_cidr)
    if not 1 <= nodes <= most:
        source.problem(f"expected 1 to {most} nodes (a /24 of {settings.pod_cidr} each)", "cluster", "nodes")
    return 1 <= nodes <= most


def _unique(names: list[str], what: str, source: Source, *path: str | int) -> None:
    for index, name in enumerate(names):
        if name in names[:index]:
            source.problem(f'there is {what} "{name}" already', *path, index)


# -- apps ---------------------------------------------------------------------------------------------------------


def apps_of(entries: tuple[AppEntry, ...], source: Source) -> tuple[AppSpec, ...]:
    """What the images do; whatever an entry leaves out stays the lab's default."""
    images = [entry.image for entry in entries]
    for index, image in enumerate(images):
        if not image:
            source.problem("expected an image, or a pattern such as shop/web:*", "apps", index, "image")
        elif image in images[:index]:
            source.problem(f'there is an app for "{image}" already, and the first one counts', "apps", index, "image")
    return tuple(_app(entry, index, source) for index, entry in enumerate(entries))


def _app(entry: AppEntry, index: int, source: Source) -> AppSpec:
    _check_figures(entry, index, source)
    values: dict[str, object] = {
        "workers": entry.workers,
        "backlog": entry.backlog,
        "startup_s": entry.startup,
        "shutdown": entry.shutdown,
        "shutdown_s": entry.shutdown_time,
        "max_connection_age_s": entry.max_connection_age,
        "error_rate": entry.error_rate,
        "drives": entry.drives,
        "missing": entry.missing,
        "runs_s": entry.runs,
        "exit_code": entry.exit_code,
        "calls": _calls(entry.calls, index, source),
        "health": entry.health,
        "listen": _listen(entry, index, source),
        "service_time": _distribution(entry, index, source),
        "cpu": _amount(entry.cpu, quantity.cpu, source, "apps", index, "cpu"),
        "memory_bytes": _amount(entry.memory, quantity.memory, source, "apps", index, "memory"),
        "memory_growth": _amount(entry.memory_growth, quantity.memory, source, "apps", index, "memory_growth"),
    }
    if entry.exit_code is not None and not 0 <= entry.exit_code <= 255:
        source.problem("expected an exit status from 0 to 255", "apps", index, "exit_code")
    given = {name: value for name, value in values.items() if value is not None}
    return AppSpec(image=entry.image, **given)  # type: ignore[arg-type]


def _amount(text: str, read: Callable[[str], float], source: Source, *path: str | int) -> float | None:
    """A quantity of CPU or memory, None when it is left out."""
    if not text:
        return None
    try:
        amount = read(text)
    except LabError as error:
        source.problem(str(error), *path)
        return None
    if amount < 0:
        source.problem(f'expected 0 or more, not "{text}"', *path)
    return amount


def _check_figures(entry: AppEntry, index: int, source: Source) -> None:
    """Note what no program could be like, and what would have no effect."""
    if entry.workers == 0:
        source.problem("expected 1 or more: without a worker nothing is ever answered", "apps", index, "workers")
    if entry.drives == 0:
        source.problem("expected more than 0 a second; with `calls: []` it calls nobody", "apps", index, "drives")
    if entry.shutdown_time and entry.shutdown != "graceful":
        source.problem("goes with `shutdown: graceful`; an abrupt end takes no time", "apps", index, "shutdown_time")


def _calls(calls: tuple[str, ...] | None, index: int, source: Source) -> tuple[str, ...] | None:
    for number, url in enumerate(calls or ()):
        try:
            parse_target(url)
        except LabError as error:
            source.problem(str(error), "apps", index, "calls", number)
    return calls


_LOOPBACK = "127.0.0.1:"


def _listen(entry: AppEntry, index: int, source: Source) -> tuple[tuple[str, int], ...] | None:
    if entry.listen is None:
        return None
    ports = []
    for number, item in enumerate(entry.listen):
        own = isinstance(item, str) and item.startswith(_LOOPBACK)
        protocol, port = _port(item.removeprefix(_LOOPBACK) if isinstance(item, str) else item)
        if protocol not in _PROTOCOLS or not 1 <= port <= 65535:
            expected = "expected a port such as 8080, 53/UDP or 127.0.0.1:8080"
            source.problem(expected, "apps", index, "listen", number)
        if not own:
            ports.append((protocol, port))
    return tuple(ports)


def _port(item: int | str | ListenEntry) -> tuple[str, int]:
    if isinstance(item, ListenEntry):
        return item.protocol, item.port
    number, _, protocol = str(item).partition("/")
    return protocol.upper() or "TCP", int(number) if number.isdecimal() else 0


def _distribution(entry: AppEntry, index: int, source: Source) -> Distribution | None:
    said = entry.service_time
    if not isinstance(said, DistributionEntry):
        return None if said is None else Distribution.constant(said)
    kind = said.distribution or ("lognormal" if said.median is not None or said.p99 is not None else "exponential")
    given = {key: value for key in _PARAMETERS if (value := getattr(said, key)) is not None}
    needed = ("median", "p99") if kind == "lognormal" else ("mean",)
    if set(given) != set(needed):
        source.problem(f"{kind} needs {' and '.join(needed)}, and nothing else", "apps", index, "service_time")
        return None
    if kind == "constant":
        return Distribution.constant(given["mean"])
    for key in needed:
        if given[key] <= 0.0:
            source.problem("expected longer than nothing", "apps", index, "service_time", key)
    if kind == "exponential":
        return Distribution.exponential(given["mean"])
    if given["p99"] < given["median"]:
        message = f"expected at least the median ({given['median']:g} s): 99 of 100 requests take no longer than this"
        source.problem(message, "apps", index, "service_time", "p99")
    return Distribution.lognormal(given["median"], given["p99"])


def numbered(names: Mapping[int, str], prefix: str, total: int) -> list[str]:
    """A name for each of `total` things: its own, or the next free `prefix-1`, `prefix-2`."""
    taken = dict.fromkeys(names.values())
    free = (f"{prefix}-{number}" for number in count(1) if f"{prefix}-{number}" not in taken)
    return [names.get(index) or next(free) for index in range(total)]
