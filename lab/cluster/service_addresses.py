"""What the API server allocates for a Service, and takes back: cluster IPs, node ports, health check node ports.

A failed write gives back all that it had taken. See KEP-3070, KEP-3668 and the registry of core/v1 Service.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from msgspec.structs import replace

from lab.cluster.addresses import AddressPool, PoolError, node_port_pool
from lab.cluster.errors import FieldError, Invalid, invalid
from lab.kube.kinds.service import Service, ServicePort, ServiceSpec
from lab.kube.meta import KubeObject
from lab.settings import Settings

HEADLESS = "None"


def needs_cluster_ip(spec: ServiceSpec) -> bool:
    """Whether the type of Service has a cluster IP (or says `None`)."""
    return spec.type in ("ClusterIP", "NodePort", "LoadBalancer")


def needs_node_ports(spec: ServiceSpec) -> bool:
    """Whether the type of Service has node ports."""
    return spec.type in ("NodePort", "LoadBalancer")


def needs_health_check_port(spec: ServiceSpec) -> bool:
    """Whether load balancers ask each node if it has local endpoints (KEP-1669)."""
    return spec.type == "LoadBalancer" and spec.external_traffic_policy == "Local"


class _Write:
    """The allocations of one write, so that they can be undone, and the releases that wait for its success."""

    def __init__(self) -> None:
        self.undo: list[Callable[[], None]] = []
        self.afterwards: list[Callable[[], None]] = []


class ServiceAddresses:
    """The pools of a cluster and the store hooks that use them: `admit` on writes, `release` when a Service is gone."""

    def __init__(self, settings: Settings, seed: int = 0) -> None:
        cidrs = settings.service_cidr.split(",")
        self.pools = [AddressPool(cidr, random.Random(f"{seed}/cluster-ips/{cidr.strip()}")) for cidr in cidrs]
        self.node_ports = node_port_pool(settings.node_port_range, random.Random(f"{seed}/node-ports"))
        self._families = {pool.family: pool for pool in self.pools}

    def admit(self, new: KubeObject, old: KubeObject | None) -> KubeObject:
        """Give a Service the addresses and ports that it lacks; raises Invalid, having taken nothing."""
        if not isinstance(new, Service):
            return new
        before = old.spec if isinstance(old, Service) else None
        if before is new.spec:
            return new
        write = _Write()
        try:
            spec = self._cluster_ips(new.spec, before, write)
            spec = self._ports(spec, before, write)
            spec = self._health_check_port(spec, before, write)
        except _RefusedError as refused:
            for undo in reversed(write.undo):
                undo()
            raise Invalid("Service", new.name, [refused.error]) from None
        for release in write.afterwards:
            release()
        return replace(new, spec=spec)

    def release(self, obj: KubeObject) -> None:
        """Take back everything that a Service had."""
        if not isinstance(obj, Service):
            return
        for address in addresses_of(obj.spec):
            self._give_back(address)
        for number in held_ports(obj.spec):
            self.node_ports.release(number)

    # -- cluster IPs ----------------------------------------------------------------------------------------------

    def _cluster_ips(self, spec: ServiceSpec, old: ServiceSpec | None, write: _Write) -> ServiceSpec:
        held = addresses_of(old) if old is not None else ()
        if not needs_cluster_ip(spec):
            write.afterwards += [self._returner(address) for address in held]
            return spec
        families, policy = self._wanted_families(spec, old)
        if spec.cluster_ip == HEADLESS:
            return replace(spec, cluster_ips=(HEADLESS,), ip_families=families, ip_family_policy=policy)
        asked = spec.cluster_ips or ((spec.cluster_ip,) if spec.cluster_ip else ())
        asked = asked[: len(families)]
        addresses = []
        for index, family in enumerate(families):
            wanted = asked[index] if index < len(asked) else ""
            addresses.append(wanted if wanted in held else self._take_address(wanted, family, index, write))
        write.afterwards += [self._returner(address) for address in held if address not in addresses]
        return replace(
            spec,
            cluster_ip=addresses[0],
            cluster_ips=tuple(addresses),
            ip_families=families,
            ip_family_policy=policy,
        )

    def _wanted_families(self, spec: ServiceSpec, old: ServiceSpec | None) -> tuple[tuple[str, ...], str]:
        """The IP families of a Service in order, and its policy (KEP-563)."""
        policy = spec.ip_family_policy or (old.ip_family_policy if old is not None else None) or "SingleStack"
        bare = spec.cluster_ip == HEADLESS and not spec.selector
        if spec.ip_family_policy is None and bare and old is None:
            policy = "RequireDualStack"
        if policy == "RequireDualStack" and len(self._families) < 2 and not bare:
            detail = "this cluster is not configured for dual-stack services"
            raise _RefusedError(invalid("spec.ipFamilyPolicy", policy, detail))
        families = list(spec.ip_families) or [_family_of(ip) for ip in spec.cluster_ips if ip != HEADLESS]
        families = families or ([_family_of(spec.cluster_ip)] if spec.cluster_ip not in ("", HEADLESS) else [])
        for index, family in enumerate(families):
            if family not in self._families and not bare:
                raise _RefusedError(invalid(f"spec.ipFamilies[{index}]", family, "not configured on this cluster"))
        families = families or [self.pools[0].family]
        known = ("IPv4", "IPv6") if bare and policy == "RequireDualStack" else tuple(self._families)
        if policy != "SingleStack":
            families += [family for family in known if family not in families]
        return tuple(families if policy != "SingleStack" else families[:1]), policy

    def _take_address(self, wanted: str, family: str, index: int, write: _Write) -> str:
        pool = self._families[family]
        try:
            if wanted:
                pool.take(wanted)
            address = wanted or pool.pick()
        except PoolError as error:
            raise _RefusedError(invalid("spec.clusterIPs", [wanted] if wanted else [], str(error))) from error
        write.undo.append(self._returner(address))
        return address

    def _returner(self, address: str) -> Callable[[], None]:
        return lambda: self._give_back(address)

    def _give_back(self, address: str) -> None:
        family = _family_of(address)
        if family in self._families:
            self._families[family].release(address)

    # -- node ports -----------------------------------------------------------------------------------------------

    def _ports(self, spec: ServiceSpec, old: ServiceSpec | None, write: _Write) -> ServiceSpec:
        held = node_ports_of(old) if old is not None else ()
        if not needs_node_ports(spec):
            write.afterwards += [self._port_returner(number) for number in held]
            return spec
        ports: list[ServicePort] = []
        taken: dict[int, None] = {}
        for index, port in enumerate(spec.ports):
            number = self._node_port(spec, index, port, held, taken, ports, write)
            if number:
                taken[number] = None
            ports.append(port if port.node_port == number else replace(port, node_port=number))
        write.afterwards += [self._port_returner(number) for number in held if number not in taken]
        return replace(spec, ports=tuple(ports))

    def _node_port(
        self,
        spec: ServiceSpec,
        index: int,
        port: ServicePort,
        held: tuple[int, ...],
        taken: dict[int, None],
        before: list[ServicePort],
        write: _Write,
    ) -> int:
        number = port.node_port
        if not number and not _allocates_node_ports(spec):
            return 0
        if not number:
            # The same port over another protocol shares its node port, one that is asked for further down included.
            alike = [*before, *spec.ports[index + 1 :]]
            number = next((each.node_port for each in alike if each.port == port.port and each.node_port), 0)
        if number in taken or number in held:
            return number
        return self._take_port(number, f"spec.ports[{index}].nodePort", write)

    def _health_check_port(self, spec: ServiceSpec, old: ServiceSpec | None, write: _Write) -> ServiceSpec:
        held = old.health_check_node_port if old is not None and needs_health_check_port(old) else 0
        if not needs_health_check_port(spec):
            if held:
                write.afterwards.append(self._port_returner(held))
            return spec
        wanted = spec.health_check_node_port
        if held and wanted in (0, held):
            return replace(spec, health_check_node_port=held)
        return replace(spec, health_check_node_port=self._take_port(wanted, "spec.healthCheckNodePort", write))

    def _take_port(self, wanted: int, path: str, write: _Write) -> int:
        pool = self.node_ports
        if wanted and wanted not in pool:
            detail = f"provided port is not in the valid range. The range of valid ports is {pool.first}-{pool.last}"
            raise _RefusedError(invalid(path, wanted, detail))
        if wanted and not pool.take(wanted):
            raise _RefusedError(invalid(path, wanted, "provided port is already allocated"))
        number = wanted or pool.pick()
        if number is None:
            raise _RefusedError(invalid(path, 0, "failed to allocate a nodePort: range is full"))
        write.undo.append(self._port_returner(number))
        return number

    def _port_returner(self, number: int) -> Callable[[], None]:
        return lambda: self.node_ports.release(number)


class _RefusedError(Exception):
    def __init__(self, error: FieldError) -> None:
        super().__init__(str(error))
        self.error = error


def addresses_of(spec: ServiceSpec) -> tuple[str, ...]:
    """The cluster IPs that a Service holds; none when it is headless."""
    found = spec.cluster_ips or ((spec.cluster_ip,) if spec.cluster_ip else ())
    return tuple(address for address in found if address not in ("", HEADLESS)) if needs_cluster_ip(spec) else ()


def node_ports_of(spec: ServiceSpec) -> tuple[int, ...]:
    """The node ports that a Service holds, without the one for health checks."""
    if not needs_node_ports(spec):
        return ()
    return tuple(dict.fromkeys(port.node_port for port in spec.ports if port.node_port))


def held_ports(spec: ServiceSpec) -> tuple[int, ...]:
    """All node ports that a Service holds, the one for health checks included."""
    health = spec.health_check_node_port if needs_health_check_port(spec) else 0
    return (*node_ports_of(spec), health) if health else node_ports_of(spec)


def _allocates_node_ports(spec: ServiceSpec) -> bool:
    return spec.type == "NodePort" or spec.allocate_load_balancer_node_ports is not False


def _family_of(address: str) -> str:
    return "IPv6" if ":" in address else "IPv4"
