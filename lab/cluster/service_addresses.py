"""What the API server allocates for a Service, and takes back: cluster IPs and node ports.

A write that fails, or is only tried, gives back all that it had taken. See KEP-3070, KEP-3668, KEP-1880 and the
registry of core/v1 Service.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from copy import copy

from msgspec.structs import replace

from lab.cluster.addresses import PoolError, node_port_pool
from lab.cluster.cluster_ips import ClusterIPs
from lab.cluster.errors import FieldError, Invalid, invalid
from lab.cluster.service_needs import HEADLESS, needs_cluster_ip
from lab.cluster.service_node_ports import NodePorts
from lab.cluster.transaction import Transaction
from lab.kube.kinds.service import Service, ServiceSpec
from lab.settings import Settings

Heard = Callable[[str, Service], None]
"""Told of an address and the Service that has taken it or given it back."""


class ServiceAddresses:
    """The pools of a cluster, and the Services' use of them.

    Whoever keeps account of the addresses in use is `on_taken` and `on_returned`.
    """

    def __init__(self, settings: Settings, seed: int = 0) -> None:
        self.ips = ClusterIPs(settings.service_cidr.split(","), seed)
        self.node_ports = node_port_pool(settings.node_port_range, random.Random(f"{seed}/node-ports"))
        self.on_taken: list[Heard] = []
        self.on_returned: list[Heard] = []
        self._ports = NodePorts(self.node_ports)

    def allocate(self, new: Service, old: Service | None, *, dry_run: bool = False, thorough: bool = False) -> Service:
        """The Service with the addresses and ports that it lacks; raises Invalid, having taken nothing.

        A dry run shows what would be given, and takes nothing either. The allocator gives up at the first thing that
        it cannot give; a `thorough` one tells all of them.
        """
        before = old.spec if old is not None else None
        if before is new.spec:
            return new
        forget = (self.ips.remember(), self.node_ports.remember()) if dry_run else ()
        write = Transaction()
        spec = self._cluster_ips(new.spec, before, write)
        spec = self._ports.settle(spec, before, write)
        if write.errors:
            write.revert()
            raise Invalid("Service", new.name, write.errors if thorough else write.errors[:1])
        after = replace(new, spec=spec)
        if dry_run:
            write.revert()
            for go_back in forget:
                go_back()
            return after
        write.commit()
        self._tell(after, old)
        return after

    def fork(self) -> ServiceAddresses:
        """The same pools, to be drawn from without these noticing; nobody hears of it."""
        twin = copy(self)
        twin.ips, twin.node_ports = self.ips.fork(), self.node_ports.fork()
        twin.on_taken, twin.on_returned = [], []
        twin._ports = NodePorts(twin.node_ports)
        return twin

    def claim(self, new: Service, old: Service | None, refused: Iterable[FieldError]) -> list[FieldError]:
        """What a Service asks for and cannot have, besides what it is `refused` for; the rest is kept for it.

        So that in a trial one error hides no other, nor that somebody else asks for the same number.
        """
        write, before = Transaction(), old.spec if old is not None else None
        spec = new.spec
        settled = not any(error.path.startswith(("spec.clusterIP", "spec.ipFamil")) for error in refused)
        if settled and spec.cluster_ips:
            spec = self._cluster_ips(spec, before, write)
        spec = self._ports.settle(spec, before, write)
        for address in addresses_of(spec):
            if address not in new.spec.cluster_ips:
                self.ips.release(address)
        self._ports.release_picks(spec, new.spec)
        return write.errors

    def release(self, service: Service) -> None:
        """Take back everything that a Service had."""
        for address in addresses_of(service.spec):
            self.ips.release(address)
            for heard in self.on_returned:
                heard(address, service)
        self._ports.release(service.spec)

    def _tell(self, new: Service, old: Service | None) -> None:
        after, before = addresses_of(new.spec), addresses_of(old.spec) if old is not None else ()
        if after == before:
            return
        for address in before:
            if address not in after and old is not None:
                for heard in self.on_returned:
                    heard(address, old)
        for address in after:
            if address not in before:
                for heard in self.on_taken:
                    heard(address, new)

    def _cluster_ips(self, spec: ServiceSpec, old: ServiceSpec | None, write: Transaction) -> ServiceSpec:
        held = addresses_of(old) if old is not None else ()
        if not needs_cluster_ip(spec):
            write.afterwards += [self._returner(address) for address in held]
            return spec
        if spec.cluster_ip == HEADLESS:
            return spec
        addresses = []
        for index, family in enumerate(spec.ip_families):
            wanted = spec.cluster_ips[index] if index < len(spec.cluster_ips) else ""
            addresses.append(wanted if wanted in held else self._take(wanted, family, spec.cluster_ips, write))
        write.afterwards += [self._returner(address) for address in held if address not in addresses]
        return replace(spec, cluster_ip=addresses[0], cluster_ips=tuple(addresses))

    def _take(self, wanted: str, family: str, asked: Sequence[str], write: Transaction) -> str:
        try:
            if wanted:
                self.ips.take(wanted)
            address = wanted or self.ips.pick(family)
        except PoolError as error:
            write.errors.append(invalid("spec.clusterIPs", list(asked), str(error)))
            return wanted
        write.undo.append(self._returner(address))
        return address

    def _returner(self, address: str) -> Callable[[], None]:
        return lambda: self.ips.release(address)


def addresses_of(spec: ServiceSpec) -> tuple[str, ...]:
    """The cluster IPs that a Service holds; none when it is headless."""
    found = spec.cluster_ips or ((spec.cluster_ip,) if spec.cluster_ip else ())
    return tuple(address for address in found if address not in ("", HEADLESS)) if needs_cluster_ip(spec) else ()
