"""From a Service and its endpoints to what kube-proxy programs: one `ServicePortRule` per port and address family.

The rules of a port are the same value on every node; what differs from node to node (which endpoints are local,
which zone is near) is worked out on first use and kept on the value, see `ServicePortRule.plan`.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from lab.kube.kinds.service import Service, ServicePort
from lab.network.addresses import IPV4, IPV6, Cidr, family, normalize, parse_cidrs
from lab.network.endpoints import Categories, EndpointInfo, PortKey, categorize
from lab.network.node_facts import NodeFacts

SOURCE_RANGES_ANNOTATION = "service.beta.kubernetes.io/load-balancer-source-ranges"


class ServicePortRule(msgspec.Struct, frozen=True, eq=False):
    """One port of one Service in one address family, with everything that routing needs to know."""

    service: str
    """`NAMESPACE/NAME`."""
    port_name: str
    protocol: str
    port: int
    cluster_ip: str
    external_ips: tuple[str, ...] = ()
    load_balancer_ips: tuple[str, ...] = ()
    """Only addresses that nodes intercept: ipMode VIP or unset (KEP-1860)."""
    node_port: int = 0
    internal_local: bool = False
    external_local: bool = False
    affinity_s: float = 0.0
    """How long ClientIP affinity lasts after the last connection; 0 for none."""
    source_ranges: tuple[Cidr, ...] = ()
    health_check_port: int = 0
    endpoints: tuple[EndpointInfo, ...] = ()
    plans: dict[tuple[str, str, str], object] = msgspec.field(default_factory=dict)
    """A cache that `lab.network.traffic_policy` fills; no part of the rule's meaning."""

    @property
    def id(self) -> str:
        """`NAMESPACE/NAME:PORT-NAME/PROTOCOL`, as kube-proxy names a Service port."""
        return (
            f"{self.service}:{self.port_name}/{self.protocol}" if self.port_name else f"{self.service}/{self.protocol}"
        )

    @property
    def family(self) -> str:
        """IPv4 or IPv6: the family of its cluster IP."""
        return family(self.cluster_ip)

    @property
    def reachable_from_outside(self) -> bool:
        """Whether it has a node port, a load balancer's address or an external IP."""
        return bool(self.node_port or self.load_balancer_ips or self.external_ips)

    def categories(self, node: NodeFacts) -> Categories:
        """Which of the endpoints a node may use.

        The cluster list is needed even under an external Local policy, because Pods and the node itself skip that
        policy; the external policy means nothing for a Service that nobody outside can reach.
        """
        outside = self.reachable_from_outside
        return categorize(
            self.endpoints
            if node.features.prefer_same_traffic_distribution
            else tuple(map(_without_node_hints, self.endpoints)),
            node.name,
            node.zone,
            uses_cluster=not self.internal_local or outside,
            uses_local=self.internal_local or (self.external_local and outside),
        )

    def equals(self, other: ServicePortRule) -> bool:
        """Whether both mean the same, so that no node has anything to program."""
        return all(getattr(self, name) == getattr(other, name) for name in _MEANING)


_MEANING = tuple(name for name in ServicePortRule.__struct_fields__ if name != "plans")


def build_rules(
    service: Service,
    endpoints: Mapping[PortKey, tuple[EndpointInfo, ...]],
    families: tuple[str, ...] = (IPV4, IPV6),
    *,
    ip_mode: bool = True,
) -> tuple[ServicePortRule, ...]:
    """The rules of a Service: none when it is headless or an ExternalName, else one per port and family.

    `ip_mode` is the feature gate LoadBalancerIPMode: off, an address is intercepted whatever its ipMode says.
    """
    spec = service.spec
    if service.headless or spec.type == "ExternalName":
        return ()
    addresses = [normalize(ip) for ip in (spec.cluster_ips or (spec.cluster_ip,))]
    rules: list[ServicePortRule] = []
    for wanted in families:
        cluster_ip = next((ip for ip in addresses if ip and family(ip) == wanted), "")
        if cluster_ip:
            own = {key: tuple(e for e in infos if family(e.ip) == wanted) for key, infos in endpoints.items()}
            rules.extend(_rule(service, port, cluster_ip, own, ip_mode) for port in spec.ports)
    return tuple(rules)


def _rule(
    service: Service,
    port: ServicePort,
    cluster_ip: str,
    endpoints: Mapping[PortKey, tuple[EndpointInfo, ...]],
    ip_mode: bool,
) -> ServicePortRule:
    spec = service.spec
    wanted = family(cluster_ip)
    ingress = service.status.load_balancer.ingress
    intercepted = [i.ip for i in ingress if i.ip and not (ip_mode and i.ip_mode == "Proxy")]
    outside_type = spec.type in ("NodePort", "LoadBalancer") or bool(spec.external_ips)
    return ServicePortRule(
        service=f"{service.namespace}/{service.name}",
        port_name=port.name,
        protocol=port.protocol,
        port=port.port,
        cluster_ip=cluster_ip,
        external_ips=_of_family(spec.external_ips, wanted),
        load_balancer_ips=_of_family(intercepted, wanted),
        node_port=port.node_port,
        internal_local=spec.internal_traffic_policy == "Local",
        external_local=outside_type and spec.external_traffic_policy == "Local",
        affinity_s=_affinity_s(service),
        source_ranges=tuple(cidr for cidr in parse_cidrs(source_ranges(service)) if cidr.family == wanted),
        health_check_port=health_check_port(service),
        endpoints=endpoints.get((port.name, port.protocol), ()),
    )


def health_check_port(service: Service) -> int:
    """The healthCheckNodePort, which only a LoadBalancer with the external Local policy has; else 0."""
    spec = service.spec
    wanted = spec.type == "LoadBalancer" and spec.external_traffic_policy == "Local"
    return spec.health_check_node_port if wanted else 0


def source_ranges(service: Service) -> tuple[str, ...]:
    """loadBalancerSourceRanges; the field beats the old annotation."""
    field = service.spec.load_balancer_source_ranges
    annotation = service.metadata.annotations.get(SOURCE_RANGES_ANNOTATION, "")
    return field or tuple(text for text in annotation.split(",") if text.strip())


def _affinity_s(service: Service) -> float:
    if service.spec.session_affinity != "ClientIP":
        return 0.0
    config = service.spec.session_affinity_config
    client_ip = config.client_ip if config else None
    seconds = client_ip.timeout_seconds if client_ip else None
    return 10800.0 if seconds is None else float(seconds)


def _of_family(addresses: tuple[str, ...] | list[str], wanted: str) -> tuple[str, ...]:
    return tuple(ip for ip in map(normalize, addresses) if ip and family(ip) == wanted)


def _without_node_hints(endpoint: EndpointInfo) -> EndpointInfo:
    return msgspec.structs.replace(endpoint, node_hints=()) if endpoint.node_hints else endpoint
