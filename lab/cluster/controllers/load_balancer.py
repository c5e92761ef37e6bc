"""The cloud's service controller: gives Services of type LoadBalancer an address after a while.

https://kubernetes.io/docs/concepts/services-networking/service/#loadbalancer
"""

from __future__ import annotations

import heapq
import ipaddress

from msgspec.structs import replace

from lab.cluster.controllers.base import Controller, Key
from lab.kube.kinds.service import LoadBalancerIngress, LoadBalancerStatus, Service, ServiceStatus

FIRST_ADDRESS = {
    "IPv4": ipaddress.ip_address("203.0.113.10"),
    "IPv6": ipaddress.ip_address("2001:db8:113::10"),
}
"""TEST-NET-3 (RFC 5737) and a documentation prefix (RFC 3849) stand for the provider's public addresses."""


class LoadBalancerController(Controller):
    """The default provider: it leaves alone what names a loadBalancerClass, which belongs to another one."""

    name = "service-controller"

    def connect(self) -> None:
        """Follow Services."""
        self._building: dict[Key, str] = {}
        self._held: dict[Key, tuple[str, int]] = {}
        self._returned: list[int] = []
        self._used = 0
        self.follow(Service)

    async def reconcile(self, key: Key) -> None:
        """Start to provision, or release, as the Service now asks."""
        service = self.store.find(Service, key[1], key[0])
        held = self._held.get(key)
        if held is not None and (service is None or held[0] != service.metadata.uid or not _wants(service)):
            self._release(key, service)
            held = None
        if service is None or not _wants(service):
            self._building.pop(key, None)
            return
        if held is not None:
            self._give(service, held[1])
        elif self._building.get(key) != service.metadata.uid:
            self._building[key] = service.metadata.uid
            self.note(service, "EnsuringLoadBalancer", "Ensuring load balancer")
            self.clock.after(self.settings.lb_provision_s, self._provisioned, key, service.metadata.uid)

    def _provisioned(self, key: Key, uid: str) -> None:
        if self._building.get(key) != uid:
            return
        del self._building[key]
        service = self.store.find(Service, key[1], key[0])
        if service is None or service.metadata.uid != uid:
            return
        offset = self._take()
        self._held[key] = (uid, offset)
        self._give(service, offset)
        self.note(service, "EnsuredLoadBalancer", "Ensured load balancer")

    def _give(self, service: Service, offset: int) -> None:
        """An address of each of the Service's families, in their order, unless it has just these."""
        wanted = [str(FIRST_ADDRESS[family] + offset) for family in service.spec.ip_families or ("IPv4",)]
        if [ingress.ip for ingress in service.status.load_balancer.ingress] != wanted:
            self._write(service, tuple(LoadBalancerIngress(ip=ip, ip_mode="VIP") for ip in wanted))

    def _release(self, key: Key, service: Service | None) -> None:
        uid, offset = self._held.pop(key)
        heapq.heappush(self._returned, offset)
        if service is not None and service.metadata.uid == uid:
            self.note(service, "DeletingLoadBalancer", "Deleting load balancer")
            self._write(service, ())
            self.note(service, "DeletedLoadBalancer", "Deleted load balancer")

    def _write(self, service: Service, ingress: tuple[LoadBalancerIngress, ...]) -> None:
        status = ServiceStatus(load_balancer=LoadBalancerStatus(ingress=ingress), conditions=service.status.conditions)
        self.store.mutate(Service, service.name, service.namespace, lambda found: replace(found, status=status))

    def _take(self) -> int:
        if self._returned:
            return heapq.heappop(self._returned)
        self._used += 1
        return self._used - 1


def why_pending(service: Service, provider: str) -> str:
    """Why a LoadBalancer Service has no address under a provider (`cloud` or `none`); empty when it has one."""
    wanted = service.spec.load_balancer_class
    if service.status.load_balancer.ingress:
        return ""
    if wanted is not None:
        return f'nobody in this cluster provides the loadBalancerClass "{wanted}"'
    if provider == "none":
        return "nobody in this cluster provides load balancers (load_balancer: none)"
    return "its load balancer is still being made"


def _wants(service: Service) -> bool:
    spec = service.spec
    return spec.type == "LoadBalancer" and spec.load_balancer_class is None and not service.metadata.deletion_timestamp
