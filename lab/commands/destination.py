"""Where a packet is to go: a URL, `web:80`, `web:http`, `10.96.0.12:53/UDP`, or an object such as `service/web:80`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from lab.commands.call import Call
from lab.commands.registry import ValueType
from lab.commands.words import CommandError, Word
from lab.kube.errors import LabError, nearest
from lab.kube.kinds.node import Node
from lab.kube.kinds.pod import Pod
from lab.kube.kinds.service import Service, ServicePort
from lab.kube.meta import KubeObject
from lab.network.addresses import join, normalize
from lab.network.flow import Source
from lab.traffic.request import Target, parse_target

_KINDS: dict[str, type[KubeObject]] = {
    **dict.fromkeys(("service", "services", "svc"), Service),
    **dict.fromkeys(("pod", "pods", "po"), Pod),
    **dict.fromkeys(("node", "nodes", "no"), Node),
}
_SCHEMES = {"TCP": "http", "UDP": "udp", "SCTP": "sctp"}
_NAMED_PORT = re.compile(r"([a-z][-a-z0-9.]*):([-a-z0-9]*[a-z][-a-z0-9]*)", re.IGNORECASE)
"""A name, and a port by its name."""


class Destination(NamedTuple):
    """What was written; an object's address depends on who asks for it."""

    text: str
    target: Target | None
    """A URL; None for an object."""
    obj: KubeObject | None = None
    port: str = ""
    """A number or a Service port's name; empty when it was left out."""
    protocol: str = ""
    """TCP, UDP or SCTP; empty when it was left out."""
    host: str = ""
    """The name of a Service whose port was given by name."""


def _read(words: Sequence[Word], call: Call) -> Destination:
    text = words[0].text
    kind, slash, rest = text.partition("/")
    if slash and kind in _KINDS:
        return _object(_KINDS[kind], rest, words[0], call)
    plain, protocol = (text, "") if "://" in text else _split_protocol(text)
    named = _NAMED_PORT.fullmatch(plain)
    if named is not None:
        return Destination(text, None, None, named[2], protocol, named[1])
    address = _bracketed(plain)
    try:
        return Destination(text, parse_target(f"{_SCHEMES[protocol]}://{address}" if protocol else address))
    except LabError as error:
        raise CommandError(f"error: {error}", words[0]) from None


def _split_protocol(text: str) -> tuple[str, str]:
    """What stands before `/TCP`, `/UDP` or `/SCTP` at the end, and that; no protocol when it ends otherwise."""
    before, _, last = text.rpartition("/")
    return (before, last.upper()) if before and last.upper() in _SCHEMES else (text, "")


def _bracketed(text: str) -> str:
    """A bare IPv6 address in the brackets that a URL wants."""
    return f"[{text}]" if text.count(":") > 1 and normalize(text) else text


def _object(kind: type[KubeObject], rest: str, word: Word, call: Call) -> Destination:
    path, _, port = rest.partition(":")
    port, slash, wanted = port.partition("/")
    protocol = wanted.upper()
    if slash and protocol not in _SCHEMES:
        expected = ", ".join(_SCHEMES)
        raise CommandError(
            f'error: "{wanted}" is no protocol: expected one of {expected}{nearest(wanted, _SCHEMES)}', word
        )
    namespace, slash, name = path.partition("/")
    if not slash:
        namespace, name = ("" if kind is Node else call.namespace), path
    found = call.store.find(kind, name, namespace)
    if found is None:
        known = [one.name for one in call.store.list(kind, None if kind is Node else namespace)]
        where = "" if kind is Node else f" in namespace {namespace}"
        raise CommandError(f'error: {kind.__name__.lower()} "{name}" not found{where}{nearest(name, known)}', word)
    return Destination(word.text, None, found, port, protocol)


def _suggest(words: Sequence[Word], call: Call) -> Iterable[str]:
    for service in call.store.list(Service, call.namespace):
        for port in service.spec.ports:
            yield f"service/{service.name}:{port.port}"


