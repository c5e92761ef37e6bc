"""The cloud's load balancers: which nodes they think are healthy, and to which one they send a connection.

A balancer knows nodes, not Pods. It asks each node on a port: kube-proxy's /healthz for the Cluster policy, the
Service's healthCheckNodePort for the Local policy. It keeps a connection on one node by hashing its five-tuple.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from typing import NamedTuple

from lab.clock import Clock
from lab.cluster.store import Change
from lab.journal import HealthChecked, Journal
from lab.kube.kinds.service import Service
from lab.network import reasons
from lab.network.host import Host
from lab.network.packet import Packet
from lab.network.service_rules import health_check_port
from lab.network.topology import Topology
from lab.settings import Settings


class Target:
    """What a balancer thinks of one node."""

    __slots__ = ("active", "failures", "healthy", "message", "node", "successes")

    def __init__(self, node: str) -> None:
        self.node = node
        self.healthy = False
        self.active = True
        self.successes = 0
        self.failures = 0
        self.message = "not checked yet"


class Sent(NamedTuple):
    """Where a balancer sends a connection: a node and the packet that it gets, or why nowhere."""

    node: str
    packet: Packet
    refusal: str = ""


class Balancer:
    """The balancer behind one address of one Service."""

    def __init__(self, ip: str, service: Service) -> None:
        self.ip = ip
        self.vertex = f"lb/{ip}"
        self.targets: dict[str, Target] = {}
        self.healthy: tuple[str, ...] = ()
        self.learn(service)

    def learn(self, service: Service) -> None:
        """Take ports and policy from the Service."""
        self.service = f"{service.namespace}/{service.name}"
        self.ports = {(port.protocol, port.port): port.node_port for port in service.spec.ports}
        self.health_check_port = health_check_port(service)
        modes = [ingress.ip_mode for ingress in service.status.load_balancer.ingress if ingress.ip == self.ip]
        self.proxies = "Proxy" in modes
        """ipMode Proxy: connections end here and begin anew towards the node port."""

    def send(self, packet: Packet, ip_of: Callable[[str], str]) -> Sent:
        """Choose a node for a connection; `ip_of` tells a node's own address of the balancer's family."""
        node_port = self.ports.get((packet.protocol, packet.dst_port))
        if node_port is None:
            return Sent("", packet, reasons.LB_PORT)
        if self.proxies and not node_port:
            return Sent("", packet, reasons.LB_NO_NODE_PORT)
        if not self.healthy:
            return Sent("", packet, reasons.LB_NO_NODE)
        node = self.healthy[packet.hash % len(self.healthy)]
        if self.proxies:
            packet = Packet(self.ip, packet.src_port, ip_of(node), node_port, packet.protocol)
        return Sent(node, packet)

    def judge(self, target: Target, success: bool, settings: Settings) -> bool:
        """Count a check; whether it changed the balancer's mind about the node."""
        if success:
            target.successes, target.failures = target.successes + 1, 0
            changed = not target.healthy and target.successes >= settings.lb_healthy_threshold
        else:
            target.successes, target.failures = 0, target.failures + 1
            changed = target.healthy and target.failures >= settings.lb_unhealthy_threshold
        if changed:
            target.healthy = success
            self.healthy = tuple(name for name, other in self.targets.items() if other.healthy)
        return changed


class LoadBalancers:
    """Every balancer of the cluster, by address, and their health checks."""

    def __init__(
        self, clock: Clock, journal: Journal, settings: Settings, topology: Topology, hosts: Mapping[str, Host]
    ) -> None:
        self.by_ip: dict[str, Balancer] = {}
        self._clock = clock
        self._journal = journal
        self._settings = settings
        self._topology = topology
        self._hosts = hosts

    def service_changed(self, change: Change) -> None:
        """Follow a Service: a balancer exists while the Service's status names its address."""
        service = change.object
        assert isinstance(service, Service)
        name = f"{service.namespace}/{service.name}"
        wanted: dict[str, None] = {}
        if change.new is not None and service.spec.type == "LoadBalancer":
            wanted = dict.fromkeys(ingress.ip for ingress in service.status.load_balancer.ingress if ingress.ip)
        for ip in [ip for ip, balancer in self.by_ip.items() if balancer.service == name and ip not in wanted]:
            self._remove(ip)
        for ip in wanted:
            if ip in self.by_ip:
                self.by_ip[ip].learn(service)
            else:
                self._add(ip, service)

    def node_changed(self, name: str) -> None:
        """A node came, went, or changed its labels: the cloud provider tells every balancer."""
        host = self._hosts.get(name)
        wanted = host is not None and not host.excluded_from_balancers
        for balancer in self.by_ip.values():
            if wanted and name not in balancer.targets:
                self._register(balancer, name)
            elif not wanted and name in balancer.targets:
                self._unregister(balancer, name)

    def _add(self, ip: str, service: Service) -> None:
        balancer = self.by_ip[ip] = Balancer(ip, service)
        self._topology.add_load_balancer(ip)
        for name, host in self._hosts.items():
            if not host.excluded_from_balancers:
                self._register(balancer, name)

    def _remove(self, ip: str) -> None:
        balancer = self.by_ip.pop(ip)
        for name in list(balancer.targets):
            self._unregister(balancer, name)
        self._topology.remove_load_balancer(ip)

    def _register(self, balancer: Balancer, node: str) -> None:
        target = balancer.targets[node] = Target(node)
        # Checks of different nodes do not all fall on the same moment; the first one comes at once.
        spread = zlib.crc32(f"{balancer.ip} {node}".encode()) / 2**32
        self._clock.after(0.0, self._check, balancer, target, self._settings.lb_health_interval_s * (0.5 + spread / 2))

    def _unregister(self, balancer: Balancer, node: str) -> None:
        target = balancer.targets.pop(node)
        target.active = target.healthy = False
        balancer.healthy = tuple(name for name, other in balancer.targets.items() if other.healthy)

    def _check(self, balancer: Balancer, target: Target, next_s: float) -> None:
        if not target.active:
            return
        settings = self._settings
        success, message, took_s = self._probe(balancer, target.node)
        self._clock.after(took_s, self._checked, balancer, target, success, message)
        self._clock.after(next_s, self._check, balancer, target, settings.lb_health_interval_s)

    def _probe(self, balancer: Balancer, node: str) -> tuple[bool, str, float]:
        """What a check finds, in words, and how long it takes."""
        host = self._hosts[node]
        path = self._topology.path(balancer.vertex, host.vertex)
        if path is None or not host.alive or not host.has_family(balancer.ip):
            return False, "timeout", self._settings.lb_health_timeout_s
        if balancer.health_check_port:
            port, answer = balancer.health_check_port, host.proxy.health_check(balancer.service)
        else:
            port, answer = self._settings.proxy_healthz_port, host.proxy.healthz()
        if answer is None:
            return False, f"connection refused on port {port}", 2 * path.latency_s
        return answer.status == 200, f"{answer.status} on port {port}", 2 * path.latency_s

    def _checked(self, balancer: Balancer, target: Target, success: bool, message: str) -> None:
        if not target.active:
            return
        target.message = message
        if balancer.judge(target, success, self._settings):
            event = HealthChecked(
                self._clock.time(), balancer.ip, balancer.service, target.node, target.healthy, message
            )
            self._journal.append(event)
