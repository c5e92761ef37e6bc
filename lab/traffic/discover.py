"""Whom an app calls, read off its environment and arguments, and which ports it listens on."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import msgspec
from msgspec.structs import replace

from lab.kube.kinds.pod import Container, Pod, Probe
from lab.kube.kinds.service import Service
from lab.traffic.request import SCHEMES

_URL = re.compile(r"\b([a-z][a-z0-9+.-]*)://(?:[^\s/@\"']*@)?([a-z0-9][a-z0-9.-]*)(?::(\d{1,5}))?", re.IGNORECASE)
_HOST_PORT = re.compile(r"(?<![\w.:/-])([a-z0-9][a-z0-9.-]*):(\d{1,5})(?![\w:.-])", re.IGNORECASE)
_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")

_NOT_HTTP = {21, 22, 25, 389, 1433, 1521, 1883, 2181, 2379, 3306, 3868, 4222, 5432, 5671, 5672, 6379, 6380, 7687, 8125,
             9042, 9092, 9160, 11211, 26379, 26257, 27017}  # fmt: skip
"""Ports that IANA or custom gives to protocols other than HTTP."""


class Mention(msgspec.Struct, frozen=True):
    """A host that a container's environment or arguments name; port 0 when they name none."""

    host: str
    port: int = 0
    scheme: str = ""
    after: str = ""
    """The first host of the text that it stands in, when it is not the first itself: `a` for the `b` of `a:1,b:1`."""


def mentions(container: Container) -> tuple[Mention, ...]:
    """Every URL, `host:port` and bare word that could be a Service, in the order they stand there."""
    found: dict[str, Mention] = {}
    for text in (*(env.value for env in container.env), *container.command[1:], *container.args):
        first = ""
        for mention in _mentions_in(text):
            first = first or mention.host
            known = found.get(mention.host)
            if mention.host != first:
                mention = replace(mention, after=first)
            if known is None or (not known.port and mention.port) or (known.after and not mention.after):
                found[mention.host] = mention
    return tuple(found.values())


def _mentions_in(text: str) -> Iterator[Mention]:
    for scheme, host, port in _URL.findall(text):
        yield Mention(host.lower(), int(port or 0), scheme.lower())
    for host, port in _HOST_PORT.findall(text):
        yield Mention(host.lower(), int(port))
    word = text.rpartition("=")[2] if text.startswith("-") else text
    if _NAME.fullmatch(word):
        yield Mention(word)


class Meant(msgspec.Struct, frozen=True):
    """What a host may stand for: a Service, or one Pod of it by the Pod's own name."""

    namespace: str
    service: str
    pod: str = ""

    @property
    def key(self) -> tuple[str, str]:
        """(namespace, name) of the Service."""
        return (self.namespace, self.service)


def meanings(host: str, namespace: str, domain: str) -> tuple[Meant, ...]:
    """Everything that `host` may stand for where a Pod of `namespace` says it, likeliest first; nothing for others.

    `SERVICE`, `SERVICE.NAMESPACE` and `POD.SERVICE.NAMESPACE`, with `.svc` and the cluster's domain or without; and
    `POD.SERVICE`, which the search path of resolv.conf completes with the Pod's own namespace.
    """
    short = host.rstrip(".").removesuffix(f".{domain}")
    whole = short.endswith(".svc")
    labels = short.removesuffix(".svc").split(".")
    match labels:
        case [service] if service and not whole:
            return (Meant(namespace, service),)
        case [first, second] if whole:
            return (Meant(second, first),)
        case [first, second]:
            return (Meant(second, first), Meant(namespace, second, first))
        case [pod, service, space]:
            return (Meant(space, service, pod),)
    return ()


def call_url(mention: Mention, service: Service) -> str | None:
    """The URL with which an app calls a Service that it mentions; None when the Service has no port."""
    port = next((p for p in service.spec.ports if p.port == mention.port), None)
    number, protocol = mention.port, "TCP"
    if port is None and not mention.port and service.spec.ports:
        port = service.spec.ports[0]
    if port is not None:
        number, protocol = port.port, port.protocol
    if not number:
        return None
    scheme = mention.scheme if mention.scheme in SCHEMES else ""
    if protocol != "TCP":
        scheme = protocol.lower()
    return f"{scheme or ('tcp' if number in _NOT_HTTP else 'http')}://{mention.host}:{number}"


def declared_ports(pod: Pod, container: Container) -> dict[tuple[str, int], None]:
    """(protocol, port) that a container says it listens on: its containerPorts; without any, what its probes ask.

    A probe of another port than those declared fails, as the mistake does that it usually is.
    """
    if container.ports:
        return {(port.protocol, port.container_port): None for port in container.ports}
    probes = (container.startup_probe, container.readiness_probe, container.liveness_probe)
    numbers = [number for number in map(_probe_number, probes) if number]
    taken = {port.container_port: None for each in pod.spec.containers for port in each.ports}
    return {("TCP", number): None for number in numbers if number not in taken}


def _probe_number(probe: Probe | None) -> int:
    if probe is None:
        return 0
    action = probe.http_get or probe.tcp_socket or probe.grpc
    return action.port if action is not None and isinstance(action.port, int) else 0


def listening(pod: Pod, container: Container, services: Callable[[], Iterator[Service]]) -> dict[tuple[str, int], None]:
    """Where a container of an unknown image listens.

    On what it declares, also under another protocol when a Service says so; and when no container of the Pod
    declares a port, on the numeric targetPorts of the Services that select the Pod.
    """
    own = declared_ports(pod, container)
    numbers = {number: None for _, number in own}
    anywhere = any(other.ports for other in pod.spec.containers)
    first = bool(pod.spec.containers) and pod.spec.containers[0].name == container.name
    for service in services():
        for port in service.spec.ports:
            target = port.target_port if port.target_port is not None else port.port
            if isinstance(target, int) and (target in numbers or (not anywhere and first)):
                own[(port.protocol, target)] = None
    return own
