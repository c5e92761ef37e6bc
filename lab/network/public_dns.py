"""The resolver of the internet: what a host outside the cluster, or a node, makes of a name.

A LoadBalancer Service has the public name `web` (in `default`) or `web.NAMESPACE` as soon as it has an address, and the
hostname that its balancer may have; a node has its own name; `nodes` stands for all nodes. Names that ExternalName
Services point to exist out there, too.
"""

from __future__ import annotations

import zlib

from lab.cluster.store import Change, Store
from lab.kube.kinds.node import Node
from lab.kube.kinds.service import Service
from lab.network.addresses import normalize
from lab.network.dns_records import NOERROR, NXDOMAIN, Record, Reply, address_type, positive

ALL_NODES = "nodes"


class PublicNames:
    """Names that anybody may look up."""

    def __init__(self, store: Store, domain: str, ttl_s: float) -> None:
        self._store = store
        self._domain = domain
        self._ttl_s = ttl_s
        self._targets: dict[str, int] = {}
        """Names outside that ExternalName Services point to, with how many do."""
        self._balancers: dict[str, tuple[str, ...]] = {}
        """The addresses behind the hostnames of load balancers."""
        for service in store.list(Service):
            self._count(service, 1)
        store.subscribe(self._changed, Service)

    def lookup(self, name: str, namespace: str = "default") -> tuple[str, ...] | None:
        """The addresses of a name; None when there is no such name, as while an EXTERNAL-IP is pending."""
        if name == ALL_NODES:
            return tuple(ip for node in self._store.list(Node) for ip in _external_ips(node)) or None
        node = self._store.find(Node, name)
        if node is not None:
            return _external_ips(node) or (node.address("InternalIP"),)
        if name in self._balancers:
            return self._balancers[name]
        if name in self._targets:
            return (outside_address(name),)
        service_name, _, service_namespace = name.partition(".")
        service = self._store.find(Service, service_name, service_namespace or namespace)
        if service is None or service.spec.type != "LoadBalancer":
            return None
        return tuple(ingress.ip for ingress in service.status.load_balancer.ingress if ingress.ip) or None

    def answer(self, name: str, type: str, namespace: str = "default") -> Reply:
        """The same as a reply to a question; these names have no records but addresses."""
        addresses = self.lookup(name, namespace)
        if addresses is None:
            return Reply(NXDOMAIN, ttl_s=self._ttl_s)
        records = [Record(name, type, normalize(ip), self._ttl_s) for ip in addresses if address_type(ip) == type]
        return positive(records) if records else Reply(NOERROR, ttl_s=self._ttl_s)

    def _changed(self, change: Change) -> None:
        for obj, step in ((change.old, -1), (change.new, 1)):
            if isinstance(obj, Service):
                self._count(obj, step)
                self._know(obj, step)

    def _know(self, service: Service, step: int) -> None:
        ingress = service.status.load_balancer.ingress
        for hostname in dict.fromkeys(each.hostname for each in ingress if each.hostname):
            if step > 0:
                self._balancers[hostname] = tuple(each.ip for each in ingress if each.ip)
            else:
                self._balancers.pop(hostname, None)

    def _count(self, service: Service, step: int) -> None:
        name = service.spec.external_name.rstrip(".").lower() if service.spec.type == "ExternalName" else ""
        if name and not name.endswith(f".{self._domain}"):
            self._targets[name] = self._targets.get(name, 0) + step
            if not self._targets[name]:
                del self._targets[name]


def _external_ips(node: Node) -> tuple[str, ...]:
    return tuple(each.address for each in node.status.addresses if each.type == "ExternalIP")


def outside_address(name: str) -> str:
    """The address of a host that is not part of the lab: the same for a name in every run (198.18.0.0/15, RFC 2544)."""
    number = zlib.crc32(name.encode())
    return f"198.{18 + (number >> 16 & 1)}.{number >> 8 & 255}.{number % 254 + 1}"
