"""What CoreDNS answers: the names of Services and Pods, from what the API knows.

Follows the Kubernetes DNS specification (github.com/kubernetes/dns/blob/master/docs/specification.md).
"""

from __future__ import annotations

from typing import NamedTuple

from lab.cluster.store import Store
from lab.kube.kinds.endpointslice import SERVICE_NAME_LABEL, Endpoint, EndpointSlice
from lab.kube.kinds.service import Service
from lab.network.addresses import normalize

MAX_ALIASES = 8


class Records(NamedTuple):
    """What a name has: addresses, or another name that it stands for. Neither is a name that exists but is empty."""

    addresses: tuple[str, ...] = ()
    alias: str = ""


class ClusterZone:
    """The names under the cluster's domain, such as `web.default.svc.cluster.local`."""

    def __init__(self, store: Store, domain: str) -> None:
        self._store = store
        self._suffix = f".{domain}"

    def holds(self, name: str) -> bool:
        """Whether CoreDNS answers for the name itself instead of asking elsewhere."""
        return name.endswith(self._suffix)

    def lookup(self, name: str) -> Records | None:
        """The records of a full name without its last dot; None when there is no such name (NXDOMAIN)."""
        labels = name.removesuffix(self._suffix).split(".")
        if len(labels) >= 3 and labels[-1] == "svc":
            return self._service(labels[:-3], labels[-3], labels[-2])
        if len(labels) == 3 and labels[-1] == "pod":
            address = normalize(labels[0].replace("-", "."))
            return Records((address,)) if address else None
        return None

    def _service(self, host: list[str], name: str, namespace: str) -> Records | None:
        service = self._store.find(Service, name, namespace)
        if service is None or len(host) > 1:
            return None
        if host:
            return self._endpoint(service, host[0])
        if service.spec.type == "ExternalName":
            return Records(alias=service.spec.external_name.rstrip("."))
        if not service.headless:
            ips = service.spec.cluster_ips or (service.spec.cluster_ip,)
            return Records(tuple(ip for ip in ips if ip and ":" not in ip))
        addresses = dict.fromkeys(endpoint.addresses[0] for endpoint in self._ready(service))
        return Records(tuple(addresses)) if addresses else None

    def _endpoint(self, service: Service, host: str) -> Records | None:
        """`HOSTNAME.SERVICE...`, or the address with dashes for its dots."""
        if service.spec.type == "ExternalName":
            return None
        found = dict.fromkeys(
            endpoint.addresses[0]
            for endpoint in self._ready(service)
            if host in (endpoint.hostname, endpoint.addresses[0].replace(".", "-"))
        )
        return Records(tuple(found)) if found else None

    def _ready(self, service: Service) -> list[Endpoint]:
        slices = self._store.list(EndpointSlice, service.namespace, {SERVICE_NAME_LABEL: service.name})
        return [
            endpoint
            for slice_ in slices
            if slice_.address_type == "IPv4"
            for endpoint in slice_.endpoints
            if endpoint.addresses and endpoint.conditions.ready is not False
        ]
