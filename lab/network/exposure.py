"""What the outside can reach: node ports on every node, load balancers' addresses, health check ports.

The NodePort lesson shows this list: a node port is open on each node, also on those without a Pod of the Service.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from lab.cluster.store import Store
from lab.kube.kinds.service import Service
from lab.network.addresses import family, join
from lab.network.host import Host
from lab.network.load_balancer import LoadBalancers
from lab.network.service_rules import health_check_port


class Exposure(NamedTuple):
    """One address and port that is open to the outside."""

    address: str
    port: int
    protocol: str
    kind: str
    """`node port`, `load balancer`, `external IP` or `health check`."""
    service: str
    """`NAMESPACE/NAME`."""
    policy: str
    """externalTrafficPolicy: Cluster or Local."""
    node: str = ""
    """Whose address it is; empty for a load balancer's."""
    sources: tuple[str, ...] = ()
    """loadBalancerSourceRanges that guard it; empty when everybody may."""

    def __str__(self) -> str:
        return f"{join(self.address, self.port)}/{self.protocol}"


def open_ports(store: Store, hosts: Mapping[str, Host], balancers: LoadBalancers) -> list[Exposure]:
    """Every exposure, Service by Service in the order of their creation."""
    return [exposure for service in store.list(Service) for exposure in _of_service(service, hosts, balancers)]


def _of_service(service: Service, hosts: Mapping[str, Host], balancers: LoadBalancers) -> Iterable[Exposure]:
    if service.spec.type == "ExternalName" or service.headless:
        return
    name = f"{service.namespace}/{service.name}"
    policy = service.spec.external_traffic_policy or "Cluster"
    own = [balancer.ip for balancer in balancers.by_ip.values() if balancer.service == name]
    for port in service.spec.ports:
        for ip in own:
            sources = service.spec.load_balancer_source_ranges
            yield Exposure(ip, port.port, port.protocol, "load balancer", name, policy, "", sources)
        for ip in service.spec.external_ips:
            yield Exposure(ip, port.port, port.protocol, "external IP", name, policy)
        if port.node_port:
            for ip, node in _node_ips(service, hosts):
                yield Exposure(ip, port.node_port, port.protocol, "node port", name, policy, node)
    check = health_check_port(service)
    if check:
        for ip, node in _node_ips(service, hosts):
            yield Exposure(ip, check, "TCP", "health check", name, policy, node)


def _node_ips(service: Service, hosts: Mapping[str, Host]) -> Iterator[tuple[str, str]]:
    """The ExternalIPs of the families that the Service has, node by node."""
    ips = service.spec.cluster_ips or (service.spec.cluster_ip,)
    families = dict.fromkeys(family(ip) for ip in ips if ip)
    for host in hosts.values():
        yield from ((ip, host.name) for ip in map(host.external_ip, families) if ip)