DESTINATION = ValueType(
    "TARGET",
    "a URL, NAME:PORT, IP:PORT, or service/NAME:PORT, pod/NAME:PORT, node/NAME:PORT; /UDP may follow the port",
    _read,
    _suggest,
)


def target_of(wanted: Destination, source: Source, call: Call) -> Target:
    """The request that a destination means for a source; raises `LabError` when it has no address or no such port."""
    if wanted.target is not None:
        return wanted.target
    obj, protocol = wanted.obj, wanted.protocol or "TCP"
    if obj is None:
        return _to_named_port(wanted, source, call)
    if isinstance(obj, Service):
        return _to_service(obj, wanted, source, call)
    if isinstance(obj, Node):
        outside = not source.node and obj.address("ExternalIP")
        return _target(protocol, outside or obj.address("InternalIP"), _number(wanted.port or "80", wanted.text))
    assert isinstance(obj, Pod)
    if not obj.status.pod_ip:
        raise LabError(f"pod/{obj.name} has no address now (it is {obj.status.phase})")
    every = (port for container in obj.spec.containers for port in container.ports)
    ports = [port for port in every if wanted.protocol in ("", port.protocol)]
    if not wanted.port:
        first = ports[0] if ports else None
        return _target(first.protocol if first else protocol, obj.status.pod_ip, first.container_port if first else 80)
    named = next((port for port in ports if wanted.port in (port.name, str(port.container_port))), None)
    if named is not None:
        return _target(named.protocol, obj.status.pod_ip, named.container_port)
    return _target(protocol, obj.status.pod_ip, _number(wanted.port, wanted.text))


def _to_named_port(wanted: Destination, source: Source, call: Call) -> Target:
    """A Service's name as the source would say it, with the number of the port that has that name."""
    name, _, rest = wanted.host.partition(".")
    namespace = rest.partition(".")[0] or source.namespace
    service = call.store.find(Service, name, namespace)
    if service is None:
        raise LabError(f'"{wanted.text}": the port must be a number; there is no service {name} in {namespace}')
    found = _service_port(service, wanted)
    return _target(found.protocol, wanted.host, found.port)


def _to_service(service: Service, wanted: Destination, source: Source, call: Call) -> Target:
    """From inside a Service is its cluster IP, or its name when it is headless; from outside, what is open there."""
    found = _service_port(service, wanted)
    if service.spec.type == "ExternalName" or service.headless:
        return _target(found.protocol, f"{service.name}.{service.namespace}", found.port)
    if not source.node:
        name = f"{service.namespace}/{service.name}"
        ports = (found.port, found.node_port)
        for open_port in call.engine.network.open_ports():
            if open_port.service == name and open_port.protocol == found.protocol and open_port.port in ports:
                return _target(found.protocol, open_port.address, open_port.port)
    return _target(found.protocol, service.spec.cluster_ip, found.port)


def _service_port(service: Service, wanted: Destination) -> ServicePort:
    text, protocol = wanted.port, wanted.protocol
    ports = [port for port in service.spec.ports if protocol in ("", port.protocol)]
    if not text and len(ports) == 1:
        return ports[0]
    found = next((port for port in ports if text and text in (port.name, str(port.port))), None)
    if found is not None:
        return found
    if text.isdecimal():
        # A port that it does not have: that is a question, too.
        return ServicePort(port=_number(text, f"service/{service.name}:{text}"), protocol=protocol or "TCP")
    known = ", ".join(f"{port.port}" + (f" ({port.name})" if port.name else "") for port in ports) or "none"
    of = f" for {protocol}" if protocol else ""
    said = f'service/{service.name} has no port "{text}"{of}' if text else f"service/{service.name} has several ports"
    raise LabError(f"{said}: expected one of {known}")


def _number(text: str, whole: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise LabError(f'"{whole}": the port must be a number from 1 to 65535')
    return int(text)


def _target(protocol: str, host: str, port: int) -> Target:
    return parse_target(f"{_SCHEMES.get(protocol, 'tcp')}://{join(host, port)}")
