"""Topology-aware hints (annotation topology-mode Auto): endpoints shared among zones by their CPU (KEP-2433).

Pure functions. A zone must get so many endpoints that none carries more than 20 % above its share; where that cannot
be, there are no hints at all. Slices that need no write keep their hints as long as no zone has too many.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from lab.kube.kinds.endpointslice import Endpoint, EndpointHints, EndpointSlice, ForZone
from lab.kube.kinds.node import Node
from lab.kube.quantity import millicores

OVERLOAD = 0.2
"""How much above its share an endpoint may have to carry."""
EXCLUDED_LABELS = ("node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master")
ENABLED = "Topology Aware Hints has been enabled"
NO_NODE_INFO = "Insufficient Node information: allocatable CPU or zone not specified on one or more nodes"
NO_ZONE = "One or more endpoints do not have a zone specified"
TOO_FEW_ENDPOINTS = "Insufficient number of endpoints"
OVERLOADED = "Unable to allocate minimum required endpoints to each zone without exceeding overload threshold"


class Share(NamedTuple):
    """How many endpoints a zone should get."""

    desired: float
    most: int


class Hinted(NamedTuple):
    """The slices of one family with their hints, and what is to be said of it."""

    create: list[EndpointSlice]
    update: list[EndpointSlice]
    message: str

    @property
    def enabled(self) -> bool:
        """Whether there are hints."""
        return self.message == ENABLED


def zone_ratios(nodes: Iterable[Node]) -> dict[str, float]:
    """The share of each zone in the CPU of all ready workers; empty when that cannot be known, or with one zone."""
    cpus: dict[str, int] = {}
    for node in nodes:
        if not node.ready or any(label in node.metadata.labels for label in EXCLUDED_LABELS):
            continue
        cpu = millicores(node.status.allocatable.get("cpu", "0"))
        if not node.zone or not cpu:
            return {}
        cpus[node.zone] = cpus.get(node.zone, 0) + cpu
    total = sum(cpus.values())
    return {zone: cpus[zone] / total for zone in sorted(cpus)} if len(cpus) > 1 else {}


def with_auto_hints(
    create: Sequence[EndpointSlice],
    update: Sequence[EndpointSlice],
    unchanged: Sequence[EndpointSlice],
    ratios: Mapping[str, float],
) -> Hinted:
    """Hints for one address family. `update` grows by those of `unchanged` whose hints no longer do."""
    ready = [endpoint for found in (*create, *update, *unchanged) for endpoint in found.endpoints if _ready(endpoint)]
    shares, problem = _shares(len(ready), ratios)
    if not problem and not all(endpoint.zone for endpoint in ready):
        problem = NO_ZONE
    if problem:
        return without_hints(create, update, unchanged, problem)
    counts: dict[str, int] = {}
    to_write = list(update)
    for found in unchanged:
        hinted = _hints_by_zone(found, counts, shares)
        if hinted is None:
            to_write.append(found)
        else:
            for zone, count in hinted.items():
                counts[zone] = counts.get(zone, 0) + count
    return _hand_out(create, to_write, counts, shares)


def without_hints(
    create: Sequence[EndpointSlice], update: Sequence[EndpointSlice], unchanged: Sequence[EndpointSlice], message: str
) -> Hinted:
    """The same slices without any hints."""
    stale = [found for found in unchanged if any(endpoint.hints is not None for endpoint in found.endpoints)]
    bare = [[_with_hints(found, {}) for found in group] for group in (create, (*update, *stale))]
    return Hinted(bare[0], bare[1], message)


def _shares(count: int, ratios: Mapping[str, float]) -> tuple[dict[str, Share], str]:
    if not ratios:
        return {}, NO_NODE_INFO
    counted = f"({count} endpoints, {len(ratios)} zones)"
    if len(ratios) > count:
        return {}, f"{TOO_FEW_ENDPOINTS} {counted}"
    least = {zone: math.ceil(ratio * count / (1 + OVERLOAD)) for zone, ratio in ratios.items()}
    spare = count - sum(least.values())
    if spare < 0:
        return {}, f"{OVERLOADED} {counted}"
    return {zone: Share(max(ratios[zone] * count, least[zone]), least[zone] + spare) for zone in ratios}, ""


def _hints_by_zone(
    found: EndpointSlice, counts: Mapping[str, int], shares: Mapping[str, Share]
) -> dict[str, int] | None:
    """How many endpoints of an untouched slice each zone has; None when its hints must be made anew."""
    hinted: dict[str, int] = {}
    for endpoint in filter(_ready, found.endpoints):
        zones = endpoint.hints.for_zones if endpoint.hints is not None else ()
        if not zones or any(zone.name not in shares for zone in zones):
            return None
        for zone in zones:
            hinted[zone.name] = hinted.get(zone.name, 0) + 1
    if any(count + counts.get(zone, 0) > shares[zone].most for zone, count in hinted.items()):
        return None
    return hinted


def _hand_out(
    create: Sequence[EndpointSlice],
    update: Sequence[EndpointSlice],
    counts: dict[str, int],
    shares: Mapping[str, Share],
) -> Hinted:
    """Every endpoint to its own zone first; then zones with too many give some to those with too few."""
    for found in (*create, *update):
        for endpoint in filter(_ready, found.endpoints):
            counts[endpoint.zone] = counts.get(endpoint.zone, 0) + 1
    gives, takes = _moves(shares, counts)
    hinted = [[_hinted(found, gives, takes) for found in group] for group in (create, update)]
    return Hinted(hinted[0], hinted[1], ENABLED)


def _moves(shares: Mapping[str, Share], counts: Mapping[str, int]) -> tuple[dict[str, int], dict[str, int]]:
    """How many endpoints each zone gives away, and how many each takes."""
    surplus = {zone: counts.get(zone, 0) - share.desired for zone, share in shares.items()}
    gives: dict[str, int] = {}
    takes: dict[str, int] = {}
    while surplus:
        giver = max(surplus, key=surplus.__getitem__)
        taker = min(surplus, key=surplus.__getitem__)
        much, little = surplus[giver], -surplus[taker]
        if min(much, little) < 0.5 or max(much, little) < 1.0:
            break
        gives[giver] = gives.get(giver, 0) + 1
        takes[taker] = takes.get(taker, 0) + 1
        surplus[giver] -= 1
        surplus[taker] += 1
    return gives, takes


def _hinted(found: EndpointSlice, gives: dict[str, int], takes: dict[str, int]) -> EndpointSlice:
    zones: dict[int, str] = {}
    for index, endpoint in enumerate(found.endpoints):
        if not _ready(endpoint):
            continue
        zones[index] = endpoint.zone
        taker = next((zone for zone, count in takes.items() if count), "")
        if taker and gives.get(endpoint.zone):
            zones[index] = taker
            gives[endpoint.zone] -= 1
            takes[taker] -= 1
    return _with_hints(found, zones)


def _with_hints(found: EndpointSlice, zones: Mapping[int, str]) -> EndpointSlice:
    endpoints = []
    for index, endpoint in enumerate(found.endpoints):
        zone = zones.get(index)
        hints = EndpointHints(for_zones=(ForZone(name=zone),)) if zone else None
        endpoints.append(endpoint if endpoint.hints == hints else replace(endpoint, hints=hints))
    return replace(found, endpoints=tuple(endpoints))


def _ready(endpoint: Endpoint) -> bool:
    return endpoint.conditions.ready is True
