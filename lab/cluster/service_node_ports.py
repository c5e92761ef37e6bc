"""Node ports and health check node ports of Services (KEP-3668): rules 16 to 18 of the Service API."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from lab.cluster.addresses import Pool
from lab.cluster.errors import invalid
from lab.cluster.service_needs import needs_health_check_port, needs_node_ports, picks_node_ports
from lab.cluster.transaction import Transaction
from lab.kube.kinds.service import ServiceSpec


class NodePorts:
    """Gives Services their node ports out of one pool, whatever the protocol."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool

    def settle(self, spec: ServiceSpec, old: ServiceSpec | None, write: Transaction) -> ServiceSpec:
        """The spec with the ports that it lacks; `write` has what cannot be given."""
        held = node_ports_of(old) if old is not None else ()
        if needs_node_ports(spec):
            spec = self._updated(spec, held, write) if old is not None else self._first(spec, write)
        kept = node_ports_of(spec)
        write.afterwards += [self._returner(number) for number in held if number not in kept]
        return self._health_check(spec, old, write)

    def release(self, spec: ServiceSpec) -> None:
        """Take back everything that a Service had."""
        for number in held_ports(spec):
            self.pool.release(number)

    def release_picks(self, settled: ServiceSpec, asked: ServiceSpec) -> None:
        """Take back what was picked: what the spec has now and did not ask for."""
        wanted = held_ports(asked)
        for number in held_ports(settled):
            if number not in wanted:
                self.pool.release(number)

    def _first(self, spec: ServiceSpec, write: Transaction) -> ServiceSpec:
        """A new Service: ports of one number share a node port over all protocols, asked for or picked."""
        by_port: dict[int, int] = {}
        ports = []
        for index, port in enumerate(spec.ports):
            path = f"spec.ports[{index}].nodePort"
            number = port.node_port
            shared = by_port.get(port.port, 0)
            if not number and not picks_node_ports(spec):
                pass
            elif not shared:
                alike = (each.node_port for each in spec.ports if each.port == port.port and each.node_port)
                number = by_port[port.port] = self._take(next(alike, 0), path, write)
            elif not number:
                number = shared
            elif number != shared:
                self._take(number, path, write)
            ports.append(port if number == port.node_port else replace(port, node_port=number))
        return replace(spec, ports=tuple(ports))

    def _updated(self, spec: ServiceSpec, held: tuple[int, ...], write: Transaction) -> ServiceSpec:
        """A changed Service: what it has it keeps, and what it lacks is picked, one for each port."""
        taken: dict[int, None] = {}
        ports = []
        for index, port in enumerate(spec.ports):
            number, path = port.node_port, f"spec.ports[{index}].nodePort"
            if number and number not in held and number not in taken:
                taken[self._take(number, path, write)] = None
            elif not number and picks_node_ports(spec):
                number = self._take(0, path, write)
            ports.append(port if number == port.node_port else replace(port, node_port=number))
        return replace(spec, ports=tuple(ports))

    def _health_check(self, spec: ServiceSpec, old: ServiceSpec | None, write: Transaction) -> ServiceSpec:
        held = old.health_check_node_port if old is not None and needs_health_check_port(old) else 0
        if not needs_health_check_port(spec):
            if held:
                write.afterwards.append(self._returner(held))
            return spec
        if held:
            return spec
        number = self._take(spec.health_check_node_port, "spec.healthCheckNodePort", write)
        return replace(spec, health_check_node_port=number)

    def _take(self, wanted: int, path: str, write: Transaction) -> int:
        pool = self.pool
        if wanted and wanted not in pool:
            detail = f"provided port is not in the valid range. The range of valid ports is {pool.first}-{pool.last}"
            write.errors.append(invalid(path, wanted, detail))
            return wanted
        if wanted and not pool.take(wanted):
            write.errors.append(invalid(path, wanted, "provided port is already allocated"))
            return wanted
        number = wanted or pool.pick()
        if number is None:
            write.errors.append(invalid(path, 0, "failed to allocate a nodePort: range is full"))
            return 0
        write.undo.append(self._returner(number))
        return number

    def _returner(self, number: int) -> Callable[[], None]:
        return lambda: self.pool.release(number)


def node_ports_of(spec: ServiceSpec) -> tuple[int, ...]:
    """The node ports that a Service holds, without the one for health checks."""
    if not needs_node_ports(spec):
        return ()
    return tuple(dict.fromkeys(port.node_port for port in spec.ports if port.node_port))


def held_ports(spec: ServiceSpec) -> tuple[int, ...]:
    """All node ports that a Service holds, the one for health checks included."""
    health = spec.health_check_node_port if needs_health_check_port(spec) else 0
    return (*node_ports_of(spec), health) if health else node_ports_of(spec)
