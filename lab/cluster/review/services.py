"""Services that are legal and almost surely wrong: selectors, target ports, policies and deprecated fields."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from lab.cluster.review.finding import Finding, warning
from lab.cluster.review.workloads import Workload
from lab.kube.documents import Document
from lab.kube.errors import nearest
from lab.kube.ip import read_address
from lab.kube.kinds.service import Service, ServicePort
from lab.kube.selector import matches


def service_warnings(documents: Sequence[Document], workloads: Sequence[Workload]) -> Iterator[Finding]:
    """What looks wrong in each Service, given what runs beside it."""
    seen: dict[tuple[object, ...], str] = {}
    for document in documents:
        service = document.object
        if not isinstance(service, Service):
            continue
        yield from _fields(document, service)
        if not service.spec.selector or service.spec.type == "ExternalName":
            continue
        selected = selected_by(service, workloads)
        if selected:
            yield from _target_ports(document, service, selected)
            yield from _local(document, service, selected)
        else:
            yield _nothing_selected(document, service, workloads)
        yield from _same_selector(document, service, seen)


def selected_by(service: Service, workloads: Iterable[Workload]) -> list[Workload]:
    """The workloads whose Pods a Service's selector matches."""
    namespace = service.namespace or "default"
    return [each for each in workloads if each.namespace == namespace and matches(service.spec.selector, each.labels)]


def _nothing_selected(document: Document, service: Service, workloads: Sequence[Workload]) -> Finding:
    wanted = ",".join(f"{key}={value}" for key, value in service.spec.selector.items())
    namespace = service.namespace or "default"
    message = f"matches no Pod or workload in these files ({wanted} in namespace {namespace})"
    elsewhere = [each for each in workloads if matches(service.spec.selector, each.labels)]
    if elsewhere:
        return warning(document, "spec.selector", f"{message}; {elsewhere[0]} is in namespace {elsewhere[0].namespace}")
    close = _closest(service, [each for each in workloads if each.namespace == namespace])
    return warning(document, "spec.selector", f"{message}{close}")


def _closest(service: Service, workloads: Sequence[Workload]) -> str:
    """What the labels of the likeliest workload say instead."""
    for key, value in service.spec.selector.items():
        values = [each.labels[key] for each in workloads if key in each.labels]
        if values and value not in values:
            return nearest(value, values)
        if not values and workloads:
            keys = [label for each in workloads for label in each.labels]
            return nearest(key, keys)
    return ""


def _target_ports(document: Document, service: Service, selected: Sequence[Workload]) -> Iterator[Finding]:
    for index, port in enumerate(service.spec.ports):
        path = f"spec.ports[{index}].targetPort"
        lacking = [each for each in selected if not _listens(each, port)]
        if lacking:
            whole = len(lacking) == len(selected)
            who = ", ".join(map(str, lacking if not whole else selected))
            yield warning(document, path, f"{_target(port)} is no port of {who}{_instead(port, lacking)}")


def _target(port: ServicePort) -> str:
    target = port.target_port or port.port
    return f'"{target}"' if isinstance(target, str) else f"{target}/{port.protocol or 'TCP'}"


def _listens(workload: Workload, port: ServicePort) -> bool:
    target, protocol = port.target_port or port.port, port.protocol or "TCP"
    if isinstance(target, str):
        return any((each.name, each.protocol) == (target, protocol) for each in workload.ports)
    if workload.silent:
        return True
    return any((each.number, each.protocol) == (target, protocol) for each in workload.ports)


def _instead(port: ServicePort, lacking: Sequence[Workload]) -> str:
    target, protocol = port.target_port or port.port, port.protocol or "TCP"
    declared = [each for workload in lacking for each in workload.ports]
    other = next((each for each in declared if target in (each.name, each.number) and each.protocol != protocol), None)
    if other is not None:
        return f", which has it for {other.protocol} and not {protocol}"
    if isinstance(target, str):
        close = nearest(target, [each.name for each in declared if each.name])
        return close or ": connections to this port will find no endpoint"
    numbers = ", ".join(dict.fromkeys(f"{each.number}/{each.protocol}" for each in declared))
    return f"; its containers declare {numbers}" if numbers else ""


def _local(document: Document, service: Service, selected: Sequence[Workload]) -> Iterator[Finding]:
    replicas = [each.replicas for each in selected]
    spread = None in replicas
    count = sum(each for each in replicas if each is not None)
    if service.spec.external_traffic_policy == "Local" and not spread:
        if service.spec.type == "LoadBalancer":
            hint = f"only nodes that run one of its {count} Pods pass the load balancer's health check"
            if count < 2:
                yield warning(document, "spec.externalTrafficPolicy", f"Local: {hint}; when it moves, there is a gap")
        elif service.spec.type == "NodePort":
            hint = f"a node without one of its {count} Pods drops what arrives at its node port"
            yield warning(document, "spec.externalTrafficPolicy", f"Local: {hint}")
    if service.spec.internal_traffic_policy == "Local" and not spread:
        hint = f"clients on a node without one of its {count} Pods get no answer; usually it is for a DaemonSet"
        yield warning(document, "spec.internalTrafficPolicy", f"Local: {hint}")


def _same_selector(document: Document, service: Service, seen: dict[tuple[object, ...], str]) -> Iterator[Finding]:
    spec = service.spec
    key = (service.namespace or "default", spec.cluster_ip == "None", spec.type, *sorted(spec.selector.items()))
    other = seen.get(key)
    if other is not None:
        yield warning(document, "spec.selector", f"is the same as that of service/{other}")
    else:
        seen[key] = service.name


def _fields(document: Document, service: Service) -> Iterator[Finding]:
    spec = service.spec
    if spec.external_ips:
        yield warning(document, "spec.externalIPs", "is deprecated since Kubernetes 1.36 (KEP-5707)")
    if spec.load_balancer_ip:
        yield warning(document, "spec.loadBalancerIP", "is deprecated: what it does differs between providers")
    if spec.type == "ExternalName":
        if read_address(spec.external_name).value is not None:
            yield warning(document, "spec.externalName", "is an address; the CNAME that DNS answers needs a name")
        if spec.selector:
            yield warning(document, "spec.selector", "has no effect on a Service of type ExternalName")
    elif spec.external_name:
        yield warning(document, "spec.externalName", f"has no effect on a Service of type {spec.type or 'ClusterIP'}")
    if spec.cluster_ip == "None":
        yield from _headless(document, service)


def _headless(document: Document, service: Service) -> Iterator[Finding]:
    for index, port in enumerate(service.spec.ports):
        if isinstance(port.target_port, int) and port.target_port not in (0, port.port):
            message = f"a headless Service maps no ports: clients must use {port.target_port} themselves"
            yield warning(document, f"spec.ports[{index}].port", message)
    if service.spec.session_affinity == "ClientIP":
        yield warning(document, "spec.sessionAffinity", "has no effect on a headless Service")
