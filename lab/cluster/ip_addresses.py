"""Keeps the IPAddress objects and the pools of cluster IPs true to each other (KEP-1880).

An address that a Service takes gets an object at once; an object that somebody makes by hand takes its address; a
ServiceCIDR opens its networks, and closes them when it is being deleted.
"""

from __future__ import annotations

from lab.cluster.service_addresses import ServiceAddresses, addresses_of
from lab.cluster.store import Change, Store
from lab.kube.ip import family_of, read_address
from lab.kube.kinds.ipaddress import (
    IP_ALLOCATOR,
    IP_FAMILY_LABEL,
    IP_MANAGED_BY_LABEL,
    IPAddress,
    IPAddressSpec,
    ParentReference,
)
from lab.kube.kinds.service import Service
from lab.kube.kinds.servicecidr import ServiceCIDR
from lab.kube.meta import KubeObject, ObjectMeta


class AddressKeeper:
    """Hears of both sides in the very moment of each write."""

    def __init__(self, store: Store, addresses: ServiceAddresses) -> None:
        self._store = store
        self._addresses = addresses
        self._returning = ""
        addresses.on_taken.append(self._taken)
        addresses.on_returned.append(self._returned)
        store.subscribe(self._hear_of_address, IPAddress)
        store.subscribe(self._hear_of_cidr, ServiceCIDR)

    def _taken(self, address: str, service: Service) -> None:
        name = _name(address)
        if self._store.find(IPAddress, name, "") is None:
            self._store.create(ip_address(name, service))

    def _returned(self, address: str, service: Service) -> None:
        self._returning = _name(address)
        if self._store.find(IPAddress, self._returning, "") is not None:
            self._store.delete(IPAddress, self._returning, "")
        self._returning = ""

    def _hear_of_address(self, change: Change) -> None:
        name, ips = change.object.name, self._addresses.ips
        if change.type == "ADDED":
            if not ips.in_use(name) and ips.holds(name):
                ips.take(name)
        elif change.type == "DELETED" and name != self._returning:
            holder = self._holder(change.object)
            if holder is not None:
                self._store.create(ip_address(name, holder))
            else:
                ips.release(name)

    def _holder(self, gone: KubeObject) -> Service | None:
        """The Service that still has an address whose object somebody has deleted; its object is put back."""
        parent = gone.spec.parent_ref if isinstance(gone, IPAddress) else None
        if parent is None or parent.resource != "services":
            return None
        service = self._store.find(Service, parent.name, parent.namespace)
        held = service is not None and gone.name in map(_name, addresses_of(service.spec))
        return service if held else None

    def _hear_of_cidr(self, change: Change) -> None:
        found, ips = change.object, self._addresses.ips
        assert isinstance(found, ServiceCIDR)
        others = [each.spec.cidrs for each in self._store.list(ServiceCIDR) if each.name != found.name]
        for cidr in found.spec.cidrs:
            if any(cidr in cidrs for cidrs in others):
                continue
            if change.type == "DELETED":
                ips.remove(cidr)
            elif found.metadata.deletion_timestamp is not None:
                ips.close(cidr)
            else:
                ips.add(cidr, [each.name for each in self._store.list(IPAddress)])


def ip_address(address: str, service: Service) -> IPAddress:
    """The object that says that a Service has an address."""
    labels = {IP_FAMILY_LABEL: family_of(address), IP_MANAGED_BY_LABEL: IP_ALLOCATOR}
    parent = ParentReference(resource="services", namespace=service.namespace, name=service.name)
    return IPAddress(metadata=ObjectMeta(name=address, labels=labels), spec=IPAddressSpec(parent_ref=parent))


def _name(address: str) -> str:
    """The address in canonical form, which IPAddress objects are named by."""
    return str(read_address(address).value or address)
