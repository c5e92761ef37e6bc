"""Traffic from the internet to whatever a cluster exposes, for runs that bring none of their own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lab.kube.kinds.service import Service, ServicePort
from lab.traffic.client import ClientSpec, Phase

RATE = 5.0
"""Requests a second to each port that is exposed."""


def exposed_clients(services: Iterable[Service]) -> Iterator[ClientSpec]:
    """For each TCP port that a NodePort or LoadBalancer Service opens, clients on the internet who use it."""
    for service in services:
        for port in service.spec.ports:
            url = _url(service, port) if port.protocol == "TCP" else ""
            if url:
                name = service.name if len(service.spec.ports) == 1 else f"{service.name}-{port.port}"
                yield ClientSpec(name=_in(service, name), source="internet", url=url, phases=(Phase(rate=RATE),))


def _in(service: Service, name: str) -> str:
    return name if service.namespace in ("", "default") else f"{service.namespace}/{name}"


def _url(service: Service, port: ServicePort) -> str:
    """Where the internet reaches a port: at the load balancer, or at any node."""
    scheme = "https" if port.port == 443 else "http"
    if service.spec.type == "LoadBalancer":
        host = service.name if service.namespace == "default" else f"{service.name}.{service.namespace}"
        return f"{scheme}://{host}:{port.port}/"
    if service.spec.type == "NodePort" and port.node_port:
        return f"{scheme}://nodes:{port.node_port}/"
    return ""
