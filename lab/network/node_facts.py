"""What the rules need to know about the node that holds them."""

from __future__ import annotations

from collections.abc import Iterable

from lab.kube.versions import Features, features_of
from lab.network.addresses import IPV4, IPV6, Cidr, any_holds, family, is_loopback, parse_cidrs

IPTABLES = "iptables"
NFTABLES = "nftables"
IPVS = "ipvs"
MODES = (IPTABLES, NFTABLES, IPVS)

FROM_POD = "pod"
FROM_NODE = "node"
FROM_OUTSIDE = "outside"

_REMEMBERED_SOURCES = 65536


class NodeFacts:
    """One node's name, zone, addresses and kube-proxy configuration. Never changed; a new one is made instead."""

    __slots__ = (
        "_every",
        "_keys",
        "_listed",
        "_sources",
        "cluster_cidrs",
        "features",
        "ips",
        "key",
        "localhost_node_ports",
        "masquerade_all",
        "mode",
        "name",
        "primary_ips",
        "refuses_before_dnat",
        "scheduler",
        "service_cidrs",
        "zone",
    )

    def __init__(
        self,
        name: str,
        zone: str = "",
        ips: Iterable[str] = (),
        *,
        primary_ips: Iterable[str] = (),
        mode: str = NFTABLES,
        cluster_cidr: str | None = None,
        masquerade_all: bool = False,
        node_port_addresses: Iterable[str] = (),
        localhost_node_ports: bool = True,
        service_cidrs: Iterable[str] = (),
        features: Features | None = None,
        scheduler: str = "rr",
    ) -> None:
        """`cluster_cidr` is how Pod sources are recognised, one CIDR or one of each family with a comma between them;
        None is kube-proxy without a detector.

        `node_port_addresses` are CIDRs as in KubeProxyConfiguration; empty means every local address with iptables
        and ipvs, and the primary ones with nftables. `service_cidrs` are those that kube-proxy knows of; `features` are
        those of its release, the newest one when left out; `scheduler` is that of ipvs.
        """
        self.name = name
        self.zone = zone
        self.ips = dict.fromkeys(ips)
        self.primary_ips = tuple(primary_ips) or tuple(self.ips)[:1]
        self.mode = mode
        self.cluster_cidrs = parse_cidrs((cluster_cidr or "").split(","))
        self.masquerade_all = masquerade_all
        self.localhost_node_ports = localhost_node_ports
        self.service_cidrs = parse_cidrs(service_cidrs)
        self.features = features or features_of()
        self.scheduler = scheduler
        listed = parse_cidrs(node_port_addresses)
        self._every = [cidr.family for cidr in listed if not cidr.mask]
        if mode == IPTABLES and not listed:
            self._every = [IPV4, IPV6]
        self._listed = self._node_port_addresses(listed)
        self._sources: dict[str, str] = {}
        self._keys: dict[str, str] = {}
        self.refuses_before_dnat = mode == NFTABLES and not self.features.nftables_post_dnat_filter
        hints = self.features.prefer_same_traffic_distribution
        self.key = f"{name} {mode} {zone} {hints} {masquerade_all} {self.cluster_cidrs}"

    def _node_port_addresses(self, listed: tuple[Cidr, ...]) -> dict[str, None]:
        if listed:
            return {ip: None for ip in (*self.ips, *_LOOPBACKS) if any_holds(listed, ip)}
        if self.mode == NFTABLES:
            return dict.fromkeys(self.primary_ips)
        return dict.fromkeys((*self.ips, *_LOOPBACKS))

    def masquerades_hairpin(self, node: str) -> bool:
        """Whether a Pod that reaches itself through a Service is masqueraded when its endpoint is on a node.

        ipvs, and nftables since 1.36, look into a set that has the node's own endpoints only. One without a nodeName
        is nobody's own.
        """
        own_only = self.mode == IPVS or (self.mode == NFTABLES and self.features.nftables_hairpin_set)
        return not own_only or node == self.name

    def primary_ip(self, wanted: str) -> str:
        """The address of a family that packets are masqueraded with; empty when it has none."""
        return next((ip for ip in self.primary_ips if family(ip) == wanted), "")

    @property
    def drops_unallocated(self) -> bool:
        """Whether kube-proxy drops what is for an address of the Service CIDRs that no Service has."""
        return self.mode == NFTABLES and self.features.nftables_cluster_ips_check and bool(self.service_cidrs)

    def pod_cidr(self, wanted: str) -> Cidr | None:
        """The addresses by which Pods of a family are recognised; None when they cannot be."""
        return next((cidr for cidr in self.cluster_cidrs if cidr.family == wanted), None)

    def is_local(self, ip: str) -> bool:
        """Whether the address is one of the node's own, loopback included."""
        return ip in self.ips or is_loopback(ip)

    def serves_node_ports_on(self, ip: str) -> bool:
        """Whether kube-proxy answers node ports on this local address.

        nftables and ipvs never do on loopback. iptables does while localhost node ports are on: on all of 127.0.0.0/8
        where every address is served, else on 127.0.0.1 if it is listed; never on ::1.
        """
        if not is_loopback(ip):
            return ip in self._listed
        if self.mode != IPTABLES or ":" in ip or not self.localhost_node_ports:
            return False
        return self.serves_every_address(IPV4) or ip in self._listed

    def serves_every_address(self, wanted: str) -> bool:
        """Whether kube-proxy needs no list of the addresses of a family on which it serves node ports."""
        return wanted in self._every

    def node_port_ips(self, wanted: str) -> tuple[str, ...]:
        """The addresses of a family on which node ports are served, in their order."""
        return tuple(ip for ip in self._listed if family(ip) == wanted and self.serves_node_ports_on(ip))

    def source_of(self, ip: str) -> str:
        """Who sent a packet, as this node can tell: a Pod (in the cluster CIDR), the node itself, or the outside.

        kube-proxy's rules ask for the cluster CIDR first, so a node with an address in it counts as a Pod there.
        """
        known = self._sources.get(ip)
        if known is None:
            if len(self._sources) >= _REMEMBERED_SOURCES:
                self._sources.clear()
            known = self._sources[ip] = self._classify(ip)
        return known

    def source_key(self, ip: str) -> str:
        """One text for this node's facts and what it takes the sender of a packet for."""
        known = self._keys.get(ip)
        if known is None:
            if len(self._keys) >= _REMEMBERED_SOURCES:
                self._keys.clear()
            known = self._keys[ip] = f"{self.key} {self.source_of(ip)}"
        return known

    def _classify(self, ip: str) -> str:
        if any_holds(self.cluster_cidrs, ip):
            return FROM_POD
        return FROM_NODE if self.is_local(ip) else FROM_OUTSIDE


_LOOPBACKS = ("127.0.0.1", "::1")
