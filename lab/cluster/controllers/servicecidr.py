"""Lets a ServiceCIDR go only when none of its addresses is in use any more (KEP-1880).

https://kubernetes.io/docs/tasks/network/extend-service-ip-ranges/
"""

from __future__ import annotations

import ipaddress

from msgspec.structs import replace

from lab.cluster.controllers.base import Controller, Key
from lab.cluster.system_objects import default_service_cidr
from lab.cluster.watch import Change
from lab.kube.ip import read_address, read_network
from lab.kube.kinds.ipaddress import IPAddress
from lab.kube.kinds.servicecidr import DEFAULT_SERVICE_CIDR, SERVICE_CIDR_FINALIZER, ServiceCIDR
from lab.kube.meta import Condition

GRACE_S = 10.0
"""How long a ServiceCIDR without addresses waits before it goes, for allocations that are under way."""
TERMINATING = "There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR"


class ServiceCIDRController(Controller):
    """Keeps the finalizer and the Ready condition of every ServiceCIDR, and the default one in place."""

    name = "service-cidr-controller"

    def connect(self) -> None:
        """Follow the networks, and the addresses that hold them."""
        self.follow(ServiceCIDR)
        self.follow(IPAddress, self._terminating)

    def _terminating(self, change: Change) -> list[Key]:
        if change.type != "DELETED":
            return []
        return [each.key for each in self.store.list(ServiceCIDR) if each.metadata.deletion_timestamp is not None]

    async def reconcile(self, key: Key) -> None:
        """Bring one ServiceCIDR to where it belongs."""
        found = self.store.find(ServiceCIDR, key[1], "")
        if found is None:
            if key[1] == DEFAULT_SERVICE_CIDR:
                self.store.create(default_service_cidr(self.settings))
        elif found.metadata.deletion_timestamp is None:
            self._keep(found)
        elif self._in_use(found):
            self._write(found, found.metadata.finalizers, "False", "Terminating", TERMINATING)
        else:
            waited_s = self.clock.time() - found.metadata.deletion_timestamp
            if waited_s < GRACE_S:
                self.queue.add_after(key, GRACE_S - waited_s)
            else:
                finalizers = tuple(each for each in found.metadata.finalizers if each != SERVICE_CIDR_FINALIZER)
                self.store.update(replace(found, metadata=replace(found.metadata, finalizers=finalizers)))

    def _keep(self, found: ServiceCIDR) -> None:
        finalizers = found.metadata.finalizers
        if SERVICE_CIDR_FINALIZER not in finalizers:
            finalizers = (*finalizers, SERVICE_CIDR_FINALIZER)
        self._write(found, finalizers, "True", "", "Kubernetes Service CIDR is ready")

    def _write(self, found: ServiceCIDR, finalizers: tuple[str, ...], status: str, reason: str, message: str) -> None:
        held = next((each for each in found.status.conditions if each.type == "Ready"), None)
        if held is None or (held.status, held.reason) != (status, reason):
            now = self.clock.time()
            held = Condition(type="Ready", status=status, reason=reason, message=message, last_transition_time=now)
        conditions = (*(each for each in found.status.conditions if each.type != "Ready"), held)
        meta = found.metadata
        if meta.finalizers != finalizers:
            meta = replace(meta, finalizers=finalizers)
        self.store.update(replace(found, metadata=meta, status=replace(found.status, conditions=conditions)))

    def _in_use(self, found: ServiceCIDR) -> bool:
        """Whether an address of it is in use that no other ServiceCIDR has."""
        own = _networks(found)
        others = [
            network
            for each in self.store.list(ServiceCIDR)
            if each.name != found.name and each.metadata.deletion_timestamp is None
            for network in _networks(each)
        ]
        addresses = [read_address(each.name).value for each in self.store.list(IPAddress)]
        return any(
            any(address in network for network in own) and not any(address in network for network in others)
            for address in addresses
            if address is not None
        )


def _networks(found: ServiceCIDR) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    return [network for cidr in found.spec.cidrs if (network := read_network(cidr).value) is not None]
