"""From the `traffic` entries of a scenario file to groups of clients, and the Pods that they take for granted."""

from __future__ import annotations

import math
from pathlib import Path

from lab.kube.errors import LabError, nearest
from lab.kube.ip import read_address
from lab.kube.kinds import KINDS, find_kind
from lab.kube.time import parse_duration
from lab.scenario.convert import Source, numbered
from lab.scenario.phases import phases_of, recorded_in
from lab.scenario.schema import RetryEntry, TrafficEntry
from lab.traffic.client import ClientSpec, Phase
from lab.traffic.request import parse_target
from lab.traffic.retries import RetryPolicy

SENDERS = (
    "pod",
    *(kind.name.lower() for kind in KINDS if hasattr(getattr(kind.struct(), "spec", None), "template")),
)
"""Kinds whose Pods can send requests, as `from` names them: Pods and what makes them from a template."""


MOST_WORKERS = 10_000
MOST_ADDRESSES = 60_000
MOST_RETRIES = 100
"""How many users, hosts and further attempts one entry of traffic may stand for."""


def clients_of(entries: tuple[TrafficEntry, ...], source: Source, folder: Path) -> tuple[ClientSpec, ...]:
    """The groups of clients, each with a name; `folder` is where recorded arrivals lie."""
    own = {index: entry.name for index, entry in enumerate(entries) if entry.name}
    names = numbered(own, "client", len(entries))
    for index, name in own.items():
        if name in names[:index]:
            source.problem(f'there is traffic "{name}" already', "traffic", index, "name")
    return tuple(_client(entry, index, names[index], source, folder) for index, entry in enumerate(entries))


def _client(entry: TrafficEntry, index: int, name: str, source: Source, folder: Path) -> ClientSpec:
    try:
        parse_target(entry.to)
    except LabError as error:
        source.problem(str(error), "traffic", index, "to")
    for key, least, value, most in (
        ("workers", 0, entry.workers, MOST_WORKERS),
        ("addresses", 1, entry.addresses, MOST_ADDRESSES),
        ("retries", 0, _attempts(entry), MOST_RETRIES),
    ):
        if value is not None and not least <= value <= most:
            source.problem(f"{value} is out of range: expected {least} to {most:,}", "traffic", index, key)
    recorded = _recorded(entry, index, source, folder)
    if (entry.rate is None or entry.rate == ()) and not entry.workers and not recorded and entry.arrivals in _PROCESSES:
        source.problem("expected a rate, or workers", "traffic", index)
    elif entry.rate == ():
        source.problem("expected at least one phase", "traffic", index, "rate")
    if entry.stop is not None and entry.stop <= entry.start:
        source.problem("stops before it starts", "traffic", index, "stop")
    values = {
        "arrivals": entry.arrivals if entry.arrivals in ("poisson", "constant") else None,
        "workers": entry.workers,
        "think_s": entry.think,
        "keep_alive": entry.keep_alive,
        "balance": entry.balance,
        "timeout_s": entry.timeout,
        "retries": _retries(entry),
        "dns_cache_s": _dns_cache(entry, index, source),
        "stop_s": entry.stop,
        "addresses": entry.addresses,
    }
    return ClientSpec(
        name=name,
        source=party(entry.source, source, "traffic", index, "from"),
        url=entry.to,
        phases=_phases(entry, index, source),
        recorded=recorded,
        start_s=entry.start,
        **{key: value for key, value in values.items() if value is not None},  # type: ignore[arg-type]
    )


_DNS_CACHES: dict[str, float] = {"none": 0.0, "forever": math.inf}


def _dns_cache(entry: TrafficEntry, index: int, source: Source) -> float | None:
    if not entry.dns_cache or entry.dns_cache in _DNS_CACHES:
        return _DNS_CACHES.get(entry.dns_cache)
    try:
        return parse_duration(entry.dns_cache)
    except LabError:
        hint = nearest(entry.dns_cache, _DNS_CACHES)
        expected = f'"{entry.dns_cache}" is no time{hint}: expected none, forever, or a duration such as 30s'
        source.problem(expected, "traffic", index, "dns_cache")
        return None


def _attempts(entry: TrafficEntry) -> int | None:
    return entry.retries.attempts if isinstance(entry.retries, RetryEntry) else entry.retries


def _retries(entry: TrafficEntry) -> RetryPolicy | None:
    said = entry.retries
    if isinstance(said, RetryEntry):
        return RetryPolicy(said.attempts, said.budget, said.backoff or 0.0)
    return None if said is None else RetryPolicy(said)


_PROCESSES = (None, "poisson", "constant")


def _recorded(entry: TrafficEntry, index: int, source: Source, folder: Path) -> tuple[float, ...]:
    name = entry.arrivals
    if name is None or name in _PROCESSES:
        return ()
    if not name.endswith(".csv"):
        hint = nearest(name, [each for each in _PROCESSES if each])
        source.problem(f'"{name}" is not known{hint}: poisson, constant or a .csv file', "traffic", index, "arrivals")
        return ()
    if entry.rate is not None:
        source.problem("recorded arrivals take the place of a rate", "traffic", index, "rate")
    return recorded_in(folder, name, source, "traffic", index, "arrivals")


def _phases(entry: TrafficEntry, index: int, source: Source) -> tuple[Phase, ...]:
    if entry.rate is None:
        return ()
    if isinstance(entry.rate, tuple):
        return phases_of(entry.rate, source, "traffic", index, "rate")
    return (Phase(rate=entry.rate, for_s=math.inf),)


def party(text: str, source: Source, *path: str | int) -> str:
    """A source in full, such as `pod/default/client` for `pod/client`."""
    word, *rest = text.split("/")
    kind = find_kind(word)
    fits = {"internet": len(rest) <= 1, "node": len(rest) == 1}
    if fits.get(word) and all(rest):
        if word == "internet" and rest and read_address(rest[0]).value is None:
            source.problem(f'"{rest[0]}" is no IP address: expected internet, or internet/198.51.100.7', *path)
        return text
    if kind is not None and kind.name.lower() in SENDERS and len(rest) in (1, 2) and all(rest):
        return "/".join([kind.name.lower(), *(["default"] if len(rest) == 1 else []), *rest])
    known = ("internet", "node", *SENDERS)
    hint = nearest(word, known) if word not in known else ""
    source.problem(
        f'"{text}" is nowhere to send from{hint}; write internet, node/NAME, pod/NAME, pod/NAMESPACE/NAME or '
        "deployment/NAMESPACE/NAME",
        *path,
    )
    return text


def pod_nodes(entries: tuple[TrafficEntry, ...], clients: tuple[ClientSpec, ...]) -> dict[str, str]:
    """The node on which a client Pod that nobody defines is to run, by `pod/NAMESPACE/NAME`."""
    return {client.source: entry.node for entry, client in zip(entries, clients, strict=True) if entry.node}
