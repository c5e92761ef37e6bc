"""What would become of a connection that nobody makes: every way it could take, found by the router's own code.

Nothing here leaves a trace: no Decision, no conntrack entry, no affinity, no source port used up. `attempts` leads a
first packet once over each node that a load balancer might choose and once to each endpoint that a node might pick,
with the probability of each; `account` tells one of these ways in full, leg by leg.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from typing import NamedTuple

import msgspec

from lab.network.arrival import Arrival, Leg
from lab.network.balancer import UNHEALTHY, Balancer
from lab.network.endpoints import EndpointInfo
from lab.network.explanation import Candidate, Header, RouteRecorder, Step, policy_steps
from lab.network.flow import Flow, Source, flow_of
from lab.network.host import Host
from lab.network.ipvs import SCHEDULERS, SH
from lab.network.journey import Wayfinder
from lab.network.load_balancer import LoadBalancers
from lab.network.node_facts import IPVS
from lab.network.packet import TCP, Packet
from lab.network.program import missed_lines, rule_lines
from lab.network.reasons import AFFINITY, LB_TARGET, REASONS, Reason
from lab.network.router import Recorder, Verdict, route
from lab.network.topology import Topology
from lab.network.traffic_policy import Plan
from lab.network.way import Way
from lab.settings import Settings

_TRIED_PORTS = 64
"""From how many source ports a connection is tried where the port decides which node it enters by."""


class Attempt(NamedTuple):
    """One way that a connection could take."""

    probability: float
    packet: Packet
    """As the client sends it."""
    draw: float
    """What the deciding node draws, if it draws at all."""
    arrival: Arrival
    """What becomes of it."""

    @property
    def way(self) -> Way:
        """Where it goes."""
        return self.arrival.way

    def flow(self, source: Source, host: str) -> Flow:
        """The connection that it would be; its decision has the number 0."""
        return flow_of(self.arrival, source, host, self.packet, 0.0, 0)


class Option(NamedTuple):
    """An endpoint of the Service: in or out, why, and how likely it is picked."""

    address: str
    pod: str
    node: str
    eligible: bool
    why: str
    probability: float


class LegAccount(msgspec.Struct, frozen=True):
    """What one node did with the packet."""

    node: str
    mode: str
    """kube-proxy's: iptables, nftables, ..."""
    table: int
    since_s: float
    verdict: str
    reason: str
    steps: tuple[Step, ...]
    options: tuple[Option, ...]
    before: Header | None
    after: Header | None
    rules: tuple[str, ...]
    """The rules that the packet passed, as the node's tools print them."""
    proxy_runs: bool = True
    """Whether the node's kube-proxy is there to change them."""
    missed: tuple[str, ...] = ()
    """The rules that were tried on the way and did not match."""


class Link(NamedTuple):
    """One link that the packet crosses."""

    start: str
    end: str
    latency_s: float
    loss: float


class Balanced(NamedTuple):
    """What a load balancer did."""

    address: str
    service: str
    node: str
    """Whom it chose; empty when nobody."""
    how: str
    """The rule by which it chose, in words."""
    healthy: tuple[str, ...]
    unhealthy: tuple[tuple[str, str], ...]
    """Targets that are not healthy: the name, and what the last health check found."""
    proxies: bool
    """The connection ends at the balancer and begins anew."""


class Tracking(NamedTuple):
    """Where the connection would be remembered."""

    node: str
    entries: int
    limit: int


class Account(msgspec.Struct, frozen=True):
    """Everything about one way."""

    attempt: Attempt
    meaning: str
    """The reason in one sentence."""
    advice: str
    balancer: Balanced | None
    legs: tuple[LegAccount, ...]
    links: tuple[Link, ...]
    tracking: Tracking | None


