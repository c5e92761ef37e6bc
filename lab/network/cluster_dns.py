"""What CoreDNS's `kubernetes` plugin answers: the names of Services and Pods, from what the API knows.

Follows the Kubernetes DNS specification (github.com/kubernetes/dns/blob/master/docs/specification.md) and, where
that leaves a choice, CoreDNS with kubeadm's Corefile: `pods insecure`, and a headless Service of which no Pod is
ready has no name at all (NXDOMAIN).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from lab.cluster.store import Store
from lab.kube.kinds.endpointslice import SERVICE_NAME_LABEL, Endpoint, EndpointSlice
from lab.kube.kinds.namespace import Namespace
from lab.kube.kinds.service import Service
from lab.network.addresses import normalize
from lab.network.dns_records import (
    AAAA,
    CNAME,
    NOERROR,
    NXDOMAIN,
    PTR,
    REVERSE_V4,
    REVERSE_V6,
    SRV,
    A,
    Record,
    Reply,
    address_type,
    positive,
    reversed_address,
)

MAX_ALIASES = 8
"""How many aliases are followed, one after another (CoreDNS follows as many)."""
NO_PORT = -1
"""The port of an endpoint of a Service that has none: such a one has addresses, and no SRV record."""


class Item(NamedTuple):
    """One thing that a name stands for: an address, or with `alias` another name."""

    host: str
    port: int
    target: str
    """The name that has this address alone; what an SRV record points to."""
    alias: bool = False


Elsewhere = Callable[[str, str], Reply]
"""Asks for a name of another zone: name and type."""


class ClusterZone:
    """The names under the cluster's domain, such as `web.default.svc.cluster.local`, and its reverse names."""

    def __init__(self, store: Store, domain: str, ttl_s: float) -> None:
        self.domain = domain
        self._store = store
        self._suffix = f".{domain}"
        self._ttl_s = ttl_s

    def holds(self, name: str) -> bool:
        """Whether CoreDNS answers for the name itself; reverse names that it does not know it asks elsewhere."""
        return name == self.domain or name.endswith(self._suffix)

    def answer(self, name: str, type: str, elsewhere: Elsewhere, depth: int = 0) -> Reply:
        """The reply to a question about a name that the zone holds."""
        items = self._find(name)
        if items is None:
            return Reply(NXDOMAIN, ttl_s=self._ttl_s)
        if type == SRV:
            return self._services(name, items)
        records: list[Record] = []
        for item in items:
            if item.alias:
                records.extend(self._alias(name, item.host, type, elsewhere, depth))
            elif type in (A, AAAA) and address_type(item.host) == type:
                records.append(Record(name, type, item.host, self._ttl_s))
        found = list(dict.fromkeys(records))
        return positive(found) if found else self._no_data()

    def reverse(self, name: str, type: str) -> Reply | None:
        """The reply to a question about a reverse name; None when it is none, or nothing here has the address."""
        if not name.endswith((f".{REVERSE_V4}", f".{REVERSE_V6}")):
            return None
        names = self._names_of(reversed_address(name))
        if not names:
            return None
        return positive([Record(name, PTR, one, self._ttl_s) for one in names]) if type == PTR else self._no_data()

    # -- from a name to what it stands for ----------------------------------------------------------------------

    def _find(self, name: str) -> list[Item] | None:
        """What a name stands for: an empty list for a name that only has names below it, None for no name."""
        labels = name.removesuffix(self._suffix).split(".") if name != self.domain else []
        if not labels or labels in (["svc"], ["pod"]):
            return []
        kind = labels.pop()
        if kind not in ("svc", "pod"):
            return None
        namespace = labels.pop()
        if not labels:
            return [] if self._store.find(Namespace, namespace) is not None else None
        owner = labels.pop()
        if kind == "pod":
            return self._pod(owner, namespace, name) if not labels else None
        return self._service(labels, owner, namespace)

    def _pod(self, label: str, namespace: str, name: str) -> list[Item] | None:
        """`10-244-1-7.NAMESPACE.pod`: `pods insecure` believes any address, as long as the namespace exists."""
        dotted = label.count("-") == 3 and "--" not in label
        address = normalize(label.replace("-", "." if dotted else ":"))
        if not address or self._store.find(Namespace, namespace) is None:
            return None
        return [Item(address, 0, name)]

    def _service(self, below: list[str], name: str, namespace: str) -> list[Item] | None:
        """`SERVICE`, `_PORT._PROTOCOL.SERVICE` or `HOSTNAME.SERVICE`."""
        service = self._store.find(Service, name, namespace)
        if service is None or len(below) > 2:
            return None
        host = below[0] if len(below) == 1 else ""
        port, protocol = (label.removeprefix("_") for label in below) if len(below) == 2 else ("", "")
        own = f"{name}.{namespace}.svc{self._suffix}"
        if service.spec.type == "ExternalName":
            return None if host else _outside(service, own)
        if service.headless or host:
            items = list(self._endpoints(service, own, host, port, protocol))
        else:
            ips = [normalize(ip) for ip in (service.spec.cluster_ips or (service.spec.cluster_ip,))]
            ports = [p.port for p in service.spec.ports if _is_port(p.name, p.protocol, port, protocol)]
            items = [Item(ip, number, own) for number in ports for ip in ips if ip]
        return items or None

    def _endpoints(self, service: Service, own: str, host: str, port: str, protocol: str) -> Iterator[Item]:
        """The ready endpoints, each once a port; NO_PORT is that of a Service without ports."""
        for slice_, endpoint in self._ready(service):
            label = host_label(endpoint)
            if host and host != label:
                continue
            numbers = [p.port or 0 for p in slice_.ports if _is_port(p.name, p.protocol, port, protocol)]
            if not slice_.ports and not port:
                numbers = [NO_PORT]
            for number in numbers:
                yield Item(normalize(endpoint.addresses[0]), number, f"{label}.{own}")

    def _ready(self, service: Service) -> Iterator[tuple[EndpointSlice, Endpoint]]:
        for slice_ in self._store.list(EndpointSlice, service.namespace, {SERVICE_NAME_LABEL: service.name}):
            if slice_.address_type in ("IPv4", "IPv6"):
                for endpoint in slice_.endpoints:
                    if endpoint.addresses and endpoint.conditions.ready is not False:
                        yield slice_, endpoint

    # -- records ------------------------------------------------------------------------------------------------

    def _alias(self, name: str, target: str, type: str, elsewhere: Elsewhere, depth: int) -> list[Record]:
        """The CNAME, and what its target has; an alias of this zone that leads nowhere is left out altogether."""
        own = Record(name, CNAME, target, self._ttl_s)
        if type not in (A, AAAA):
            return [own] if type == CNAME else []
        if depth >= MAX_ALIASES or target == name:
            return []
        if self.holds(target):
            found = self.answer(target, type, elsewhere, depth + 1)
            return [own, *found.records] if found.records else []
        return [own, *elsewhere(target, type).records]

    def _services(self, name: str, items: list[Item]) -> Reply:
        """SRV records share the weight 100; the addresses of their targets come with them.

        What has no port counts for the weight and has no record (`SRV` in CoreDNS' plugin/backend_lookup.go).
        """
        weight = max(1, 100 // len(items)) if items else 0
        items = [item for item in items if item.port != NO_PORT]
        if not items:
            return self._no_data()
        records = [
            Record(name, SRV, f"0 {weight} {item.port} {item.host if item.alias else item.target}", self._ttl_s)
            for item in items
        ]
        extra = [
            Record(item.target, address_type(item.host), item.host, self._ttl_s) for item in items if not item.alias
        ]
        return positive(list(dict.fromkeys(records)), list(dict.fromkeys(extra)))

    def _names_of(self, ip: str) -> list[str]:
        """The Service that has a cluster IP; else a name for each Service that has the address as an endpoint."""
        for service in self._store.list(Service) if ip else ():
            if ip in map(normalize, service.spec.cluster_ips or (service.spec.cluster_ip,)):
                return [f"{service.name}.{service.namespace}.svc{self._suffix}"]
        return [
            f"{host_label(endpoint)}.{slice_.service}.{slice_.namespace}.svc{self._suffix}"
            for slice_ in (self._store.list(EndpointSlice) if ip else ())
            for endpoint in slice_.endpoints
            if slice_.service and endpoint.conditions.ready is not False and ip in map(normalize, endpoint.addresses)
        ]

    def _no_data(self) -> Reply:
        return Reply(NOERROR, ttl_s=self._ttl_s)


def host_label(endpoint: Endpoint) -> str:
    """An endpoint's own label below its Service: its hostname, else its address with dashes."""
    return endpoint.hostname or endpoint.addresses[0].replace(".", "-").replace(":", "-")


def _outside(service: Service, own: str) -> list[Item] | None:
    """The name that an ExternalName Service stands for; CoreDNS makes nothing of an address written there."""
    name = service.spec.external_name.rstrip(".").lower()
    return [Item(name, 0, own, alias=True)] if name and not normalize(name) else None


def _is_port(name: str, protocol: str, wanted: str, wanted_protocol: str) -> bool:
    return wanted in ("", name.lower()) and wanted_protocol in ("", protocol.lower())
