"""Links: who is connected to whom, how fast, how lossy, and what is cut.

The graph has vertices `internet`, `lb/IP`, `zone/NAME` and `node/NAME`. Every node hangs on its zone, zones are
joined to one another and to the internet, a load balancer hangs on the internet and on every zone. Traffic crosses
no zone but those of its two ends, and never passes through a node, a load balancer or the internet on its way
between two others; so a path is known without a search.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import networkx as nx

from lab.kube.errors import LabError, nearest
from lab.network.changes import Changes
from lab.network.quality import PERFECT, Quality
from lab.settings import Settings

INTERNET = "internet"
NO_ZONE = "zone/none"
_CACHED_PATHS = 200_000


class Path(NamedTuple):
    """The way between two vertices, in one direction."""

    quality: Quality
    hops: tuple[str, ...]
    """Every vertex from one end to the other."""
    impaired: bool = False
    """Whether somebody made it worse than its links are."""

    @property
    def latency_s(self) -> float:
        """How long a packet takes, without jitter."""
        return self.quality.latency_s

    @property
    def loss(self) -> float:
        """The probability that a packet is lost on it, 0 to 1."""
        return self.quality.loss


class Topology:
    """The graph of links; `changes` counts whenever one changes."""

    def __init__(self, settings: Settings, changes: Changes) -> None:
        self.graph: nx.Graph[str] = nx.Graph()
        self.changes = changes
        self._settings = settings
        self._paths: dict[tuple[str, str], Path | None] = {}
        self._partitions: dict[tuple[str, str], None] = {}
        self._impaired: dict[tuple[str, str], Quality] = {}
        self._zones: dict[str, str] = {}
        self.graph.add_node(INTERNET)

    # -- building ---------------------------------------------------------------------------------------------

    def add_node(self, name: str, zone: str = "") -> None:
        """Connect a node to its zone; a node that is known moves when its zone is another."""
        vertex, place = f"node/{name}", f"zone/{zone}" if zone else NO_ZONE
        if self._zones.get(vertex) == place:
            return
        self.remove_node(name)
        self._add_zone(place)
        self._zones[vertex] = place
        self._link(vertex, place, self._settings.link_node_s)
        self._changed()

    def remove_node(self, name: str) -> None:
        """Take a node and its link away."""
        vertex = f"node/{name}"
        if self._zones.pop(vertex, None) is not None:
            self.graph.remove_node(vertex)
            self._changed()

    def add_load_balancer(self, ip: str) -> None:
        """Put a load balancer between the internet and the zones."""
        vertex = f"lb/{ip}"
        if vertex not in self.graph:
            self._link(vertex, INTERNET, self._settings.link_internet_s)
            for zone in self.zones:
                self._link(vertex, zone, self._settings.link_node_s)
            self._changed()

    def remove_load_balancer(self, ip: str) -> None:
        """Take a load balancer away."""
        if f"lb/{ip}" in self.graph:
            self.graph.remove_node(f"lb/{ip}")
            self._changed()

    @property
    def zones(self) -> list[str]:
        """The zone vertices, in the order in which they came."""
        return [vertex for vertex in self.graph if vertex.startswith("zone/")]

    def _add_zone(self, zone: str) -> None:
        if zone in self.graph:
            return
        others = [vertex for vertex in self.graph if vertex.startswith(("zone/", "lb/"))]
        self._link(zone, INTERNET, self._settings.link_internet_s)
        for other in others:
            is_zone = other.startswith("zone/")
            self._link(zone, other, self._settings.link_zone_s if is_zone else self._settings.link_node_s)

    def _link(self, a: str, b: str, latency_s: float) -> None:
        self.graph.add_edge(a, b, latency_s=latency_s, up=True)

    # -- breaking ---------------------------------------------------------------------------------------------

    def cut(self, a: str, b: str) -> tuple[str, str]:
        """Cut the link between two of nodes, zones and `internet`; where there is none, keep the two apart.

        Returns the vertices that were meant. Raises LabError for a name that is unknown or meant twice.
        """
        return self._set_up(a, b, False)

    def heal(self, a: str, b: str) -> tuple[str, str]:
        """Undo `cut`."""
        return self._set_up(a, b, True)

    def impair(self, a: str, b: str, quality: Quality) -> None:
        """Let what passes between two of nodes, zones and `internet` travel worse; without `b`, all that `a` sends
        and gets. Raises LabError for a name that is unknown or meant twice.
        """
        self._impaired[self._ends(a, b)] = quality
        self._changed()

    def restore(self, a: str, b: str) -> None:
        """Undo `impair`."""
        self._impaired.pop(self._ends(a, b), None)
        self._changed()

    def impaired(self) -> dict[tuple[str, str], Quality]:
        """What was impaired, by its vertices; the second one is empty for all that the first sends and gets."""
        return dict(self._impaired)

    def _ends(self, a: str, b: str) -> tuple[str, str]:
        return self.between(a, b) if b else (self.vertex(a), "")

    def vertex(self, name: str) -> str:
        """The vertex that a user means by `worker-1`, `node/worker-1`, `zone-a` or `internet`; LabError for none."""
        if name.startswith("pod/"):
            return name
        for candidate in (name, f"node/{name}", f"zone/{name}", f"lb/{name}"):
            if candidate in self.graph:
                return candidate
        known = [vertex.partition("/")[2] or vertex for vertex in self.graph]
        raise LabError(f'no node, zone or "internet" is named "{name}"{nearest(name.partition("/")[2] or name, known)}')

    def _set_up(self, a: str, b: str, up: bool) -> tuple[str, str]:
        left, right = self.between(a, b)
        if self.graph.has_edge(left, right):
            self.graph.edges[left, right]["up"] = up
        elif up:
            self._partitions.pop((left, right), None)
        else:
            self._partitions[left, right] = None
        self._changed()
        return left, right

    def between(self, a: str, b: str) -> tuple[str, str]:
        """The vertices of two ends, in order. Raises LabError for a name that is unknown or meant twice."""
        left, right = sorted((self.vertex(a), self.vertex(b)))
        if left == right:
            raise LabError(f"a link has two ends; both are {left}")
        return left, right

    # -- asking -----------------------------------------------------------------------------------------------

    def path(self, a: str, b: str) -> Path | None:
        """The way from one vertex to another, or None when it is cut; the answer is kept until something changes."""
        try:
            return self._paths[a, b]
        except KeyError:
            pass
        if len(self._paths) >= _CACHED_PATHS:
            self._paths.clear()
        path = self._paths[a, b] = self._find(a, b)
        return path

    def down(self) -> list[tuple[str, str]]:
        """Every pair that is cut now: links and partitions."""
        links = [tuple(sorted(edge)) for edge in self.graph.edges if not self.graph.edges[edge]["up"]]
        return [(pair[0], pair[1]) for pair in [*links, *self._partitions]]

    def _find(self, a: str, b: str) -> Path | None:
        if a not in self.graph or b not in self.graph:
            return None
        if a == b:
            return Path(PERFECT, (a,))
        hops = self._hops(a, b)
        if self._apart(a, b):
            return None
        quality = PERFECT
        for left, right in pairwise(hops):
            link = self.graph.get_edge_data(left, right)
            if link is None or not link["up"]:
                return None
            quality = quality.then(link["latency_s"], 0.0, 0.0, 0.0)
        impairments = list(self._impairments(a, b))
        for worse in impairments:
            quality = quality.then(*worse)
        return Path(quality, tuple(hops), bool(impairments))

    @property
    def parts_pods(self) -> bool:
        """Whether a Pod is kept apart from anything."""
        return any(end.startswith("pod/") for pair in self._partitions for end in pair)

    def _impairments(self, a: str, b: str) -> Iterator[Quality]:
        here, there = self._places(a), self._places(b)
        for (left, right), quality in self._impaired.items():
            if not right:
                met = (left in here) != (left in there)
            else:
                met = (left in here and right in there) or (left in there and right in here)
            if met:
                yield quality

    def _hops(self, a: str, b: str) -> list[str]:
        start, end = self._zones.get(a, a), self._zones.get(b, b)
        return list(dict.fromkeys((a, start, end, b)))

    def _apart(self, a: str, b: str) -> bool:
        here, there = self._places(a), self._places(b)
        return self.parted(here, there)

    def parted(self, here: Sequence[str], there: Sequence[str]) -> bool:
        """Whether two parties are kept apart, each named by itself and by all that it is in: Pod, node, zone."""
        return any(
            (left in here and right in there) or (left in there and right in here) for left, right in self._partitions
        )

    def places_of(self, pod: str, node: str) -> tuple[str, ...]:
        """A party by its names: the Pod (`NAMESPACE/NAME`), its node and zone; the internet without a node."""
        where = self._places(f"node/{node}") if node else (INTERNET,)
        return (f"pod/{pod}", *where) if pod else where

    def _places(self, vertex: str) -> tuple[str, str]:
        """The vertex, and the zone that it is in."""
        return vertex, self._zones.get(vertex, vertex)

    def _changed(self) -> None:
        self.changes.count += 1
        self._paths.clear()