class Tracer:
    """Finds ways without taking them."""

    def __init__(
        self,
        hosts: Mapping[str, Host],
        ways: Wayfinder,
        topology: Topology,
        balancers: LoadBalancers,
        settings: Settings,
        next_port: Callable[[str], int],
    ) -> None:
        """`next_port` tells the source port that a party would use next."""
        self.topology = topology
        self._hosts = hosts
        self._ways = ways
        self._balancers = balancers
        self._next_port = next_port
        self._conntrack_max = settings.conntrack_max

    # -- every way ----------------------------------------------------------------------------------------------

    def attempts(self, source: Source, ip: str, port: int, protocol: str = TCP) -> list[Attempt]:
        """Every way that a new connection could take; their probabilities add up to 1."""
        entries = self._entries(source, ip, port, protocol)
        return [
            attempt._replace(probability=attempt.probability / len(entries))
            for entry in entries
            for attempt in self._choices(source, entry)
        ]

    def _entries(self, source: Source, ip: str, port: int, protocol: str) -> list[Attempt]:
        """One attempt for each node, or Pod that is a balancer's target, that the connection may enter by."""
        first = self._next_port(source.name)
        own_ip = self._ways.source_ip(source, ip)
        attempt = self._attempt(source, Packet(own_ip, first, ip, port, protocol), 0.0)
        if source.node and not any(vertex.startswith("lb/") for vertex in attempt.arrival.way.waypoints):
            return [attempt]
        entries = {_target(attempt): attempt}
        for offset in range(1, _TRIED_PORTS):
            attempt = self._attempt(source, Packet(own_ip, first + offset, ip, port, protocol), 0.0)
            entries.setdefault(_target(attempt), attempt)
        return [entries[node] for node in sorted(entries)]

    def _choices(self, source: Source, entry: Attempt) -> list[Attempt]:
        """One attempt for each endpoint that the deciding node may pick."""
        if not entry.arrival.endpoint or entry.arrival.reason == LB_TARGET:
            return [entry]
        leg = entry.arrival.legs[-1]
        picked = _again(leg)
        count = len(picked.eligible) if picked.reason != AFFINITY and not leg.scheduled else 1
        others = [self._attempt(source, entry.packet, (turn + 0.5) / count) for turn in range(1, count)]
        return [attempt._replace(probability=1.0 / count) for attempt in (entry, *others)]

    def _attempt(self, source: Source, packet: Packet, draw: float) -> Attempt:
        ways, origin = self._ways.unseen(), self._hosts.get(source.node)
        if origin is not None:
            return Attempt(1.0, packet, draw, ways.from_node(source, origin, packet, draw))
        return Attempt(1.0, packet, draw, ways.from_internet(source, packet, draw))

    # -- one way in full ----------------------------------------------------------------------------------------

    def account(self, attempt: Attempt) -> Account:
        """Everything there is to say about one way."""
        arrival = attempt.arrival
        legs = [leg.of(attempt.packet.src_port) for leg in arrival.legs]
        reason = REASONS.get(arrival.reason, Reason(arrival.reason))
        host = self._hosts.get(arrival.node)
        tracking = None
        if arrival.way.arrived and host is not None:
            tracking = Tracking(host.name, len(host.conntrack), self._conntrack_max)
        return Account(
            attempt,
            reason.meaning,
            reason.advice,
            self._balanced(attempt),
            tuple(map(_leg_account, legs, policy_steps(arrival.way.rulings, len(legs)), map(self._proxy_runs, legs))),
            tuple(self._links(arrival.way)),
            tracking,
        )

    def _proxy_runs(self, leg: Leg) -> bool:
        host = self._hosts.get(leg.facts.name)
        return host is None or host.proxy.running

    def _balanced(self, attempt: Attempt) -> Balanced | None:
        vertex = next((one for one in attempt.arrival.way.waypoints if one.startswith("lb/")), "")
        balancer = self._balancers.by_ip.get(vertex.removeprefix("lb/"))
        if balancer is None:
            return None
        return Balanced(
            balancer.ip,
            balancer.service,
            _entry(attempt),
            attempt.arrival.way.balanced,
            balancer.healthy,
            tuple(_unhealthy(balancer)),
            balancer.proxies,
        )

    def _links(self, way: Way) -> list[Link]:
        """Every link between the waypoints, in the order in which the packet crosses them."""
        links: list[Link] = []
        for here, there in pairwise(way.waypoints):
            path = self.topology.path(here, there)
            for start, end in pairwise(path.hops) if path is not None else ():
                links.append(Link(start, end, self.topology.graph.edges[start, end]["latency_s"], 0.0))
            if path is not None and path.impaired:
                extra_s = path.latency_s - sum(link.latency_s for link in links[1 - len(path.hops) :])
                links.append(Link(path.hops[0], path.hops[-1], extra_s, path.loss))
        return links

    # -- for the resolver ---------------------------------------------------------------------------------------

    def connect(self, source: Source, host: str, ip: str, port: int, protocol: str = TCP, src_port: int = 0) -> Flow:
        """A flow as `Network.connect` would make it, which nobody ever hears of; it goes the first of its ways."""
        first = src_port or self._next_port(source.name)
        packet = Packet(self._ways.source_ip(source, ip), first, ip, port, protocol)
        return self._attempt(source, packet, 0.0).flow(source, host)

    def close(self, flow: Flow) -> None:
        """Nothing was opened."""

    def carries(self, flow: Flow) -> bool:
        """Whether packets of such a flow get through."""
        return flow.open


