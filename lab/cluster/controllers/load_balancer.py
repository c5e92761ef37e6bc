"""The provider's controller: gives Services of type LoadBalancer an address after a while.

https://kubernetes.io/docs/concepts/services-networking/service/#loadbalancer
"""

from __future__ import annotations

import heapq
import ipaddress
from typing import NoReturn

from msgspec.structs import replace

from lab.cluster.controllers.base import Controller, Key
from lab.cluster.controllers.queue import WorkQueue
from lab.cluster.errors import Forbidden
from lab.cluster.provider import Provider
from lab.cluster.store import Store
from lab.gate import Timer
from lab.kube.balancers import AWS_NLB, NONE, BalancerProfile, hostname_of, profile_of
from lab.kube.kinds.service import LoadBalancerIngress, LoadBalancerStatus, Service, ServiceStatus
from lab.settings import Settings

FIRST_ADDRESS = {
    "IPv4": ipaddress.ip_address("203.0.113.10"),
    "IPv6": ipaddress.ip_address("2001:db8:113::10"),
}
"""TEST-NET-3 (RFC 5737) and a documentation prefix (RFC 3849) stand for the provider's public addresses."""


_SILENT = "the provider's API does not answer"


class LoadBalancerController(Controller):
    """That of the profile in the settings; it leaves alone what names another's loadBalancerClass."""

    name = "service-controller"

    def __init__(self, store: Store, clock: Timer, settings: Settings, seed: int, provider: Provider) -> None:
        super().__init__(store, clock, settings, seed)
        self.provider = provider
        self.profile = profile_of(settings.load_balancer)
        self.name = self.profile.controller
        self.queue = WorkQueue(clock, settings.lb_retry_initial_s, settings.lb_retry_max_s)

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
        wanted = service is not None and wants_balancer(service, self.profile)
        if held is not None and (service is None or held[0] != service.metadata.uid or not wanted):
            self._release(key, service)
            held = None
        if service is None or not wanted:
            self._building.pop(key, None)
        elif held is not None:
            self._give(service, held[1])
        elif self._building.get(key) != service.metadata.uid:
            self._build(key, service)

    def _build(self, key: Key, service: Service) -> None:
        """Order a balancer; raises Forbidden when the provider gives none, which is tried again later."""
        if self.profile.begun is not None:
            self.note(service, *self.profile.begun)
        quota = self.settings.lb_quota
        if not self.provider.up:
            self._failed(service, f"failed to ensure load balancer: {_SILENT}")
        if quota and len(self._held) + len(self._building) >= quota:
            self._failed(service, f"failed to ensure load balancer: the quota of {quota} load balancers is used up")
        self._building[key] = service.metadata.uid
        self.clock.after(self.settings.lb_provision_s, self._provisioned, key, service.metadata.uid)

    def _failed(self, service: Service, why: str) -> NoReturn:
        self.note(service, "SyncLoadBalancerFailed", f"Error syncing load balancer: {why}", type="Warning")
        raise Forbidden("Service", service.name, why)

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
        reason, message = self.profile.done
        self.note(service, reason, message.format(ips=", ".join(_addresses(service, offset))))

    def _give(self, service: Service, offset: int) -> None:
        """An address of each of the Service's families, in their order, unless it has just these.

        An NLB has a hostname, so that kube-proxy knows nothing of its addresses: they are there to be seen, and their
        ipMode Proxy says the same.
        """
        wanted = _addresses(service, offset)
        if [ingress.ip for ingress in service.status.load_balancer.ingress] == wanted:
            return
        hostname, ip_mode = (hostname_of(service), "Proxy") if self.profile.name == AWS_NLB else ("", "VIP")
        ingress = (LoadBalancerIngress(ip=ip, hostname=hostname, ip_mode=ip_mode) for ip in wanted)
        self._write(service, tuple(ingress))

    def _release(self, key: Key, service: Service | None) -> None:
        if service is not None and not self.provider.up:
            self._failed(service, f"failed to delete load balancer: {_SILENT}")
        uid, offset = self._held.pop(key)
        heapq.heappush(self._returned, offset)
        if service is not None and service.metadata.uid == uid:
            told = self.profile.begun is not None
            if told:
                self.note(service, "DeletingLoadBalancer", "Deleting load balancer")
            self._write(service, ())
            if told:
                self.note(service, "DeletedLoadBalancer", "Deleted load balancer")

    def _write(self, service: Service, ingress: tuple[LoadBalancerIngress, ...]) -> None:
        status = ServiceStatus(load_balancer=LoadBalancerStatus(ingress=ingress), conditions=service.status.conditions)
        self.store.mutate(Service, service.name, service.namespace, lambda found: replace(found, status=status))

    def _take(self) -> int:
        if self._returned:
            return heapq.heappop(self._returned)
        self._used += 1
        return self._used - 1


def why_pending(service: Service, settings: Settings) -> str:
    """Why a LoadBalancer Service has no address under a profile; empty when it has one."""
    wanted = service.spec.load_balancer_class
    profile = profile_of(settings.load_balancer)
    if service.status.load_balancer.ingress:
        return ""
    if wanted is not None and wanted not in profile.classes:
        return f'nobody in this cluster provides the loadBalancerClass "{wanted}"'
    if profile.name == NONE:
        return "nobody in this cluster provides load balancers (load_balancer: none)"
    if settings.lb_quota:
        return f"its load balancer is still being made, or the quota of {settings.lb_quota} is used up (lb_quota)"
    return "its load balancer is still being made"


def wants_balancer(service: Service, profile: BalancerProfile) -> bool:
    """Whether a Service asks this provider for a balancer."""
    spec = service.spec
    taken = spec.load_balancer_class is None or spec.load_balancer_class in profile.classes
    return spec.type == "LoadBalancer" and taken and not service.metadata.deletion_timestamp


def _addresses(service: Service, offset: int) -> list[str]:
    return [str(FIRST_ADDRESS[family] + offset) for family in service.spec.ip_families or ("IPv4",)]
