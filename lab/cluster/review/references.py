"""What points to a Service or to one of its ports and misses: EndpointSlices, Endpoints, Ingresses, HTTPRoutes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lab.cluster.review.finding import Finding, warning
from lab.kube.documents import Document
from lab.kube.errors import nearest
from lab.kube.kinds.endpoints import Endpoints
from lab.kube.kinds.endpointslice import SERVICE_NAME_LABEL, EndpointSlice
from lab.kube.kinds.service import Service
from lab.kube.meta import KeptObject

Services = Mapping[tuple[str, str], Service]
"""By namespace and name."""

_LABEL_PATH = f'metadata.labels["{SERVICE_NAME_LABEL}"]'


def reference_warnings(documents: Sequence[Document]) -> Iterator[Finding]:
    """Everything that points nowhere, given the Services of the documents."""
    services: dict[tuple[str, str], Service] = {}
    for document in documents:
        service = document.readable
        if isinstance(service, Service):
            services[service.namespace or "default", service.name] = service
    for document in documents:
        obj = document.object
        if isinstance(obj, EndpointSlice):
            yield from _slice(document, obj, services)
        elif isinstance(obj, Endpoints):
            yield from _endpoints(document, obj, services)
        elif isinstance(obj, KeptObject):
            yield from _kept(document, obj, services)


def _slice(document: Document, obj: EndpointSlice, services: Services) -> Iterator[Finding]:
    namespace = obj.namespace or "default"
    if not obj.service:
        message = f"is missing: without the label {SERVICE_NAME_LABEL} the slice belongs to no Service"
        yield warning(document, _LABEL_PATH, message)
        return
    service = services.get((namespace, obj.service))
    if service is None:
        yield warning(document, _LABEL_PATH, _no_service(namespace, obj.service, services))
        return
    names = [port.name for port in service.spec.ports]
    for index, port in enumerate(obj.ports):
        if port.name not in names:
            close = nearest(port.name, [name for name in names if name])
            message = f'service/{service.name} has no port named "{port.name}": it is never used{close}'
            yield warning(document, f"ports[{index}].name", message)
    if service.spec.selector:
        yield warning(document, _LABEL_PATH, f"service/{service.name} has a selector and makes its own slices as well")


def _endpoints(document: Document, obj: Endpoints, services: Services) -> Iterator[Finding]:
    yield warning(document, "", "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice")
    if services.get((obj.namespace or "default", obj.name)) is None:
        yield warning(document, "metadata.name", _no_service(obj.namespace or "default", obj.name, services))


def _kept(document: Document, obj: KeptObject, services: Services) -> Iterator[Finding]:
    for path, backend in _backends(obj.kind, obj.body):
        name, port = backend
        namespace = obj.namespace or "default"
        service = services.get((namespace, name))
        if service is None:
            yield warning(document, path, _no_service(namespace, name, services))
        elif port not in (None, "") and not any(port in (each.name, each.port) for each in service.spec.ports):
            known = ", ".join(each.name or str(each.port) for each in service.spec.ports)
            yield warning(document, path, f'service/{name} has no port "{port}"; it has {known}')


def _backends(kind: str, body: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str, Any]]]:
    """Each Service that an Ingress or a route of the Gateway API names, with its port."""
    spec = _map(body.get("spec"))
    if kind == "Ingress":
        yield from _ingress_backend(_map(spec.get("defaultBackend")), "spec.defaultBackend")
        for i, rule in enumerate(_list(spec.get("rules"))):
            for j, entry in enumerate(_list(_map(_map(rule).get("http")).get("paths"))):
                path = f"spec.rules[{i}].http.paths[{j}].backend"
                yield from _ingress_backend(_map(_map(entry).get("backend")), path)
    elif kind.endswith("Route"):
        for i, rule in enumerate(_list(spec.get("rules"))):
            for j, entry in enumerate(_list(_map(rule).get("backendRefs"))):
                reference = _map(entry)
                if reference.get("kind", "Service") == "Service" and "namespace" not in reference:
                    path = f"spec.rules[{i}].backendRefs[{j}]"
                    yield path, (str(reference.get("name", "")), reference.get("port"))


def _ingress_backend(backend: Mapping[str, Any], path: str) -> Iterator[tuple[str, tuple[str, Any]]]:
    service = _map(backend.get("service"))
    if service:
        port = _map(service.get("port"))
        yield f"{path}.service", (str(service.get("name", "")), port.get("name") or port.get("number"))


def _no_service(namespace: str, name: str, services: Services) -> str:
    close = nearest(name, [each for space, each in services if space == namespace])
    return f'there is no Service "{name}" in namespace {namespace} in these files{close}'


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