class _TraceRecorder(RouteRecorder):
    """Tells of all endpoints that could be picked instead of the one that a draw picks."""

    fixed = ""
    """The endpoint that every packet of this client gets; empty when it is drawn."""

    def chose(self, plan: Plan, endpoint: EndpointInfo, draw: float, remembered: bool) -> None:
        """An endpoint was taken."""
        if remembered or (self.node.mode == IPVS and self.node.scheduler == SH):
            self.fixed = endpoint.address
            super().chose(plan, endpoint, draw, remembered)
        elif len(plan.endpoints) == 1:
            super().chose(plan, endpoint, draw, remembered)
        else:
            how = "at random, all equally likely"
            if self.node.mode == IPVS:
                how = f"by the ipvs scheduler {self.node.scheduler}, {SCHEDULERS[self.node.scheduler]}"
            how = f"one of {len(plan.endpoints)} {how}"
            self.say("choice", f"{how}; followed here: {endpoint.address}")

    def options(self) -> tuple[Option, ...]:
        """Every endpoint with its probability."""
        return tuple(Option(*each, self._probability(each)) for each in self.candidates)

    def _probability(self, candidate: Candidate) -> float:
        if self.fixed:
            return 1.0 if candidate.address == self.fixed else 0.0
        return 1.0 / self.eligible if candidate.eligible else 0.0


def _again(leg: Leg, recorder: Recorder | None = None) -> Verdict:
    """Decide once more as the node did."""
    return route(leg.table, leg.facts, leg.packet, leg.draw, lambda rule, ip: leg.remembered, recorder)


def _leg_account(leg: Leg, told: list[Step], proxy_runs: bool) -> LegAccount:
    recorder = _TraceRecorder(leg.facts)
    verdict = _again(leg, recorder)
    lines = rule_lines(leg.table, leg.facts, leg.packet, recorder)
    return LegAccount(
        leg.facts.name,
        leg.facts.mode,
        leg.table.version,
        leg.since_s,
        verdict.verdict,
        verdict.reason,
        (*recorder.steps, *told),
        recorder.options(),
        recorder.before,
        recorder.after,
        tuple(map(str, lines)),
        proxy_runs,
        tuple(map(str, missed_lines(leg.facts, leg.packet, recorder))),
    )


def _entry(attempt: Attempt) -> str:
    """The node by which a connection enters the cluster; empty when it does not."""
    arrival = attempt.arrival
    if not arrival.legs:
        return ""
    waypoints = arrival.way.waypoints
    behind = next((i for i, vertex in enumerate(waypoints) if vertex.startswith("lb/")), 0)
    nodes = [vertex for vertex in waypoints[behind:] if vertex.startswith("node/")]
    return nodes[0].removeprefix("node/") if nodes else arrival.legs[0].facts.name


def _target(attempt: Attempt) -> tuple[str, str]:
    """What tells the ways of connections into the cluster apart: the node, and the Pod if a balancer chose that."""
    way = attempt.arrival.way
    return _entry(attempt), way.pod if attempt.arrival.reason == LB_TARGET else ""


def _unhealthy(balancer: Balancer) -> Iterator[tuple[str, str]]:
    for target in balancer.targets.values():
        if not target.healthy:
            yield target.name, target.message if target.state == UNHEALTHY else f"{target.state}, {target.message}"
