"""The data plane of the cluster: connections, names, and what is open to the outside.

`connect` makes a `Decision` for every new connection and keeps what it depended on, so that `explain` can take the
same way again with a recorder on.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Container, Iterable, Mapping
from itertools import pairwise

import msgspec

from lab.clock import Clock
from lab.cluster.provider import Provider
from lab.cluster.store import Change, Store
from lab.journal import Journal
from lab.kube.kinds.endpointslice import EndpointSlice
from lab.kube.kinds.namespace import Namespace
from lab.kube.kinds.networkpolicy import NetworkPolicy
from lab.kube.kinds.node import Node
from lab.kube.kinds.pod import Pod
from lab.kube.kinds.service import Service
from lab.kube.kinds.servicecidr import ServiceCIDR
from lab.kube.versions import features_of, warning_about
from lab.network import reasons
from lab.network.addresses import parse_cidrs
from lab.network.builder import RuleBuilder
from lab.network.changes import Changes
from lab.network.conntrack_entries import Entry, entries
from lab.network.dns import Dns, DnsAnswer
from lab.network.explanation import Explainer, Explanation
from lab.network.exposure import Exposure, open_ports
from lab.network.flow import Flow, Source, flow_of
from lab.network.health_check import HealthAnswer
from lab.network.host import Host
from lab.network.ipvs import check_scheduler
from lab.network.journey import Wayfinder
from lab.network.load_balancer import LoadBalancers
from lab.network.node_facts import NFTABLES
from lab.network.packet import TCP, Packet
from lab.network.pod_addresses import PodAddresses
from lab.network.policy import Policies
from lab.network.proxy import NodeProxy
from lab.network.quality import PERFECT
from lab.network.topology import Topology
from lab.network.trace import Tracer
from lab.settings import Settings

__all__ = ["DnsAnswer", "Explanation", "Exposure", "Flow", "Network", "Source"]

_KNOWN_SOCKETS = 65_536
FIRST_EPHEMERAL_PORT, LAST_EPHEMERAL_PORT = 32768, 60999


class Network:
    """Everything between a client and a server.

    `proxy_mode` is `nftables`, `iptables` or `ipvs`; `proxy_modes` has the nodes that have another, by name.
    `machines` are the nodes that really are there, with a Node object or without; when it is not given, those that
    have one. Raises LabError for a mode that the release in the settings does not have.
    """

    def __init__(
        self,
        clock: Clock,
        journal: Journal,
        settings: Settings,
        seed: int,
        store: Store,
        *,
        proxy_mode: str = NFTABLES,
        proxy_modes: Mapping[str, str] | None = None,
        machines: Container[str] | None = None,
        provider: Provider | None = None,
    ) -> None:
        self._modes = dict(proxy_modes or {})
        self._machines = machines
        self._features = features_of(settings.kubernetes)
        for mode in (proxy_mode, *self._modes.values()):
            warning_about(mode, settings.kubernetes)
        check_scheduler(settings.ipvs_scheduler)
        self._changes = Changes()
        self.topology = Topology(settings, self._changes)
        self.hosts: dict[str, Host] = {}
        self.proxies: dict[str, NodeProxy] = {}
        self.builder = RuleBuilder(ip_mode=self._features.load_balancer_ip_mode)
        self.owners = PodAddresses(self._changes)
        self.policies = Policies(clock, settings, self._changes)
        self.balancers = LoadBalancers(
            clock, journal, settings, self.topology, self.hosts, store, self._changes, provider or Provider()
        )
        self.proxy_mode = proxy_mode
        self._clock = clock
        self._journal = journal
        self._settings = settings
        self._seed = seed
        self._store = store
        self._random = random.Random(f"{seed}/network").random
        self._ways = Wayfinder(
            settings, self._changes, self.topology, self.hosts, self.owners, self.balancers, self.policies
        )
        self._explainer = Explainer(self.hosts)
        self._decisions = 0
        self._ports: dict[str, int] = {}
        self._sockets: dict[Packet, Flow] = {}
        self._ended_pods: dict[str, float] = {}
        self._refreshing = False
        self._service_cidrs = tuple(settings.service_cidr.split(","))
        self.tracer = Tracer(self.hosts, self._ways, self.topology, self.balancers, settings, self._coming_port)
        self.dns = Dns(clock, settings, seed, store, self)

    def start(self) -> None:
        """Begin to follow the cluster: links and addresses at once, rules as the API server tells of them."""
        for node in self._store.list(Node):
            self._node_changed(Change("ADDED", None, node))
        for pod in self._store.list(Pod):
            self.owners.changed(Change("ADDED", None, pod))
        for service in self._store.list(Service):
            self._service_changed(Change("ADDED", None, service))
        self._store.subscribe(self._node_changed, Node)
        self._store.subscribe(self.owners.changed, Pod)
        self._store.subscribe(self._pod_ended, Pod)
        self._store.subscribe(self._service_changed, Service)
        self._store.follow(self._heard, Service, EndpointSlice)
        self._store.follow(self._service_cidrs_changed, ServiceCIDR)
        self._store.follow(self.policies.heard, Namespace, Pod, NetworkPolicy)

    # -- connections ------------------------------------------------------------------------------------------

    def connect(self, source: Source, host: str, ip: str, port: int, protocol: str = TCP, src_port: int = 0) -> Flow:
        """Open a connection: decide where it goes, and say so in the journal.

        `host` is the name that the client used; `src_port` 0 takes the source's next ephemeral port. A packet of a
        socket that a node has an entry of goes where the entry says.
        """
        now = self._clock.now
        packet = Packet(self._ways.source_ip(source, ip), src_port or self._next_port(source.name), ip, port, protocol)
        if src_port:
            known = self._along_entry(source, host, packet, now)
            if known is not None:
                return known
        draw, changes = self._random(), self._changes.count
        origin = self.hosts.get(source.node)
        if origin is None:
            arrival = self._ways.from_internet(source, packet, draw)
        else:
            recalled = origin.memory.recall(source.name, packet, draw, origin.proxy.table, changes)
            arrival = recalled or self._ways.from_node(source, origin, packet, draw)
        self._decisions = number = self._decisions + 1
        flow = flow_of(arrival, source, host, packet, now, number, changes)
        via = self.hosts.get(arrival.node) if arrival.tracked else None
        if via is not None and not via.conntrack.opened(flow, now):
            flow = flow_of(arrival.without_room(), source, host, packet, now, number, changes)
        self._explainer.keep(flow)
        self._journal.append(flow.decision)
        if src_port and origin is None:
            self._remember_socket(flow)
        return flow

    def carries(self, flow: Flow) -> bool:
        """Whether packets of an established connection get through right now."""
        if not flow.open:
            return False
        changes = self._changes.count
        if flow.seen != changes:
            if not self._still_whole(flow):
                return False
            flow.seen = changes
        return True

    def reset_by_balancer(self, flow: Flow) -> str:
        """Why a load balancer on the way answers the packets of an established connection with RST; empty if none."""
        for here, there in pairwise(flow.waypoints):
            if here.startswith("lb/"):
                return self.balancers.ended(here.removeprefix("lb/"), there.removeprefix("node/"), flow.ip)
        return ""

    def close(self, flow: Flow, outcome: str = "ok") -> None:
        """The client is done with it, with the outcome of its request; its conntrack entry stays for a while."""
        via = self.hosts.get(flow.decision.node)
        if via is None:
            flow.open = False
        elif flow.open:
            via.conntrack.closed(flow, self._clock.now, outcome)
        else:
            via.conntrack.gave_up(flow, self._clock.now)

    def conntrack(self, node: str) -> list[Entry]:
        """The conntrack table of a node, oldest entry first; no entries for a name that is no node's."""
        host = self.hosts.get(node)
        if host is None:
            return []
        # The cloud's 1:1 NAT comes before the node.
        rewritten = {ip: host.ip_towards(ip) for ip in host.external_ips}
        return entries(host.conntrack, self._settings, self._clock.time(), self._server_closed, rewritten)

    def forget_entries(self, node: str, decisions: Iterable[int]) -> None:
        """Delete the entries of a node that these decisions made, as `conntrack -D` does."""
        numbers = dict.fromkeys(decisions)
        if node in self.hosts:
            self.hosts[node].conntrack.delete(lambda flow: flow.decision.id in numbers)

    def answer(self, flow: Flow) -> HealthAnswer | None:
        """What kube-proxy itself answers to a request on one of its own ports; None when the flow is not to one."""
        proxy = self.proxies.get(flow.node)
        if flow.pod or proxy is None:
            return None
        if flow.reason == reasons.NODE_PROCESS:
            return proxy.healthz()
        if flow.reason == reasons.HEALTH_CHECK_PORT:
            return proxy.health_check(proxy.health_checks.service_on(flow.port))
        return None

    def resolve(self, source: Source, host: str, done: Callable[[DnsAnswer], None]) -> None:
        """Find the addresses of a name and call `done` on the clock; a literal or cached one calls back at once."""
        self.dns.resolve(source, host, done)

    def explain(self, decision: int) -> Explanation | None:
        """Why a connection went where it went; None when it was too long ago."""
        return self._explainer.explain(decision)

    def open_ports(self) -> list[Exposure]:
        """Every address and port on which the outside now reaches something."""
        return open_ports(self._store, self.hosts, self.balancers)

    def node_power(self, name: str, on: bool) -> None:
        """A node lost its power, or has it again; a name that is no node's is ignored."""
        host = self.hosts.get(name)
        if host is not None and host.powered != on:
            host.power(on)
            self._changes.count += 1

    def node_freeze(self, name: str, on: bool) -> None:
        """Everything on a node stands still, or goes on; a name that is no node's is ignored."""
        host = self.hosts.get(name)
        if host is not None and host.frozen != on:
            host.freeze(on)
            self._changes.count += 1

    # -- how a flow is made -----------------------------------------------------------------------------------

    def _coming_port(self, party: str) -> int:
        return self._ports.get(party, FIRST_EPHEMERAL_PORT)

    def _next_port(self, party: str) -> int:
        port = self._ports.get(party, FIRST_EPHEMERAL_PORT)
        self._ports[party] = port + 1 if port < LAST_EPHEMERAL_PORT else FIRST_EPHEMERAL_PORT
        return port

    def _along_entry(self, source: Source, host: str, packet: Packet, now: float) -> Flow | None:
        """Another packet of a socket of which a node has an entry: it goes where the entry says; None without one.

        As long as it reaches whom it always reached, it belongs to the flow that is known. Else it is lost, or gets
        to somebody else who has the address now, and that is a decision of its own.
        """
        flow = self._sockets.get(packet) if not source.node else None
        via = self.hosts.get(flow.via if flow is not None else source.node)
        known = via.conntrack.known(packet, now) if via is not None and via.alive else None
        if via is None or known is None:
            return None
        way = self._ways.along_entry(source, via, known)
        if way.arrived and (way.pod, way.node) == (known.pod, known.node):
            known.open, known.way = True, known.way.over(way.quality)
            return known
        self._decisions = number = self._decisions + 1
        replace = msgspec.structs.replace
        decision = replace(
            known.decision,
            time=now,
            id=number,
            host=host,
            pod=way.pod,
            verdict=way.verdict,
            reason=way.reason,
            hops=way.hops,
            policy=way.policy,
        )
        arrival = replace(known.arrival, legs=())
        changes = self._changes.count
        flow = replace(known, decision=decision, arrival=arrival, way=way, open=way.arrived, seen=changes)
        self._explainer.keep(flow)
        self._journal.append(decision)
        return flow

    def _remember_socket(self, flow: Flow) -> None:
        """Which node has the entry of an outside client's UDP socket; the client's next packet asks for it."""
        if len(self._sockets) >= _KNOWN_SOCKETS:
            self._sockets.clear()
        self._sockets[flow.packet] = flow

    def _pod_ended(self, change: Change) -> None:
        """The kernel closes the connections of a process that ends; one on a node without power says nothing."""
        pod = change.object
        if isinstance(pod, Pod) and (change.new is None or pod.finished):
            host = self.hosts.get(pod.spec.node_name)
            if host is not None and host.powered:
                self._ended_pods.setdefault(f"{pod.namespace}/{pod.name}", self._clock.time())
        elif isinstance(pod, Pod) and change.old is None:
            self._ended_pods.pop(f"{pod.namespace}/{pod.name}", None)

    def _server_closed(self, flow: Flow) -> float | None:
        closed_s = self._ended_pods.get(flow.pod)
        return closed_s if closed_s is not None and closed_s >= flow.decision.time else None

    def _still_whole(self, flow: Flow) -> bool:
        """Look again at everything that an established connection needs."""
        quality = PERFECT
        for here, there in pairwise(flow.waypoints):
            path = self.topology.path(here, there)
            if path is None:
                return False
            quality = quality.then(*path.quality)
        nodes = [vertex[5:] for vertex in flow.waypoints if vertex.startswith("node/")]
        if not all(node in self.hosts and self.hosts[node].alive for node in nodes):
            return False
        if flow.pod and not self.owners.has(flow.pod, flow.ip, flow.node):
            return False
        if self.topology.parts_pods and self._parted(flow):
            return False
        if self.reset_by_balancer(flow):
            return False
        flow.way = flow.way.over(quality.then(flow.way.pod_links * self._settings.link_pod_s, 0.0, 0.0, 0.0))
        via = self.hosts.get(flow.via)
        return via is None or flow.packet in via.conntrack.flows

    def _parted(self, flow: Flow) -> bool:
        client, places = flow.decision.client, self.topology.places_of
        pod = client.removeprefix("pod/") if client.startswith("pod/") else ""
        origin = flow.waypoints[0].removeprefix("node/") if flow.waypoints[0].startswith("node/") else ""
        return self.topology.parted(places(pod, origin), places(flow.pod, flow.node))

    # -- following the cluster --------------------------------------------------------------------------------

    def _node_changed(self, change: Change) -> None:
        node = change.object
        assert isinstance(node, Node)
        if change.new is None:
            self._forget_node(node.name)
        elif node.name not in self.hosts:
            mode = self._modes.get(node.name, self.proxy_mode)
            known = (self._clock, self._journal, self._settings, self._seed, self.builder)
            host = Host(node, *known, mode, self._service_cidrs)
            self.hosts[node.name] = host
            warning = warning_about(mode, self._settings.kubernetes)
            if warning:
                self._store.note(node, "ProxyMode", warning, type="Warning", component="kube-proxy")
            self.proxies[node.name] = host.proxy
            self._place(host)
            if self._machines is None or node.name in self._machines:
                host.proxy.start()
            else:
                host.power(False)
        else:
            old = change.old
            if isinstance(old, Node) and _placed_alike(old, node):
                return
            self._unplace(self.hosts[node.name])
            self.hosts[node.name].learn(node)
            self._place(self.hosts[node.name])
        self.balancers.node_changed(node.name)

    def _place(self, host: Host) -> None:
        self.topology.add_node(host.name, host.zone)
        for ip in host.facts.ips:
            self._ways.by_internal_ip[ip] = host
        for ip in host.external_ips:
            self._ways.by_external_ip[ip] = host
        self._changes.count += 1

    def _unplace(self, host: Host) -> None:
        for ip in host.facts.ips:
            self._ways.by_internal_ip.pop(ip, None)
        for ip in host.external_ips:
            self._ways.by_external_ip.pop(ip, None)

    def _forget_node(self, name: str) -> None:
        if self._machines is not None and name in self._machines and name in self.hosts:
            # The machine goes on, its links and its kube-proxy with it; only the cloud's balancers leave it out.
            self.hosts[name].excluded_from_balancers = True
            return
        host = self.hosts.pop(name, None)
        if host is not None:
            host.proxy.stop()
            del self.proxies[name]
            self._unplace(host)
            self.topology.remove_node(name)

    def _service_changed(self, change: Change) -> None:
        self.balancers.service_changed(change)
        counts = self._ways.external_ips
        for obj, step in ((change.old, -1), (change.new, 1)):
            for ip in obj.spec.external_ips if isinstance(obj, Service) else ():
                counts[ip] = counts.get(ip, 0) + step
                if not counts[ip]:
                    del counts[ip]

    def _service_cidrs_changed(self, change: Change) -> None:
        """Another ServiceCIDR, or one less: every kube-proxy hears of it, and acts on it at once."""
        every = (cidr for each in self._store.list(ServiceCIDR) for cidr in each.spec.cidrs)
        found = tuple(dict.fromkeys(every))
        if found == self._service_cidrs:
            return
        self._service_cidrs = found
        self._ways.service_cidrs = parse_cidrs(self._service_cidrs)
        for host in self.hosts.values():
            host.learn_service_cidrs(self._service_cidrs)
        self._changes.count += 1

    def _heard(self, change: Change) -> None:
        """A watch event reached the kube-proxies; those of one moment are taken in together."""
        old, new = change.old, change.new
        if isinstance(old, EndpointSlice) and (not isinstance(new, EndpointSlice) or new.service != old.service):
            self.builder.apply(old, deleted=True)
        if new is not None or not isinstance(old, EndpointSlice):
            self.builder.apply(change.object, deleted=new is None)
        if not self._refreshing:
            self._refreshing = True
            self._clock.after(0.0, self._refresh)

    def _refresh(self) -> None:
        self._refreshing = False
        if self.builder.refresh():
            for proxy in self.proxies.values():
                proxy.changed()
            self.balancers.endpoints_changed(self.builder.table)


def _placed_alike(old: Node, new: Node) -> bool:
    return old.status.addresses == new.status.addresses and old.metadata.labels == new.metadata.labels
