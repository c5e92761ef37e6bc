"""Traffic for runs that bring none of their own: to what the cluster exposes, and to what nobody in it calls."""

from __future__ import annotations

from collections.abc import Iterator

from lab.engine import Engine
from lab.kube.kinds.service import Service, ServicePort
from lab.traffic.client import ClientSpec, Phase

OUTSIDE_RATE = 5.0
"""Requests a second from the internet to each port that is exposed."""
INSIDE_RATE = 2.0
"""Requests a second from the client Pod to each Service that is neither exposed nor called by an app."""
_WEB_PORTS = (80, 443, 3000, 5000, 8000, 8080, 9080)


def usual_clients(engine: Engine, source: str) -> Iterator[ClientSpec]:
    """Clients for every Service that would stand idle otherwise; `source` is the Pod from which those inside send."""
    called = _called(engine)
    for service in engine.store.list(Service):
        outside = list(_outside(service))
        yield from outside
        if not outside and service.namespace != "kube-system" and service.key not in called:
            yield from _inside(service, source)


def _called(engine: Engine) -> dict[tuple[str, str], None]:
    """The Services that apps of the cluster call, by (namespace, name)."""
    services = engine.traffic.servers.services
    servers = [server for pod in engine.traffic.servers.pods.values() for server in pod.values()]
    called = (services.meant(target.host, one.pod.namespace) for one in servers for target in one.calls)
    return {meant.key: None for meant in called if meant is not None}


def _outside(service: Service) -> Iterator[ClientSpec]:
    """For each TCP port that a NodePort or LoadBalancer Service opens, clients on the internet who use it."""
    for port in service.spec.ports:
        url = _outside_url(service, port) if port.protocol == "TCP" else ""
        if url:
            yield ClientSpec(name=_name(service, port), source="internet", url=url, phases=(Phase(rate=OUTSIDE_RATE),))


def _inside(service: Service, source: str) -> Iterator[ClientSpec]:
    """A client for each port of a Service with Pods behind it."""
    for port in service.spec.ports if service.spec.selector else ():
        scheme = port.protocol.lower()
        if port.protocol == "TCP" and (port.port in _WEB_PORTS or port.name.startswith("http")):
            scheme = "http"
        url = f"{scheme}://{service.name}.{service.namespace}:{port.port}"
        yield ClientSpec(name=_name(service, port), source=source, url=url, phases=(Phase(rate=INSIDE_RATE),))


def _name(service: Service, port: ServicePort) -> str:
    """The Service's name, told apart by port and namespace where that is needed."""
    name = service.name if len(service.spec.ports) == 1 else f"{service.name}-{port.port}"
    return name if service.namespace in ("", "default") else f"{service.namespace}/{name}"


def _outside_url(service: Service, port: ServicePort) -> str:
    """Where the internet reaches a port: at the load balancer, or at any node."""
    scheme = "https" if port.port == 443 else "http"
    if service.spec.type == "LoadBalancer":
        host = service.name if service.namespace == "default" else f"{service.name}.{service.namespace}"
        return f"{scheme}://{host}:{port.port}/"
    if service.spec.type == "NodePort" and port.node_port:
        return f"{scheme}://nodes:{port.node_port}/"
    return ""
