"""kube-proxy's answers to load balancers: healthCheckNodePort per Service, and /healthz for the node.

KEP-1669 and pkg/proxy/healthcheck: a node is fit for a Service with the external Local policy while it has a ready
endpoint of it and its proxy is healthy. Only ready endpoints count, and one address counts once over all ports.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec

from lab.network.endpoints import EndpointInfo
from lab.network.rule_table import RuleTable


class HealthAnswer(NamedTuple):
    """An HTTP answer."""

    status: int
    headers: dict[str, str]
    body: str
    local_endpoints: int = 0
    proxy_healthy: bool = True


class _Listener:
    __slots__ = ("count", "port")

    def __init__(self, port: int) -> None:
        self.port = port
        self.count = 0


class HealthCheckServer:
    """One node's healthCheckNodePorts and what it last counted for each Service."""

    def __init__(self) -> None:
        self._listeners: dict[str, _Listener] = {}

    def sync_services(self, ports: Mapping[str, int]) -> None:
        """Listen on these ports by Service and on no others; a Service whose port changed starts at 0 again."""
        kept = self._listeners
        self._listeners = {}
        for service, port in ports.items():
            listener = kept.get(service)
            self._listeners[service] = listener if listener and listener.port == port else _Listener(port)

    def sync_endpoints(self, counts: Mapping[str, int]) -> None:
        """Take over the number of ready local endpoints by Service; whoever is not named has none."""
        for service, listener in self._listeners.items():
            listener.count = counts.get(service, 0)

    @property
    def services(self) -> tuple[str, ...]:
        """The Services that have such a port."""
        return tuple(self._listeners)

    def service_on(self, port: int) -> str:
        """Whose port it is; empty when nobody's."""
        return next((service for service, listener in self._listeners.items() if listener.port == port), "")

    def answer(self, service: str, proxy_healthy: bool) -> HealthAnswer:
        """What a load balancer's check gets: 200, or 503. Raises KeyError for a Service without such a port."""
        count = self._listeners[service].count
        namespace, _, name = service.partition("/")
        body = {
            "service": {"namespace": namespace, "name": name},
            "localEndpoints": count,
            "serviceProxyHealthy": proxy_healthy,
        }
        headers = {
            "Content-Type": "application/json",
            "X-Content-Type-Options": "nosniff",
            "X-Load-Balancing-Endpoint-Weight": str(count),
        }
        status = 200 if count and proxy_healthy else 503
        return HealthAnswer(status, headers, msgspec.json.encode(body).decode(), count, proxy_healthy)


def count_local_ready(endpoints: Iterable[EndpointInfo], node: str) -> int:
    """How many addresses on the node are ready; terminating ones are not, and ports do not count twice."""
    return len({endpoint.ip for endpoint in endpoints if endpoint.ready and endpoint.local_to(node)})


def health_check_services(table: RuleTable) -> dict[str, int]:
    """The Services of a table that have a healthCheckNodePort, in order of the port."""
    ports = sorted(table.health_check_ports.items())
    return {service: port for port, service in ports}


def local_ready_counts(table: RuleTable, node: str, services: Iterable[str]) -> dict[str, int]:
    """The number of ready local endpoints of each of these Services."""
    return {
        service: count_local_ready((e for rule in table.services.get(service, ()) for e in rule.endpoints), node)
        for service in services
    }


def healthz(healthy: bool, last_sync_s: float, now_s: float) -> HealthAnswer:
    """kube-proxy's own /healthz on port 10256."""
    body = msgspec.json.encode({"lastUpdated": last_sync_s, "currentTime": now_s, "nodeEligible": True}).decode()
    return HealthAnswer(200 if healthy else 503, {"Content-Type": "application/json"}, body, 0, healthy)
