"""A node as the network sees it: addresses, power, kube-proxy, conntrack."""

from __future__ import annotations

from lab.clock import Clock
from lab.journal import Journal
from lab.kube.kinds.node import Node
from lab.kube.versions import features_of
from lab.network.addresses import family
from lab.network.builder import RuleBuilder
from lab.network.conntrack import AffinityTable, Conntrack
from lab.network.ipvs import Scheduler, machinery
from lab.network.memory import Memory
from lab.network.node_facts import IPVS, NodeFacts
from lab.network.proxy import NodeProxy
from lab.settings import Settings


class Host:
    """One node's part of the data plane."""

    def __init__(
        self,
        node: Node,
        clock: Clock,
        journal: Journal,
        settings: Settings,
        seed: int,
        builder: RuleBuilder,
        mode: str,
        service_cidrs: tuple[str, ...] = (),
    ) -> None:
        """`service_cidrs` are the networks of all ServiceCIDR objects."""
        self.name = node.name
        self.vertex = f"node/{node.name}"
        self.powered = True
        self.frozen = False
        """Whether everything on it stands still."""
        self.conntrack = Conntrack(settings)
        self.scheduler: Scheduler | None = None
        """That of ipvs; the other modes choose at random."""
        if mode == IPVS:
            self.conntrack, self.scheduler = machinery(settings)
        self.affinity = AffinityTable(clock)
        self.memory = Memory()
        self.proxy = NodeProxy(node.name, clock, journal, settings, seed, builder, self.conntrack, mode)
        self._settings = settings
        self._mode = mode
        self._features = features_of(settings.kubernetes)
        self._service_cidrs = service_cidrs
        self.learn(node)

    def learn(self, node: Node) -> None:
        """Take addresses, zone and labels from the Node object."""
        self._node = node
        self.zone = node.zone
        self.internal_ip = node.address("InternalIP")
        self.external_ips = tuple(each.address for each in node.status.addresses if each.type == "ExternalIP")
        self.excluded_from_balancers = EXCLUDE_LABEL in node.metadata.labels
        ips = [address.address for address in node.status.addresses if address.type == "InternalIP"]
        self._first_of_family = {family(ip): ip for ip in reversed(ips)}
        self.facts = NodeFacts(
            node.name,
            node.zone,
            ips,
            primary_ips=self._first_of_family.values(),
            mode=self._mode,
            cluster_cidr=self._settings.pod_cidr,
            service_cidrs=self._service_cidrs if self._features.multi_cidr_service_allocator else (),
            features=self._features,
            scheduler=self._settings.ipvs_scheduler,
        )

    def learn_service_cidrs(self, service_cidrs: tuple[str, ...]) -> None:
        """Take the networks of all ServiceCIDR objects, as kube-proxy hears of them."""
        self._service_cidrs = service_cidrs
        self.learn(self._node)

    def ip_towards(self, ip: str) -> str:
        """The node's InternalIP of the family of an address; its first one where it has none."""
        return self._first_of_family.get(family(ip), self.internal_ip)

    def has_family(self, ip: str) -> bool:
        """Whether it has an InternalIP of the family of an address."""
        return family(ip) in self._first_of_family

    def external_ip(self, wanted: str) -> str:
        """Its ExternalIP of a family; empty when it has none."""
        return next((ip for ip in self.external_ips if family(ip) == wanted), "")

    @property
    def alive(self) -> bool:
        """Whether packets come through it."""
        return self.powered and not self.frozen

    def freeze(self, on: bool) -> None:
        """Let everything stand still, and go on: rules and connections stay as they are."""
        self.frozen = on
        if on:
            self.proxy.process.close()
        else:
            self.proxy.process.open()

    def power(self, on: bool) -> None:
        """Without power, rules, connections and kube-proxy are gone; with it, kube-proxy starts anew."""
        self.powered, self.frozen = on, False
        if on:
            self.proxy.power_back()
        else:
            self.proxy.power_lost()
            self.conntrack.clear()
            self.affinity.clear()
            if self.scheduler is not None:
                self.scheduler.clear()


EXCLUDE_LABEL = "node.kubernetes.io/exclude-from-external-load-balancers"
